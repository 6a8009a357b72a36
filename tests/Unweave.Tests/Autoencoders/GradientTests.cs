using Unweave.Autoencoders;
using Unweave.Numerics;

namespace Unweave.Tests.Autoencoders;

/// <summary>Every hand-written backward against central differences, in double precision, of the loss written independently.</summary>
public sealed class GradientTests
{
    public static TheoryData<string, AutoencoderOptions, int, int> Cases => new()
    {
        { "topk", new TopKOptions { Latents = 23, K = 3, AuxK = 0 }, 9, 7 },
        { "topk on a whole batch part", new TopKOptions { Latents = 50, K = 5, AuxK = 0 }, 8, 35 },
        { "topk with AuxK", new TopKOptions { Latents = 23, K = 3, AuxK = 2, AuxCoefficient = 0.4 }, 9, 7 },
        { "topk with AuxK beyond the dead", new TopKOptions { Latents = 23, K = 3, AuxK = 64, AuxCoefficient = 0.4 }, 9, 7 },
        { "topk with Multi-TopK", new TopKOptions { Latents = 23, K = 3, AuxK = 0, MultiK = 8, MultiCoefficient = 0.3 }, 9, 7 },
        { "topk with both", new TopKOptions { Latents = 23, K = 3, AuxK = 3, MultiK = 8 }, 9, 7 },
        { "topk with balance", new TopKOptions { Latents = 23, K = 3, AuxK = 2, MultiK = 8, BalanceCoefficient = 0.6 }, 9, 7 },
        { "batchtopk with balance", new BatchTopKOptions { Latents = 23, K = 3, AuxK = 2, BalanceCoefficient = 0.6 }, 9, 7 },
        { "batchtopk", new BatchTopKOptions { Latents = 23, K = 3, AuxK = 0 }, 9, 7 },
        { "batchtopk with AuxK", new BatchTopKOptions { Latents = 23, K = 3, AuxK = 2, AuxCoefficient = 0.4 }, 9, 7 },
        { "topk with tilt", new TopKOptions { Latents = 23, K = 3, AuxK = 2, Tilt = 0.5, MultiK = 7 }, 9, 7 },
        { "topk with ISTA", new TopKOptions { Latents = 23, K = 3, AuxK = 0, IstaStep = 0.3 }, 9, 7 },
        {
            "topk with ISTA and all else",
            new TopKOptions
            {
                Latents = 23,
                K = 3,
                AuxK = 3,
                IstaStep = 0.3,
                Tilt = 0.4,
                BalanceCoefficient = 0.5,
                OrthogonalityCoefficient = 2,
            },
            9, 35
        },
        { "topk on its way to k", new TopKOptions { Latents = 23, K = 2, InitialK = 6, AuxK = 0 }, 9, 7 },
        { "topk with orthogonality", new TopKOptions { Latents = 23, K = 3, AuxK = 0, OrthogonalityCoefficient = 3 }, 9, 7 },
        { "topk, transcoder", new TopKOptions { Latents = 23, K = 3, AuxK = 2, Transcoder = true }, 9, 7 },
        {
            "topk, transcoder with skip",
            new TopKOptions { Latents = 23, K = 3, AuxK = 2, MultiK = 6, Transcoder = true, Skip = true },
            9, 7
        },
        { "batchtopk with ISTA", new BatchTopKOptions { Latents = 23, K = 3, AuxK = 2, IstaStep = 0.25 }, 9, 7 },
        { "batchtopk on its way to k", new BatchTopKOptions { Latents = 23, K = 2, InitialK = 5, KFraction = 0.6, AuxK = 0 }, 9, 7 },
        { "batchtopk, transcoder with skip", new BatchTopKOptions { Latents = 23, K = 3, AuxK = 2, Transcoder = true, Skip = true }, 9, 7 },
        { "matryoshka", new MatryoshkaOptions { Latents = 23, K = 3, AuxK = 2 }, 9, 7 },
        {
            "matryoshka, prefixes weighed",
            new MatryoshkaOptions { Latents = 23, K = 4, AuxK = 0, Prefixes = [3, 8, 15], PrefixWeight = 0.6 },
            9, 7
        },
        {
            "matryoshka, detached",
            new MatryoshkaOptions { Latents = 23, K = 4, AuxK = 2, Prefixes = [3, 8, 15], PrefixWeight = 0.5, DetachPrefixes = true },
            9, 35
        },
        {
            "matryoshka of the record",
            new MatryoshkaOptions
            {
                Latents = 23,
                K = 3,
                InitialK = 7,
                AuxK = 2,
                Prefixes = [3, 8, 15],
                PrefixWeight = 0.5,
                DetachPrefixes = true,
                SortByFrequency = true,
                Tilt = 0.4,
                IstaStep = 0.25,
            },
            9, 7
        },
        {
            "matryoshka, transcoder with skip",
            new MatryoshkaOptions { Latents = 23, K = 3, AuxK = 2, BalanceCoefficient = 0.4, Transcoder = true, Skip = true },
            9, 7
        },
        { "crosscoder", new CrosscoderOptions { Latents = 23, Layers = 3, K = 3, AuxK = 2 }, 9, 7 },
        { "hierarchical", new HierarchicalTopKOptions { Latents = 23, K = 4, AuxK = 2 }, 9, 7 },
        { "hierarchical, rows of fewer", new HierarchicalTopKOptions { Latents = 9, K = 8, AuxK = 0, BalanceCoefficient = 0.3 }, 9, 7 },
        { "hierarchical with ISTA", new HierarchicalTopKOptions { Latents = 23, K = 4, AuxK = 2, IstaStep = 0.2 }, 9, 7 },
        { "abstopk", new AbsTopKOptions { Latents = 23, K = 4, AuxK = 2 }, 9, 7 },
        { "abstopk with ISTA and tilt", new AbsTopKOptions { Latents = 50, K = 5, AuxK = 2, IstaStep = 0.2, Tilt = 0.3 }, 9, 35 },
        { "jumprelu, step, dense", new JumpReluOptions { Latents = 40, Sparsity = SparsityLoss.Step, Bandwidth = 0.8 }, 9, 17 },
        { "jumprelu, quadratic, sparse", new JumpReluOptions { Latents = 40, TargetL0 = 3, Bandwidth = 0.8, Tilt = 0.3 }, 9, 17 },
        { "jumprelu, tanh, sparse", new JumpReluOptions { Latents = 40, Sparsity = SparsityLoss.Tanh, Bandwidth = 0.8 }, 9, 17 },
        {
            "jumprelu, lifting the dead, sparse",
            new JumpReluOptions
            {
                Latents = 40,
                TargetL0 = 3,
                InitialThreshold = 1,
                PreActivationCoefficient = 0.7,
                Transcoder = true,
                Skip = true,
            },
            9, 17
        },
        { "gated, dense", new GatedOptions { Latents = 40, L1Coefficient = 0.7 }, 9, 17 },
        { "gated, sparse", new GatedOptions { Latents = 40, L1Coefficient = 0.7, Tilt = 0.4, OrthogonalityCoefficient = 1 }, 9, 17 },
        {
            "gated, transcoder with skip, sparse",
            new GatedOptions { Latents = 40, L1Coefficient = 0.7, Transcoder = true, Skip = true },
            9, 17
        },
        { "pursuit", new MatchingPursuitOptions { Latents = 23, K = 4 }, 9, 7 },
        { "pursuit on whole parts", new MatchingPursuitOptions { Latents = 40, K = 6 }, 9, 35 },
        { "relu with tilt, sparse", new ReluOptions { Latents = 23, L1Coefficient = 0.7, Tilt = 0.6 }, 9, 7 },
        { "relu with tilt, dense", new ReluOptions { Latents = 50, L1Coefficient = 0.7, Tilt = 0.6 }, 11, 17 },
        {
            "relu, transcoder with skip, dense",
            new ReluOptions { Latents = 50, L1Coefficient = 0.7, Transcoder = true, Skip = true },
            11, 17
        },
        { "relu, free norms, sparse", new ReluOptions { Latents = 23, L1Coefficient = 0.7 }, 9, 7 },
        { "relu, unit norms, sparse", new ReluOptions { Latents = 23, L1Coefficient = 0.7, UnitDecoder = true }, 9, 7 },
        { "relu, free norms, dense", new ReluOptions { Latents = 50, L1Coefficient = 0.7 }, 11, 17 },
        { "kl", new KlOptions { Latents = 23, TargetActivation = 0.1, KlCoefficient = 0.6 }, 9, 7 },
        { "kl, unit norms", new KlOptions { Latents = 23, TargetActivation = 0.1, KlCoefficient = 0.6, UnitDecoder = true }, 9, 7 },
        { "undercomplete, linear", new UndercompleteOptions { Bottleneck = 3, Activation = Activation.Linear }, 9, 7 },
        { "undercomplete, tanh", new UndercompleteOptions { Bottleneck = 3, Hidden = [6, 5] }, 9, 7 },
        { "undercomplete, relu", new UndercompleteOptions { Bottleneck = 3, Hidden = [6], Activation = Activation.Relu }, 9, 7 },
        {
            "variational, gaussian",
            new VariationalOptions { Bottleneck = 3, Hidden = [6, 5], StandardDeviation = 0.7, KlCoefficient = 1.3 },
            9, 7
        },
        { "variational, bernoulli", new VariationalOptions { Bottleneck = 2, Hidden = [6], Likelihood = Likelihood.Bernoulli }, 9, 7 },
        {
            "variational, relu, two parts",
            new VariationalOptions { Bottleneck = 2, Hidden = [5], Activation = Activation.Relu, Likelihood = Likelihood.Bernoulli },
            9, 35
        },
        { "variational, no hidden layer", new VariationalOptions { Bottleneck = 2 }, 5, 7 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Backward_matches_central_differences(string name, AutoencoderOptions options, int width, int batch)
    {
        var rng = new Rng(42);
        using var workers = new Workers(2);
        bool pairs = options is SparseOptions { Transcoder: true };
        int outputs = pairs ? width - 2 : width;
        using Autoencoder model = options.Build(width, outputs, rng);
        bool shift = name.EndsWith("sparse", StringComparison.Ordinal);
        foreach (Parameter parameter in model.Parameters)
        {
            if (options is MatchingPursuitOptions && parameter.UnitRows) continue; // whose steps are for rows of length 1
            Span<float> values = parameter.Value.AsSpan();
            for (int i = 0; i < values.Length; i++) values[i] += (float)(0.3 * rng.NextNormal());
            if (shift && string.Equals(parameter.Name, "b_enc", StringComparison.Ordinal))
                for (int i = 0; i < values.Length; i++) values[i] -= 4.5f; // few latents active: the sparse path
        }

        using var x = new Matrix(batch, width);
        rng.FillNormal(x.AsSpan());
        if (options is VariationalOptions { Likelihood: Likelihood.Bernoulli })
            foreach (ref float value in x.AsSpan()) value = 1 / (1 + MathF.Exp(-value));
        using var targets = new Matrix(batch, outputs);
        rng.FillNormal(targets.AsSpan());
        Batch data = pairs ? new Batch(x, targets) : new Batch(x);
        int[] dead = options is SelectionOptions { AuxK: > 0 } or JumpReluOptions { InitialThreshold: > 0 } ? [1, 2, 5, 11, 17] : [];
        var settings = new StepSettings(0.8, dead, 0, name.Contains("way", StringComparison.Ordinal) ? 0.5 : 1);
        using LossAndGradients gradients = model.CreateGradients(workers);
        LossTerms loss = gradients.Compute(data, settings);

        var reference = new ReferenceLosses(options, data, settings);
        double[][][] point = [.. model.Parameters.Select(parameter => ReferenceLosses.Rows(parameter.Value))];
        double expected = reference.Loss(point);
        Assert.Equal(expected, loss.Total, 1e-4 * Math.Max(1, Math.Abs(expected)));

        for (int p = 0; p < point.Length; p++)
        {
            Matrix value = model.Parameters[p].Value;
            if (!model.Parameters[p].Trained) continue;
            float[] analytic = new float[value.Count];
            int half = value.Rows / 2; // in two pieces: a block does not depend on where it starts
            if (half > 0) gradients.Read(p, 0, half, analytic.AsSpan(0, half * value.Columns));
            gradients.Read(p, half, value.Rows - half, analytic.AsSpan(half * value.Columns));
            double scale = 1e-2 + analytic.Max(Math.Abs);
            for (int r = 0; r < value.Rows; r++)
            {
                for (int c = 0; c < value.Columns; c++)
                {
                    const double Step = 1e-5;
                    double kept = point[p][r][c];
                    point[p][r][c] = kept + Step;
                    double above = reference.Loss(point);
                    point[p][r][c] = kept - Step;
                    double below = reference.Loss(point);
                    point[p][r][c] = kept;
                    double numeric = (above - below) / (2 * Step);
                    Assert.True(
                        Math.Abs(numeric - analytic[(r * value.Columns) + c]) < 2e-4 * scale,
                        $"{model.Parameters[p].Name}[{r}, {c}]: analytic {analytic[(r * value.Columns) + c]}, numeric {numeric}");
                }
            }
        }
    }

    [Fact]
    public void Running_mean_scales_the_slope_and_is_kept()
    {
        // With decay 0 the running mean is the batch's; with decay 0.75 the second batch's slope is a quarter of the slope at the mixed
        // mean.
        var rng = new Rng(3);
        using var workers = new Workers(1);
        var options = new KlOptions { Latents = 5, KlCoefficient = 1, MeanEstimate = MeanEstimate.Running, MeanDecay = 0.75 };
        using var model = (KlAutoencoder)options.Build(4, rng);
        using LossAndGradients gradients = model.CreateGradients(workers);
        using var first = new Matrix(6, 4);
        using var second = new Matrix(6, 4);
        rng.FillNormal(first.AsSpan());
        rng.FillNormal(second.AsSpan());
        double[] firstMeans = Means(model, first), secondMeans = Means(model, second);
        gradients.Compute(new Batch(first), new StepSettings(1, default, 0));
        Matrix state = Assert.Single(gradients.State).Value;
        for (int i = 0; i < 5; i++) Assert.Equal(firstMeans[i], state[0, i], 1e-5);
        LossTerms loss = gradients.Compute(new Batch(second), new StepSettings(1, default, 0));
        double expected = 0;
        for (int i = 0; i < 5; i++)
        {
            double mean = (0.75 * firstMeans[i]) + (0.25 * secondMeans[i]);
            Assert.Equal(mean, state[0, i], 1e-5);
            expected += (0.05 * Math.Log(0.05 / mean)) + (0.95 * Math.Log(0.95 / (1 - mean)));
        }

        Assert.Equal(expected, loss.Sparsity, 1e-5);
    }

    [Fact]
    public void Corruption_changes_the_input_and_not_the_target()
    {
        var rng = new Rng(5);
        using var workers = new Workers(2);
        using var x = new Matrix(50, 8);
        rng.FillNormal(x.AsSpan());
        double Loss(UndercompleteOptions options, ulong seed)
        {
            using Autoencoder model = options.Build(8, new Rng(9));
            using LossAndGradients gradients = model.CreateGradients(workers);
            return gradients.Compute(new Batch(x), new StepSettings(1, default, seed)).Total;
        }

        var clean = new UndercompleteOptions { Bottleneck = 3 };
        Assert.Equal(Loss(clean, 1), Loss(clean, 2));
        foreach (UndercompleteOptions noisy in new[] { clean with { Noise = 0.5 }, clean with { Masking = 0.5 } })
        {
            Assert.NotEqual(Loss(clean, 1), Loss(noisy, 1));
            Assert.NotEqual(Loss(noisy, 1), Loss(noisy, 2));
            Assert.Equal(Loss(noisy, 1), Loss(noisy, 1));
        }
    }

    private static double[] Means(KlAutoencoder model, Matrix x)
    {
        SparseCodes codes = model.Encode(x);
        double[] means = new double[model.Latents];
        for (int r = 0; r < codes.Rows; r++)
            for (int i = 0; i < means.Length; i++) means[i] += codes.Values(r)[i] / (double)codes.Rows;
        return means;
    }
}
