using Unweave.Catalog;
using Unweave.Interpretation;
using Unweave.Learn;
using Unweave.Learn.LanguageModels;

namespace Unweave.Web.Runs;

/// <summary>The runs of this server, as the explainer shows them.</summary>
/// <param name="runs">The runs.</param>
internal sealed class OwnRuns(ServedRuns runs) : IOwnRuns
{
    private const int Examined = 6, Listed = 6;

    // A latent that fires on every tenth token makes a poor first example.
    private const double Commonest = 0.02;

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
            Order = FeatureOrder.Score,
            Descending = true,
            Take = count,
        };
        IEnumerable<FeatureRow> rows = catalog.Find(labeled).Rows.Where(row => row is { Label: not null, Score: not null });
        return [.. rows.Select(row => Show(row, catalog.Read(row.Latent), run))];
    }

    private static ShownLatent Show(FeatureRow row, Feature feature, string run)
    {
        TokenLogit[] raised = [.. feature.Raised.Take(Listed)], lowered = [.. feature.Lowered.Take(Listed)];
        return new ShownLatent(row.Latent, row.Label!, row.Score!.Value, row.Frequency, feature.Max, raised, lowered, Strong(feature))
        {
            Address = Links.Feature(run, row.Latent),
        };
    }

    // Drawn at random from the upper half of the bands: the very strongest examples are alike.
    private static List<FeatureExample> Strong(Feature feature) =>
    [
        .. feature.Quantiles.Skip(feature.Quantiles.Count / 2)
            .SelectMany(band => band.Examples)
            .DistinctBy(example => (example.Document, example.Row))
            .OrderByDescending(example => example.Activation)
            .Take(Examined),
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
