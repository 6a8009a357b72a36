using Unweave.Numerics;
using Unweave.Projection;

namespace Unweave.Tests.Projection;

public sealed class TSneTests
{
    [Fact]
    public void The_divergence_reached_is_that_of_scikit_learn()
    {
        // An open ring: of data with less of a shape, noise of a hundredth at the start leads scikit-learn itself to minima that differ by
        // a twentieth.
        // import numpy as np; from sklearn.manifold import TSNE                                  (scikit-learn 1.2.1)
        // i = np.arange(91)
        // x = np.stack([3 * np.cos(0.07 * i), 3 * np.sin(0.07 * i), 0.02 * i, 0.3 * np.sin(1.7 * i)], 1).astype(np.float32)
        // TSNE(perplexity=30, method="exact", init="pca", learning_rate="auto", n_iter=1000, n_iter_without_progress=1000,
        //      min_grad_norm=0, random_state=0).fit(x).kl_divergence_
        const double Reference = 0.134427;
        using var x = new Matrix(91, 4);
        for (int i = 0; i < 91; i++)
            (x[i, 0], x[i, 1], x[i, 2], x[i, 3]) =
                ((float)(3 * Math.Cos(0.07 * i)), (float)(3 * Math.Sin(0.07 * i)), (float)(0.02 * i), (float)(0.3 * Math.Sin(1.7 * i)));
        Assert.Equal(Reference, TSne.Run(x, new TSneOptions { Theta = 0, Iterations = 1000 }, TestContext.Current.CancellationToken)
            .Last().Loss, 1e-4);
        Assert.Equal(Reference, TSne.Run(x, new TSneOptions { Iterations = 1000 }, TestContext.Current.CancellationToken)
            .Last().Loss, 0.01);
    }

    [Fact]
    public void Separated_clusters_stay_apart_and_the_divergence_falls()
    {
        const int Each = 100;
        using Matrix x = Clusters(3, Each, 20, seed: 1);
        List<TSneStep> steps = [.. TSne.Run(x, cancellationToken: TestContext.Current.CancellationToken)];
        Assert.Equal(Enumerable.Range(1, 750), steps.Select(step => step.Iteration));
        Assert.True(steps[^1].Loss < 0.5 * steps[0].Loss, $"{steps[0].Loss} to {steps[^1].Loss}");
        Assert.True(steps[749].Loss < steps[300].Loss);
        ReadOnlyMemory<float> places = steps[^1].Points;
        int alike = Enumerable.Range(0, 3 * Each).Sum(i => Nearest(places.Span, i, 10).Count(j => j / Each == i / Each));
        Assert.True(alike >= 0.99 * 3 * Each * 10, $"{alike} of {3 * Each * 10}");
        double[] center =
        [
            Enumerable.Range(0, 3 * Each).Average(i => places.Span[2 * i]),
            Enumerable.Range(0, 3 * Each).Average(i => places.Span[(2 * i) + 1]),
        ];
        Assert.All(center, value => Assert.Equal(0, value, 1e-4));
    }

    [Fact]
    public void The_map_is_the_same_for_any_number_of_threads()
    {
        using Matrix x = Clusters(4, 170, 11, seed: 2);
        using Workers one = new(1), three = new(3);
        var options = new TSneOptions { Perplexity = 10, Iterations = 30, Seed = 5 };
        TSneStep[] first = [.. TSne.Run(x, options, one, CancellationToken.None)],
            second = [.. TSne.Run(x, options, three, CancellationToken.None)];
        Assert.Equal(first.Select(step => step.Loss), second.Select(step => step.Loss));
        Assert.Equal(first[^1].Points.ToArray(), second[^1].Points.ToArray());
        Assert.NotEqual(first[^1].Points.ToArray(),
            TSne.Run(x, options with { Seed = 6 }, one, CancellationToken.None).Last().Points.ToArray());
    }

    [Fact]
    public void The_scale_of_the_points_does_not_matter()
    {
        using Matrix x = Clusters(2, 30, 5, seed: 3), y = x.Clone();
        for (int i = 0; i < y.Rows; i++)
            for (int c = 0; c < 5; c++) y[i, c] = MathF.ScaleB(x[i, c], 100); // squares overflow a float
        var options = new TSneOptions { Iterations = 60 };
        Assert.Equal(Last(x, options), Last(y, options));
    }

