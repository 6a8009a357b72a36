using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>Evaluates an autoencoder on the rows of a source, a block at a time, so that memory does not grow with the source.</summary>
public static class Evaluator
{
    private const int Block = 1024;

    /// <summary>Evaluates on every row of a source; pass a <see cref="RowSubset"/> to evaluate on some.</summary>
    /// <param name="autoencoder">The autoencoder.</param>
    /// <param name="source">The rows, held out from training if the figures are to mean anything.</param>
    /// <param name="progress">Told the share of rows done.</param>
    /// <param name="cancellation">Ends the evaluation.</param>
    /// <exception cref="InputException">The rows are of another width, or cannot be read.</exception>
    public static EvaluationReport Run(Autoencoder autoencoder, IActivationSource source, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(autoencoder);
        ArgumentNullException.ThrowIfNull(source);
        var tally = new EvaluationTally(autoencoder);
        foreach (Matrix x in Blocks(source, progress, cancellation))
        {
            using var reconstruction = new Matrix(x.Rows, x.Columns);
            tally.Add(x, reconstruction);
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
        if ((x.Rows, x.Columns) != (reconstruction.Rows, reconstruction.Columns)) throw new ArgumentException($"The rows are [{x.Rows}, {x.Columns}] and their reconstructions [{reconstruction.Rows}, {reconstruction.Columns}].", nameof(reconstruction));
        var sums = new ReconstructionSums(x.Columns);
        sums.Add(x, reconstruction);
        return sums.Report(name);
    }

    /// <summary>Reads a source front to back in blocks, each valid until the next.</summary>
    internal static IEnumerable<Matrix> Blocks(IActivationSource source, IProgress<double>? progress, CancellationToken cancellation)
    {
        for (long first = 0; first < source.Rows; first += Block)
        {
            cancellation.ThrowIfCancellationRequested();
            using Matrix x = source.Rows(first, (int)Math.Min(Block, source.Rows - first));
            yield return x;
            progress?.Report((double)Math.Min(first + Block, source.Rows) / source.Rows);
        }
    }
}
