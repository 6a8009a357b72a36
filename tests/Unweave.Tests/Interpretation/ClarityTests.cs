using Unweave.Data;
using Unweave.Interpretation;
using Unweave.Numerics;
using Unweave.Tests.Evaluation;

namespace Unweave.Tests.Interpretation;

public sealed class ClarityTests
{
    [Fact]
    public void Strongest_rows_match_a_full_sort_ties_to_the_earlier()
    {
        var rng = new Rng(2);
        using var x = new Matrix(2300, 5);
        for (int r = 0; r < x.Rows; r++)
            for (int c = 0; c < 5; c++) x[r, c] = rng.NextBelow(7) - 3; // small integers: many ties
        using var directions = new Matrix(3, 5, [1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0]);
        using var autoencoder = new FixedDictionary(directions);
        using var source = new MatrixSource(x);
        TopExamples examples = TopExamples.Find(autoencoder, source, kept: 40);
        SparseCodes codes = autoencoder.Encode(x);
        for (int latent = 0; latent < 3; latent++)
        {
            List<Example> all = [];
            for (int r = 0; r < x.Rows; r++)
            {
                int at = codes.Latents(r).IndexOf(latent);
                if (at >= 0) all.Add(new Example(r, codes.Values(r)[at]));
            }

            Assert.Equal([.. all.OrderByDescending(example => example.Activation).ThenBy(example => example.Row).Take(40)], examples.Strongest(latent));
            Assert.Equal(all.Count, examples.Fired(latent));
            Assert.Equal(all.Count / 2300.0, examples.Frequency(latent), 1e-12);
            Assert.Equal(all.Select(example => (double)example.Activation).DefaultIfEmpty(0).Average(), examples.MeanWhenActive(latent), 1e-6);
        }
    }

    [Fact]
    public void A_latent_of_alike_rows_is_clearer_than_one_of_random_rows_and_copies_are_left_out()
    {
        // Rows 0-19 share a direction that latents 0 and 1 read; latent 2 reads a coordinate that random rows happen to share;
        // latent 3 fires on every row, latent 4 on too few.
        var rng = new Rng(4);
        const int Rows = 1000, Width = 24;
        using var x = new Matrix(Rows, Width);
        rng.FillNormal(x.AsSpan());
        for (int r = 0; r < Rows; r++)
        {
            (x[r, 0], x[r, 1], x[r, 2], x[r, 3]) = (r < 20 ? 9 + (r * 0.05f) : -1, r % 50 == 7 ? 2 + (r * 0.001f) : -1, 5, r < 3 ? 4 : -1);
        }

        using var directions = new Matrix(5, Width);
        directions[0, 0] = 1;
        (directions[1, 0], directions[1, 4]) = (1, 0.05f);
        directions[2, 1] = 1;
        directions[3, 2] = 1;
        directions[4, 3] = 1;
        using var autoencoder = new FixedDictionary(directions);
        using var source = new MatrixSource(x);
        TopExamples examples = TopExamples.Find(autoencoder, source, kept: 10);
        Clarity clarity = Clarity.Score(source, examples);
        Assert.True(clarity[0] > clarity[2] + 0.3, $"{clarity[0]} {clarity[2]}");
        Assert.True(double.IsNaN(clarity[3]) && double.IsNaN(clarity[4]));
        IReadOnlyList<ClearLatent> clearest = clarity.Clearest(12);
        Assert.Equal(2, clearest.Count); // one of the two copies, and the random one
        Assert.Contains(clearest[0].Latent, (int[])[0, 1]);
        Assert.Equal(2, clearest[1].Latent);
        Assert.Equal(19, clearest[0].Examples[0].Row);
    }
}
