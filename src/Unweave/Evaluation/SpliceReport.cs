using System.Text.Json;
using System.Text.Json.Serialization;

namespace Unweave.Evaluation;

/// <summary>What it costs a language model when activations at a hook are replaced.</summary>
/// <remarks>
/// Counted are the predictions made at replaced positions, each of the next token of its window; the prediction made at the start
/// token, whose activation stays as it is, is not one of them. Definitions: <c>docs/maths/metrics.md</c>.
/// </remarks>
public sealed record SpliceReport
{
    /// <summary>Short name of the hook.</summary>
    public required string Hook { get; init; }

    /// <summary>Documents read.</summary>
    public required long Documents { get; init; }

    /// <summary>Predictions counted.</summary>
    public required long Predictions { get; init; }

    /// <summary>Tokens of a window, special ones included.</summary>
    public required int Context { get; init; }

    /// <summary>Mean cross-entropy of the model as it is, in nats a token.</summary>
    public required double Clean { get; init; }

    /// <summary>The same with the autoencoder's reconstructions in place of the activations.</summary>
    public required double Spliced { get; init; }

    /// <summary>The same with zeros.</summary>
    public required double Zero { get; init; }

    /// <summary>The same with the mean activation of these texts.</summary>
    public required double Mean { get; init; }

    /// <summary>(zero − spliced)/(zero − clean): 1 is no loss, 0 is no better than zeros.</summary>
    public double RecoveredOverZero => (Zero - Spliced) / (Zero - Clean);

    /// <summary>(mean − spliced)/(mean − clean): 1 is no loss, 0 is no better than the mean.</summary>
    public double RecoveredOverMean => (Mean - Spliced) / (Mean - Clean);

    /// <summary>
    /// Mean KL divergence of the spliced model's next-token distribution from the clean one's, KL(clean ‖ spliced), in nats.
    /// </summary>
    public required double Divergence { get; init; }

    /// <summary>Share of predictions whose most likely token is the clean model's.</summary>
    public required double Agreement { get; init; }

    /// <summary>By position in the window.</summary>
    public required IReadOnlyList<SplicePosition> Positions { get; init; }

    /// <summary>How well the activations themselves are reconstructed, over all replaced positions.</summary>
    public required EvaluationReport Reconstruction { get; init; }

    /// <summary>The report as JSON, camelCase.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, SpliceJson.Default.SpliceReport);
}

/// <summary>Figures of one position.</summary>
/// <param name="Position">Position in the window, from 0; special tokens count.</param>
/// <param name="Predictions">Predictions made there.</param>
/// <param name="Clean">Mean cross-entropy of the model as it is, in nats.</param>
/// <param name="Spliced">With the reconstructions.</param>
/// <param name="Zero">With zeros.</param>
/// <param name="Mean">With the mean activation.</param>
/// <param name="Divergence">Mean KL(clean ‖ spliced), in nats.</param>
/// <param name="Agreement">Share of predictions with the clean model's most likely token.</param>
public sealed record SplicePosition(
    int Position, long Predictions, double Clean, double Spliced, double Zero, double Mean, double Divergence, double Agreement);

/// <summary>JSON of splice reports.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(SpliceReport))]
internal sealed partial class SpliceJson : JsonSerializerContext;
