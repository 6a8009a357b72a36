using Unweave.Learn.Numerics;
using Unweave.Numerics;

namespace Unweave.Learn.Divergences;

/// <summary>Which way round two distributions are compared.</summary>
public enum Way
{
    /// <summary>KL(p‖q): what happens is p, what is believed is q.</summary>
    PToQ,

    /// <summary>KL(q‖p).</summary>
    QToP,
}

/// <summary>The three divergences of two distributions, in nats.</summary>
/// <param name="PToQ">KL(p‖q).</param>
/// <param name="QToP">KL(q‖p).</param>
/// <param name="Js">Their Jensen-Shannon divergence.</param>
public readonly record struct Divergences3(double PToQ, double QToP, double Js);

/// <summary>Two Gaussians p and q, and what the chapter shows of them; every number is the library's.</summary>
public sealed class GaussianPair
{
    /// <summary>
    /// Ends of the stretch that is cut into bins of one width; all that lies before it is a bin, and so is all that lies behind.
    /// </summary>
    public const double First = 0, Last = 100;

    /// <summary>Makes the two.</summary>
    /// <param name="meanP">Mean of p.</param>
    /// <param name="varianceP">Variance σ² of p.</param>
    /// <param name="meanQ">Mean of q.</param>
    /// <param name="varianceQ">Variance of q.</param>
    public GaussianPair(double meanP, double varianceP, double meanQ, double varianceQ)
    {
        (P, Q) = (new Gaussian(meanP, Math.Sqrt(varianceP)), new Gaussian(meanQ, Math.Sqrt(varianceQ)));
        Exact = new(Divergence.Kl(P, Q), Divergence.Kl(Q, P), GaussianDensity.Js(P, Q));
    }

    /// <summary>The first.</summary>
    public Gaussian P { get; }

    /// <summary>The second.</summary>
    public Gaussian Q { get; }

    /// <summary>KL in closed form, JS by integration.</summary>
    public Divergences3 Exact { get; }

    /// <summary>Distance of the means.</summary>
    public double Distance => Math.Abs(P.Mean - Q.Mean);

    /// <summary>The area that lies under both densities: 1 when they are the same, 0 when they share nothing.</summary>
    public double Overlap
    {
        get
        {
            // Between the places where the densities cross, the lower one's mass.
            (double a, double b) = Crossings();
            double sum = 0;
            foreach ((double from, double to) in new[] { (double.NegativeInfinity, a), (a, b), (b, double.PositiveInfinity) })
            {
                if (from < to) sum += Math.Min(P.Mass(from, to), Q.Mass(from, to));
            }

            return Math.Min(1, sum);
        }
    }

    /// <summary>KL one way.</summary>
    /// <param name="way">Which.</param>
    public double Kl(Way way) => way == Way.PToQ ? Exact.PToQ : Exact.QToP;

    /// <summary>The integrand of KL one way, at x.</summary>
    /// <param name="way">Which.</param>
    /// <param name="x">Where.</param>
    public double Term(Way way, double x) => way == Way.PToQ ? GaussianDensity.KlTerm(P, Q, x) : GaussianDensity.KlTerm(Q, P, x);

    /// <summary>What the integrand of KL has above 0 and, as a positive number, below it: their difference is KL.</summary>
    /// <param name="way">Which.</param>
    public (double Above, double Below) Areas(Way way)
    {
        Gaussian over = way == Way.PToQ ? P : Q;
        const int Steps = 4000;
        double from = over.Mean - (10 * over.StandardDeviation), step = 20 * over.StandardDeviation / Steps, below = 0;
        for (int i = 0; i < Steps; i++) below += Math.Min(0, Term(way, from + ((i + 0.5) * step)));
        below *= -step;
        return (Kl(way) + below, below);
    }

    /// <summary>
    /// Probabilities of the bins: everything below <see cref="First"/>, bins of a width up to <see cref="Last"/>, everything above.
    /// </summary>
    /// <param name="of">p or q.</param>
    /// <param name="width">Width of a bin; the stretch is a whole number of them.</param>
    public static double[] Bins(Gaussian of, double width)
    {
        int count = (int)Math.Round((Last - First) / width);
        return [of.Mass(double.NegativeInfinity, First), .. Enumerable.Range(0, count)
            .Select(i => of.Mass(First + (i * width), First + ((i + 1) * width))), of.Mass(Last, double.PositiveInfinity)];
    }

