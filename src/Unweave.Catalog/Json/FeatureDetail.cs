using Unweave.Interpretation;

namespace Unweave.Catalog.Json;

/// <summary>All that is known of a feature.</summary>
/// <param name="Summary">Its line of the table: the label to show, the star.</param>
/// <param name="Feature">What was computed over the corpus.</param>
/// <param name="Labels">Computed labels with their scores, best first, those no better than chance included.</param>
/// <param name="Annotation">What a person wrote.</param>
/// <param name="Related">The lines of its nearest latents and partners, so that their labels need no further request.</param>
public sealed record FeatureDetail(
    FeatureRow Summary,
    Feature Feature,
    IReadOnlyList<FeatureLabel> Labels,
    Annotation Annotation,
    IReadOnlyList<FeatureRow> Related)
{
    /// <summary>Reads all that is known of a latent.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such latent.</exception>
    public static FeatureDetail Of(CatalogSnapshot catalog, int latent)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        Feature feature = catalog.Read(latent);
        return new FeatureDetail(
            catalog.Rows([latent])[0],
            feature,
            catalog.Labels(latent),
            catalog.Annotation(latent),
            catalog.Rows([.. feature.Nearest.Concat(feature.Partners).Select(other => other.Latent).Distinct()]));
    }
}
