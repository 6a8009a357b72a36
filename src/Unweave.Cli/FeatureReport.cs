using System.Text.Json.Nodes;
using Unweave.Interpretation;

namespace Unweave.Cli;

/// <summary>How a build of features went: kinds, and how many live latents got a label that holds on texts it was not made from.</summary>
internal sealed class FeatureReport
{
    /// <summary>A label with a detection score above this counts as a good one.</summary>
    public const double GoodScore = 0.7;

    private const int GoodShown = 10, FailedShown = 5;

    private readonly int[] kinds = new int[Enum.GetValues<FeatureKind>().Length];
    private readonly List<Line> lines = [];

    /// <summary>A label with its score.</summary>
    public sealed record Line(
        int Latent, double Frequency, string Label, double Detection, double Fuzzing, double? Coverage, double? Baseline, double Interest,
        string Example);

    /// <summary>Latents that fired.</summary>
    public int Live { get; private set; }

    /// <summary>Live latents with a label that scores above chance.</summary>
    public int Labelled { get; private set; }

    /// <summary>Labels that would score above chance by luck if all of those scored were guesses.</summary>
    public int Lucky => (int)Math.Round(FeatureLabel.LuckyShare * lines.Count);

    /// <summary>Live latents whose label scores above <see cref="GoodScore"/>.</summary>
    public int Good { get; private set; }

    /// <summary>Live latents without a label that could be scored.</summary>
    public int Without { get; private set; }

    /// <summary>Number of latents of a kind.</summary>
    public int Count(FeatureKind kind) => kinds[(int)kind];

    /// <summary>Takes a feature in.</summary>
    public void Add(Feature feature, FeatureLabel? label)
    {
        kinds[(int)feature.Kind]++;
        if (feature.Fired == 0) return;
        Live++;
        if (label is null)
        {
            Without++;
            return;
        }

        if (label.AboveChance) Labelled++;
        if (label.Detection > GoodScore) Good++;
        FeatureExample example = feature.Top[0];
        lines.Add(new Line(
            feature.Latent, feature.Frequency, label.Text, label.Detection, label.Fuzzing, label.Coverage, label.Baseline,
            feature.Interest * label.Detection, Around(example)));
    }

    /// <summary>
    /// The share of the activation in the upper half of its latent's range that half of the labels above chance explain; null without any.
    /// </summary>
    public double? MedianCoverage
    {
        get
        {
            double[] coverages = [.. lines.Where(line => line.Detection > GoodScore).Select(line => line.Coverage ?? 0).Order()];
            return coverages.Length == 0 ? null : coverages[coverages.Length / 2];
        }
    }

    /// <summary>Live latents for which a label made of their three top tokens would score above <see cref="GoodScore"/>.</summary>
    public int GoodBaseline => lines.Count(line => line.Baseline > GoodScore);

    /// <summary>Ten of the labels that a reader gains most from, of different words.</summary>
    public IReadOnlyList<Line> Best() =>
    [
        .. lines.OrderByDescending(line => line.Interest).ThenBy(line => line.Latent)
        .DistinctBy(line => line.Label, StringComparer.Ordinal).Take(GoodShown),
    ];

    /// <summary>The five that hold worst.</summary>
    public IReadOnlyList<Line> Worst() => [.. lines.OrderBy(line => line.Detection).ThenBy(line => line.Latent).Take(FailedShown)];

    /// <summary>The report as JSON.</summary>
    public JsonObject ToJson() => new()
    {
        ["latents"] = kinds.Sum(),
        ["live"] = Live,
        ["kinds"] = new JsonObject(
            Enum.GetValues<FeatureKind>().Select(kind => KeyValuePair.Create(kind.ToString().ToLowerInvariant(), (JsonNode?)Count(kind)))),
        ["labelled"] = Labelled,
        ["labelledByLuck"] = Lucky,
        ["labelledWell"] = Good,
        ["labelledWellByTokens"] = GoodBaseline,
        ["medianCoverage"] = MedianCoverage is { } median ? Math.Round(median, 4) : null,
        ["labelledWellShare"] = Live == 0 ? 0 : Math.Round((double)Good / Live, 4),
        ["withoutLabel"] = Without,
        ["best"] = ToJson(Best()),
        ["worst"] = ToJson(Worst()),
    };

    private static JsonArray ToJson(IEnumerable<Line> lines) => [.. lines.Select(line => new JsonObject
    {
        ["latent"] = line.Latent,
        ["frequency"] = line.Frequency,
        ["label"] = line.Label,
        ["detection"] = Math.Round(line.Detection, 4),
        ["fuzzing"] = double.IsNaN(line.Fuzzing) ? null : Math.Round(line.Fuzzing, 4),
        ["coverage"] = line.Coverage is { } coverage ? Math.Round(coverage, 4) : null,
        ["baseline"] = line.Baseline is { } baseline ? Math.Round(baseline, 4) : null,
        ["example"] = line.Example,
    })];

    private static string Around(FeatureExample example)
    {
        const int before = 5, after = 2;
        int from = Math.Max(0, example.Peak - before), to = Math.Min(example.Pieces.Count, example.Peak + after + 1);
        return string.Concat(example.Pieces.Skip(from).Take(example.Peak - from)) + "«" + example.Pieces[example.Peak].Trim() + "»"
            + string.Concat(example.Pieces.Skip(example.Peak + 1).Take(to - example.Peak - 1));
    }
}
