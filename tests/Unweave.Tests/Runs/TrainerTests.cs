using System.Text.Json;
using Unweave.Autoencoders;
using Unweave.Checkpoints;
using Unweave.Data;
using Unweave.Numerics;
using Unweave.Runs;
using Unweave.Training;

namespace Unweave.Tests.Runs;

public sealed class TrainerTests
{
    private static readonly TrainingOptions Small = new()
    {
        Autoencoder = new TopKOptions { Latents = 96, K = 4, AuxK = 8 },
        Rows = 64 * 60,
        Batch = 64,
        DeadAfter = 64 * 5,
        LearningRate = 3e-3,
        ValidateEvery = 7,
        CheckpointSteps = 10,
        CheckpointMinutes = 0,
        Validation = 0.1,
    };

    public static TheoryData<string, TrainingOptions> Kinds => new()
    {
        { "topk", Small },
        { "multi", Small with { Autoencoder = new TopKOptions { Latents = 96, K = 4, AuxK = 0, MultiK = 16 }, GradientClip = 0.5 } },
        {
            "relu",
            Small with
            {
                Autoencoder = new ReluOptions { Latents = 96, L1Coefficient = 2 },
                ResampleEvery = 64 * 12,
                SparsityWarmupFraction = 0.3,
            }
        },
        { "kl", Small with { Autoencoder = new KlOptions { Latents = 48, MeanEstimate = MeanEstimate.Running } } },
        { "variational", Small with { Autoencoder = new VariationalOptions { Bottleneck = 3, Hidden = [12] } } },
        {
            "undercomplete",
            Small with { Autoencoder = new UndercompleteOptions { Bottleneck = 6, Hidden = [12], Noise = 0.3, Masking = 0.1 } }
        },
        { "signum", Small with { Optimizer = OptimizerKind.Signum } },
        { "muon", Small with { Optimizer = OptimizerKind.Muon, GradientClip = 0.5 } },
        {
            "scheduleFree",
            Small with
            {
                Autoencoder = new ReluOptions { Latents = 96, L1Coefficient = 2, UnitDecoder = true },
                Optimizer = OptimizerKind.ScheduleFree,
                DecayFraction = 0,
                ResampleEvery = 64 * 12,
            }
        },
    };

    private static SyntheticFeatures Source() =>
        new(new SyntheticFeatureOptions { Width = 24, Features = 64, Rows = 1500, ActivePerRow = 3, Noise = 0.05, Seed = 11 });

    private static async Task<List<StepReport>> Train(TrainingOptions options, IActivationSource source, bool resume = false,
        int stopAfter = int.MaxValue)
    {
        var reports = new List<StepReport>();
        if (options.Output is null)
        {
            using TrainingRun run = TrainingRun.Start(options, source);
            while (!run.Finished) reports.Add(run.Next());
            return reports;
        }

        await foreach (StepReport report in Trainer.Run(options, source, resume))
        {
            reports.Add(report);
            if (report.Step < stopAfter) continue;
            KilledRun.Keep(options.Output);
            break;
        }

        if (stopAfter < int.MaxValue) KilledRun.Restore(options.Output);
        return reports;
    }

