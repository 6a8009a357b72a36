using System.Text.Json.Nodes;
using Spectre.Console;
using Unweave.Catalog;
using Unweave.Interpretation;
using Unweave.Runs;

namespace Unweave.Cli.Rendering;

/// <summary>A latent that a demo shows, with all that the catalog knows of it.</summary>
/// <param name="Row">Its line of the catalog.</param>
/// <param name="Feature">Its statistics.</param>
internal sealed record FeatureCard(FeatureRow Row, Feature Feature)
{
    private const int Candidates = 480;

    /// <summary>Those whose labels hold best, each of another subject.</summary>
    /// <param name="run">The run whose catalog is read.</param>
    /// <param name="count">How many, at most.</param>
    /// <param name="wanted">Which features are worth showing.</param>
    public static List<FeatureCard> Best(RunFolder run, int count, Func<Feature, bool> wanted)
    {
        using var catalog = FeatureCatalog.Open(run);
        var subjects = new HashSet<string>(StringComparer.Ordinal);
        var query = new FeatureQuery { Order = FeatureOrder.Score, Descending = true, Labelled = true, Take = Candidates };
        return [.. catalog.Find(query).Rows
            .Select(row => new FeatureCard(row, catalog.Read(row.Latent)))
            .Where(card => wanted(card.Feature) && subjects.Add(card.Feature.Patterns[0].Text))
            .Take(count)];
    }

    /// <summary>Writes the label and how well it holds.</summary>
    /// <param name="unit">What the latent fires on: tokens or texts.</param>
    public void WriteHeading(string unit)
    {
        string facts = $"latent {Row.Latent}, fires on {Figures.Percent(Row.Frequency)} of the {unit}, detection {Row.Score:0.00}";
        Screen.Results.MarkupLineInterpolated($"\n[bold]{Row.Label}[/]  [grey]{facts}[/]");
    }

    /// <summary>The card as JSON.</summary>
    /// <param name="examples">How many examples.</param>
    /// <param name="example">An example as JSON.</param>
    public JsonObject ToJson(int examples, Func<FeatureExample, JsonObject> example) => new()
    {
        ["latent"] = Row.Latent,
        ["label"] = Row.Label,
        ["detection"] = Row.Score,
        ["frequency"] = Row.Frequency,
        ["examples"] = new JsonArray([.. Feature.Top.Take(examples).Select(example)]),
    };
}
