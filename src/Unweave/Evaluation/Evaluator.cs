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
