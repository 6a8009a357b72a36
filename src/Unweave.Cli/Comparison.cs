using System.Text.Json;
using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Evaluation;

namespace Unweave.Cli;

/// <summary>An autoencoder measured beside what it has to beat: baselines with as many numbers a row as it has firing latents.</summary>
/// <param name="Trained">The autoencoder.</param>
/// <param name="FiringOnly">
/// The autoencoder when only the latents that fire take part in its reconstruction; null where the others are 0 anyway. What the
/// baselines, which have that many numbers, are to be compared with.
/// </param>
/// <param name="Baselines">The baselines, in the order of their kinds; those of dictionaries only beside one with a dictionary.</param>
internal sealed record Comparison(
    EvaluationReport Trained, EvaluationReport? FiringOnly, IReadOnlyList<(BaselineKind Kind, EvaluationReport Report)> Baselines)
{
    /// <summary>Rows that baselines are fitted to, at most.</summary>
    private const int FitRows = 50_000;

    /// <summary>The baselines that take seconds; the others take up to a minute.</summary>
    public static IReadOnlyList<BaselineKind> Quick { get; } =
        [BaselineKind.Pca, BaselineKind.PcaByRow, BaselineKind.RandomDictionary, BaselineKind.Identity];

    /// <summary>Measures all on the same rows.</summary>
    /// <param name="autoencoder">The autoencoder.</param>
    /// <param name="training">Rows that the baselines may learn from.</param>
    /// <param name="measured">Rows to measure on.</param>
    /// <param name="kinds">The baselines.</param>
    /// <param name="progress">Told the share of rows done.</param>
    /// <param name="cancellationToken">Ends the measuring.</param>
    public static Comparison Run(
        Autoencoder autoencoder,
        IActivationSource training,
        IActivationSource measured,
        IReadOnlyList<BaselineKind> kinds,
        IProgress<double>? progress = null,
        CancellationToken cancellationToken = default)
    {
        EvaluationReport trained = Evaluator.Run(autoencoder, measured, progress, cancellationToken);
        EvaluationReport? firing = autoencoder is SparseAutoencoder { FiringThreshold: > 0 } sigmoid
            ? Evaluator.RunFiringOnly(sigmoid, measured, progress, cancellationToken)
            : null;
        double size = autoencoder.Options is LayeredOptions narrow ? narrow.Bottleneck : trained.Firing ?? 1;
        int k = (int)Math.Clamp(Math.Round(size), 1, measured.Width);
        int latents = (autoencoder as SparseAutoencoder)?.Latents ?? 0;
        var baselines = new List<(BaselineKind, EvaluationReport)>();
        foreach (BaselineKind kind in kinds.Order())
        {
            if (latents == 0 && kind is BaselineKind.RandomDictionary or BaselineKind.KSvd) continue;
            int numbers = kind is BaselineKind.RandomDictionary or BaselineKind.KSvd ? Math.Min(k, latents) : k;
            Console.Error.WriteLine($"Measuring {BaselineNames.Of(kind)} …");
            using Baseline baseline = Baseline.Fit(kind, training, numbers, latents, cancellationToken: cancellationToken);
            baselines.Add((kind, baseline.Run(measured, cancellationToken)));
        }

        return new Comparison(trained, firing, baselines);
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

    /// <summary>The reports as JSON: the autoencoder's, then each baseline's under the name of its kind.</summary>
    public JsonObject ToJson()
    {
        var result = new JsonObject
        {
            ["autoencoder"] = JsonNode.Parse(Trained.ToJson()),
            ["firingOnly"] = FiringOnly is null ? null : JsonNode.Parse(FiringOnly.ToJson()),
        };
        foreach ((BaselineKind kind, EvaluationReport report) in Baselines)
            result[JsonNamingPolicy.CamelCase.ConvertName($"{kind}")] = JsonNode.Parse(report.ToJson());
        return result;
    }
}
