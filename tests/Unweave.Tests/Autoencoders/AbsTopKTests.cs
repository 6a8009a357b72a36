using Unweave.Autoencoders;
using Unweave.Numerics;

namespace Unweave.Tests.Autoencoders;

public sealed class AbsTopKTests
{
    [Fact]
    public void It_keeps_the_largest_magnitudes_with_their_signs()
    {
        var rng = new Rng(5);
        using var sae = (SparseAutoencoder)new AbsTopKOptions { Latents = 300, K = 7 }.Build(24, rng);
        rng.FillNormal(sae.Weights.EncoderBias.AsSpan());
        foreach (int rows in (int[])[1, 40, 200])
        {
            using var x = new Matrix(rows, 24);
            rng.FillNormal(x.AsSpan());
            SparseCodes codes = sae.Encode(x);
            bool negative = false;
            for (int r = 0; r < rows; r++)
            {
                double[] pre = new double[300];
                for (int i = 0; i < pre.Length; i++)
                {
                    pre[i] = sae.Weights.EncoderBias[0, i];
                    for (int c = 0; c < 24; c++) pre[i] += (double)sae.Weights.Encoder[i, c] * x[r, c];
                }

                int[] expected = [.. Enumerable.Range(0, 300).OrderByDescending(i => Math.Abs(pre[i])).Take(7).Order()];
                Assert.Equal(expected, codes.Latents(r).ToArray());
                for (int j = 0; j < 7; j++)
                {
                    Assert.Equal(pre[expected[j]], codes.Values(r)[j], 1e-4);
                    negative |= codes.Values(r)[j] < 0;
                }
            }

            Assert.True(negative);
        }
    }
}
