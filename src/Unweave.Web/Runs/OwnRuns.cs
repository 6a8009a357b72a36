using Unweave.Catalog;
using Unweave.Interpretation;
using Unweave.Learn;
using Unweave.Learn.LanguageModels;

namespace Unweave.Web.Runs;

/// <summary>The runs of this server, as the explainer shows them.</summary>
/// <param name="runs">The runs.</param>
internal sealed class OwnRuns(ServedRuns runs) : IOwnRuns
{
    private const int Examined = 6;

    // A latent that fires on every tenth token makes a poor first example.
    private const double Commonest = 0.02;

    // A label below it is wrong too often to be shown as what a latent means.
    private const double LeastScore = 0.75;

    /// <inheritdoc/>
    public string? Address => runs.Folder is null ? null : "/";

    /// <inheritdoc/>
    public OwnRun? Best(int latents)
    {
        foreach (string name in runs.Names())
        {
            if (!runs.TryGet(name, out ServedRun? run) || Readable(run) is not { Source.Model: not null } catalog) continue;
            if (Best(catalog, name, latents) is not { Count: > 0 } best) continue;
            return new OwnRun(name, best, Links.Features(name), Links.Try(name), Links.Steer(name));
        }

        return null;
    }

    private static List<ShownLatent> Best(FeatureCatalog catalog, string run, int count)
    {
        var labeled = new FeatureQuery
        {
            Labelled = true,
            MaxFrequency = Commonest,
            MinScore = LeastScore,
            Order = FeatureOrder.Interest,
            Take = count,
        };
        IEnumerable<FeatureRow> rows = catalog.Find(labeled).Rows.Where(row => row is { Label: not null, Score: not null });
        return [.. rows.Select(row => Show(row, catalog.ReadWithWindows(row.Latent), run)).Where(shown => shown.Examples.Count > 0)];
    }

    // Logits are left out: of most latents they are noise to a reader, and no number says of which.
    private static ShownLatent Show(FeatureRow row, Feature feature, string run) =>
        new(row.Latent, row.Label!, row.Score!.Value, row.Frequency, feature.Max, [], Strong(feature))
        {
            Address = Links.Feature(run, row.Latent),
        };

    // From the upper half of its range, where a label has to hold. Those of the bands, which are drawn at random, come before the very
    // strongest, which are alike.
    private static List<FeatureExample> Strong(Feature feature) =>
    [
        .. feature.Quantiles.SelectMany(band => band.Examples).Concat(feature.Top)
            .Where(example => example.Activation >= feature.Max / 2)
            .DistinctBy(example => (example.Document, example.Row))
            .Take(Examined)
            .OrderByDescending(example => example.Activation),
    ];

    // The dashboard says why a catalog cannot be read; the explainer has the demo's latents instead.
    private static FeatureCatalog? Readable(ServedRun run)
    {
        try
        {
            return run.Catalog;
        }
        catch (InputException)
        {
            return null;
        }
    }
}
