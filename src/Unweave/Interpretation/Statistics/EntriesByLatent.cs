using Unweave.Numerics;

namespace Unweave.Interpretation;

/// <summary>The entries of sparse codes, latent by latent: a counting sort, rows ascending within a latent.</summary>
internal sealed class EntriesByLatent(int latents)
{
    private readonly int[] starts = new int[latents + 1];
    private readonly int[] next = new int[latents];
    private int[] rows = [];
    private float[] values = [];

    /// <summary>Sorts the entries above a threshold.</summary>
    public void Sort(SparseCodes codes, float threshold)
    {
        ReadOnlySpan<int> all = codes.AllLatents;
        ReadOnlySpan<float> activations = codes.AllValues;
        Array.Clear(starts);
        for (int i = 0; i < all.Length; i++)
            if (activations[i] > threshold) starts[all[i] + 1]++;
        for (int latent = 0; latent < latents; latent++) starts[latent + 1] += starts[latent];
        if (rows.Length < starts[latents])
        {
            rows = new int[starts[latents]];
            values = new float[starts[latents]];
        }

        starts.AsSpan(0, latents).CopyTo(next);
        for (int row = 0; row < codes.Rows; row++)
        {
            ReadOnlySpan<int> own = codes.Latents(row);
            ReadOnlySpan<float> ownValues = codes.Values(row);
            for (int i = 0; i < own.Length; i++)
            {
                if (ownValues[i] <= threshold) continue;
                int at = next[own[i]]++;
                rows[at] = row;
                values[at] = ownValues[i];
            }
        }
    }

    /// <summary>Rows on which a latent fired.</summary>
    public ReadOnlySpan<int> Rows(int latent) => rows.AsSpan(starts[latent], starts[latent + 1] - starts[latent]);

    /// <summary>Its activations there.</summary>
    public ReadOnlySpan<float> Values(int latent) => values.AsSpan(starts[latent], starts[latent + 1] - starts[latent]);
}
