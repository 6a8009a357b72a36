using CsCheck;
using Unweave.Numerics;

namespace Unweave.Tests.Numerics;

public sealed class CodeRefitTests
{
    // Integers in a fixed pattern, the same in C# and in Python.
    private static Matrix Grid(int rows, int columns, float scale, float offset)
    {
        var grid = new Matrix(rows, columns);
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++) grid[i, j] = (((((i * 37) + (j * 61) + (i * j * 13)) % 101) / 100f) * scale) + offset;
        return grid;
    }

    // import numpy as np; from scipy.optimize import nnls                                                     (scipy 1.10.1)
    // g = lambda r, c: np.array([[((i*37+j*61+i*j*13)%101)/100 for j in range(c)] for i in range(r)])
    // D = g(12,7)-.5; b = g(1,7)[0]-.4; X = g(9,7)*2-1
    // for r in range(9):
    //     s = [i for i in range(12) if (i*5+r*7)%3 != 0][:6]; v, e = nnls(D[s].T, X[r]-b); v, e*e, np.linalg.norm(b+v@D[s])
    [Fact]
    public void Values_and_lengths_are_those_of_scipy()
    {
        double[][] expected =
        [
            [0.341953, 0.087387, 0.2083, 0, 0, 0.132923, 0.762651, 1.03956],
            [0, 0.666358, 0.145748, 0.403119, 0.710458, 0, 1.623576, 1.335821],
            [0, 0.033495, 0, 0, 0, 1.093704, 1.774611, 1.019074], [0, 0, 0, 0, 1.642269, 0, 4.17759, 1.302582],
            [0, 0, 0, 1.036445, 0.955667, 0, 1.056129, 1.44137], [0, 0, 0, 0.614658, 0, 1.437964, 1.895615, 1.406902],
            [0, 0, 0.662457, 0, 1.058836, 0, 1.366656, 1.265454], [0, 0.440539, 0.369015, 0.931128, 0.471889, 0, 2.087416, 1.445911],
            [0, 0, 0, 0.024129, 0, 0.298972, 2.073588, 0.773888],
        ];
        using Matrix decoder = Grid(12, 7, 1, -0.5f), bias = Grid(1, 7, 1, -0.4f), x = Grid(9, 7, 2, -1);
        SparseCodes codes = Codes(12, 1, 9, (row, latent) => ((latent * 5) + (row * 7)) % 3 != 0, 6);
        SparseCodes refitted = CodeRefit.Refit(codes, decoder, bias.Row(0), x, Workers.Shared, out float[] norms);
        for (int r = 0; r < 9; r++)
        {
            double[] values = Dense(refitted, r);
            for (int i = 0; i < 6; i++) Assert.Equal(expected[r][i], values[codes.Latents(r)[i]], 1e-5);
            Assert.Equal(expected[r].Take(6).Count(value => value > 0), refitted.RowCount(r));
            Assert.Equal(expected[r][6], Error(decoder, bias.Row(0), x.Row(r), values), 1e-5);
            Assert.Equal(expected[r][7], norms[r], 1e-5);
        }
    }

    // More latents than dimensions, decoder rows twice or 0, values to start from that are negative, huge or not a number.
    [Fact]
    public void No_change_of_one_value_lowers_the_error() =>
        Gen.Select(Gen.Int[1, 12], Gen.Int[1, 20], Gen.ULong, Gen.Double[-9, 9], Gen.Bool).Sample((width, latents, seed, exponent, twice) =>
    {
        var rng = new Rng(seed);
        float scale = (float)Math.Pow(10, exponent);
        using Matrix decoder = new(latents, width), bias = new(1, width), x = new(4, width);
        rng.FillNormal(decoder.AsSpan());
        if (twice && latents > 2) decoder.Row(0).CopyTo(decoder.Row(latents - 1));
        if (twice) decoder.Row(latents / 2).Clear();
        rng.FillNormal(x.AsSpan());
        rng.FillNormal(bias.AsSpan());
        foreach (Matrix matrix in (Matrix[])[x, bias])
            for (int r = 0; r < matrix.Rows; r++)
                for (int c = 0; c < width; c++) matrix[r, c] *= scale;
        SparseCodes codes = Codes(latents, 0, 4, (row, latent) => (latent + row) % 4 > 0);
        for (int i = 0; i < codes.Count; i++)
        {
            codes.ValuesForWriting[i] = (float)rng.NextNormal() * scale;
            if (rng.NextBelow(20) == 0) codes.ValuesForWriting[i] = float.NaN;
        }

        SparseCodes refitted = CodeRefit.Refit(codes, decoder, bias.Row(0), x, Workers.Shared, out float[] norms);
        for (int r = 0; r < 4; r++)
        {
            double[] values = Dense(refitted, r), rest = Rest(decoder, bias.Row(0), x.Row(r), values);
            double length = Math.Sqrt(Rest(decoder, bias.Row(0), x.Row(r), new double[latents]).Sum(v => v * v));
            double size = length + values.Select((v, i) => v * Norms.L2(decoder.Row(i))).Sum();
            foreach (int i in codes.Latents(r))
            {
                double slope = 0;
                for (int c = 0; c < width; c++) slope += rest[c] * decoder[i, c];
                double tolerance = 1e-5 * size * Norms.L2(decoder.Row(i));
                Assert.True(slope <= tolerance, $"latent {i} of row {r} should grow: {slope} above {tolerance}");
                Assert.True(values[i] >= 0 && (values[i] == 0 || slope >= -tolerance), $"latent {i} of row {r} should shrink: {slope}");
            }

            double[] reconstruction = [.. rest.Select((v, c) => x[r, c] - v)];
            Assert.Equal(Math.Sqrt(reconstruction.Sum(v => v * v)), norms[r], 1e-4 * (size + Norms.L2(bias.Row(0))));
        }
    });

    [Fact]
    public void Any_number_of_threads_gives_the_same_bytes_and_the_start_only_the_time()
    {
        const int Rows = 300, Latents = 64, Width = 24;
        var rng = new Rng(5);
        using Matrix decoder = new(Latents, Width), x = new(Rows, Width);
        rng.FillNormal(decoder.AsSpan());
        rng.FillNormal(x.AsSpan());
        SparseCodes codes = Codes(Latents, 1, Rows, (row, latent) => (latent * (row + 3)) % 7 == 1);
        using var one = new Workers(1);
        using var three = new Workers(3);
        SparseCodes alone = CodeRefit.Refit(codes, decoder, new float[Width], x, one, out float[] norms);
        SparseCodes together = CodeRefit.Refit(codes, decoder, new float[Width], x, three, out float[] others);
        Assert.Equal(alone.AllLatents, together.AllLatents);
        Assert.Equal(alone.AllValues, together.AllValues);
        Assert.Equal(norms, others);
        Assert.True(alone.Count < codes.Count);
        SparseCodes again = CodeRefit.Refit(alone, decoder, new float[Width], x, three, out _);
        Assert.Equal(alone.AllLatents, again.AllLatents);
        for (int i = 0; i < alone.Count; i++) Assert.Equal(alone.AllValues[i], again.AllValues[i], 1e-4);
    }

    [Fact]
    public void Rows_without_latents_have_the_length_of_the_bias()
    {
        using Matrix decoder = new(3, 2), x = new(2, 2);
        SparseCodes refitted = CodeRefit.Refit(Codes(3, 1, 2, (_, _) => false), decoder, [3, 4], x, Workers.Shared, out float[] norms);
        Assert.Equal(0, refitted.Count);
        Assert.Equal([5, 5], norms);
    }

    [Fact]
    public void What_does_not_belong_together_or_is_not_finite_is_refused()
    {
        using Matrix decoder = new(3, 2), x = new(1, 2), damaged = new(1, 2, [1, float.NaN]), huge = new(1, 2, [1, 1e30f]);
        SparseCodes codes = Codes(3, 1, 1, (_, latent) => latent != 1);
        string Refusal<E>(float[] bias, Matrix vectors)
            where E : Exception =>
            Assert.Throws<E>(() => CodeRefit.Refit(codes, decoder, bias, vectors, Workers.Shared, out _)).Message;
        Assert.Contains("[3, 2]", Refusal<ArgumentException>([0], x), StringComparison.Ordinal);
        Assert.Contains("Row 0", Refusal<InputException>([0, 0], damaged), StringComparison.Ordinal);
        Assert.Contains("Row 0", Refusal<InputException>([0, 0], huge), StringComparison.Ordinal);
    }

    private static SparseCodes Codes(int latents, float value, int rows, Func<int, int, bool> has, int most = int.MaxValue)
    {
        int[][] supports =
            [.. Enumerable.Range(0, rows).Select(row => Enumerable.Range(0,
                latents).Where(latent => has(row, latent)).Take(most).ToArray())];
        var codes = new SparseCodes(latents);
        codes.Layout([.. supports.Select(support => support.Length)]);
        supports.SelectMany(support => support).ToArray().CopyTo(codes.LatentsForWriting);
        codes.ValuesForWriting.Fill(value);
        return codes;
    }

    private static double[] Dense(SparseCodes codes, int row)
    {
        double[] values = new double[codes.DictionarySize];
        for (int i = 0; i < codes.RowCount(row); i++) values[codes.Latents(row)[i]] = codes.Values(row)[i];
        return values;
    }

    private static double[] Rest(Matrix decoder, ReadOnlySpan<float> bias, ReadOnlySpan<float> x, double[] values)
    {
        double[] rest = new double[x.Length];
        for (int c = 0; c < rest.Length; c++)
        {
            rest[c] = (double)x[c] - bias[c];
            for (int i = 0; i < values.Length; i++) rest[c] -= values[i] * decoder[i, c];
        }

        return rest;
    }

    private static double Error(Matrix decoder, ReadOnlySpan<float> bias, ReadOnlySpan<float> x, double[] values) =>
        Rest(decoder, bias, x, values).Sum(value => value * value);
}
