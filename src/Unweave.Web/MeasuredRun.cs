using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Unweave.Formats;

namespace Unweave.Web;

/// <summary>A row of the table of metrics: its name, its explanation, and a value for each column; NaN where there is none.</summary>
internal sealed record MetricRow(string Name, string Meaning, IReadOnlyList<double> Values);

/// <summary>A row of the table of losses: what stood at the hook, the model's loss with it, and how much of the loss it recovered.</summary>
internal sealed record LossRow(string Name, double Loss, double Recovered);

/// <summary>What was measured of a run: <c>eval.json</c> in its folder, as <c>unweave eval --json</c> or <c>unweave demo --json</c> writes it.</summary>
internal sealed record MeasuredRun(IReadOnlyList<string> Columns, IReadOnlyList<MetricRow> Metrics, IReadOnlyList<LossRow> Losses, double Predictions, double Divergence, double Agreement)
{
    /// <summary>Name of the file in a run's folder.</summary>
    public const string FileName = "eval.json";

    private static readonly (string Key, string Name)[] Reports = [("autoencoder", "autoencoder"), ("pca", "PCA"), ("randomDictionary", "random dictionary")];

    private static readonly (string Key, string Name, string Meaning)[] Figures =
    [
        ("fvu", "FVU", "share of the variance that is not explained"),
        ("explainedVariance", "explained variance", "1 − FVU"),
        ("mse", "mean squared error", "mean over numbers"),
        ("cosine", "cosine", "between a row and its reconstruction"),
        ("l2Ratio", "L2 ratio", "length of the reconstruction to that of the row"),
        ("relativeReconstructionBias", "relative bias", "1 is none, less is shrinkage"),
        ("l0", "L0", "active latents of a row"),
        ("l1", "L1", "sum of a row's activations"),
        ("deadFraction", "dead", "share of latents that never fired"),
    ];

    /// <summary>Writes the file.</summary>
    public static void Save(string folder, JsonObject measured) => AtomicFile.Write(Path.Combine(folder, FileName), stream => stream.Write(Encoding.UTF8.GetBytes(measured.ToJsonString())));

    /// <summary>Reads the file; null where there is none, or nothing in it that can be shown.</summary>
    /// <exception cref="InputException">It is not JSON.</exception>
    public static MeasuredRun? Find(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) return null;
        try
        {
            if (JsonNode.Parse(File.ReadAllBytes(path)) is not JsonObject root) return null;
            JsonObject? splice = root["splice"] as JsonObject ?? (root.ContainsKey("spliced") ? root : null);
            (string Name, JsonObject Report)[] columns = [.. Reports.Select(report => (report.Name, root[report.Key] as JsonObject)).Where(report => report.Item2 is not null).Select(report => (report.Name, report.Item2!))];
            if (columns.Length == 0 && splice?["reconstruction"] is JsonObject alone) columns = [("autoencoder", alone)];
            MetricRow[] metrics = [.. Figures.Select(figure => new MetricRow(figure.Name, figure.Meaning, [.. columns.Select(column => Number(column.Report, figure.Key))])).Where(row => row.Values.Any(value => !double.IsNaN(value)))];
            LossRow[] losses = splice is null ? [] : [.. LossesOf(splice)];
            return metrics.Length == 0 && losses.Length == 0 ? null : new MeasuredRun([.. columns.Select(column => column.Name)], metrics, losses, Number(splice, "predictions"), Number(splice, "divergence"), Number(splice, "agreement"));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InputException($"{path} is not JSON ({e.Message}); write it again with `unweave eval --json`.", e);
        }
    }

    private static IEnumerable<LossRow> LossesOf(JsonObject splice)
    {
        double clean = Number(splice, "clean"), zero = Number(splice, "zero");
        foreach ((string key, string name) in ((string, string)[])[("clean", "as they are"), ("spliced", "the autoencoder's"), ("mean", "their mean"), ("zero", "zeros")])
        {
            double loss = Number(splice, key);
            if (!double.IsNaN(loss)) yield return new LossRow(name, loss, (zero - loss) / (zero - clean));
        }
    }

    private static double Number(JsonObject? from, string key) => from?[key] is JsonValue value && value.TryGetValue(out double number) ? number : double.NaN;
}
