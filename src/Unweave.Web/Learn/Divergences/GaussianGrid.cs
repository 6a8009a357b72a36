using Unweave.Numerics;

namespace Unweave.Web.Learn.Divergences;

/// <summary>Two normal distributions, and the same two as probabilities of narrow bins, so that sums can stand beside formulas.</summary>
internal sealed class GaussianGrid
{
    /// <summary>Bins.</summary>
    public const int Bins = 400;

    // Beyond this many standard deviations there is less than 1e-10 of the mass, and within it no probability is too small for a double.
    private const double Reach = 6.5;

    private readonly double[] p, q;

    /// <summary>Cuts the range of both into bins.</summary>
    public GaussianGrid(Gaussian first, Gaussian second)
    {
        (P, Q) = (first, second);
        From = Math.Min(Low(first), Low(second));
        Width = (Math.Max(High(first), High(second)) - From) / Bins;
        p = Probabilities(first);
        q = Probabilities(second);
        Overlap = Math.Min(1, p.Zip(q, Math.Min).Sum());
    }

    /// <summary>The first distribution.</summary>
    public Gaussian P { get; }

    /// <summary>The second distribution.</summary>
    public Gaussian Q { get; }

    /// <summary>Where the first bin begins.</summary>
    public double From { get; }

    /// <summary>Width of a bin.</summary>
    public double Width { get; }

    /// <summary>What both have in common: Σ min(p_i, q_i), from 0 to 1.</summary>
    public double Overlap { get; }

    /// <summary>KL(p‖q) from the closed form, or KL(q‖p).</summary>
    public double Kl(bool reversed, LogBase unit) => reversed ? Divergence.Kl(Q, P, unit) : Divergence.Kl(P, Q, unit);

    /// <summary>KL(p‖q) as a sum over the bins, or KL(q‖p).</summary>
    public double SummedKl(bool reversed, LogBase unit) => reversed ? Divergence.Kl(q, p, unit) : Divergence.Kl(p, q, unit);

    /// <summary>JS(p, q) by integration.</summary>
    public double Js(LogBase unit) => Divergence.Js(P, Q, unit);

    /// <summary>JS(p, q) as a sum over the bins.</summary>
    public double SummedJs(LogBase unit) => Divergence.Js(p, q, unit);

    private static double Low(Gaussian of) => of.Mean - (Reach * of.StandardDeviation);

    private static double High(Gaussian of) => of.Mean + (Reach * of.StandardDeviation);

    // The density in the middle of a bin times its width; the sum differs from 1 by less than what is shown.
    private double[] Probabilities(Gaussian of)
    {
        double[] found = [.. Enumerable.Range(0, Bins).Select(bin => of.Density(From + ((bin + 0.5) * Width)) * Width)];
        double sum = found.Sum();
        return [.. found.Select(probability => probability / sum)];
    }
}
