using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>Evaluates an autoencoder on the rows of a source, a block at a time, so that memory does not grow with the source.</summary>
public static class Evaluator
{
    private const int Block = 1024;

    /// <summary>
    /// Evaluates on every row of a source, against its targets where it has some; pass a <see cref="RowSubset"/> to evaluate on some.
    /// </summary>
    /// <param name="autoencoder">The autoencoder.</param>
    /// <param name="source">The rows, held out from training if the figures are to mean anything.</param>
    /// <param name="progress">Told the share of rows done.</param>
    /// <param name="cancellationToken">Ends the evaluation.</param>
    /// <exception cref="InputException">The rows are of another width, or cannot be read.</exception>
    public static EvaluationReport Run(
        Autoencoder autoencoder, IActivationSource source, IProgress<double>? progress = null,
        CancellationToken cancellationToken = default) =>
        Run(autoencoder, source, firingOnly: false, progress, cancellationToken);

    /// <summary>Evaluates what an autoencoder's code is worth when only the latents that fire take part in the reconstruction.</summary>
    /// <remarks>
    /// For an autoencoder whose other latents are 0, as of TopK and ReLU, this is the same as
    /// <see cref="Run(Autoencoder, IActivationSource, IProgress{double}?, CancellationToken)"/>.
    /// </remarks>
    /// <param name="autoencoder">The autoencoder.</param>
    /// <param name="source">The rows.</param>
    /// <param name="progress">Told the share of rows done.</param>
    /// <param name="cancellationToken">Ends the evaluation.</param>
    public static EvaluationReport RunFiringOnly(
        SparseAutoencoder autoencoder, IActivationSource source, IProgress<double>? progress = null,
            CancellationToken cancellationToken = default) =>
        Run(autoencoder, source, firingOnly: true, progress, cancellationToken);

    private static EvaluationReport Run(
        Autoencoder autoencoder, IActivationSource source, bool firingOnly, IProgress<double>? progress,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(autoencoder);
        ArgumentNullException.ThrowIfNull(source);
        var tally = new EvaluationTally(autoencoder, firingOnly);
        foreach (Batch batch in Batches(source, progress, cancellationToken))
        {
            using var reconstruction = new Matrix(batch.Rows, autoencoder.OutputWidth);
            tally.Add(batch, reconstruction);
        }

        return tally.Report(source.Name);
    }

    /// <summary>Compares rows with their reconstructions, however those were made.</summary>
    /// <param name="x">The rows, <c>[rows, d]</c>.</param>
    /// <param name="reconstruction">Their reconstructions, of the same shape.</param>
    /// <param name="name">Name of the report.</param>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static EvaluationReport Compare(Matrix x, Matrix reconstruction, string name)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(reconstruction);
        if ((x.Rows, x.Columns) != (reconstruction.Rows, reconstruction.Columns))
        {
            throw new ArgumentException($"The rows are [{x.Rows}, {x.Columns}] and their reconstructions [{reconstruction.Rows}, "
                + $"{reconstruction.Columns}].", nameof(reconstruction));
        }

        var sums = new ReconstructionSums(x.Columns);
        sums.Add(x, reconstruction);
        return sums.Report(name);
    }

    /// <summary>Reads a source front to back in blocks, each valid until the next.</summary>
    internal static IEnumerable<Matrix> Blocks(IActivationSource source, IProgress<double>? progress,
        CancellationToken cancellationToken) =>
        Batches(source, progress, cancellationToken).Select(batch => batch.Input);

    private static IEnumerable<Batch> Batches(IActivationSource source, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        for (long first = 0; first < source.Rows; first += Block)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long[] rows = new long[(int)Math.Min(Block, source.Rows - first)];
            for (int i = 0; i < rows.Length; i++) rows[i] = first + i;
            using Batch batch = source.Pairs(rows);
            yield return batch;
            progress?.Report((double)Math.Min(first + Block, source.Rows) / source.Rows);
        }
    }
}
