using Unweave.Interpretation;

namespace Unweave.Web.Runs;

/// <summary>How often two latents fire on the same rows, as far as the catalog tells.</summary>
/// <param name="Bits">Their pointwise mutual information.</param>
/// <param name="Both">Share of all rows on which both fire.</param>
/// <param name="OnlyFirst">Share on which only the first does.</param>
/// <param name="OnlySecond">Share on which only the second does.</param>
internal readonly record struct FiringOverlap(double Bits, double Both, double OnlyFirst, double OnlySecond)
{
    /// <summary>Share of all rows on which either fires.</summary>
    public double Any => Both + OnlyFirst + OnlySecond;

    /// <summary>
    /// That of two features; null where neither is listed among the partners of the other, and where either never fires. What a sample
    /// counted as both is never more than either alone.
    /// </summary>
    public static FiringOverlap? Of(Feature first, Feature second)
    {
        RelatedLatent? listed = first.Partners.FirstOrDefault(partner => partner.Latent == second.Latent)
            ?? second.Partners.FirstOrDefault(partner => partner.Latent == first.Latent);
        if (listed is null || first.Frequency <= 0 || second.Frequency <= 0) return null;
        double both = Math.Pow(2, listed.Value) * first.Frequency * second.Frequency;
        both = Math.Min(both, Math.Min(first.Frequency, second.Frequency));
        return new FiringOverlap(listed.Value, both, first.Frequency - both, second.Frequency - both);
    }
}
