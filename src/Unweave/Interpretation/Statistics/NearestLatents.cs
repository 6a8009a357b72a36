using System.Numerics.Tensors;
using Unweave.Numerics;

namespace Unweave.Interpretation;

/// <summary>The latents whose decoder rows point the same way.</summary>
internal static class NearestLatents
{
    private const int Block = 512;

    /// <summary>The nearest latents of each latent by cosine, nearest first, itself left out; only cosines above 0.</summary>
    /// <param name="decoder">The dictionary, <c>[n, d]</c>.</param>
    /// <param name="count">How many, at most.</param>
    public static RelatedLatent[][] Find(Matrix decoder, int count)
    {
        int latents = decoder.Rows;
        var nearest = new RelatedLatent[latents][];
        using Matrix unit = decoder.Clone();
        for (int latent = 0; latent < latents; latent++)
        {
            double norm = Norms.L2(unit.Row(latent));
            if (norm > 0) TensorPrimitives.Divide(unit.Row(latent), (float)norm, unit.Row(latent));
        }

        // The product with itself, kept to the largest of each row, is what the encoder of a TopK autoencoder does.
        using var encoder = new FusedEncoder(Workers.Shared);
        using var bias = new Matrix(1, latents);
        var codes = new SparseCodes(latents);
        for (int first = 0; first < latents; first += Block)
        {
            int rows = Math.Min(Block, latents - first);
            using Matrix block = unit.CopyRows(first, rows);
            encoder.Load(block);
            unsafe
            {
                encoder.TopK(unit, bias.Pointer, Math.Min(count + 1, latents), default, codes);
            }

            for (int row = 0; row < rows; row++)
            {
                int latent = first + row;
                ReadOnlySpan<int> others = codes.Latents(row);
                ReadOnlySpan<float> cosines = codes.Values(row);
                var found = new List<RelatedLatent>(others.Length);
                for (int i = 0; i < others.Length; i++)
                    if (others[i] != latent && cosines[i] > 0) found.Add(new RelatedLatent(others[i], cosines[i]));
                nearest[latent] = [.. found.OrderByDescending(other => other.Value).ThenBy(other => other.Latent).Take(count)];
            }
        }

        return nearest;
    }
}
