using Unweave.Numerics;

namespace Unweave.Interpretation;

/// <summary>Which latents fire on the same rows, counted on a random sample of rows.</summary>
/// <param name="latents">Number of latents.</param>
/// <param name="rows">Rows of the sample.</param>
/// <param name="seed">Seed of the draws.</param>
/// <param name="most">
/// Entries after which the sample takes no further rows: codes that are dense by nature (sigmoid latents) keep fewer.
/// </param>
internal sealed class CoActivation(int latents, int rows, ulong seed, long most = 1L << 26)
{
    /// <summary>A pair has to be seen this often before anything is said of it.</summary>
    private const int Least = 5;

    private readonly int[][] sample = new int[rows][];
    private long offered, entries;
    private int kept;
    private bool full;
    private int[][]? rowsOf;

    /// <summary>Offers rows to the sample: Algorithm R over all that are offered.</summary>
    public void Offer(SparseCodes codes, float threshold)
    {
        for (int row = 0; row < codes.Rows; row++)
        {
            long turn = offered++;
            full |= kept == sample.Length || entries >= most;
            long slot = full ? (long)(Rng.Mix(seed + (ulong)turn) % (ulong)(turn + 1)) : turn;
            if (full && slot >= kept) continue;
            ReadOnlySpan<float> values = codes.Values(row);
            int firing = 0;
            foreach (float value in values)
                if (value > threshold) firing++;
            int[] own = new int[firing];
            ReadOnlySpan<int> all = codes.Latents(row);
            for (int i = 0, at = 0; i < values.Length; i++)
                if (values[i] > threshold) own[at++] = all[i];
            entries += own.Length - (sample[slot]?.Length ?? 0);
            sample[slot] = own;
            kept = Math.Max(kept, (int)slot + 1);
        }
    }

    /// <summary>Lays the sample out by latent; nothing is offered after it.</summary>
    public void Complete()
    {
        int[] counts = new int[latents];
        for (int row = 0; row < kept; row++)
            foreach (int latent in sample[row]) counts[latent]++;
        rowsOf = new int[latents][];
        for (int latent = 0; latent < latents; latent++) rowsOf[latent] = new int[counts[latent]];
        Array.Clear(counts);
        for (int row = 0; row < kept; row++)
            foreach (int latent in sample[row]) rowsOf[latent][counts[latent]++] = row;
    }

    /// <summary>
    /// The partners of a latent: log₂ p(i, j)/(p(i) p(j)), largest first; those above 0 that were seen together at least five times.
    /// </summary>
    /// <param name="latent">The latent.</param>
    /// <param name="count">Partners to give.</param>
    /// <param name="scratch">Zeros, <c>[latents]</c>; zeros again afterwards.</param>
    public RelatedLatent[] Partners(int latent, int count, int[] scratch)
    {
        int[] own = rowsOf![latent];
        var met = new List<int>();
        foreach (int row in own)
        {
            foreach (int other in sample[row])
            {
                if (scratch[other]++ == 0) met.Add(other);
            }
        }

        RelatedLatent[] partners = [.. met
            .Where(other => other != latent && scratch[other] >= Least)
            .Select(
                other => new RelatedLatent(other, Math.Log2((double)scratch[other] * kept / ((double)own.Length * rowsOf[other].Length))))
            .Where(partner => partner.Value > 0)
            .OrderByDescending(partner => partner.Value).ThenBy(partner => partner.Latent)
            .Take(count)];
        foreach (int other in met) scratch[other] = 0;
        return partners;
    }
}
