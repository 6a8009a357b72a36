using CsCheck;
using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Tests.Data;

public sealed class InputStatisticsTests
{
    [Fact]
    public void Geometric_median_agrees_with_scipy_and_ignores_an_outlier()
    {
        // import numpy as np; from scipy.optimize import minimize
        // x = (np.arange(60).reshape(20, 3) * 37) % 101 / 10.0; x[0] = [1000, -1000, 500]
        // f = lambda c: np.linalg.norm(x - c, axis=1).sum()
        // minimize(f, np.median(x, axis=0), method="Nelder-Mead", options=dict(xatol=1e-12, fatol=1e-14, maxiter=100000)).x
        using var x = new Matrix(20, 3);
        for (int i = 0; i < 60; i++) x.AsSpan()[i] = i * 37 % 101 / 10f;
        float[] outlier = [1000, -1000, 500];
        outlier.CopyTo(x.Row(0));
        AssertNear([5.62861719, 4.94709816, 4.56097413], InputStatistics.GeometricMedian(x, tolerance: 1e-9), 2e-6);
        AssertNear([54.955, -45.065, 29.41], InputStatistics.Mean(x), 1e-5);
    }

    [Fact]
    public void Geometric_median_of_a_convex_quadrilateral_is_where_its_diagonals_cross()
    {
        using var x = new Matrix(4, 2, [-1, 0, 5, 0, 0, -2, 0, 7]);
        AssertNear([0, 0], InputStatistics.GeometricMedian(x, tolerance: 1e-9), 1e-6);
    }

    [Fact]
    public void Geometric_median_of_a_majority_is_where_it_lies()
    {
        using var x = new Matrix(5, 2, [1, 2, 1, 2, 1, 2, 50, 9, -3, 40]);
        AssertNear([1, 2], InputStatistics.GeometricMedian(x), 1e-5);
        using var same = new Matrix(3, 2, [1, 2, 1, 2, 1, 2]);
        Assert.Equal([1, 2], InputStatistics.GeometricMedian(same));
        using var one = new Matrix(1, 2, [7, 8]);
        Assert.Equal([7, 8], InputStatistics.GeometricMedian(one));
    }

    [Fact]
    public void An_iterate_that_meets_a_row_leaves_it_unless_it_is_the_median()
    {
        // The mean, where the iteration starts, is the row (3, 0); plain Weiszfeld divides by zero there.
        using var x = new Matrix(6, 2, [0, 0.125f, 0, -0.125f, 0.125f, 0, 0, 0, 3, 0, 14.875f, 0]);
        float[] median = InputStatistics.GeometricMedian(x, tolerance: 1e-9, maxIterations: 2000);
        AssertNoNearbyPointIsBetter(x, median);
        Assert.InRange(median[0], 0, 0.125f);

        // Here the row at the mean is the median: the others pull no harder than it holds.
        using var cross = new Matrix(5, 2, [1, 0, -1, 0, 0, 1, 0, -1, 0, 0]);
        Assert.Equal([0, 0], InputStatistics.GeometricMedian(cross));
    }

    [Fact]
    public void No_point_nearby_has_a_smaller_sum_of_distances() =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[1, 12], Gen.ULong).Sample((rows, width, seed) =>
        {
            using var x = new Matrix(rows, width);
            new Rng(seed).FillNormal(x.AsSpan());
            AssertNoNearbyPointIsBetter(x, InputStatistics.GeometricMedian(x, tolerance: 1e-10, maxIterations: 5000));
        }, iter: 60);

    [Fact]
    public void Mean_norm_and_scale_bring_vectors_to_norm_root_d()
    {
        using var x = new Matrix(2, 4, [3, 4, 0, 0, 0, 0, 5, 12]);
        Assert.Equal(9, InputStatistics.MeanNorm(x), 1e-12);
        Assert.Equal(2f / 9, InputStatistics.Scale(x), 1e-7f);
        using var zeros = new Matrix(2, 4);
        Assert.Contains("mean norm of 2 sampled vectors is 0", Assert.Throws<InputException>(() => InputStatistics.Scale(zeros)).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(1000, 1)]
    [InlineData(1000, 0.01)]
    public void A_large_shared_part_does_not_shrink_what_tells_vectors_apart(float shared, float spread)
    {
        using var x = new Matrix(500, 16);
        new Rng(3).FillNormal(x.AsSpan());
        for (int row = 0; row < x.Rows; row++)
        {
            for (int i = 0; i < x.Columns; i++) x[row, i] *= spread;
            x[row, 3] += shared;
        }

        float scale = InputStatistics.Scale(x);
        Assert.InRange(scale * spread, 0.9, 1.1);
        using var alike = new Matrix(2, 4, [3, 4, 0, 0, 3, 4, 0, 0]);
        Assert.Equal(2f / 5, InputStatistics.Scale(alike), 1e-7f);
    }

    [Fact]
    public void A_sample_has_distinct_rows_and_depends_on_its_seed()
    {
        using var source = new MatrixSource(new Matrix(500, 1, [.. Enumerable.Range(0, 500).Select(i => (float)i)]), ownsMatrix: true);
        using Matrix a = InputStatistics.Sample(source, 100, 1), again = InputStatistics.Sample(source, 100, 1),
            b = InputStatistics.Sample(source, 100, 2), all = InputStatistics.Sample(source, 9999, 1);
        Assert.Equal(100, a.AsSpan().ToArray().Distinct().Count());
        Assert.Equal(a.AsSpan(), again.AsSpan());
        Assert.False(a.AsSpan().SequenceEqual(b.AsSpan()));
        Assert.Equal(500, all.Rows);
    }

    [Fact]
    public void The_mean_of_a_source_is_the_mean_of_its_rows_in_blocks_and_out()
    {
        using var source = new SyntheticFeatures(new() { Rows = 2500, Width = 5, Features = 9 });
        using Matrix rows = source.Rows(0, 2500);
        AssertNear(InputStatistics.Mean(rows), InputStatistics.Mean(source), 1e-12);
    }

    private static void AssertNoNearbyPointIsBetter(Matrix x, float[] median)
    {
        double best = SumOfDistances(x, [.. median.Select(value => (double)value)]);
        var rng = new Rng(1);
        foreach (double step in (double[])[1e-1, 1e-2, 1e-3])
        {
            for (int trial = 0; trial < 50; trial++)
            {
                double[] nearby = [.. median.Select(value => value + (step * rng.NextNormal()))];
                Assert.True(SumOfDistances(x, nearby) >= best - (1e-6 * x.Rows));
            }
        }
    }

    private static double SumOfDistances(Matrix x, double[] center)
    {
        double sum = 0;
        for (int i = 0; i < x.Rows; i++)
        {
            double squares = 0;
            for (int j = 0; j < center.Length; j++) squares += (x[i, j] - center[j]) * (x[i, j] - center[j]);
            sum += Math.Sqrt(squares);
        }

        return sum;
    }

    private static void AssertNear(double[] expected, float[] actual, double tolerance) =>
        AssertNear(expected, [.. actual.Select(value => (double)value)], tolerance);

    private static void AssertNear(double[] expected, double[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], tolerance);
    }
}
