using System.Diagnostics;
using System.Globalization;
using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Numerics;
using Unweave.Training;

namespace Unweave.Tests.Training;

public sealed class TrainingRunTests
{
    [Fact]
    public void A_latent_that_fired_in_the_last_batch_is_not_dead_to_AuxK()
    {
        // Every latent fires in every batch, so that AuxK has nobody to revive, however soon a latent counts as dead.
        using var source = new SyntheticFeatures(
            new() { Width = 16, Features = 16, ActivePerRow = 8, Frequency = FeatureFrequency.Uniform, Rows = 20_000 });
        var options = new TrainingOptions
        {
            Autoencoder = new TopKOptions { Latents = 16, K = 8 },
            Batch = 2048,
            Rows = 2048 * 9,
            Validation = 0,
        };
        foreach (long? deadAfter in (long?[])[null, 1])
        {
            using TrainingRun run = TrainingRun.Start(options with { DeadAfter = deadAfter }, source);
            while (!run.Finished)
            {
                StepReport step = run.Next();
                if (run.Step > 1) Assert.Equal((0, 0), (step.Dead, step.Loss.Auxiliary));
            }
        }
    }

    [Fact]
    public void Relu_from_small_weights_reaches_a_lower_objective_than_from_unit_ones()
    {
        using var source = new SyntheticFeatures(new() { Width = 32, Features = 200, Rows = 20_000, ActivePerRow = 5 });
        double Objective(double norm)
        {
            var relu = new ReluOptions { Latents = 512, DecoderInitNorm = norm };
            using TrainingRun run = TrainingRun.Start(new TrainingOptions { Autoencoder = relu, Batch = 256, Rows = 400 * 256 }, source);
            var losses = new List<double>();
            while (!run.Finished) losses.Add(run.Next().Loss.Total);
            return losses.TakeLast(20).Average();
        }

        double small = Objective(new ReluOptions().DecoderInitNorm), unit = Objective(1);
        Assert.True(small < 0.95 * unit, $"from 0.1: {small:F2}, from 1: {unit:F2}");
    }

    [Fact]
    public void A_start_that_fails_leaves_no_threads()
    {
        using var matrix = new Matrix(100, 8); // all zero: no factor brings it to norm √d
        using var source = new MatrixSource(matrix);
        var options = new TrainingOptions { Autoencoder = new TopKOptions { Latents = 16, K = 2 }, Threads = 20, Batch = 10, Rows = 100 };
        int before = Process.GetCurrentProcess().Threads.Count;
        for (int i = 0; i < 20; i++) Assert.Throws<InputException>(() => TrainingRun.Start(options, source));
        int after = Process.GetCurrentProcess().Threads.Count;
        // 380 if they stayed
        Assert.True(after < before + 200, $"{before} threads before, {after} after 20 starts of 20 threads that failed");
    }

    [Fact]
    public void Runs_of_neighboring_seeds_share_no_noise()
    {
        HashSet<ulong> Seeds(ulong seed) => [.. Enumerable.Range(1, 1000).Select(step => TrainingRun.NoiseSeed(seed, step))];
        Assert.Empty(Seeds(0).Intersect(Seeds(1)));
    }

    [Fact]
    public void Reports_and_messages_are_the_same_in_every_culture()
    {
        CultureInfo kept = CultureInfo.CurrentCulture;
        var commas = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        commas.NumberFormat.NumberDecimalSeparator = ",";
        var report = new StepReport
        {
            Step = 1,
            Steps = 2,
            Rows = 3,
            Loss = default,
            Fvu = 0.5,
            L0 = 1.5,
            Firing = 1.5,
            Dead = 0,
            LearningRate = 0.25,
        };
        try
        {
            CultureInfo.CurrentCulture = commas;
            Assert.Contains("fvu 0.5000 l0 1.5 dead 0 lr 0.25", report.ToString(), StringComparison.Ordinal);
            Assert.Equal("x is 0.5", new InputException($"x is {0.5}").Message);
            Assert.Contains("0.25", Assert.Throws<InputException>(() => new TrainingOptions { DecayFraction = -0.25 }.Validate(4)).Message,
                StringComparison.Ordinal);
        }
        finally
        {
            CultureInfo.CurrentCulture = kept;
        }
    }
}
