using Unweave.Numerics;
using Unweave.Projection;

namespace Unweave.Tests.Projection;

/// <summary>t-SNE: its affinities, its gradient, what it does to clusters, and the divergence that another implementation reaches.</summary>
public sealed class TSneTests
{
    [Fact]
    public void Each_point_reaches_the_perplexity_and_the_affinities_are_a_distribution()
    {
        using Matrix x = Noise(200, 10, 1);
        var affinities = Affinities.Of(x, 20, CancellationToken.None);
        Assert.All(affinities.Perplexities, perplexity => Assert.Equal(20, perplexity, 1e-4));
        Assert.Equal(1, affinities.Values.Sum(), 1e-12);
        for (int i = 0; i < 200; i++)
        {
            for (long e = affinities.Starts[i]; e < affinities.Starts[i + 1]; e++)
            {
                int j = affinities.Columns[e];
                Assert.NotEqual(i, j);
                long back = Enumerable.Range((int)affinities.Starts[j], (int)(affinities.Starts[j + 1] - affinities.Starts[j])).First(other => affinities.Columns[other] == i);
                Assert.Equal(affinities.Values[e], affinities.Values[back], 1e-15);
            }
        }
    }

    [Fact]
    public void The_neighbours_are_the_nearest()
    {
        using Matrix x = Noise(120, 6, 2);
        var affinities = Affinities.Of(x, 5, CancellationToken.None);
        for (int i = 0; i < x.Rows; i++)
        {
            int own = i;
            int[] nearest = [.. Enumerable.Range(0, x.Rows).Where(j => j != own).OrderBy(j => Distance(x, own, j)).Take(15)];
            var kept = Enumerable.Range((int)affinities.Starts[i], (int)(affinities.Starts[i + 1] - affinities.Starts[i])).Select(e => affinities.Columns[e]).ToHashSet();
            Assert.True(kept.IsSupersetOf(nearest));
        }
    }

    [Fact]
    public void The_gradient_is_that_of_the_divergence()
    {
        using Matrix x = Noise(40, 5, 3);
        var affinities = Affinities.Of(x, 8, CancellationToken.None);
        var rng = new Rng(4);
        double[] y = [.. Enumerable.Range(0, 80).Select(_ => rng.NextNormal())], gradient = new double[80];
        double loss = TSne.Gradient(affinities, y, 0, 1, new QuadTree(40), gradient);
        Assert.Equal(Divergence(affinities, y), loss, 1e-10);
        for (int i = 0; i < y.Length; i++)
        {
            const double step = 1e-5;
            double was = y[i];
            y[i] = was + step;
            double above = Divergence(affinities, y);
            y[i] = was - step;
            double below = Divergence(affinities, y);
            y[i] = was;
            Assert.Equal((above - below) / (2 * step), gradient[i], 1e-7);
        }
    }

    [Fact]
    public void Barnes_Hut_is_near_the_exact_gradient()
    {
        using Matrix x = Noise(500, 5, 5);
        var affinities = Affinities.Of(x, 15, CancellationToken.None);
        var rng = new Rng(6);
        double[] y = [.. Enumerable.Range(0, 1000).Select(_ => 5 * rng.NextNormal())], exact = new double[1000], near = new double[1000];
        TSne.Gradient(affinities, y, 0, 1, new QuadTree(500), exact);
        TSne.Gradient(affinities, y, 0.5, 1, new QuadTree(500), near);
        double difference = Math.Sqrt(exact.Zip(near, (a, b) => (a - b) * (a - b)).Sum()), length = Math.Sqrt(exact.Sum(value => value * value));
        Assert.InRange(difference / length, 1e-6, 0.05);
    }

    [Fact]
    public void Clusters_stay_apart_and_the_divergence_falls()
    {
        using Matrix x = Noise(300, 12, 7);
        for (int i = 0; i < x.Rows; i++) x[i, i % 3] += 12;
        var losses = new List<double>();
        int pure = 0;
        foreach (TSneStep step in TSne.Run(x, new TSneOptions { Iterations = 400, Perplexity = 20 }))
        {
            losses.Add(step.Loss);
            if (step.Iteration < step.Iterations) continue;
            for (int i = 0; i < x.Rows; i++)
            {
                int own = i;
                pure += Enumerable.Range(0, x.Rows).Where(j => j != own).OrderBy(j => Distance(step.Points, own, j)).Take(10).Count(j => j % 3 == own % 3);
            }
        }

        Assert.True(losses[^1] < 0.5 * losses[0], $"{losses[0]} to {losses[^1]}");
        Assert.True(pure > 0.99 * 10 * x.Rows, $"{pure} of {10 * x.Rows}");
    }

