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
        float[][] first = [];
        foreach (ByteKernels kernels in ByteKernels.Available)
        {
            using var bytes = new Int8Matrix(matrix, Workers.Shared, kernels);
            float[][] products = [.. Enumerable.Range(0, 6).Select(_ => new float[rows])];
            for (int i = 0; i < 6; i++)
            {
                (float used, float lost) = bytes.Multiply(x.Row(i % 3), products[i]);
                for (int r = 0; r < rows; r++)
                {
                    double exact = ReferenceKernels.Dot(matrix.Row(r), x.Row(i % 3)), size = (double)bytes.Norms[r] * (used + lost);
                    double bound = ((double)bytes.Norms[r] * lost) + ((double)bytes.Losses[r] * used) + (1e-6 * size);
                    Assert.True(Math.Abs(exact - products[i][r]) <= bound, $"{kernels.Name} [{r}]: {products[i][r]}, exactly {exact}");
                    Assert.True(bytes.Norms[r] >= Norms.L2(matrix.Row(r)) * (1 - 1e-7));
                }
            }

            Assert.Equal(products[..3], products[3..]); // read from the other end
            if (first.Length == 0) first = products;
            Assert.Equal(first, products);
        }
    });

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
        using Matrix matrix = new(1, Int8Matrix.MostColumns), x = new(1, Int8Matrix.MostColumns), wider = new(0, Int8Matrix.MostColumns + 1);
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
