using Unweave.Catalog;
using Unweave.Interpretation;
using Unweave.Web.Components;

namespace Unweave.Web.Steering;

/// <summary>Which latents of a text come first.</summary>
/// <param name="rows">What is known of the latents.</param>
/// <param name="raw">Whether by activation alone, instead of by how unusual it is.</param>
/// <param name="dense">Whether latents that fire nearly everywhere are listed too: they are in every text and say nothing of this.</param>
internal sealed class FiringRank(LatentRows rows, bool raw, bool dense)
{
    /// <summary>
    /// How unusual a firing is: the share of the latent's strongest activation times the bits that its firing at all is worth,
    /// −log₂ of how often it fires; the activation itself in raw order, and where nothing is known of the latent.
    /// </summary>
    public double Weight(Firing firing) => raw ? firing.Activation : Unusual(rows[firing.Latent], firing.Activation);

    /// <summary>The first ones, first to last; dense ones only where they are asked for, or where there are no others.</summary>
    public IReadOnlyList<Firing> First(IReadOnlyList<Firing> firings, int count)
    {
        rows.Load(firings.Select(firing => firing.Latent));
        IReadOnlyList<Firing> telling = dense ? firings : [.. firings.Where(firing => !IsDense(firing.Latent))];
        return [.. (telling.Count > 0 ? telling : firings).OrderByDescending(Weight).ThenBy(firing => firing.Latent).Take(count)];
    }

    /// <summary>Whether a latent fires nearly everywhere.</summary>
    public bool IsDense(int latent) => rows[latent]?.Kind == FeatureKind.Dense;

    private static double Unusual(FeatureRow? row, float activation)
    {
        if (row is not { Max: > 0, Frequency: > 0 }) return activation;
        return Math.Min(1, activation / row.Max) * -Math.Log2(Math.Min(1, row.Frequency));
    }
}
