using System.Text.Json.Nodes;
using Spectre.Console;
using Unweave.Evaluation;

namespace Unweave.Cli.Rendering;

/// <summary>Scores against known features, a row each; what is published beside them.</summary>
internal static class TruthTable
{
    private static readonly (
        string Title, string Key, Func<TruthScores, double> Own, Func<PublishedTruthScores, double?> Published)[] Lines =
    [
        ("F1", "f1", scores => scores.F1, published => published.F1),
        ("precision", "precision", scores => scores.Precision, _ => null),
        ("recall", "recall", scores => scores.Recall, _ => null),
        ("MCC", "mcc", scores => scores.Mcc, published => published.Mcc),
        ("MMCS", "mmcs", scores => scores.Mmcs, _ => null),
        ("uniqueness", "uniqueness", scores => scores.Uniqueness, published => published.Uniqueness),
        ("explained variance", "explainedVariance", scores => scores.ExplainedVariance, published => published.ExplainedVariance),
        ("shrinkage", "shrinkage", scores => scores.Shrinkage, _ => null),
        ("L0", "l0", scores => scores.L0, published => published.L0),
        ("true L0", "trueL0", scores => scores.TrueL0, _ => null),
        ("dead latents", "dead", scores => scores.Dead, _ => null),
    ];

    /// <summary>Writes the table.</summary>
    /// <param name="scores">Scores of an autoencoder, in each form in which it encodes.</param>
    /// <param name="published">What is published of its kind.</param>
    public static void Write(IReadOnlyList<TruthScores> scores, IReadOnlyList<PublishedTruthScores> published)
    {
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumn("");
        foreach (TruthScores one in scores) table.AddColumn(Heading.Words(Form(one)).RightAligned());
        foreach (PublishedTruthScores one in published) table.AddColumn(Heading.Words($"published, L0 {one.L0}").RightAligned());
        foreach ((string title, _, Func<TruthScores, double> own, Func<PublishedTruthScores, double?> theirs) in Lines)
        {
            table.AddRow([title, .. scores.Select(one => Figure(own(one))),
                .. published.Select(one => theirs(one) is { } value ? Figures.Short(value) : "")]);
        }

        Screen.Results.Write(table);
    }

    /// <summary>The scores as JSON.</summary>
    public static JsonObject ToJson(TruthScores scores)
    {
        var json = new JsonObject
        {
            ["truth"] = scores.Truth,
            ["rows"] = scores.Rows,
            ["byBatch"] = scores.ByBatch,
            ["latents"] = scores.Latents,
        };
        foreach ((_, string key, Func<TruthScores, double> own, _) in Lines) json[key] = own(scores);
        return json;
    }

    private static string Figure(double value) => value == Math.Floor(value) ? Figures.Count((long)value) : Figures.Short(value);

    private static string Form(TruthScores scores) => scores.ByBatch ? $"by batches of {TruthScores.BatchRows}" : "row by row";
}
