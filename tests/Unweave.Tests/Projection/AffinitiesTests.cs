using Unweave.Numerics;
using Unweave.Projection;

namespace Unweave.Tests.Projection;

public sealed class AffinitiesTests
{
    [Theory]
    [InlineData(1.5)]
    [InlineData(10)]
    [InlineData(30)]
    public void Each_point_reaches_the_perplexity(double perplexity)
    {
        var rng = new Rng(1);
        for (int trial = 0; trial < 50; trial++)
        {
            double scale = Math.Pow(10, trial - 25);
            double[] distances = [.. Enumerable.Range(0, 90).Select(_ => scale * (1 + rng.NextDouble())).Order()], shares = new double[90];
            Affinities.Fit(distances, perplexity, shares);
            Assert.Equal(1, shares.Sum(), 1e-12);
            Assert.Equal(perplexity, Math.Exp(-shares.Where(share => share > 0).Sum(share => share * Math.Log(share))), 1e-6);
            Assert.Equal(shares.OrderDescending(), shares);
        }
    }

    [Fact]
    public void Those_of_a_graph_are_symmetric_shares_of_the_weights()
    {
        // 3 has no neighbors of its own and is nobody's; 1 names 0, which does not name it back.
        var affinities = Affinities.From([[(2, 3.0)], [(0, 1.0), (2, 3.0)], [(0, 2.0)], []]);
        Assert.Equal([0, 2, 4, 6, 6], affinities.Starts);
        Assert.Equal([1, 2, 0, 2, 0, 1], affinities.Columns);
        double unit = 1 / 6.0; // of three points with neighbors, both ways
        double[] expected = [0.25 * unit, (1 + 1) * unit, 0.25 * unit, 0.75 * unit, (1 + 1) * unit, 0.75 * unit];
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], affinities.Values[i], 1e-12);
        Assert.Equal(1, affinities.Values.Sum(), 1e-12);
    }

    [Theory]
    [InlineData(700, 9, 10)] // more than a block, neighbors fewer than points
    [InlineData(31, 4, 30)] // all are neighbors
    [InlineData(2, 3, 30)]
    public void They_are_those_of_the_definition(int points, int width, double perplexity)
    {
        using Matrix x = TSneTests.Clusters(1, points, width, seed: 2);
        Affinities affinities = Affinities.Compute(x, perplexity, Workers.Shared, CancellationToken.None);
        Assert.Equal(Math.Min(perplexity, Math.Max(1, (points - 1) / 3.0)), affinities.Perplexity);
        int kept = Math.Min(points - 1, (int)(3 * perplexity));
        double[,] expected = new double[points, points];
        for (int i = 0; i < points; i++)
        {
            (double Distance, int Other)[] near =
            [
                .. Enumerable.Range(0, points).Where(j => j != i)
                    .Select(j => (Enumerable.Range(0, width).Sum(c => Math.Pow((double)x[i, c] - x[j, c], 2)), j)).Order().Take(kept),
            ];
            double[] shares = new double[kept];
            Affinities.Fit([.. near.Select(pair => pair.Distance)], affinities.Perplexity, shares);
            for (int e = 0; e < kept; e++)
            {
                expected[i, near[e].Other] += shares[e] / (2.0 * points);
                expected[near[e].Other, i] += shares[e] / (2.0 * points);
            }
        }

        Assert.Equal(1, affinities.Values.Sum(), 1e-12);
        double[,] found = new double[points, points];
        for (int i = 0; i < points; i++)
        {
            for (int e = affinities.Starts[i]; e < affinities.Starts[i + 1]; e++)
            {
                Assert.True(e == affinities.Starts[i] || affinities.Columns[e] > affinities.Columns[e - 1]);
                found[i, affinities.Columns[e]] = affinities.Values[e];
            }
        }

        for (int i = 0; i < points; i++)
            for (int j = 0; j < points; j++) Assert.Equal(expected[i, j], found[i, j], 1e-12);
    }

    [Fact]
    public void The_start_is_the_first_two_principal_components()
    {
        // Variances 9, 4 and 1/4 along axes turned by known angles in the plane of the first two.
        const int Points = 3000;
        var rng = new Rng(3);
        using var x = new Matrix(Points, 3);
        for (int i = 0; i < Points; i++)
        {
            double a = 3 * rng.NextNormal(), b = 2 * rng.NextNormal();
            (x[i, 0], x[i, 1], x[i, 2]) =
                ((float)((0.8 * a) - (0.6 * b)) + 5, (float)((0.6 * a) + (0.8 * b)) - 7, (float)(0.5 * rng.NextNormal()));
        }

        using Matrix centered = PrincipalStart.Center(x);
        double[] start = PrincipalStart.Compute(centered, 1, Workers.Shared);
        Assert.Equal(1e-4, Math.Sqrt(Enumerable.Range(0, Points).Average(i => start[2 * i] * start[2 * i])), 1e-6);
        double[] first = [.. Enumerable.Range(0, Points).Select(i => (0.8 * (x[i, 0] - 5)) + (0.6 * (x[i, 1] + 7)))],
            second = [.. Enumerable.Range(0, Points).Select(i => (-0.6 * (x[i, 0] - 5)) + (0.8 * (x[i, 1] + 7)))];
        Assert.True(Correlation(first, [.. Enumerable.Range(0, Points).Select(i => start[2 * i])]) > 0.99);
        Assert.True(Correlation(second, [.. Enumerable.Range(0, Points).Select(i => start[(2 * i) + 1])]) > 0.99);
    }

    private static double Correlation(double[] a, double[] b)
    {
        double meanA = a.Average(), meanB = b.Average();
        return Math.Abs(a.Zip(b, (x, y) => (x - meanA) * (y - meanB)).Sum())
            / Math.Sqrt(a.Sum(x => (x - meanA) * (x - meanA)) * b.Sum(y => (y - meanB) * (y - meanB)));
    }
}
