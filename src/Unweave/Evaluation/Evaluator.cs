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
        var sums = new ReconstructionSums(source.Width);
        var sparse = autoencoder as SparseAutoencoder;
        var codes = new SparseCodes(sparse?.Latents ?? 0);
        long[] fired = new long[sparse?.Latents ?? 0];
        double active = 0, activation = 0;
        foreach (Matrix x in Blocks(source, progress, cancellation))
        {
            using var reconstruction = new Matrix(x.Rows, x.Columns);
            if (sparse is null)
            {
                autoencoder.Reconstruct(x, reconstruction);
            }
            else
            {
                sparse.Encode(x, codes);
                sparse.Decode(codes, reconstruction);
                ReadOnlySpan<int> latents = codes.AllLatents;
                ReadOnlySpan<float> values = codes.AllValues;
                for (int j = 0; j < latents.Length; j++)
                {
                    activation += values[j];
                    if (values[j] <= sparse.FiringThreshold) continue;
                    active++;
                    fired[latents[j]]++;
                }
            }

            sums.Add(x, reconstruction);
        }

        EvaluationReport report = sums.Report(source.Name);
        return sparse is null ? report : report with
        {
            L0 = active / source.Rows,
            L1 = activation / source.Rows,
            Latents = sparse.Latents,
            Dead = fired.Count(times => times == 0),
            Density = DensityHistogram.Of(fired, source.Rows),
            Fired = fired,
        };
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