    private static void AssertSameFiles(string expected, string actual)
    {
        foreach (string name in (string[])["autoencoder.safetensors", "training.safetensors"])
            Assert.True(File.ReadAllBytes(Path.Combine(expected,
                name)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(actual, name))), $"{name} differs");
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task One_thread_and_many_write_the_same_bytes(string kind, TrainingOptions options)
    {
        _ = kind;
        using var folder = new TemporaryFolder();
        using SyntheticFeatures source = Source();
        await Train(options with { Output = folder["one"], Threads = 1 }, source);
        foreach (int threads in (int[])[2, 5])
        {
            await Train(options with { Output = folder[$"{threads}"], Threads = threads }, source);
            AssertSameFiles(folder["one"], folder[$"{threads}"]);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_run_cut_off_anywhere_and_resumed_is_the_run_that_was_not(string kind, TrainingOptions options)
    {
        _ = kind;
        using var folder = new TemporaryFolder();
        using SyntheticFeatures source = Source();
        List<StepReport> whole = await Train(options with { Output = folder["whole"] }, source);
        Assert.Equal(60, whole.Count);
        foreach (int cut in (int[])[3, 10, 37, 59])
        {
            TrainingOptions again = options with { Output = folder[$"cut{cut}"] };
            await Train(again, source, stopAfter: cut);
            List<StepReport> rest = await Train(again, source, resume: true);
            Assert.Equal((cut / 10 * 10) + 1, rest[0].Step);
            AssertSameFiles(folder["whole"], folder[$"cut{cut}"]);
            Assert.Equal(Steps(folder["whole"]), Steps(folder[$"cut{cut}"]));
        }
    }

    [Fact]
    public async Task Cancelling_leaves_a_checkpoint_at_the_step_it_reached()
    {
        using var folder = new TemporaryFolder();
        using SyntheticFeatures source = Source();
        using var cancellationToken = new CancellationTokenSource();
        TrainingOptions options = Small with { Output = folder["run"] };
        StepReport? last = null;
        await foreach (StepReport report in Trainer.Run(options, source, cancellationToken: cancellationToken.Token))
        {
            last = report;
            if (report.Step == 23) await cancellationToken.CancelAsync();
        }

        Assert.Equal(24, last!.Step);
        Assert.False(last.Last);
        Assert.Equal(folder["run"], last.Checkpoint);
        List<StepReport> rest = await Train(options, source, resume: true);
        Assert.Equal(25, rest[0].Step);
        Assert.True(rest[^1].Last);
    }

    [Fact]
    public async Task A_finished_run_resumes_to_nothing_and_other_settings_are_refused()
    {
        using var folder = new TemporaryFolder();
        using SyntheticFeatures source = Source();
        TrainingOptions options = Small with { Output = folder["run"] };
        await Train(options, source);
        Assert.Empty(await Train(options, source, resume: true));
        InputException other = await Assert.ThrowsAsync<InputException>(() =>
            Train(options with { LearningRate = 1e-3 }, source, resume: true));
        Assert.Contains("learningRate", other.Message, StringComparison.Ordinal);
        using var shorter = new SyntheticFeatures(new SyntheticFeatureOptions { Width = 24, Features = 64, Rows = 1400 });
        InputException data = await Assert.ThrowsAsync<InputException>(() => Train(options, shorter, resume: true));
        Assert.Contains("1500 rows of width 24", data.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_torn_state_is_found_and_named()
    {
        using var folder = new TemporaryFolder();
        using SyntheticFeatures source = Source();
        TrainingOptions options = Small with { Output = folder["run"] };
        await Train(options, source, stopAfter: 20);
        string state = Path.Combine(folder["run"], "training.safetensors");
        byte[] bytes = File.ReadAllBytes(state);
        bytes[^100] ^= 1;
        File.WriteAllBytes(state, bytes);
        InputException torn = await Assert.ThrowsAsync<InputException>(() => Train(options, source, resume: true));
        Assert.Contains("checksum", torn.Message, StringComparison.Ordinal);
        Assert.Contains(state, torn.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Training_explains_synthetic_features_and_the_saved_autoencoder_is_the_trained_one()
    {
        using var folder = new TemporaryFolder();
        using SyntheticFeatures source = Source();
        List<StepReport> reports = await Train(Small with { Output = folder["run"], Rows = 64 * 600 }, source);
        Assert.True(reports[^1].ValidationFvu < 0.5 * reports.First(report => report.ValidationFvu is not null).ValidationFvu);
        Assert.Equal(4, reports[^1].L0, 0.2);
        using SparseAutoencoder sae = SparseAutoencoder.Load(folder["run"]);
        using Matrix x = source.Rows(0, 50);
        using var reconstruction = new Matrix(50, 24);
        sae.Reconstruct(x, reconstruction);
        double errors = 0, norms = 0;
        for (int r = 0; r < 50; r++)
        {
            for (int c = 0; c < 24; c++)
            {
                errors += Math.Pow(x[r, c] - reconstruction[r, c], 2);
                norms += Math.Pow(x[r, c], 2);
            }

            Assert.Equal(1, Norms.L2(sae.Decoder.Row(r)), 1e-5); // decoder rows stay at unit norm
        }

        Assert.True(errors < 0.4 * norms, $"{errors} of {norms}");
    }

    [Theory]
    [InlineData(1e-18f)]
    [InlineData(1e18f)]
    public async Task The_magnitude_of_the_data_does_not_matter(float magnitude)
    {
        using SyntheticFeatures source = Source();
        using Matrix plain = source.Rows(0, 1500), scaled = plain.Clone();
        foreach (ref float value in scaled.AsSpan()) value *= magnitude;
        using var expectedSource = new MatrixSource(plain);
        using var scaledSource = new MatrixSource(scaled);
        List<StepReport> expected = await Train(Small with { Output = null }, expectedSource),
            actual = await Train(Small with { Output = null }, scaledSource);
        Assert.Equal(expected[^1].ValidationFvu!.Value, actual[^1].ValidationFvu!.Value, 0.02);
        Assert.Equal(expected[^1].Fvu, actual[^1].Fvu, 0.02);
    }

    [Fact]
    public async Task Early_stopping_ends_a_run_that_no_longer_improves()
    {
        using SyntheticFeatures source = Source();
        TrainingOptions options = Small with { Output = null, LearningRate = 1e-30, WarmupSteps = 0, ValidateEvery = 5, Patience = 3 };
        List<StepReport> reports = await Train(options, source);
        Assert.True(reports.Count < 60 && reports[^1].StoppedEarly && reports[^1].Last);
        double[] validations = [.. reports.Where(report => report.ValidationFvu is not null).Select(report => report.ValidationFvu!.Value)];
        Assert.All(validations[^3..], late => Assert.True(late >= validations[..^3].Min()));
        Assert.True(validations[^4] < validations[..^4].DefaultIfEmpty(double.PositiveInfinity).Min()); // and not one step later
    }

    [Fact]
    public void The_linear_undercomplete_autoencoder_reaches_the_error_of_PCA()
    {
        // Data with a known covariance spectrum: PCA's error is the sum of the discarded variances, here of the sample itself.
        var rng = new Rng(2);
        const int Rows = 2000, Width = 12, Kept = 4;
        using var matrix = new Matrix(Rows, Width);
        for (int r = 0; r < Rows; r++)
            for (int c = 0; c < Width; c++) matrix[r, c] = (float)(rng.NextNormal() * (c < Kept ? 3.0 : 0.5)) + (0.1f * c);
        double total = 0, discarded = 0;
        double[] eigenvalues = Spectrum(matrix);
        for (int i = 0; i < Width; i++)
        {
            total += eigenvalues[i];
            if (i >= Kept) discarded += eigenvalues[i];
        }

        using var source = new MatrixSource(matrix);
        var options = new TrainingOptions
        {
            Autoencoder = new UndercompleteOptions { Bottleneck = Kept, Activation = Activation.Linear },
            Rows = 1000 * 2500,
            Batch = 1000,
            LearningRate = 0.01,
            DecayFraction = 0.5,
            Validation = 0,
            Output = null,
        };
        using TrainingRun run = TrainingRun.Start(options, source);
        while (!run.Finished) run.Next();
        using var reconstruction = new Matrix(Rows, Width);
        run.Autoencoder.Reconstruct(matrix, reconstruction);
        double error = 0;
        for (int r = 0; r < Rows; r++)
            for (int c = 0; c < Width; c++) error += Math.Pow(matrix[r, c] - reconstruction[r, c], 2);
        Assert.InRange(error / Rows, discarded * 0.9999, discarded * 1.01);
        Assert.True(discarded < 0.2 * total);
    }

    [Fact]
    public void Schedules_rise_hold_and_fall()
    {
        var schedule = new Schedule(new TrainingOptions
        {
            Rows = 1000,
            Batch = 1,
            LearningRate = 2,
            WarmupSteps = 100,
            DecayFraction = 0.5,
            SparsityWarmupFraction = 0.1,
        });
        Assert.Equal(0.02, schedule.LearningRate(1), 1e-12);
        Assert.Equal(2, schedule.LearningRate(100));
        Assert.Equal(2, schedule.LearningRate(500));
        Assert.Equal(1, schedule.LearningRate(750), 0.01);
        Assert.InRange(schedule.LearningRate(1000), 1e-9, 0.005);
        Assert.Equal(0.5, schedule.SparsityWarmup(50), 1e-12);
        Assert.Equal(1, schedule.SparsityWarmup(100));
    }

    [Fact]
    public void Resampling_gives_dead_latents_badly_reconstructed_directions()
    {
        var rng = new Rng(4);
        using var workers = new Workers(1);
        var options = new ReluOptions { Latents = 6, UnitDecoder = true, DecoderInitNorm = 1 };
        using var learner = new CpuLearner(options.Build(3, rng), new TrainingOptions { Autoencoder = options }, workers);
        using var x = new Matrix(3, 3, [0, 0, 0, 0, 2, 0, 0, 0, 0]); // rows of zeros are reconstructed exactly
        learner.Step(new Batch(x), new StepSettings(1, default, 0), rate: 0);
        learner.Restore(tensor => { if (tensor.Name.StartsWith("adam", StringComparison.Ordinal)) tensor.Value.AsSpan().Fill(1); }, 1);
        Assert.Equal([2, 4], learner.Resample(new[] { 2, 4 }, rng));
        foreach (int latent in (int[])[2, 4])
        {
            Assert.Equal([0f, 1f, 0f], ((SparseAutoencoder)learner.Autoencoder).Decoder.Row(latent).ToArray()); // the only row with a loss
            Assert.Equal(0.2f, learner.Autoencoder.Parameters[0].Value[latent, 1], 1e-5f); // a fifth of the living encoder norm, which is 1
            learner.Save(tensor =>
            {
                if (!tensor.Name.StartsWith("adam", StringComparison.Ordinal) || tensor.Name.EndsWith("b_dec", StringComparison.Ordinal))
                    return;
                Assert.Equal(0, tensor.Value.Rows == 1 ? tensor.Value[0, latent] : tensor.Value[latent, 0]);
                Assert.Equal(1, tensor.Value[0, 0]);
            });
        }
    }

    [Fact]
    public void A_latent_whose_row_lies_at_the_center_is_not_resampled()
    {
        var rng = new Rng(4);
        using var workers = new Workers(1);
        var options = new ReluOptions { Latents = 6 };
        using var learner = new CpuLearner(options.Build(3, rng), new TrainingOptions { Autoencoder = options }, workers);
        learner.Autoencoder.Parameters[1].Value.AsSpan().Fill(1); // active on everything, so that even the row at b_dec has a loss
        learner.Autoencoder.InitializeDecoderBias([1, 2, 3]);
        using var x = new Matrix(2, 3, [1, 2, 3, 1, 2, 3]);
        learner.Step(new Batch(x), new StepSettings(1, default, 0), rate: 0);
        float[] before = learner.Autoencoder.Parameters[0].Value.Row(4).ToArray();
        Assert.Empty(learner.Resample(new[] { 4 }, rng));
        Assert.Equal(before, learner.Autoencoder.Parameters[0].Value.Row(4).ToArray());
    }

    [Fact]
    public void Clipping_bounds_the_norm_and_projection_is_part_of_it()
    {
        var rng = new Rng(6);
        using var workers = new Workers(2);
        var options = new TopKOptions { Latents = 40, K = 3, AuxK = 0 };
        Autoencoder model = options.Build(8, rng);
        using var learner = new CpuLearner(model, new TrainingOptions { Autoencoder = options, GradientClip = 1 }, workers);
        using LossAndGradients gradients = model.CreateGradients(workers);
        using var x = new Matrix(16, 8);
        rng.FillNormal(x.AsSpan());
        gradients.Compute(new Batch(x), new StepSettings(1, default, 0));
        double expected = 0;
        for (int p = 0; p < model.Parameters.Count; p++)
        {
            Matrix value = model.Parameters[p].Value;
            float[] gradient = new float[value.Count];
            gradients.Read(p, 0, value.Rows, gradient);
            for (int r = 0; r < value.Rows; r++)
            {
                double along = 0;
                if (model.Parameters[p].UnitRows)
                    for (int c = 0; c < value.Columns; c++) along += (double)gradient[(r * value.Columns) + c] * value[r, c];
                for (int c = 0; c < value.Columns; c++)
                    expected += Math.Pow(gradient[(r * value.Columns) + c] - (model.Parameters[p].UnitRows ? along * value[r, c] : 0), 2);
            }
        }

        double norm = learner.Step(new Batch(x), new StepSettings(1, default, 0), rate: 1e-3).GradientNorm!.Value;
        Assert.Equal(Math.Sqrt(expected), norm, 1e-4 * Math.Sqrt(expected));
    }

    private static List<long> Steps(string folder) =>
        [
            .. File.ReadLines(Path.Combine(folder, "metrics.jsonl"))
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("step").GetInt64())];

    // Eigenvalues of the sample covariance by Jacobi rotations, descending.
    private static double[] Spectrum(Matrix x)
    {
        int n = x.Columns;
        double[] mean = new double[n];
        for (int r = 0; r < x.Rows; r++)
            for (int c = 0; c < n; c++) mean[c] += (double)x[r, c] / x.Rows;
        double[,] a = new double[n, n];
        for (int r = 0; r < x.Rows; r++)
            for (int i = 0; i < n; i++)
                for (int j = 0; j < n; j++) a[i, j] += (x[r, i] - mean[i]) * (x[r, j] - mean[j]) / x.Rows;
        for (int sweep = 0; sweep < 50; sweep++)
        {
            for (int p = 0; p < n; p++)
            {
                for (int q = p + 1; q < n; q++)
                {
                    if (Math.Abs(a[p, q]) < 1e-14) continue;
                    double angle = 0.5 * Math.Atan2(2 * a[p, q], a[q, q] - a[p, p]), c = Math.Cos(angle), s = Math.Sin(angle);
                    for (int i = 0; i < n; i++) (a[i, p], a[i, q]) = ((c * a[i, p]) - (s * a[i, q]), (s * a[i, p]) + (c * a[i, q]));
                    for (int i = 0; i < n; i++) (a[p, i], a[q, i]) = ((c * a[p, i]) - (s * a[q, i]), (s * a[p, i]) + (c * a[q, i]));
                }
            }
        }

        return [.. Enumerable.Range(0, n).Select(i => a[i, i]).OrderDescending()];
    }
}