    /// <summary>The divergences as sums over the bins of a width.</summary>
    /// <param name="width">Width of a bin.</param>
    public Divergences3 Binned(double width)
    {
        double[] p = Bins(P, width), q = Bins(Q, width);
        return new(Divergence.Kl(p, q), Divergence.Kl(q, p), Divergence.Js(p, q));
    }

    /// <summary>Where curves are drawn: ascending, dense around both means.</summary>
    /// <param name="from">Left end of the picture.</param>
    /// <param name="to">Right end.</param>
    public double[] Places(double from, double to)
    {
        const int Even = 50, Near = 64;
        var places = new SortedSet<double>();
        for (int i = 0; i <= Even; i++) places.Add(from + ((to - from) * i / Even));
        foreach (Gaussian g in new[] { P, Q })
        {
            for (int i = 0; i <= Near; i++) places.Add(g.Mean + (g.StandardDeviation * 8 * (i - (Near / 2)) / Near));
        }

        return [.. places.Where(x => x >= from && x <= to)];
    }

    /// <summary>The same two, with their means at a distance: q moves.</summary>
    /// <param name="distance">Distance of the means.</param>
    public GaussianPair At(double distance) =>
        new(P.Mean, P.StandardDeviation * P.StandardDeviation, P.Mean + distance, Q.StandardDeviation * Q.StandardDeviation);

    /// <summary>Which direction is the larger, and why: true of the present values.</summary>
    public string Asymmetry
    {
        get
        {
            double wider = P.StandardDeviation / Q.StandardDeviation;
            if (Math.Abs(wider - 1) < 1e-9)
            {
                return Distance == 0
                    ? "p and q are the same, so all three are 0."
                    : "With equal variances both directions are the same: only the distance between the means matters, in units of σ. "
                        + "Change one of the variances, and they part.";
            }

            (string wide, string narrow) = wider > 1 ? ("p", "q") : ("q", "p");
            double times = wider > 1 ? Exact.PToQ / Exact.QToP : Exact.QToP / Exact.PToQ;
            return $"KL({wide}‖{narrow}) is {Written.Times(times)} KL({narrow}‖{wide}): KL is not symmetric. "
                + $"{wide} is wider, so it often produces values that {narrow} considers nearly impossible, and each of them costs a lot. "
                + $"In the other direction, {narrow} only produces values where {wide} has some probability too.";
        }
    }

    /// <summary>How the sum over bins compares with the exact value, for KL(p‖q): true of the present values.</summary>
    /// <param name="binned">The sums.</param>
    public string BinWords(Divergences3 binned)
    {
        if (double.IsInfinity(binned.PToQ) || double.IsInfinity(binned.QToP))
        {
            return $"Far out, {(double.IsInfinity(binned.PToQ) ? "q" : "p")} gives a bin a probability below 5·10⁻³²⁴, the smallest number "
                + "stored here, so it is rounded to 0 and the sum becomes ∞. The closed form never divides by it and is right.";
        }

        if (Exact.PToQ == 0 && Exact.QToP == 0) return "Both are 0: p and q are the same in every bin.";
        double lost = 1 - (binned.PToQ / Exact.PToQ);
        return lost < 0.0005 ? "The bins are fine enough: the sum is within 0.05% of KL(p‖q)."
            : $"The bins lose {Figures(lost)} of KL(p‖q): differences inside a bin are no longer visible. "
                + "A sum over bins is never larger than the exact value.";
    }

    private static string Figures(double share) => Components.Figures.Percent(share);

    /// <summary>Where the densities cross, ascending; twice the same place, or an infinite one, where they cross once.</summary>
    private (double A, double B) Crossings()
    {
        // ln p − ln q = a·x² + b·x + c, with x measured from p's mean.
        double vp = P.StandardDeviation * P.StandardDeviation, vq = Q.StandardDeviation * Q.StandardDeviation, d = Q.Mean - P.Mean;
        if (Math.Abs(vp - vq) < 1e-12) return (P.Mean + (d / 2), P.Mean + (d / 2));
        double a = (1 / (2 * vq)) - (1 / (2 * vp)), b = -d / vq, c = (d * d / (2 * vq)) + (Math.Log(vq / vp) / 2);
        double root = Math.Sqrt((b * b) - (4 * a * c)), x1 = (-b - root) / (2 * a), x2 = (-b + root) / (2 * a);
        return (P.Mean + Math.Min(x1, x2), P.Mean + Math.Max(x1, x2));
    }
}
