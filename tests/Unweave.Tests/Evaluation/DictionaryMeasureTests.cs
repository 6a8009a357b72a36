using Unweave.Autoencoders;
using Unweave.Evaluation;
using Unweave.Numerics;

namespace Unweave.Tests.Evaluation;

public sealed class DictionaryMeasureTests
{
    [Fact]
    public void A_dictionary_in_another_order_is_the_same_and_half_of_one_is_half()
    {
        var rng = new Rng(1);
        using Matrix one = RandomDictionaryBaseline.UnitRows(60, 32, rng), other = new(60, 32), half = RandomDictionaryBaseline.UnitRows(60,
            32, rng);
        for (int i = 0; i < 60; i++) one.Row(i).CopyTo(other.Row((i * 7) % 60));
        for (int i = 0; i < 30; i++) one.Row(i).CopyTo(half.Row(59 - i));
        Stability same = Stability.Measure("a", one, "b", other), some = Stability.Measure("a", one, "b", half);
        Assert.Equal((60, 1.0, 1.0), (same.Pairs, same.Above7, same.Above9));
        Assert.Equal(1, same.MeanCosine, 1e-5);
        Assert.Equal(0.5, some.Above9, 1e-9);
        Assert.InRange(some.MeanCosine, 0.5 + (0.4 * some.Chance), 0.95);
        Assert.InRange(same.Chance, 0.2, 0.6);
        using Matrix wide = RandomDictionaryBaseline.UnitRows(60, 33, rng);
        Assert.Contains("width 33", Assert.Throws<InputException>(() => Stability.Measure("a", one, "b", wide)).Message,
            StringComparison.Ordinal);
    }

    // Every architecture that trains: what a latent adds is read off its decoding, so that code and directions rebuild the row.
    public static TheoryData<string> Architectures =>
        [.. Architecture.Trainable.Where(one => one.Defaults is DictionaryOptions).Select(one => one.Name)];

    [Theory]
    [MemberData(nameof(Architectures))]
    public void A_reconstruction_is_the_sum_of_what_its_latents_add(string name)
    {
        AutoencoderOptions options = (DictionaryOptions)Architecture.Find(name)!.Defaults with { Latents = 64 };
        using var autoencoder = (SparseAutoencoder)options.Build(8, 8, new Rng(4));
        autoencoder.InputScale = autoencoder.OutputScale = 3;
        using Matrix x = new(5, 8), rebuilt = new(5, 8);
        new Rng(2).FillNormal(x.AsSpan());
        var coder = new AutoencoderCoder("one", autoencoder);
        var codes = new SparseCodes(64);
        coder.Encode(x, codes);
        coder.Decode(codes, x, rebuilt);
        using Matrix directions = LatentDirections.All(coder, x.Row(0));
        float[] origin = LatentDirections.Origin(coder, x.Row(0));
        for (int r = 0; r < 5; r++)
        {
            using Matrix added = LatentDirections.Contributions(coder, codes, r, x.Row(r));
            for (int c = 0; c < 8; c++)
            {
                double sum = origin[c], own = origin[c];
                for (int j = 0; j < codes.RowCount(r); j++)
                {
                    sum += codes.Values(r)[j] * directions[codes.Latents(r)[j], c];
                    own += added[j, c];
                }

                Assert.Equal(rebuilt[r, c], sum, 1e-4);
                Assert.Equal(rebuilt[r, c], own, 1e-4);
            }
        }
    }

    // By a full sort of all products with the decoder.
    [Fact]
    public void The_nth_projection_is_the_nth_largest_of_a_batch()
    {
        var rng = new Rng(7);
        using Matrix rows = new(50, 12), directions = RandomDictionaryBaseline.UnitRows(40, 12, rng);
        rng.FillNormal(rows.AsSpan());
        var coder = new Directions(directions);
        DecoderProjection found = DecoderProjection.Measure(coder, directions, rows);
        double length = 0;
        var products = new List<double>();
        for (int r = 0; r < 50; r++)
        {
            double squares = 0;
            for (int c = 0; c < 12; c++) squares += Math.Pow(rows[r, c] - 1, 2);
            length += Math.Sqrt(squares) / 50;
            for (int i = 0; i < 40; i++)
                products.Add(Enumerable.Range(0, 12).Sum(c => (rows[r, c] - 1.0) * directions[i, c]));
        }

        double[] sorted = [.. products.OrderDescending()];
        foreach (double share in DecoderProjection.Shares)
            Assert.Equal(sorted[(int)(share * 40) * 50] / length, found.Values[share], 1e-5);
        double cosines = 0;
        for (int i = 0; i < 40; i++)
            for (int j = 0; j < 40; j++)
                if (i != j) cosines += Math.Abs(Enumerable.Range(0, 12).Sum(c => (double)directions[i, c] * directions[j, c]));
        Assert.Equal(cosines / 40 / 39, found.PairCosine, 1e-5);
    }

    /// <summary>Adds directions to a row of ones.</summary>
    private sealed class Directions(Matrix directions) : IRowCoder
    {
        public string Name => "directions";

        public int InputWidth => directions.Columns;

        public int OutputWidth => directions.Columns;

        public int Latents => directions.Rows;

        public void Encode(Matrix x, SparseCodes codes) => throw new NotSupportedException();

        public void Decode(SparseCodes codes, Matrix input, Matrix reconstruction)
        {
            for (int r = 0; r < codes.Rows; r++)
            {
                reconstruction.Row(r).Fill(1);
                for (int j = 0; j < codes.RowCount(r); j++)
                    for (int c = 0; c < directions.Columns; c++)
                        reconstruction[r, c] += codes.Values(r)[j] * directions[codes.Latents(r)[j], c];
            }
        }
    }
}
