using CsCheck;
using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Tests.Numerics;

public sealed class ShortlistMatrixTests
{
    // Shapes that fill panels and registers and that do not; rows of very different size, rows of 0.
    [Fact]
    public void Estimates_are_the_same_with_every_kernel_and_products_those_of_the_matrix_in_8_bits() =>
        Gen.Select(Gen.Int[1, 150], Gen.Int[1, 300], Gen.ULong).Sample((rows, columns, seed) =>
    {
        var rng = new Rng(seed);
        using Matrix matrix = new(rows, columns), x = new(2, columns);
        rng.FillNormal(matrix.AsSpan());
        rng.FillNormal(x.AsSpan());
        for (int r = 0; r < rows; r++)
        {
            float size = rng.NextBelow(8) switch { 0 => 0, 1 => 1e-33f, 2 => 1e20f, 3 => 1e-9f, _ => 1 };
            foreach (ref float number in matrix.Row(r)) number *= size;
        }

        float[][] first = [];
        foreach (ByteKernels kernels in ByteKernels.Available)
        {
            using var shortlist = new ShortlistMatrix(matrix, Workers.Shared, kernels);
            using var bytes = new Int8Matrix(matrix, Workers.Shared, kernels);
            float[][] estimates = [.. Enumerable.Range(0, 4).Select(_ => new float[rows])];
            for (int i = 0; i < 4; i++) shortlist.Estimate(shortlist.Quantize(x.Row(i % 2)), estimates[i]);
            Assert.Equal(estimates[..2], estimates[2..]); // read from the other end
            if (first.Length == 0) first = estimates;
            Assert.Equal(first, estimates);
            for (int r = 0; r < rows; r++)
            {
                double norm = Norms.L2(matrix.Row(r)), most = 0;
                foreach (float number in matrix.Row(r)) most = Math.Max(most, Math.Abs(number));

                // Each number is off by half a step of 1/7 of the largest, each of x by half of 1/127 of its largest: by chance either way.
                double off = ((most / 14) + (norm * 4 / 254)) * Norms.L2(x.Row(0));
                Assert.InRange(estimates[0][r] - ReferenceKernels.Dot(matrix.Row(r), x.Row(0)), -4 * off, 4 * off);
            }

            float[] all = new float[rows], some = new float[rows];
            bytes.Multiply(x.Row(1), all);
            int[] which = [.. Enumerable.Range(0, rows).Where(row => row % 3 == 1)];
            shortlist.Multiply(shortlist.Quantize(x.Row(1)), which, some);
            for (int r = 0; r < rows; r++) Assert.Equal(r % 3 == 1 ? all[r] : 0, some[r]);
        }
    });

    [Fact]
    public void Rows_that_are_not_there_are_refused()
    {
        using var matrix = new Matrix(2, 3, [1, 2, 3, 4, 5, 6]);
        using var shortlist = new ShortlistMatrix(matrix, Workers.Shared);
        float[] y = new float[2];
        Assert.Throws<ArgumentOutOfRangeException>(() => shortlist.Multiply(shortlist.Quantize([1, 2, 3]), [2], y));
        Assert.Throws<ArgumentOutOfRangeException>(() => shortlist.Multiply(shortlist.Quantize([1, 2, 3]), [-1], y));
    }
}
