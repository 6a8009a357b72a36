using System.Text.Json;
using System.Text.Json.Serialization;

namespace Unweave.Evaluation;

/// <summary>How well a set of vectors is reconstructed, and by how many latents. Figures that do not apply are null.</summary>
/// <remarks>Definitions, ranges and pitfalls: <c>docs/maths/metrics.md</c>.</remarks>
public sealed record EvaluationReport
{
    /// <summary>What was evaluated.</summary>
    public required string Name { get; init; }

    /// <summary>Rows evaluated.</summary>
    public required long Rows { get; init; }

    /// <summary>
    /// Fraction of variance unexplained, Σ‖x−x̂‖²/Σ‖x−x̄‖²; 0 is perfect, 1 is the mean's own. NaN for constant data rebuilt exactly, ∞
    /// otherwise.
    /// </summary>
    public required double Fvu { get; init; }

    /// <summary>
    /// Rows over 10 times as long as half of the rows are, such as attention sinks and start tokens: they can have nearly all of the
    /// variance, so that FVU looks perfect while no other row is reconstructed. Null where there are none.
    /// </summary>
    public long? OutlierRows { get; init; }

    /// <summary>FVU of all rows but <see cref="OutlierRows"/>, about their own mean. Null where there are no outliers.</summary>
    public double? OrdinaryFvu { get; init; }

    /// <summary>
    /// The first of <see cref="OutlierRows"/>, at most 10,000: each row's place among the evaluated ones, and how many times as long as
    /// half of the rows are it is.
    /// </summary>
    [JsonIgnore]
    internal IReadOnlyList<(long Row, double Times)> Outliers { get; init; } = [];

    /// <summary>1 − FVU.</summary>
    public double ExplainedVariance => 1 - Fvu;

    /// <summary>Mean squared error, summed over d and averaged over rows, at the scale of the data.</summary>
    public required double Mse { get; init; }

    /// <summary>Mean cosine of x and x̂, over rows where both have a length; NaN when none do.</summary>
    public required double Cosine { get; init; }

    /// <summary>E[‖x̂‖/‖x‖]: below 1, reconstructions have shrunk. Over rows with a length; NaN when none have.</summary>
    public required double L2Ratio { get; init; }

    /// <summary>E‖x̂‖²/E[x·x̂]: 1 is unbiased, below 1 is shrinkage. NaN when every reconstruction is 0.</summary>
    public required double RelativeReconstructionBias { get; init; }

    /// <summary>Latents that a row's reconstruction uses, on average: all of them for sigmoid codes, which are never 0.</summary>
    public double? L0 { get; init; }

    /// <summary>Latents that fire on a row, on average: those of <see cref="L0"/>, but of sigmoid codes only those above 0.5.</summary>
    public double? Firing { get; init; }

    /// <summary>Sum of a row's activations, on average, at the scale of the weights.</summary>
    public double? L1 { get; init; }

    /// <summary>Latents in the dictionary.</summary>
    public int? Latents { get; init; }

    /// <summary>Latents that fired on no row.</summary>
    public int? Dead { get; init; }

    /// <summary>Share of latents that fired on no row.</summary>
    public double? DeadFraction => Latents > 0 ? (double?)Dead / Latents : null;

    /// <summary>How often latents fire.</summary>
    public DensityHistogram? Density { get; init; }

    /// <summary>Rows on which each latent fired, <c>[n]</c>; left out of JSON.</summary>
    [JsonIgnore]
    public IReadOnlyList<long>? Fired { get; init; }

    /// <summary>The report as JSON, camelCase; NaN and infinities as the strings "NaN", "Infinity", "-Infinity".</summary>
    public string ToJson() => JsonSerializer.Serialize(this, EvaluationJson.Default.EvaluationReport);
}

/// <summary>JSON of reports.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(EvaluationReport))]
internal sealed partial class EvaluationJson : JsonSerializerContext;
