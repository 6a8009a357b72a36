using Unweave.Catalog;
using Unweave.Interpretation;

namespace Unweave.Web.Runs;

/// <summary>What a map colors latents by: nine bytes each.</summary>
internal sealed class MapFacts
{
    /// <summary>Rows read at a time: their labels and tokens are wanted by nobody here, and are not held for all latents at once.</summary>
    private const int Chunk = 4096;

    private MapFacts(int latents)
    {
        (Kinds, Scores, Frequencies) = (new FeatureKind[latents], new float[latents], new float[latents]);
        Array.Fill(Scores, float.NaN);
    }

    /// <summary>The kind of each latent.</summary>
    public FeatureKind[] Kinds { get; }

    /// <summary>The score of each latent's label; NaN without a label that has one.</summary>
    public float[] Scores { get; }

    /// <summary>How often each latent fires.</summary>
    public float[] Frequencies { get; }

    /// <summary>Reads a catalog.</summary>
    /// <exception cref="InputException">The catalog cannot be read.</exception>
    public static MapFacts Read(FeatureCatalog catalog)
    {
        int latents = catalog.Source.Latents;
        var facts = new MapFacts(latents);
        for (int from = 0; from < latents; from += Chunk)
        {
            foreach (FeatureRow row in catalog.Rows([.. Enumerable.Range(from, Math.Min(Chunk, latents - from))]))
            {
                facts.Kinds[row.Latent] = row.Kind;
                facts.Frequencies[row.Latent] = (float)row.Frequency;
                if (row is { Label: not null, Score: { } score }) facts.Scores[row.Latent] = (float)score;
            }
        }

        return facts;
    }
}
