using Unweave.Data;
using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Tests.Data.Synthetic;

public sealed class SyntheticModelTests
{
    private static readonly SyntheticModelOptions Tiny = new()
    {
        Name = "tiny",
        Features = 200,
        Width = 24,
        Roots = 6,
        Branching = 3,
        Depth = 2,
        MostProbable = 0.3,
        LeastProbable = 0.01,
        Rank = 5,
        Correlation = 0.25,
    };

    [Fact]
    public void A_row_depends_on_the_seed_and_its_position_alone()
    {
        using SyntheticModel model = new(Tiny), again = new(Tiny), other = new(Tiny with { Seed = 1 });
        long[] positions = [.. Enumerable.Range(0, 100).Select(i => (long)i * i * 1_000_003)], reversed = [.. positions.Reverse()];
        using Matrix together = new(100, 24), backwards = new(100, 24), one = new(1, 24), another = new(100, 24);
        model.Read(positions, together);
        again.Read(reversed, backwards);
        other.Read(positions, another);
        for (int r = 0; r < 100; r++)
        {
            Assert.Equal(together.Row(r), backwards.Row(99 - r));
            again.Read([positions[r]], one);
            Assert.Equal(together.Row(r), one.Row(0));
            again.ReadRow(positions[r], one.Row(0));
            Assert.Equal(together.Row(r), one.Row(0));
            Assert.NotEqual(together.Row(r).ToArray(), another.Row(r).ToArray());
        }
    }

    [Fact]
    public void A_row_is_the_sum_of_its_features_and_the_bias()
    {
        using var model = new SyntheticModel(Tiny);
        using var x = new Matrix(50, 24);
        var codes = new SparseCodes(200);
        model.Read([.. Enumerable.Range(0, 50).Select(i => (long)i)], x, codes);
        Assert.Equal(0.5, Norms.L2(model.Bias), 1e-6);
        for (int r = 0; r < 50; r++)
        {
            double[] sum = [.. model.Bias.ToArray().Select(value => (double)value)];
            int last = -1;
            for (int j = 0; j < codes.RowCount(r); j++)
            {
                int feature = codes.Latents(r)[j];
                Assert.True(feature > last);
                last = feature;
                Assert.True(codes.Values(r)[j] > 0);
                for (int c = 0; c < 24; c++) sum[c] += (double)codes.Values(r)[j] * model.Directions[feature, c];
            }

            for (int c = 0; c < 24; c++) Assert.Equal(sum[c], x[r, c], 1e-4);
        }
    }

