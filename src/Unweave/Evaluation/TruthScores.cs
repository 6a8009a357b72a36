using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>
/// How well an autoencoder has found the features of a synthetic model, by the scores of SynthSAEBench (Chanin and Garriga-Alonso 2026,
/// arXiv 2602.14687). Cosines count by their absolute value, and each latent is the detector of the feature that its decoder row is
/// nearest to.
/// </summary>
internal sealed record TruthScores
{
    /// <summary>Rows that the published scores select over where a batch is selected over.</summary>
    public const int BatchRows = 1024;

    /// <summary>Name of the synthetic model.</summary>
    public required string Truth { get; init; }

    /// <summary>Number of rows measured.</summary>
    public required long Rows { get; init; }

    /// <summary>
    /// True where active latents were selected over batches of <see cref="BatchRows"/> rows, as in training; false where each row was
    /// encoded by itself, as in use.
    /// </summary>
    public required bool ByBatch { get; init; }

    /// <summary>Mean cosine over the best one-to-one matching of latents and features, of as many pairs as the smaller set has.</summary>
    public required double Mcc { get; init; }

    /// <summary>Mean over latents of the cosine to the nearest feature.</summary>
    public required double Mmcs { get; init; }

    /// <summary>
    /// Mean over all latents of the F1 score of the latent as a detector of its feature, 2·precision·recall/(precision + recall); 0 of a
    /// latent that is never right, so of dead ones.
    /// </summary>
    public required double F1 { get; init; }

    /// <summary>Mean over all latents of the share of rows with the latent that have its feature; 0 of dead ones.</summary>
    public required double Precision { get; init; }

    /// <summary>Mean over all latents of the share of rows with its feature that have the latent.</summary>
    public required double Recall { get; init; }

    /// <summary>Number of features that are the nearest of some latent, over the number of latents.</summary>
    public required double Uniqueness { get; init; }

    /// <summary>1 − FVU.</summary>
    public required double ExplainedVariance { get; init; }

    /// <summary>Mean number of active latents of a row.</summary>
    public required double L0 { get; init; }

    /// <summary>Mean number of active features of a row.</summary>
    public required double TrueL0 { get; init; }

    /// <summary>Number of latents n.</summary>
    public required int Latents { get; init; }

    /// <summary>Latents that were active in no row.</summary>
    public required int Dead { get; init; }

    /// <summary>Mean of ‖x̂‖/‖x‖ over the rows; below 1 where reconstructions are too short.</summary>
    public required double Shrinkage { get; init; }

    /// <summary>
    /// Scores an autoencoder on rows that no training sees: row by row, and, where training selects active latents over a batch, by batches
    /// too.
    /// </summary>
    /// <param name="autoencoder">The autoencoder, of the model's width.</param>
    /// <param name="model">The model.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="progress">Told how many rows are done.</param>
    /// <param name="cancellationToken">Ends the scoring.</param>
    /// <returns>The scores of each form, row by row first.</returns>
    /// <exception cref="InputException">The autoencoder is of another width.</exception>
    public static IReadOnlyList<TruthScores> Measure(SparseAutoencoder autoencoder, SyntheticModel model, long rows,
        IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(autoencoder);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        if (autoencoder.OutputWidth != model.Width)
            throw new InputException($"{model.Name} has vectors of width {model.Width}, but the autoencoder's are of width "
                + $"{autoencoder.OutputWidth}; name the model that it was trained on.");
        DictionaryMatch match = DictionaryMatch.Of(autoencoder.Decoder, model.Directions);
        Form[] forms = [.. (autoencoder.SelectsByBatch ? [false, true] : (bool[])[false]).Select(
            byBatch => new Form(autoencoder, model, match, byBatch))];
        var truth = new SparseCodes(model.Directions.Rows);
        for (long first = 0; first < rows; first += BatchRows)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long[] positions = new long[(int)Math.Min(BatchRows, rows - first)];
            for (int r = 0; r < positions.Length; r++) positions[r] = SyntheticModel.FirstScoredRow + first + r;
            using var x = new Matrix(positions.Length, model.Width);
            model.Read(positions, x, truth);
            foreach (Form form in forms) form.Add(x, truth);
            progress?.Report(first + positions.Length);
        }

        return [.. forms.Select(form => form.Report(rows))];
    }

    /// <summary>One way to encode, and what is counted of it.</summary>
    private sealed class Form(SparseAutoencoder autoencoder, SyntheticModel model, DictionaryMatch match, bool byBatch)
    {
        private readonly DetectionTally tally = new(autoencoder.Latents, model.Directions.Rows, match.Nearest);
        private readonly ReconstructionSums sums = new(model.Width);
        private readonly SparseCodes codes = new(autoencoder.Latents);

        public void Add(Matrix x, SparseCodes truth)
        {
            using var reconstruction = new Matrix(x.Rows, x.Columns);
            if (byBatch) autoencoder.EncodeBatch(x, codes);
            else autoencoder.Encode(x, codes);
            autoencoder.Decode(codes, x, reconstruction);
            tally.Add(codes, truth);
            sums.Add(x, reconstruction);
        }

        public TruthScores Report(long rows)
        {
            EvaluationReport report = sums.Report(model.Name);
            (double precision, double recall, double f1) = tally.Means();
            return new TruthScores
            {
                Truth = model.Name,
                Rows = rows,
                ByBatch = byBatch,
                Mcc = match.Mcc,
                Mmcs = match.Mmcs,
                F1 = f1,
                Precision = precision,
                Recall = recall,
                Uniqueness = match.Uniqueness,
                ExplainedVariance = 1 - report.Fvu,
                L0 = tally.L0,
                TrueL0 = tally.TrueL0,
                Latents = autoencoder.Latents,
                Dead = tally.Dead,
                Shrinkage = report.L2Ratio,
            };
        }
    }
}
