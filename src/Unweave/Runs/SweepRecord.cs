using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Unweave.Autoencoders;
using Unweave.Training;

namespace Unweave.Runs;

/// <summary>How far an autoencoder of a sweep is.</summary>
[JsonConverter(typeof(CamelCaseEnum<SweepStatus>))]
internal enum SweepStatus
{
    /// <summary>It has not begun.</summary>
    Waiting,

    /// <summary>It has begun and is not done.</summary>
    Training,

    /// <summary>All its steps are done, or its patience was at an end.</summary>
    Finished,

    /// <summary>The sweep's rule gave it up.</summary>
    Stopped,

    /// <summary>Its loss was no longer finite.</summary>
    Diverged,
}

/// <summary>An autoencoder of a sweep, as <c>sweep.json</c> keeps it. Figures that are not known are null.</summary>
internal sealed record SweepEntry
{
    /// <summary>Name of its folder in the sweep's.</summary>
    public required string Folder { get; init; }

    /// <summary>What makes it another than the others: settings by name.</summary>
    public required JsonObject Chosen { get; init; }

    /// <summary>How far it is.</summary>
    public SweepStatus Status { get; init; }

    /// <summary>Why it ended before its last step, in a sentence.</summary>
    public string? Reason { get; init; }

    /// <summary>The step after which it was given up.</summary>
    public long? StoppedAt { get; init; }

    /// <summary>Kind of autoencoder.</summary>
    public required string Architecture { get; init; }

    /// <summary>Number of latents n; null for one without a dictionary.</summary>
    public int? Latents { get; init; }

    /// <summary>Steps done.</summary>
    public long Step { get; init; }

    /// <summary>Steps of the whole run.</summary>
    public long Steps { get; init; }

    /// <summary>Rows seen.</summary>
    public long Rows { get; init; }

    /// <summary>Active latents of a row in the last batch.</summary>
    public double? L0 { get; init; }

    /// <summary>FVU of held-out rows at the last validation.</summary>
    public double? Fvu { get; init; }

    /// <summary>Share of latents that are dead.</summary>
    public double? Dead { get; init; }

    /// <summary>Share of the host model's loss that it recovers over zeros; null until it was spliced in.</summary>
    public double? Recovered { get; init; }

    /// <summary>Minutes that its own steps took; reading, which the sweep shares, is not among them.</summary>
    public double? Minutes { get; init; }

    /// <summary>All its settings, as a run file has them.</summary>
    public required JsonObject Options { get; init; }
}

/// <summary>What <c>sweep.json</c> holds: how the sweep goes, and its autoencoders.</summary>
internal sealed record SweepRecord
{
    /// <summary>Version of the format.</summary>
    public int Version { get; init; } = 1;

    /// <summary>How it goes.</summary>
    public required SweepOptions Sweep { get; init; }

    /// <summary>What it is trained on.</summary>
    public string? Data { get; init; }

    /// <summary>Minutes spent reading, which all share.</summary>
    public double ReadMinutes { get; init; }

    /// <summary>Its autoencoders, in order.</summary>
    public required IReadOnlyList<SweepEntry> Points { get; init; }

    /// <summary>Laws fitted to them, one for each architecture with points enough.</summary>
    public IReadOnlyList<ScalingLaw> Laws { get; init; } = [];
}

/// <summary>
/// How the loss falls with size and sparsity (Gao et al. 2024, section 3.2): L(n, k) = exp(α + β_k ln k + β_n ln n + γ ln k ln n) +
/// exp(ζ + η ln k), L the held-out FVU, k the measured L0.
/// </summary>
/// <param name="Architecture">Kind of the autoencoders.</param>
/// <param name="Points">How many it was fitted to.</param>
/// <param name="Alpha">α.</param>
/// <param name="BetaK">β_k.</param>
/// <param name="BetaN">β_n.</param>
/// <param name="Gamma">γ.</param>
/// <param name="Zeta">ζ.</param>
/// <param name="Eta">η.</param>
/// <param name="Errors">
/// Standard errors in the same order, by the covariance of the fit; empty where the points do not determine the exponents.
/// </param>
/// <param name="Residual">Root mean square of ln L less the fit's: a relative error.</param>
internal sealed record ScalingLaw(
    string Architecture, int Points, double Alpha, double BetaK, double BetaN, double Gamma, double Zeta, double Eta,
    IReadOnlyList<double> Errors, double Residual)
{
    /// <summary>The exponents by name, in order.</summary>
    [JsonIgnore]
    public IReadOnlyList<(string Name, double Value)> Exponents =>
        [("α", Alpha), ("β_k", BetaK), ("β_n", BetaN), ("γ", Gamma), ("ζ", Zeta), ("η", Eta)];

    /// <summary>L(n, k).</summary>
    public double At(double latents, double k)
    {
        double x = Math.Log(k), y = Math.Log(latents);
        return Math.Exp(Alpha + (BetaK * x) + (BetaN * y) + (Gamma * x * y)) + Math.Exp(Zeta + (Eta * x));
    }
}

/// <summary>How a <see cref="SweepRecord"/> is written as JSON.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(SweepRecord))]
internal sealed partial class SweepRecordJson : JsonSerializerContext;
