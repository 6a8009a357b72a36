using Unweave.Autoencoders;
using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>Reconstructs rows a block at a time and keeps the sums that a report is made of.</summary>
/// <param name="autoencoder">The autoencoder; it stays the caller's.</param>
/// <param name="firingOnly">
/// Reconstruct from the latents above the firing threshold alone: what sigmoid codes are worth as sparse ones.
/// </param>
internal sealed class EvaluationTally(Autoencoder autoencoder, bool firingOnly = false)
{
    private readonly ReconstructionSums sums = new(autoencoder.OutputWidth);
    private readonly SparseAutoencoder? sparse = autoencoder as SparseAutoencoder;
    private readonly SparseCodes codes = new((autoencoder as SparseAutoencoder)?.Latents ?? 0);
    private readonly SparseCodes kept = new((autoencoder as SparseAutoencoder)?.Latents ?? 0);
    private readonly long[] fired = new long[(autoencoder as SparseAutoencoder)?.Latents ?? 0];
    private double entries, firing, activation;
    private long rows;

    /// <summary>Adds a block.</summary>
    /// <param name="x">The rows, <c>[rows, d]</c>, which are their own targets.</param>
    /// <param name="reconstruction">Receives their reconstructions, <c>[rows, d]</c>.</param>
    public void Add(Matrix x, Matrix reconstruction) => Add(new Batch(x), reconstruction);

    /// <summary>Adds a block of rows with their targets.</summary>
    /// <param name="batch">The rows.</param>
    /// <param name="reconstruction">Receives their reconstructions, <c>[rows, output width]</c>.</param>
    public void Add(Batch batch, Matrix reconstruction)
    {
        if (sparse is null)
        {
            autoencoder.Reconstruct(batch.Input, reconstruction);
        }
        else
        {
            sparse.Encode(batch.Input, codes);
            SparseCodes used = codes;
            if (firingOnly) NarrowedCodes.Above(codes, sparse.FiringThreshold, used = kept);
            sparse.Decode(used, batch.Input, reconstruction);
            entries += used.Count;
            ReadOnlySpan<int> latents = used.AllLatents;
            ReadOnlySpan<float> values = used.AllValues;
            for (int j = 0; j < latents.Length; j++)
            {
                activation += values[j];
                if (values[j] <= sparse.FiringThreshold) continue;
                firing++;
                fired[latents[j]]++;
            }
        }

        rows += batch.Rows;
        sums.Add(batch.Target, reconstruction);
    }

    /// <summary>The report on all rows added so far.</summary>
    public EvaluationReport Report(string name)
    {
        EvaluationReport report = sums.Report(name);
        return sparse is null ? report : report with
        {
            L0 = entries / rows,
            Firing = firing / rows,
            L1 = activation / rows,
            Latents = sparse.Latents,
            Dead = fired.Count(times => times == 0),
            Density = DensityHistogram.From(fired, rows),
            Fired = fired,
        };
    }
}
