using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Interpretation;

/// <summary>A row on which a latent fired, and how strongly.</summary>
/// <param name="Row">Position of the row in its source.</param>
/// <param name="Activation">The latent's activation, at the scale of the weights.</param>
public readonly record struct Example(long Row, float Activation);

/// <summary>
/// Every latent's strongest rows, gathered in one pass over a source; memory is n latents × the number kept, whatever the number
/// of rows.
/// </summary>
public sealed class TopExamples
{
    private const int Block = 1024;

    private readonly Example[][] strongest;
    private readonly long[] fired;
    private readonly double[] sums;

    private TopExamples(int latents, int kept, long rows)
    {
        (Kept, Rows) = (kept, rows);
        strongest = new Example[latents][];
        Array.Fill(strongest, []);
        fired = new long[latents];
        sums = new double[latents];
    }

    /// <summary>Examples kept of each latent.</summary>
    public int Kept { get; }

    /// <summary>Rows of the source.</summary>
    public long Rows { get; }

    /// <summary>Number of latents.</summary>
    public int Latents => fired.Length;

    /// <summary>Passes over a source.</summary>
    /// <param name="autoencoder">The autoencoder.</param>
    /// <param name="source">The rows.</param>
    /// <param name="kept">Examples kept of each latent. Default 10.</param>
    /// <param name="progress">Told the share of rows done.</param>
    /// <param name="cancellation">Ends the pass.</param>
    public static TopExamples Find(SparseAutoencoder autoencoder, IActivationSource source, int kept = 10, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(autoencoder);
        ArgumentNullException.ThrowIfNull(source);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(kept);
        var found = new TopExamples(autoencoder.Latents, kept, source.Rows);
        var heaps = new PriorityQueue<Example, (float Activation, long Earlier)>[autoencoder.Latents];
        var codes = new SparseCodes(autoencoder.Latents);
        for (long first = 0; first < source.Rows; first += Block)
        {
            cancellation.ThrowIfCancellationRequested();
            using Matrix x = source.Rows(first, (int)Math.Min(Block, source.Rows - first));
            autoencoder.Encode(x, codes);
            for (int r = 0; r < codes.Rows; r++)
            {
                ReadOnlySpan<int> latents = codes.Latents(r);
                ReadOnlySpan<float> values = codes.Values(r);
                for (int j = 0; j < latents.Length; j++)
                {
                    if (values[j] <= autoencoder.FiringThreshold) continue;
                    int latent = latents[j];
                    found.fired[latent]++;
                    found.sums[latent] += values[j];

                    // The weakest is on top; of equals the later row is the weaker.
                    PriorityQueue<Example, (float, long)> heap = heaps[latent] ??= new PriorityQueue<Example, (float, long)>(kept);
                    var example = new Example(first + r, values[j]);
                    if (heap.Count < kept) heap.Enqueue(example, (values[j], -example.Row));
                    else heap.EnqueueDequeue(example, (values[j], -example.Row));
                }
            }

            progress?.Report((double)Math.Min(first + Block, source.Rows) / source.Rows);
        }

        for (int latent = 0; latent < heaps.Length; latent++)
        {
            if (heaps[latent] is not { } heap) continue;
            Example[] ordered = new Example[heap.Count];
            for (int i = ordered.Length - 1; i >= 0; i--) ordered[i] = heap.Dequeue();
            found.strongest[latent] = ordered;
        }

        return found;
    }

    /// <summary>A latent's strongest rows, strongest first; of equals the earlier row.</summary>
    public IReadOnlyList<Example> Strongest(int latent) => strongest[latent];

    /// <summary>Rows on which a latent fired.</summary>
    public long Fired(int latent) => fired[latent];

    /// <summary>Share of rows on which a latent fired.</summary>
    public double Frequency(int latent) => (double)fired[latent] / Rows;

    /// <summary>A latent's mean activation over the rows on which it fired; 0 for one that never did.</summary>
    public double MeanWhenActive(int latent) => fired[latent] > 0 ? sums[latent] / fired[latent] : 0;
}
