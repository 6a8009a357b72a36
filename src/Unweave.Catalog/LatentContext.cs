using Unweave.Interpretation;

namespace Unweave.Catalog;

/// <summary>Where a latent stands among the others: what a map is laid out and colored by.</summary>
/// <param name="Latent">Number of the latent.</param>
/// <param name="Partners">The latents that it fires together with.</param>
/// <param name="Nearest">The latents with the nearest decoder rows.</param>
/// <param name="Source">
/// The part of the corpus that most of its examples are from: what stands before the first slash of their documents' names; null where no
/// part has most of them, or documents' names have no parts.
/// </param>
public sealed record LatentContext(
    int Latent, IReadOnlyList<RelatedLatent> Partners, IReadOnlyList<RelatedLatent> Nearest, string? Source)
{
    private const double Most = 0.5;

    internal static LatentContext From(int latent, Feature feature)
    {
        List<string> parts = [];
        foreach (FeatureExample example in feature.Top.Concat(feature.Quantiles.SelectMany(group => group.Examples)))
        {
            int slash = example.Document.IndexOf('/', StringComparison.Ordinal);
            parts.Add(slash > 0 ? example.Document[..slash] : "");
        }

        IGrouping<string, string>? first = parts.GroupBy(part => part, StringComparer.Ordinal).MaxBy(group => group.Count());
        bool most = first is { Key.Length: > 0 } && first.Count() >= Most * parts.Count;
        return new LatentContext(latent, feature.Partners, feature.Nearest, most ? first!.Key : null);
    }
}
