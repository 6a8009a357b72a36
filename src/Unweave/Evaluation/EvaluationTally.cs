using Unweave.Autoencoders;
using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>Reconstructs rows a block at a time and keeps the sums that a report is made of.</summary>
/// <param name="autoencoder">The autoencoder; it stays the caller's.</param>
internal sealed class EvaluationTally(Autoencoder autoencoder)
{
    private readonly ReconstructionSums sums = new(autoencoder.InputWidth);
    private readonly SparseAutoencoder? sparse = autoencoder as SparseAutoencoder;
    private readonly SparseCodes codes = new((autoencoder as SparseAutoencoder)?.Latents ?? 0);
    private readonly long[] fired = new long[(autoencoder as SparseAutoencoder)?.Latents ?? 0];
    private double active, activation;
    private long rows;

    /// <summary>Adds a block.</summary>
    /// <param name="x">The rows, <c>[rows, d]</c>.</param>
    /// <param name="reconstruction">Receives their reconstructions, <c>[rows, d]</c>.</param>
    public void Add(Matrix x, Matrix reconstruction)
    {
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

        rows += x.Rows;
        sums.Add(x, reconstruction);
    }

    /// <summary>The report on all rows added so far.</summary>
    public EvaluationReport Report(string name)
    {
        EvaluationReport report = sums.Report(name);
        return sparse is null ? report : report with
        {
            L0 = active / rows,
            L1 = activation / rows,
            Latents = sparse.Latents,
            Dead = fired.Count(times => times == 0),
            Density = DensityHistogram.Of(fired, rows),
            Fired = fired,
        };
    }
}
