using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Numerics;
using Unweave.Training;

namespace Unweave.Tests.Autoencoders;

/// <summary>What the variational autoencoder is beside its gradients, which <see cref="GradientTests"/> checks.</summary>
public sealed class VariationalAutoencoderTests
{
    [Fact]
    public void The_closed_form_of_KL_is_the_sum_over_dimensions_of_that_of_Gaussians()
    {
        var rng = new Rng(11);
        for (int trial = 0; trial < 50; trial++)
        {
            float[] means = new float[5], logVariances = new float[5];
            rng.FillNormal(means, 2);
            rng.FillNormal(logVariances, 2);
            double sum = means.Zip(logVariances,
                (mean, log) => Divergence.Kl(new Gaussian(mean, Math.Exp((double)log / 2)), new Gaussian(0, 1))).Sum();
            Assert.Equal(sum, VariationalAutoencoder.KlToPrior(means, logVariances), 1e-12 * Math.Max(1, sum));
        }

        Assert.Equal(0, VariationalAutoencoder.KlToPrior([0, 0], [0, 0]));
        Assert.Throws<ArgumentException>(() => VariationalAutoencoder.KlToPrior([0], [0, 0]));
    }

    [Fact]
    public void The_closed_form_of_KL_is_what_sampling_gives()
    {
        // KL = E_q[ln q(z) − ln p(z)], by 400,000 draws.
        float[] means = [0.8f, -0.3f], logVariances = [-0.9f, 0.5f];
        var rng = new Rng(12);
        const int Draws = 400_000;
        double sum = 0, squares = 0;
        for (int i = 0; i < Draws; i++)
        {
            double ratio = 0;
            for (int d = 0; d < 2; d++)
            {
                double noise = rng.NextNormal(), z = means[d] + (Math.Exp(logVariances[d] / 2.0) * noise);
                ratio += ((z * z) - (noise * noise) - logVariances[d]) / 2;
            }

            sum += ratio;
            squares += ratio * ratio;
        }

        double mean = sum / Draws, error = Math.Sqrt(((squares / Draws) - (mean * mean)) / Draws);
        Assert.InRange(VariationalAutoencoder.KlToPrior(means, logVariances), mean - (5 * error), mean + (5 * error));
    }

    [Theory]
    [InlineData(Likelihood.Gaussian)]
    [InlineData(Likelihood.Bernoulli)]
    public void The_bound_is_the_loss_with_its_sign_turned(Likelihood likelihood)
    {
        using Matrix x = Shares(40, 6);
        var options = new VariationalOptions { Bottleneck = 2, Hidden = [5], Likelihood = likelihood, StandardDeviation = 0.4 };
        using var model = new VariationalAutoencoder(options, 6, new Rng(2));
        using var workers = new Workers(1);
        using LossAndGradients gradients = model.CreateGradients(workers);
        LossTerms loss = gradients.Compute(new Batch(x), new StepSettings(1, default, 7));
        Elbo bound = model.Bound(x, 7);
        Assert.Equal(-loss.Reconstruction, bound.LogLikelihood, 1e-5);
        Assert.Equal(loss.Sparsity, bound.Kl, 1e-6);
        Assert.Equal(-loss.Total, bound.Total, 1e-5);
        Assert.NotEqual(bound.LogLikelihood, model.Bound(x, 8).LogLikelihood);
        Assert.Equal(bound.Kl, model.Bound(x, 8).Kl);
    }

    [Fact]
    public void Logits_of_any_size_give_a_finite_likelihood()
    {
        using var model = new VariationalAutoencoder(new VariationalOptions { Bottleneck = 1, Likelihood = Likelihood.Bernoulli }, 2,
            new Rng(2));
        foreach (Parameter parameter in model.Parameters) parameter.Value.Clear();
        Span<float> bias = model.Parameters[^1].Value.AsSpan();
        (bias[0], bias[1]) = (300, -300); // certain of (1, 0)
        using var right = new Matrix(1, 2, [1, 0]);
        using var wrong = new Matrix(1, 2, [0, 1]);
        Assert.Equal(0, model.Bound(right, 0).LogLikelihood, 1e-6);
        Assert.Equal(-600, model.Bound(wrong, 0).LogLikelihood, 1e-3);
    }

