using Unweave.Autoencoders;
using Unweave.Checkpoints;
using Unweave.Numerics;

namespace Unweave.Tests.Autoencoders;

public sealed class RefinedAutoencoderTests
{
    private const int Width = 12, Latents = 40, Rows = 60;

    [Fact]
    public void A_latent_that_the_others_make_needless_is_dropped_and_values_are_kept()
    {
        var rng = new Rng(4);
        var options = new TopKOptions { Latents = Latents, K = 6 };
        using var plain = (SparseAutoencoder)options.Build(Width, rng);
        rng.FillNormal(plain.Weights.DecoderBias.AsSpan());
        (plain.InputScale, plain.OutputScale) = (0.7f, 0.7f);
        using var pruned = new RefinedAutoencoder(Copy(plain), prune: 0.3, refit: false);
        using var x = new Matrix(Rows, Width);
        rng.FillNormal(x.AsSpan(), 2);
        SparseCodes all = plain.Encode(x), kept = pruned.Encode(x);
        int dropped = 0;
        for (int r = 0; r < Rows; r++)
        {
            var expected = new List<int>();
            for (int j = 0; j < all.RowCount(r); j++)
            {
                // The value of latent i that fits best with the others as they are, by its definition.
                double fit = 0;
                for (int c = 0; c < Width; c++)
                {
                    double rest = (x[r, c] * 0.7f) - plain.Weights.DecoderBias[0, c];
                    for (int other = 0; other < all.RowCount(r); other++)
                        if (other != j) rest -= all.Values(r)[other] * plain.Decoder[all.Latents(r)[other], c];
                    fit += rest * plain.Decoder[all.Latents(r)[j], c];
                }

                if (fit > 0.3) expected.Add(all.Latents(r)[j]);
                else dropped++;
            }

            Assert.Equal(expected, kept.Latents(r).ToArray());
            foreach (int latent in expected)
                Assert.Equal(all.Values(r)[all.Latents(r).IndexOf(latent)], kept.Values(r)[kept.Latents(r).IndexOf(latent)]);
        }

        Assert.InRange(dropped, 20, all.Count - 20);
    }

    [Fact]
    public void Refitted_values_reconstruct_no_row_worse()
    {
        var rng = new Rng(5);
        using var plain = (SparseAutoencoder)new TopKOptions { Latents = Latents, K = 6 }.Build(Width, rng);
        (plain.InputScale, plain.OutputScale) = (0.4f, 0.4f);
        using var refitted = new RefinedAutoencoder(Copy(plain), prune: null, refit: true);
        using Matrix x = new(Rows, Width), before = new(Rows, Width), after = new(Rows, Width);
        rng.FillNormal(x.AsSpan(), 3);
        plain.Reconstruct(x, before);
        refitted.Reconstruct(x, after);
        double gain = 0;
        for (int r = 0; r < Rows; r++)
        {
            double Error(Matrix reconstruction) =>
                Enumerable.Range(0, Width).Sum(c => Math.Pow(x[r, c] - reconstruction[r, c], 2));
            Assert.True(Error(after) <= Error(before) * 1.00001);
            gain += Error(before) - Error(after);
        }

        Assert.True(gain > 1);
    }

    [Fact]
    public void Codes_that_are_no_sum_of_decoder_rows_are_refused()
    {
        using var sigmoid = (SparseAutoencoder)new KlOptions { Latents = Latents }.Build(Width, new Rng(1));
        using var mapping = (SparseAutoencoder)new TopKOptions { Latents = Latents, Transcoder = true }.Build(Width, new Rng(1));
        Assert.Contains("never 0", Assert.Throws<InputException>(() => new RefinedAutoencoder(sigmoid, 0.1, false)).Message,
            StringComparison.Ordinal);
        Assert.Contains("transcoder", Assert.Throws<InputException>(() => new RefinedAutoencoder(mapping, 0.1, false)).Message,
            StringComparison.Ordinal);
    }

    private static SparseAutoencoder Copy(SparseAutoencoder of)
    {
        using var folder = new TemporaryFolder();
        of.Save(folder["sae"]);
        return SparseAutoencoder.Load(folder["sae"]);
    }
}