    // z² of a thousand features has mean 1 and variance 2: five standard errors; correlations within five of theirs.
    [Theory]
    [InlineData("tiny", 40_000)]
    [InlineData("synth-1k", 40_000)]
    public void Rows_have_the_statistics_of_the_definition(string name, int rows)
    {
        using var model = new SyntheticModel(name is "tiny" ? Tiny : SyntheticModelOptions.Parse(name));
        SyntheticStatistics found = SyntheticStatistics.Measure(model, rows, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal((0, 0), (found.Orphans, found.Siblings));
        Assert.True(found.FiringFeatures > 150);
        Assert.InRange(found.FiringChiSquare, 0, 1 + (5 * Math.Sqrt(2.0 / found.FiringFeatures)));
        Assert.InRange(found.CorrelationSlope, 1 - (5 * found.CorrelationError), 1 + (5 * found.CorrelationError));
        Assert.True(found.CorrelationError < 0.15, $"{found.CorrelationError}");
        Assert.InRange(found.RmsCosine / found.LeastRmsCosine, 0.999, 1.005);
    }

    // The definition, without thinning: a normal number for every feature of every row, then the trees.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Rows_are_distributed_as_if_every_feature_were_drawn(bool scaled)
    {
        const int rows = 30_000;
        SyntheticModelOptions options = Tiny with { ScaledByParent = scaled };
        using var model = new SyntheticModel(options);
        var drawn = new Moments(200);
        var rng = new Rng(99);
        for (int r = 0; r < rows; r++) drawn.Add(DrawPlainly(model, rng));
        var fast = new Moments(200);
        using var x = new Matrix(rows, 24);
        var codes = new SparseCodes(200);
        model.Read([.. Enumerable.Range(0, rows).Select(i => (long)i)], x, codes);
        double[] row = new double[200];
        for (int r = 0; r < rows; r++)
        {
            Array.Clear(row);
            for (int j = 0; j < codes.RowCount(r); j++) row[codes.Latents(r)[j]] = codes.Values(r)[j];
            fast.Add(row);
        }

        (double chi, int tests) = fast.Compare(drawn);
        Assert.True(tests > 500, $"{tests} tests");
        Assert.InRange(chi / tests, 0, 1 + (6 * Math.Sqrt(2.0 / tests)));
    }

    [Fact]
    public void Every_set_of_kernels_draws_the_same_features()
    {
        using var model = new SyntheticModel(Tiny);
        long[] positions = [.. Enumerable.Range(0, 30).Select(i => 7L * i)];
        using var current = new RowSampler(model);
        current.Draw(positions);
        foreach (KernelSet kernels in KernelSet.Available)
        {
            using var sampler = new RowSampler(model, kernels);
            sampler.Draw(positions);
            for (int r = 0; r < positions.Length; r++)
            {
                Assert.Equal(current.Features(r), sampler.Features(r));
                for (int j = 0; j < current.Values(r).Length; j++) Assert.Equal(current.Values(r)[j], sampler.Values(r)[j], 1e-5f);
            }
        }
    }

    [Fact]
    public void Trees_are_numbered_level_by_level()
    {
        using var model = new SyntheticModel(Tiny);
        Assert.Equal(6 + 18 + 54, Tiny.TreeFeatures);
        Assert.Equal([-1, -1, 0, 0, 1, 5, 6, 6, 23, -1],
            ((int[])[0, 5, 6, 8, 9, 23, 24, 26, 77, 78]).Select(model.Parent));
    }

    // p = lambda i: 5e-4 + (.4-5e-4)*((i+1)**-.5 - 16384**-.5)/(1 - 16384**-.5)
    // raised = lambda c, parent, sib: min(1, p(c)/p(parent)*(1 + sum(p(s)/p(parent) for s in sib if s != c)))
    // p(0), p(127), p(16383), sum(p(i) for i in range(16384)); raised(128,0,range(128,132)), raised(700,143,range(700,704))
    [Fact]
    public void Probabilities_are_those_published()
    {
        SyntheticModelOptions v2 = SyntheticModelOptions.Parse("synth:synth-sae-bench-16k-v2");
        (double[] law, double[] raised) = SyntheticModel.FiringProbabilities(v2);
        Assert.Equal(0.4, law[0], 1e-12);
        Assert.Equal(0.032943516105074115, law[127], 1e-12);
        Assert.Equal(5e-4, law[16383], 1e-12);
        Assert.Equal(59.14421307733542, law.Sum(), 1e-9);
        Assert.Equal(0.10202500670327641, raised[128], 1e-12);
        Assert.Equal(0.9011383352131134, raised[700], 1e-12);
        Assert.Equal(law[0], raised[0]);
        Assert.Equal(law[16000], raised[16000]);
        Assert.True(v2.ScaledByParent);
        Assert.False(SyntheticModelOptions.Parse("synth-sae-bench-16k-v1").ScaledByParent);
    }

    [Theory]
    [InlineData("synth-sae-bench-16k-v3", "Did you mean synth-sae-bench-16k-v")]
    [InlineData("synth:synth-1k,seed=-1", "'seed=-1' is no setting")]
    [InlineData("synth:synth-1k,sed=1", "'sed=1' is no setting")]
    [InlineData("synth:synth-1k,rows=0", "'rows=0' is no setting")]
    public void A_name_that_is_none_is_refused(string name, string message) =>
        Assert.Contains(message, Assert.Throws<InputException>(() => SyntheticModelOptions.Parse(name)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_source_of_rows_is_named_as_files_are_and_alone()
    {
        using ActivationFiles source = ActivationFiles.Open(["synth:synth-1k,seed=7"]);
        Assert.Equal((64, "synth:synth-1k,seed=7", true), (source.Width, source.Name, source.IsEndless));
        Assert.Contains("synth:synth-1k,seed=7,rows=100000", Assert.Throws<InputException>(source.Ended).Message, StringComparison.Ordinal);
        using ActivationFiles few = ActivationFiles.Open(["synth:synth-1k,rows=50,seed=7"]);
        Assert.Equal((50L, "synth:synth-1k,seed=7,rows=50", false), (few.Rows, few.Name, few.IsEndless));
        using Matrix some = few.Ended().Rows(10, 5), same = source.Rows(10, 5);
        Assert.Equal(same.AsSpan(), some.AsSpan());
        Assert.Contains("name it alone", Assert.Throws<InputException>(() => ActivationFiles.Open(["a.npy", "synth:synth-1k"])).Message,
            StringComparison.Ordinal);
    }

    private static double[] DrawPlainly(SyntheticModel model, Rng rng)
    {
        int n = model.Directions.Rows;
        SyntheticModelOptions options = model.Options;
        float[] factors = new float[model.Firing.Loadings.Columns];
        for (int k = 0; k < options.Rank; k++) factors[k] = (float)rng.NextNormal();
        factors[options.Rank] = 1;
        double[] z = new double[n];
        for (int i = 0; i < n; i++)
        {
            if (rng.NextNormal() < model.Firing.Score(i, factors))
                z[i] = Math.Max(0, model.Means[i] + (model.Deviations[i] * rng.NextNormal()));
        }

        for (int first = options.Roots; first < options.TreeFeatures; first += options.Branching)
        {
            int parent = model.Parent(first);
            int[] contenders = [.. Enumerable.Range(first, options.Branching).Where(c => z[parent] > 0 && z[c] > 0)];
            int winner = contenders.Length == 0 ? -1 : contenders[(int)rng.NextBelow(contenders.Length)];
            for (int c = first; c < first + options.Branching; c++)
                z[c] = c != winner ? 0 : z[c] * (options.ScaledByParent ? z[parent] / model.Means[parent] : 1);
        }

        return z;
    }

    /// <summary>Means and variances of features' activity, magnitudes and products with the next root.</summary>
    private sealed class Moments(int features)
    {
        private readonly double[] sum = new double[features * 3], squares = new double[features * 3];
        private int rows;

        public void Add(double[] row)
        {
            rows++;
            for (int i = 0; i < features; i++)
            {
                Take(i, row[i] > 0 ? 1 : 0);
                Take(features + i, row[i]);
                Take((2 * features) + i, row[i] * row[i % 6]);
            }
        }

        /// <summary>Σ z² over moments that both have enough of, z in standard errors of the difference.</summary>
        public (double ChiSquare, int Tests) Compare(Moments other)
        {
            (double chi, int tests) = (0, 0);
            for (int i = 0; i < sum.Length; i++)
            {
                double a = sum[i] / rows, b = other.sum[i] / other.rows;
                double variance = ((squares[i] / rows) - (a * a) + (other.squares[i] / other.rows) - (b * b)) / rows;
                if (sum[i] + other.sum[i] < 200 || variance == 0) continue;
                chi += (a - b) * (a - b) / variance;
                tests++;
            }

            return (chi, tests);
        }

        private void Take(int i, double value)
        {
            sum[i] += value;
            squares[i] += value * value;
        }
    }
}