    [Fact]
    public void Values_that_are_no_shares_are_refused_where_the_likelihood_is_Bernoulli()
    {
        using var model = new VariationalAutoencoder(new VariationalOptions { Bottleneck = 1, Likelihood = Likelihood.Bernoulli }, 2,
            new Rng(2));
        using var x = new Matrix(2, 2, [0.5f, 1, 0.25f, 1.5f]);
        using var workers = new Workers(2);
        using LossAndGradients gradients = model.CreateGradients(workers);
        Assert.Contains("row 1 of a batch has the value 1.5",
            Assert.Throws<InputException>(() => gradients.Compute(new Batch(x), new StepSettings(1, default, 0))).Message,
            StringComparison.Ordinal);
        var options = new TrainingOptions { Autoencoder = new VariationalOptions { Likelihood = Likelihood.Bernoulli } };
        Assert.Contains("inputScaling is meanNorm", Assert.Throws<InputException>(() => options.Validate(100)).Message,
            StringComparison.Ordinal);
        (options with { InputScaling = InputScaling.None }).Validate(100);
        Assert.Throws<InputException>(() => new VariationalOptions { StandardDeviation = 0 }.Validate(4));
        Assert.Throws<InputException>(() => new VariationalOptions { KlCoefficient = -1 }.Validate(4));
    }

    [Fact]
    public void It_starts_from_the_data()
    {
        using var model = new VariationalAutoencoder(new VariationalOptions { Bottleneck = 1, Likelihood = Likelihood.Bernoulli }, 3,
            new Rng(2));
        model.InitializeDecoderBias([0, 0.25f, 1]);
        using var z = new Matrix(1, 1);
        using Matrix decoded = model.Decode(z);
        Assert.Equal(0.001, decoded[0, 0], 1e-5);
        Assert.Equal(0.25, decoded[0, 1], 1e-5);
        Assert.Equal(0.999, decoded[0, 2], 1e-5);
    }

    [Theory]
    [InlineData(Likelihood.Gaussian)]
    [InlineData(Likelihood.Bernoulli)]
    public void Training_raises_the_bound_and_is_the_same_for_any_number_of_threads(Likelihood likelihood)
    {
        using Matrix x = Shares(600, 12);
        using var source = new MatrixSource(x);
        var options = new TrainingOptions
        {
            Autoencoder = new VariationalOptions { Bottleneck = 2, Hidden = [16], Likelihood = likelihood, StandardDeviation = 0.2 },
            InputScaling = InputScaling.None,
            Rows = 30_000,
            Batch = 100,
            LearningRate = 5e-3,
            Validation = 0,
            Seed = 3,
        };
        float[][][] weights = [.. ((int[])[1, 2, 3]).Select(threads =>
        {
            using TrainingRun run = TrainingRun.Start(options with { Threads = threads }, source);
            var model = (VariationalAutoencoder)run.Autoencoder;
            double before = model.Bound(x, 1).Total;
            while (!run.Finished) run.Next();
            Elbo after = model.Bound(x, 1);
            Assert.True(after.Total > before + 1, $"{before} → {after.Total}");
            Assert.True(after.Kl > 0.5, $"the codes say nothing: {after}");
            return (float[][])[.. model.Parameters.Select(parameter => parameter.Value.AsSpan().ToArray())];
        })];
        for (int p = 0; p < weights[0].Length; p++)
        {
            Assert.Equal(weights[0][p], weights[1][p]);
            Assert.Equal(weights[0][p], weights[2][p]);
        }
    }

    // Shares from 0 to 1, most of them at an end, that follow from an angle and a height.
    private static Matrix Shares(int rows, int width)
    {
        var rng = new Rng(5);
        var x = new Matrix(rows, width);
        for (int r = 0; r < rows; r++)
        {
            double angle = 2 * Math.PI * rng.NextDouble(), high = rng.NextDouble();
            for (int c = 0; c < width; c++) x[r, c] = (float)Math.Clamp(0.5 + ((0.4 + (2 * high)) * Math.Sin(angle + c)), 0, 1);
        }

        return x;
    }
}
