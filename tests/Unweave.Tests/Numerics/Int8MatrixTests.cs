using CsCheck;
using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Tests.Numerics;

public sealed class Int8MatrixTests
{
    // Shapes that fill panels and registers and that do not; rows of very different size, rows of 0, numbers too small for a step.
    [Fact]
    public void Products_are_the_same_with_every_kernel_and_as_near_as_they_say() =>
        Gen.Select(Gen.Int[0, 150], Gen.Int[0, 70], Gen.ULong).Sample((rows, columns, seed) =>
    {
        var rng = new Rng(seed);
        using Matrix matrix = new(rows, columns), x = new(3, columns);
        rng.FillNormal(matrix.AsSpan());
        rng.FillNormal(x.AsSpan());
        for (int r = 0; r < rows; r++)
        {
            float size = rng.NextBelow(8) switch { 0 => 0, 1 => 1e-33f, 2 => 1e20f, 3 => 1e-9f, _ => 1 };
            foreach (ref float number in matrix.Row(r)) number *= size;
        }

        if (columns > 0) x[1, 0] = 50;
        x.Row(2).Clear();
        using var bias = new Matrix(1, rows);
        rng.FillNormal(bias.AsSpan());
        float[][] first = [];
        foreach (ByteKernels kernels in ByteKernels.Available)
        {
            using var bytes = new Int8Matrix(matrix, Workers.Shared, kernels);
            float[][] products = [.. Enumerable.Range(0, 6).Select(_ => new float[rows])];
            float[] lower = new float[rows], upper = new float[rows];
            for (int i = 0; i < 6; i++)
            {
                bytes.Multiply(x.Row(i % 3), products[i]);
                Assert.True(bytes.TryBound(x.Row(i % 3), bias.Row(0), lower, upper));
                for (int r = 0; r < rows; r++)
                {
                    double exact = ReferenceKernels.Dot(matrix.Row(r), x.Row(i % 3)) + bias[0, r], size = 0;
                    for (int c = 0; c < columns; c++) size += Math.Abs((double)matrix[r, c] * x[i % 3, c]);
                    double rounding = columns * size / (1 << 24); // what a sum of floats may be off
                    Assert.True(lower[r] <= exact - rounding && exact + rounding <= upper[r],
                        $"{kernels.Name} [{r}]: {exact} is not bound");
                    Assert.InRange(products[i][r] + (double)bias[0, r], lower[r], upper[r]);
                    double around = 0.03 * Norms.L2(matrix.Row(r)) * Norms.L2(x.Row(i % 3)) * Math.Sqrt(columns);
                    Assert.True(upper[r] - lower[r] <= around + 1e-5, $"{upper[r] - lower[r]} > {around}");
                }
            }

            Assert.Equal(products[..3], products[3..]); // read from the other end
            if (first.Length == 0) first = products;
            Assert.Equal(first, products);
        }
    });

    [Fact]
    public void What_is_not_finite_or_too_large_has_no_bounds()
    {
        using Matrix plain = new(2, 3, [1, 2, 3, 4, 5, 6]), damaged = new(2, 3, [1, 2, 3, 4, float.NaN, 6]);
        using Matrix large = new(2, 3, [1, 2, 3, 4, 5, 1e25f]);
        float[] lower = new float[2], upper = new float[2];
        bool Bound(Matrix rows, float x, float bias)
        {
            using var bytes = new Int8Matrix(rows, Workers.Shared);
            return bytes.TryBound([1, x, 0], [0, bias], lower, upper);
        }

        Assert.True(Bound(plain, 2, 1));
        Assert.False(Bound(plain, float.NaN, 1));
        Assert.False(Bound(plain, float.PositiveInfinity, 1));
        Assert.False(Bound(plain, 2, float.NaN));
        Assert.False(Bound(plain, 2, float.NegativeInfinity));
        Assert.False(Bound(damaged, 2, 1));
        Assert.True(Bound(large, 2, 1));
        Assert.False(Bound(large, 2e10f, 1));
    }

    [Fact]
    public void A_product_in_8_bits_is_near_the_exact_one()
    {
        var rng = new Rng(3);
        using Matrix matrix = new(500, 384), x = new(1, 384);
        rng.FillNormal(matrix.AsSpan());
        rng.FillNormal(x.AsSpan());
        using var bytes = new Int8Matrix(matrix, Workers.Shared);
        float[] products = new float[500];
        bytes.Multiply(x.Row(0), products);
        double lost = 0, all = 0;
        for (int r = 0; r < 500; r++)
        {
            double exact = ReferenceKernels.Dot(matrix.Row(r), x.Row(0));
            (lost, all) = (lost + Math.Pow(exact - products[r], 2), all + (exact * exact));
        }

        Assert.InRange(Math.Sqrt(lost / all), 0, 0.015);
    }

    [Fact]
    public void The_largest_bytes_do_not_overflow()
    {
        using Matrix matrix = new(1, Int8Matrix.MostColumns), x = new(1, Int8Matrix.MostColumns), wider = new(0,
            Int8Matrix.MostColumns + 1);
        matrix.AsSpan().Fill(-1);
        x.AsSpan().Fill(1);
        foreach (ByteKernels kernels in ByteKernels.Available)
        {
            using var bytes = new Int8Matrix(matrix, Workers.Shared, kernels);
            float[] product = new float[1];
            bytes.Multiply(x.Row(0), product);
            Assert.Equal(-Int8Matrix.MostColumns, product[0], 1.0);
        }

        Assert.Throws<ArgumentException>(() => new Int8Matrix(wider, Workers.Shared));
        using var small = new Int8Matrix(new Matrix(2, 3), Workers.Shared);
        Assert.Contains("[2, 3]", Assert.Throws<ArgumentException>(() => small.Multiply(new float[2], new float[2])).Message,
            StringComparison.Ordinal);
    }
}