    // import numpy as np
    // from sklearn.manifold import TSNE                      # scikit-learn 1.2.1
    // x = np.array([[np.sin(1 + 7 * i + 3 * j) + 4 * (i % 3 == j) for j in range(8)] for i in range(90)], dtype=np.float32)
    // t = TSNE(perplexity=15, method="exact", init="pca", learning_rate="auto", early_exaggeration=12, n_iter=750, random_state=0, n_iter_without_progress=750, min_grad_norm=0)
    // t.fit(x); print(t.kl_divergence_)
    [Theory]
    [InlineData(0.0)]
    [InlineData(0.5)]
    public void It_reaches_the_divergence_of_another_implementation(double theta)
    {
        const double golden = 0.07036168379083307;
        using var x = new Matrix(90, 8);
        for (int i = 0; i < 90; i++)
            for (int j = 0; j < 8; j++) x[i, j] = (float)(Math.Sin(1 + (7 * i) + (3 * j)) + (i % 3 == j ? 4 : 0));
        double loss = TSne.Run(x, new TSneOptions { Perplexity = 15, Theta = theta }).Last().Loss;
        Assert.InRange(loss, 0.85 * golden, 1.15 * golden);
    }

    [Fact]
    public void The_same_input_gives_the_same_points()
    {
        using Matrix x = Noise(150, 4, 8);
        var options = new TSneOptions { Iterations = 60, ExaggeratedIterations = 30 };
        Assert.Equal(Last(x, options), Last(x, options));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public void Few_points_are_laid_out(int count)
    {
        using Matrix x = Noise(count, 3, 9);
        Assert.All(Last(x, new TSneOptions { Iterations = 50 }), value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void No_point_has_no_step_and_one_point_one()
    {
        using Matrix none = new(0, 3), one = new(1, 3);
        Assert.Empty(TSne.Run(none));
        Assert.Equal(1, Assert.Single(TSne.Run(one)).Iterations);
    }

    [Fact]
    public void Equal_points_are_laid_out()
    {
        using var x = new Matrix(60, 4);
        Assert.All(Last(x, new TSneOptions { Iterations = 40 }), value => Assert.True(float.IsFinite(value)));
        for (int i = 0; i < 60; i++) x[i, 0] = i / 20;
        Assert.All(Last(x, new TSneOptions { Iterations = 40 }), value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void What_is_no_number_and_settings_without_meaning_are_refused()
    {
        using Matrix x = Noise(10, 3, 10);
        Assert.Throws<InputException>(() => TSne.Run(x, new TSneOptions { Perplexity = 0 }));
        Assert.Throws<InputException>(() => TSne.Run(x, new TSneOptions { Theta = 2 }));
        Assert.Throws<InputException>(() => TSne.Run(x, new TSneOptions { Iterations = 0 }));
        Assert.Throws<InputException>(() => TSne.Run(x, new TSneOptions { LearningRate = double.NaN }));
        x[4, 1] = float.NaN;
        Assert.Contains("Point 4", Assert.Throws<InputException>(() => TSne.Run(x)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void It_stops_between_steps()
    {
        using Matrix x = Noise(50, 3, 11);
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() =>
        {
            foreach (TSneStep step in TSne.Run(x, cancellation: stop.Token))
                if (step.Iteration == 3) stop.Cancel();
        });
    }

    private static float[] Last(Matrix x, TSneOptions options)
    {
        float[] points = [];
        foreach (TSneStep step in TSne.Run(x, options)) points = step.Points.AsSpan().ToArray();
        return points;
    }

    private static Matrix Noise(int rows, int columns, ulong seed)
    {
        var x = new Matrix(rows, columns);
        new Rng(seed).FillNormal(x.AsSpan());
        return x;
    }

    private static double Distance(Matrix x, int a, int b)
    {
        double sum = 0;
        for (int c = 0; c < x.Columns; c++) sum += Math.Pow(x[a, c] - x[b, c], 2);
        return sum;
    }

    // The definition: Σ p ln(p/q) with q normalised over all pairs.
    private static double Divergence(Affinities affinities, double[] y)
    {
        double z = 0, sum = 0;
        double Weight(int i, int j) => 1 / (1 + Math.Pow(y[2 * i] - y[2 * j], 2) + Math.Pow(y[(2 * i) + 1] - y[(2 * j) + 1], 2));
        for (int i = 0; i < y.Length / 2; i++)
            for (int j = 0; j < y.Length / 2; j++) if (i != j) z += Weight(i, j);
        for (int i = 0; i < y.Length / 2; i++)
            for (long e = affinities.Starts[i]; e < affinities.Starts[i + 1]; e++) sum += affinities.Values[e] * Math.Log(affinities.Values[e] * z / Weight(i, affinities.Columns[e]));
        return sum;
    }
}
