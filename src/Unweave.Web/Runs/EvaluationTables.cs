using System.Text.Json.Nodes;
using Unweave.Runs;

namespace Unweave.Web.Runs;

/// <summary>A row of the table of metrics: its name, its explanation, and a value for each column; NaN where there is none.</summary>
internal sealed record MetricRow(string Name, string Meaning, IReadOnlyList<double> Values);

/// <summary>A row of the table of losses: what was put at the hook, the model's loss with it, and the share of loss recovered.</summary>
internal sealed record LossRow(string Name, double Loss, double Recovered);

/// <summary>
/// What was measured of a run: <c>eval.json</c> in its folder, as <c>unweave eval</c> and <c>unweave demo</c> write it.
/// </summary>
internal sealed record EvaluationTables(
    IReadOnlyList<string> Columns,
    IReadOnlyList<MetricRow> Metrics,
    IReadOnlyList<LossRow> Losses,
    double Predictions,
    double Divergence,
    double Agreement)
{
    /// <summary>What the metrics were measured on, in words; null where it was not kept.</summary>
    public string? Rows { get; private init; }

    /// <summary>The autoencoder's share of variance not explained, active latents of a row, share of latents that never fired.</summary>
    public (double Fvu, double L0, double Dead) Trained { get; private init; }

    /// <summary>Share of the model's loss that it recovers over zeros; NaN where it was not spliced in.</summary>
    public double Recovered { get; private init; }

    private const string Autoencoder = "autoencoder";

    private static readonly (string Key, string Name)[] Reports =
    [
        ("autoencoder", Autoencoder), ("pca", "PCA"), ("pcaByRow", "PCA by row"), ("ica", "ICA"), ("semiNonnegative", "semi-NMF"),
        ("kSvd", "k-SVD"), ("randomDictionary", "random dictionary"), ("identity", "identity"),
    ];

    private static readonly (string Key, string Name, string Meaning)[] Shown =
    [
        ("fvu", "FVU", "share of the variance that is not explained"),
        ("ordinaryFvu", "FVU without outliers", "that of the rows not over 10 times as long as half of the rows are"),
        ("outlierRows", "outlier rows", "rows over 10 times as long as half of the rows are"),
        ("explainedVariance", "explained variance", "1 − FVU"),
        ("mse", "mean squared error", "squared distance, mean over rows"),
        ("cosine", "cosine", "between a row and its reconstruction"),
        ("l2Ratio", "L2 ratio", "length of the reconstruction to that of the row"),
        ("relativeReconstructionBias", "relative bias", "1 is none, less is shrinkage"),
        ("l0", "L0", "active latents of a row"),
        ("l1", "L1", "sum of a row's activations"),
        ("deadFraction", "dead", "share of latents that never fired"),
    ];

    private static readonly (string Key, string Name)[] Replacements =
        [("clean", "as they are"), ("spliced", "the autoencoder's"), ("mean", "their mean"), ("zero", "zeros")];

    /// <summary>Reads what was measured; null where there is nothing, or nothing that can be shown.</summary>
    /// <exception cref="InputException">It is not JSON, or was measured of another autoencoder.</exception>
    public static EvaluationTables? Read(RunFolder run)
    {
        if (run.ReadEvaluation() is not { } root) return null;
        JsonObject? splice = root["splice"] as JsonObject ?? (root.ContainsKey("spliced") ? root : null);
        (string Name, JsonObject Report)[] columns =
            [.. Reports.Where(report => root[report.Key] is JsonObject).Select(report => (report.Name, root[report.Key]!.AsObject()))];
        if (columns.Length == 0 && splice?["reconstruction"] is JsonObject alone) columns = [(Autoencoder, alone)];
        double[] Values(string key) => [.. columns.Select(column => Number(column.Report, key))];
        double Own(string key) => columns is [(Autoencoder, _), ..] ? Values(key)[0] : double.NaN;
        MetricRow[] metrics =
        [
            .. Shown.Select(figure => new MetricRow(figure.Name, figure.Meaning, Values(figure.Key)))
                .Where(row => row.Values.Any(value => !double.IsNaN(value))),
        ];
        LossRow[] losses = splice is null ? [] : [.. LossesOf(splice)];
        if (metrics.Length == 0 && losses.Length == 0) return null;
        return new EvaluationTables(
            [.. columns.Select(column => column.Name)],
            metrics,
            losses,
            Number(splice, "predictions"),
            Number(splice, "divergence"),
            Number(splice, "agreement"))
        {
            Rows = RowsOf(root),
            Recovered = Recovery(splice, Number(splice, "spliced")),
            Trained = (Own("fvu"), Own("l0"), Own("deadFraction")),
        };
    }

    private static string? RowsOf(JsonObject root)
    {
        double rows = Number(root, "rows");
        if (double.IsNaN(rows)) return null;
        bool held = root["heldOut"] is JsonValue said && said.TryGetValue(out bool value) && value;
        string? data = root["data"] is JsonValue named && named.TryGetValue(out string? name) ? name : null;
        string count = $"{Figures.Count((long)rows)} {(held ? "held-out rows" : "rows")}";
        return $"{count}{(data is null ? "" : $" of {RunDescription.ShortPath(data)}")}";
    }

    private static IEnumerable<LossRow> LossesOf(JsonObject splice)
    {
        foreach ((string key, string name) in Replacements)
        {
            double loss = Number(splice, key);
            if (!double.IsNaN(loss)) yield return new LossRow(name, loss, Recovery(splice, loss));
        }
    }

    // The share of what zeros lose that is won back.
    private static double Recovery(JsonObject? splice, double loss)
    {
        double clean = Number(splice, "clean"), zero = Number(splice, "zero");
        return (zero - loss) / (zero - clean);
    }

    private static double Number(JsonObject? from, string key) =>
        from?[key] is JsonValue value && value.TryGetValue(out double number) ? number : double.NaN;
}
