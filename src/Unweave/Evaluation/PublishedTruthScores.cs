namespace Unweave.Evaluation;

/// <summary>
/// What SynthSAEBench-16k publishes of 4,096 latents after 200 million rows, in the documentation of SAELens (version 2 of the model; mean
/// of several seeds), by the name of the architecture.
/// </summary>
/// <param name="Architecture">Name of the architecture.</param>
/// <param name="L0">Mean number of active latents.</param>
/// <param name="F1">F1 score.</param>
/// <param name="Mcc">MCC.</param>
/// <param name="Uniqueness">Uniqueness.</param>
/// <param name="ExplainedVariance">Explained variance.</param>
internal sealed record PublishedTruthScores(
    string Architecture, int L0, double F1, double Mcc, double Uniqueness, double ExplainedVariance)
{
    /// <summary>All that there is.</summary>
    public static IReadOnlyList<PublishedTruthScores> All { get; } =
    [
        new("batchtopk", 20, 0.8183, 0.7526, 0.9760, 0.7889),
        new("batchtopk", 25, 0.7316, 0.7574, 0.9837, 0.7923),
        new("matryoshka", 20, 0.8601, 0.7455, 0.9874, 0.7699),
        new("matryoshka", 25, 0.8793, 0.7927, 0.9987, 0.7792),
        new("jumprelu", 20, 0.8241, 0.7434, 0.9781, 0.7906),
        new("jumprelu", 25, 0.7317, 0.7527, 0.9885, 0.7951),
        new("relu", 20, 0.5777, 0.5834, 0.8528, 0.7501),
        new("relu", 25, 0.5562, 0.6039, 0.8976, 0.7654),
        new("pursuit", 20, 0.4439, 0.6748, 0.7552, 0.8267),
        new("pursuit", 25, 0.4464, 0.6930, 0.8281, 0.8351),
    ];

    /// <summary>Those to show beside scores: of the architecture and the model, and of all L0 published.</summary>
    /// <param name="architecture">Name of the architecture.</param>
    /// <param name="truth">Name of the synthetic model; the figures are of one of them.</param>
    public static IEnumerable<PublishedTruthScores> Beside(string architecture, string truth) =>
        truth.Contains("synth-sae-bench-16k-v2", StringComparison.Ordinal)
            ? All.Where(one => string.Equals(one.Architecture, architecture, StringComparison.Ordinal))
            : [];
}