    [Fact]
    public void Without_points_or_with_one_there_is_one_step_at_the_origin()
    {
        foreach (int count in (int[])[0, 1])
        {
            using var x = new Matrix(count, 4);
            TSneStep step = Assert.Single(TSne.Run(x));
            Assert.Equal((750, 0.0), (step.Iteration, step.Loss));
            Assert.Equal(new float[2 * count], step.Points.ToArray());
        }
    }

    [Theory]
    [InlineData(2, 3)]
    [InlineData(3, 3)]
    [InlineData(5, 1)]
    [InlineData(40, 7)] // fewer than 3·perplexity
    public void Few_points_get_places_of_their_own(int count, int width)
    {
        using Matrix x = Clusters(1, count, width, seed: 4);
        float[] places = Last(x, new TSneOptions());
        Assert.All(places, value => Assert.True(float.IsFinite(value)));
        Assert.Equal(count, places.Chunk(2).Select(point => (point[0], point[1])).Distinct().Count());
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(3.3f)]
    public void Equal_points_are_spread_and_finite(float value)
    {
        using var x = new Matrix(200, 3);
        x.AsSpan().Fill(value);
        float[] places = Last(x, new TSneOptions { Iterations = 300 });
        Assert.All(places, place => Assert.True(float.IsFinite(place)));
        foreach (int axis in (int[])[0, 1])
            Assert.True(Enumerable.Range(0, 200).Max(i => places[(2 * i) + axis]) - Enumerable.Range(0, 200)
                .Min(i => places[(2 * i) + axis]) > 0.1);
    }

    [Fact]
    public void Copies_of_a_point_lie_near_each_other()
    {
        using Matrix x = Clusters(1, 300, 8, seed: 5);
        for (int i = 0; i < 60; i++) x.Row(0).CopyTo(x.Row(i));
        float[] places = Last(x, new TSneOptions { Perplexity = 15 });
        Assert.All(places, place => Assert.True(float.IsFinite(place)));
        int copies = Enumerable.Range(0, 60).Sum(i => Nearest(places, i, 10).Count(j => j < 60));
        Assert.True(copies >= 590, $"{copies}");
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    public void A_value_that_is_no_number_is_refused_at_once(float value)
    {
        using var x = new Matrix(5, 2);
        x[3, 1] = value;
        Assert.Contains("Row 3", Assert.Throws<InputException>(() => TSne.Run(x)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_settings_are_refused()
    {
        Assert.Throws<InputException>(() => new TSneOptions { Perplexity = 0.5 });
        Assert.Throws<InputException>(() => new TSneOptions { Perplexity = double.NaN });
        Assert.Throws<InputException>(() => new TSneOptions { Iterations = 0 });
        Assert.Throws<InputException>(() => new TSneOptions { Theta = 1.1 });
        Assert.Throws<InputException>(() => new TSneOptions { Exaggeration = 0 });
        Assert.Throws<InputException>(() => new TSneOptions { ExaggeratedIterations = -1 });
        Assert.Throws<InputException>(() => new TSneOptions { LearningRate = 0 });
    }

    [Fact]
    public void It_stops_between_steps()
    {
        using Matrix x = Clusters(1, 50, 4, seed: 6);
        using var stop = new CancellationTokenSource();
        int steps = 0;
        Assert.Throws<OperationCanceledException>(() =>
        {
            foreach (TSneStep step in TSne.Run(x, cancellationToken: stop.Token))
            {
                steps = step.Iteration;
                if (steps == 7) stop.Cancel();
            }
        });
        Assert.Equal(7, steps);
    }

    /// <summary>Normal points around centers that lie far apart.</summary>
    internal static Matrix Clusters(int clusters, int each, int width, ulong seed)
    {
        var rng = new Rng(seed);
        var x = new Matrix(clusters * each, width);
        rng.FillNormal(x.AsSpan());
        for (int i = 0; i < x.Rows; i++) x[i, i / each % width] += 20;
        return x;
    }

    private static float[] Last(Matrix x, TSneOptions options) => TSne.Run(x, options).Last().Points.ToArray();

    private static int[] Nearest(ReadOnlySpan<float> places, int point, int count)
    {
        double[] distances = new double[places.Length / 2];
        int[] others = new int[distances.Length];
        for (int j = 0; j < others.Length; j++)
        {
            others[j] = j;
            distances[j] = j == point ? double.PositiveInfinity : Math.Pow(places[2 * j] - places[2 * point], 2)
                + Math.Pow(places[(2 * j) + 1] - places[(2 * point) + 1], 2);
        }

        Array.Sort(distances, others);
        return others[..count];
    }
}
