using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Evaluation;

namespace Unweave.Cli;

/// <summary>
/// An autoencoder measured beside what it has to beat: PCA with as many components as it has firing latents, and a random dictionary.
/// </summary>
/// <param name="Trained">The autoencoder.</param>
/// <param name="FiringOnly">
/// The autoencoder when only the latents that fire take part in its reconstruction; null where the others are 0 anyway. What the
/// baselines, which have that many numbers, are to be compared with.
/// </param>
/// <param name="Pca">PCA.</param>
/// <param name="RandomDictionary">A random dictionary of as many latents; null for an autoencoder without a dictionary.</param>
internal sealed record Comparison(EvaluationReport Trained, EvaluationReport? FiringOnly, EvaluationReport Pca,
    EvaluationReport? RandomDictionary)
{
    /// <summary>Rows that PCA is fitted to and the center taken from, at most.</summary>
    private const int FitRows = 50_000;

    /// <summary>Measures all three on the same rows.</summary>
    /// <param name="autoencoder">The autoencoder.</param>
    /// <param name="training">Rows that the baselines may learn from.</param>
    /// <param name="measured">Rows to measure on.</param>
    /// <param name="progress">Told the share of rows done.</param>
    /// <param name="cancellationToken">Ends the measuring.</param>
    public static Comparison Run(
        Autoencoder autoencoder,
        IActivationSource training,
        IActivationSource measured,
        IProgress<double>? progress = null,
        CancellationToken cancellationToken = default)
    {
        EvaluationReport trained = Evaluator.Run(autoencoder, measured, progress, cancellationToken);
        EvaluationReport? firing = autoencoder is SparseAutoencoder { FiringThreshold: > 0 } sigmoid
            ? Evaluator.RunFiringOnly(sigmoid, measured, progress, cancellationToken)
            : null;
        double size = autoencoder.Options is LayeredOptions narrow ? narrow.Bottleneck : trained.Firing ?? 1;
        int k = (int)Math.Clamp(Math.Round(size), 1, measured.Width);
        using var pca = PcaBaseline.Fit(training, k);
        EvaluationReport random = autoencoder is SparseAutoencoder { Latents: var latents }
            ? RandomDictionaryBaseline.Run(measured, InputStatistics.Mean(training), latents, Math.Min(k, latents),
                cancellationToken: cancellationToken)
            : null!;
        return new Comparison(trained, firing, pca.Run(measured, cancellationToken), random);
    }

    /// <summary>The rows that a run trained on, as many as the baselines need, and those that it held out.</summary>
    /// <param name="source">The run's data.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="validation">Share of rows that the run held out.</param>
    public static (RowSubset Training, RowSubset HeldOut) Split(IActivationSource source, ulong seed, double validation)
    {
        var rows = new ShuffledRows(source.Rows, seed, validation);
        long held = source.Rows - rows.TrainingRows;
        if (held < 2)
            throw new InputException($"{source.Name}: {(held == 0 ? "no row was" : "only 1 row was")} held out of {source.Rows} "
                + $"(validation {validation}), too few to measure on; add --all to measure on every row of the files.");
        long[] training = new long[Math.Min(rows.TrainingRows, FitRows)];
        rows.Fill(0, training);
        return (new RowSubset(source, training), RowSubset.Validation(source, rows));
    }

    /// <summary>The reports as JSON.</summary>
    public JsonObject ToJson() => new()
    {
        ["autoencoder"] = JsonNode.Parse(Trained.ToJson()),
        ["firingOnly"] = FiringOnly is null ? null : JsonNode.Parse(FiringOnly.ToJson()),
        ["pca"] = JsonNode.Parse(Pca.ToJson()),
        ["randomDictionary"] = RandomDictionary is null ? null : JsonNode.Parse(RandomDictionary.ToJson()),
    };
}
