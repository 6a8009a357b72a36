using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Catalog;
using Unweave.Checkpoints;
using Unweave.Data;
using Unweave.Formats;
using Unweave.Hosts;
using Unweave.Numerics;
using Unweave.Runs;
using Unweave.Tests.Catalog;
using Unweave.Tests.Fixtures;
using Unweave.Training;

namespace Unweave.Tests.Runs;

public sealed class RunFolderTests : IDisposable
{
    private static readonly HostReference Host = new("model.onnx", "aa", "BPE tokenizer tokenizer.json", "bb", "blocks.1", 64, true);

    private readonly TemporaryFolder place = new();

    private string Folder => place["run"];

    private TrainingOptions Options => new()
    {
        Autoencoder = new TopKOptions { Latents = 32, K = 4 },
        Batch = 100,
        Rows = 2000,
        Validation = 0,
        Output = Folder,
        CheckpointMinutes = 0,
    };

    public void Dispose() => place.Dispose();

    [Fact]
    public async Task A_finished_run_killed_between_its_files_gets_its_autoencoder_on_resume()
    {
        using SyntheticFeatures source = Source(1);
        await Train(Options with { CheckpointSteps = 10 }, source, stopAfter: 10);
        byte[] half = File.ReadAllBytes(Autoencoder);
        await Train(Options with { CheckpointSteps = 10 }, source, resume: true);
        byte[] whole = File.ReadAllBytes(Autoencoder);
        Assert.NotEqual(half, whole);

        File.Delete(Autoencoder);
        Assert.Empty(await Train(Options with { CheckpointSteps = 10 }, source, resume: true));
        Assert.Equal(whole, File.ReadAllBytes(Autoencoder));

        File.WriteAllBytes(Autoencoder, half); // of the checkpoint before
        Assert.Empty(await Train(Options with { CheckpointSteps = 10 }, source, resume: true));
        Assert.Equal(whole, File.ReadAllBytes(Autoencoder));
    }

    [Fact]
    public async Task A_run_of_the_present_version_that_is_whole_is_not_written_again()
    {
        using SyntheticFeatures source = Source(1);
        await Train(Options, source);
        File.SetLastWriteTimeUtc(Autoencoder, DateTime.UnixEpoch);
        await Train(Options, source, resume: true);
        Assert.Equal(DateTime.UnixEpoch, File.GetLastWriteTimeUtc(Autoencoder));
    }

    [Fact]
    public async Task A_new_run_in_a_used_folder_is_resumed_as_itself_and_nothing_of_the_old_one_is_left()
    {
        using SyntheticFeatures a = Source(1), b = Source(2);
        await foreach (StepReport _ in Trainer.Run(Options, new ShuffledData(a, 0, 0), host: Host))
        {
        }

        var run = RunFolder.Open(Folder);
        run.WriteEvaluation(new JsonObject { [RunFolder.HashKey] = run.AutoencoderHash });
        FeatureCatalog.Build(Folder, MadeFeatures.Source(3), MadeFeatures.First(3));
        using (FeatureCatalog catalog = FeatureCatalog.Open(Folder)) catalog.SetNote(1, "mine");

        await Train(Options, b, stopAfter: 3);
        Assert.Equal(["config.json", "features-earlier-1.db", "metrics.jsonl"], Files(), StringComparer.Ordinal);
        using (FeatureCatalog aside = FeatureCatalog.Open(place["run/features-earlier-1.db"]))
        {
            Assert.True(aside.HasAnnotations);
            Assert.Equal("mine", aside.Annotation(1).Note);
        }

        List<StepReport> resumed = await Train(Options, b, resume: true);
        Assert.Equal((1, 20), (resumed[0].Step, resumed.Count));
        byte[] ofB = File.ReadAllBytes(Autoencoder);
        await Train(Options with { Output = place["whole"] }, b);
        Assert.Equal(File.ReadAllBytes(place["whole/autoencoder.safetensors"]), ofB);
    }

    [Fact]
    public async Task A_start_that_is_refused_leaves_the_run_that_was_there()
    {
        using SyntheticFeatures source = Source(1);
        await Train(Options, source);
        string[] before = Files();
        await Assert.ThrowsAsync<InputException>(() =>
            Train(Options with { Autoencoder = new TopKOptions { Latents = 4, K = 8 } }, source));
        Assert.Equal(before, Files(), StringComparer.Ordinal);
        Assert.Empty(await Train(Options, source, resume: true));
    }

    [Fact]
    public async Task Other_data_of_the_same_shape_are_refused_on_resume()
    {
        using SyntheticFeatures a = Source(1), b = Source(2);
        await Train(Options, a, stopAfter: 20);
        InputException other = await Assert.ThrowsAsync<InputException>(() => Train(Options, b, resume: true));
        Assert.Contains("other data", other.Message, StringComparison.Ordinal);
        Assert.Contains("other data", Assert.Throws<InputException>(() => RunFolder.Open(Folder).CheckTrainedOn(b, "add --all")).Message,
            StringComparison.Ordinal);
        RunFolder.Open(Folder).CheckTrainedOn(a, "add --all");
    }

    [Fact]
    public void A_fingerprint_is_of_the_rows_not_of_their_file()
    {
        using SyntheticFeatures made = Source(1);
        using Matrix rows = made.Rows(0, (int)made.Rows);
        NpyWriter.Write(place["v.npy"], rows);
        SafetensorsWriter.Write(place["v.safetensors"], [TensorToWrite.From("v", rows)]);
        using ActivationFile npy = ActivationFile.Open(place["v.npy"]), safetensors = ActivationFile.Open(place["v.safetensors"]);
        string whole = DataFingerprint.Compute(made);
        Assert.Equal(whole, DataFingerprint.Compute(npy));
        Assert.Equal(whole, DataFingerprint.Compute(safetensors));
        rows[1234, 5] += 0.5f;
        using var changed = new MatrixSource(rows);
        Assert.NotEqual(whole, DataFingerprint.Compute(changed), StringComparer.Ordinal);
        using var large = new SyntheticFeatures(new SyntheticFeatureOptions { Width = 64, Features = 64, Rows = 40_000, Seed = 1 });
        using var other = new SyntheticFeatures(new SyntheticFeatureOptions { Width = 64, Features = 64, Rows = 40_000, Seed = 2 });
        Assert.NotEqual(DataFingerprint.Compute(large), DataFingerprint.Compute(other), StringComparer.Ordinal);
    }

    [Fact]
    public async Task What_belongs_to_another_autoencoder_is_refused_with_what_to_do()
    {
        using SyntheticFeatures source = Source(1);
        await foreach (StepReport _ in Trainer.Run(Options, new ShuffledData(source, 0, 0), host: Host))
        {
        }

        var run = RunFolder.Open(Folder);
        string hash = run.AutoencoderHash!;
        run.WriteEvaluation(new JsonObject { [RunFolder.HashKey] = hash });
        FeatureCatalog.Build(Folder, MadeFeatures.Source(3) with { AutoencoderSha256 = hash }, MadeFeatures.First(3));
        Assert.Equal(hash, run.Host!.AutoencoderSha256);
        Assert.NotNull(run.ReadEvaluation());
        FeatureCatalog.Open(run).Dispose();
        using (TensorFile state = TensorFile.Open(place["run/training.safetensors"]))
            Assert.Equal(hash, state.Metadata["autoencoder_sha256"]);

        using (Autoencoder other = new TopKOptions { Latents = 32, K = 4 }.Build(16, new Rng(7))) other.Save(Folder);
        Assert.Contains("--model and --hook", Assert.Throws<InputException>(() => run.Host).Message, StringComparison.Ordinal);
        Assert.Contains("unweave eval", Assert.Throws<InputException>(() => run.ReadEvaluation()).Message, StringComparison.Ordinal);
        Assert.Contains("unweave features build", Assert.Throws<InputException>(() => FeatureCatalog.Open(run)).Message,
            StringComparison.Ordinal);

        // Earlier versions kept no hash: their files are read.
        run.WriteEvaluation([]);
        Assert.NotNull(run.ReadEvaluation());
        File.WriteAllBytes(run.HostPath, Host.ToJson());
        Assert.NotNull(run.Host);
        FeatureCatalog.Build(Folder, MadeFeatures.Source(3), MadeFeatures.First(3));
        FeatureCatalog.Open(run).Dispose();
    }

    [Fact]
    public async Task The_host_is_known_when_training_begins_and_after_a_kill()
    {
        using SyntheticFeatures source = Source(1);
        var data = new ShuffledData(source, 0, 0);
        await foreach (StepReport step in Trainer.Run(Options with { CheckpointSteps = 5 }, data, host: Host))
        {
            if (step.Step == 1) Assert.Equal(Host, RunFolder.Open(Folder).Host);
            if (step.Step == 7) KilledRun.Keep(Folder);
        }

        byte[] final = File.ReadAllBytes(Autoencoder);
        KilledRun.Restore(Folder);
        Assert.Equal("blocks.1", RunFolder.Open(Folder).Host!.Hook);

        // Killed when the autoencoder of a checkpoint was written and host.json was not yet: the state vouches for it.
        await Train(Options with { CheckpointSteps = 5 }, source, resume: true);
        Assert.Equal(final, File.ReadAllBytes(Autoencoder));
        File.WriteAllBytes(place["run/host.json"], (Host with { AutoencoderSha256 = new string('0', 64) }).ToJson());
        Assert.Equal("blocks.1", RunFolder.Open(Folder).Host!.Hook);
    }

    [Fact]
    public async Task Leaving_the_loop_keeps_what_was_trained()
    {
        using SyntheticFeatures source = Source(1);
        await foreach (StepReport step in Trainer.Run(Options, source))
            if (step.Step == 7) break;
        List<StepReport> rest = await Train(Options, source, resume: true);
        Assert.Equal((8, 13), (rest[0].Step, rest.Count));
        byte[] resumed = File.ReadAllBytes(Autoencoder);
        await Train(Options with { Output = place["whole"] }, source);
        Assert.Equal(File.ReadAllBytes(place["whole/autoencoder.safetensors"]), resumed);
    }

    [Fact]
    public async Task Training_into_memory_gives_the_autoencoder_and_writes_nothing()
    {
        using SyntheticFeatures source = Source(1);
        await Train(Options, source);
        var steps = new Steps();
        using Autoencoder trained = await Trainer.TrainAsync(Options with { Output = null }, source, steps,
            TestContext.Current.CancellationToken);
        Assert.Equal(20, steps.Count);
        Assert.Equal(["run"], Directory.GetFileSystemEntries(place.Path).Select(Path.GetFileName), StringComparer.Ordinal);
        trained.Save(place["memory"]);
        Assert.Equal(File.ReadAllBytes(Autoencoder), File.ReadAllBytes(place["memory/autoencoder.safetensors"]));

        using (Autoencoder kept = await Trainer.TrainAsync(Options with { Output = place["both"] }, source,
            cancellationToken: TestContext.Current.CancellationToken))
            Assert.Equal(File.ReadAllBytes(Autoencoder), File.ReadAllBytes(place["both/autoencoder.safetensors"]));
        using var cancelled = new CancellationTokenSource();
        var stopping = new Steps(step => { if (step == 5) cancelled.Cancel(); });
        await Assert.ThrowsAsync<OperationCanceledException>(() =>
            Trainer.TrainAsync(Options with { Output = null }, source, stopping, cancelled.Token));
    }

    [Fact]
    public async Task A_run_without_a_folder_is_refused_before_its_weights_are_lost()
    {
        Assert.Null(new TrainingOptions().Output);
        using SyntheticFeatures source = Source(1);
        InputException refused = await Assert.ThrowsAsync<InputException>(async () =>
        {
            await foreach (StepReport _ in Trainer.Run(Options with { Output = null }, source)) Assert.Fail("a step was done");
        });
        Assert.Contains("TrainAsync", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_writers_of_a_folder_are_refused_and_a_killed_one_holds_nothing()
    {
        using SyntheticFeatures source = Source(1);
        await foreach (StepReport step in Trainer.Run(Options, source))
        {
            if (step.Step != 3) continue;
            InputException second = await Assert.ThrowsAsync<InputException>(() => Train(Options, source, resume: true));
            Assert.Contains("another run", second.Message, StringComparison.Ordinal);
        }

        Assert.Equal(["autoencoder.safetensors", "config.json", "metrics.jsonl", "training.safetensors"], Files(), StringComparer.Ordinal);
        File.WriteAllText(Path.Combine(Folder, RunFolder.LockName), ""); // a kill leaves the file, and not the lock
        Assert.Empty(await Train(Options, source, resume: true));
    }

    [Fact]
    public async Task What_a_killed_writer_left_half_written_goes_and_nothing_else()
    {
        Directory.CreateDirectory(Folder);
        string[] left = ["autoencoder.safetensors.partial-12-3", "training.safetensors.partial-99999-1", "host.json.partial-1-1"];
        string[] others = ["features.db.partial", "notes.partial-1-1", "training.safetensors.partial-x"];
        foreach (string name in (string[])[.. left, .. others]) File.WriteAllText(Path.Combine(Folder, name), "x");
        using SyntheticFeatures source = Source(1);
        await Train(Options, source);
        Assert.DoesNotContain(Files(), name => left.Contains(name, StringComparer.Ordinal));
        Assert.Equal(others.Length, Files().Count(name => others.Contains(name, StringComparer.Ordinal)));
    }

    [Fact]
    public async Task Data_are_found_from_any_working_folder_and_after_the_run_moved_with_them()
    {
        using SyntheticFeatures source = Source(1);
        Directory.CreateDirectory(place["a/data"]);
        string vectors = place["a/data/v.npy"];
        using (Matrix rows = source.Rows(0, 2000)) NpyWriter.Write(vectors, rows);
        string relative = Path.GetRelativePath(Environment.CurrentDirectory, vectors);
        using (ActivationFiles files = ActivationFiles.Open([relative]))
            await foreach (StepReport _ in Trainer.Run(Options with { Data = [relative], Output = place["a/runs/one"] }, files))
            {
            }

        // whole, so that the working folder does not matter
        Assert.Equal(vectors, Assert.Single(RunFolder.Open(place["a/runs/one"]).Settings!.Data));
        Directory.Move(place["a/runs/one"], place["elsewhere"]);
        Assert.Equal(vectors, Assert.Single(RunFolder.Open(place["elsewhere"]).Data)); // the data stayed
        Directory.Move(place["elsewhere"], place["a/runs/one"]);
        Directory.Move(place["a"], place["b"]);
        Assert.Equal(place["b/data/v.npy"], Assert.Single(RunFolder.Open(place["b/runs/one"]).Data)); // they moved with it
    }

    [Theory]
    [InlineData("sae", "acts/v.npy", "work/sae", "work/acts/v.npy", null)]
    [InlineData("runs/one", "../v.npy", "work/runs/one", "v.npy", null)]
    [InlineData("sae", "acts#blocks.1", "work/sae", "work/acts", "#blocks.1")]
    [InlineData("sae", "acts/*.npy", "work/sae", "work/acts/v.npy", "*.npy")]
    public void Data_that_an_earlier_version_named_from_its_working_folder_are_found(string output, string named, string run, string file,
        string? ending)
    {
        Directory.CreateDirectory(place[run]);
        Directory.CreateDirectory(Path.GetDirectoryName(place[file])!);
        File.WriteAllText(place[file], "x");
        File.WriteAllText(place[$"{run}/config.json"], $$"""{ "output": "{{output}}", "data": ["{{named}}"] }""");
        string expected = ending is null
            ? place[file]
            : ending[0] == '#'
            ? place[file] + ending
            : Path.Combine(Path.GetDirectoryName(place[file])!, ending);
        Assert.Equal(expected, Assert.Single(RunFolder.Open(place[run]).Data));
    }

    [Fact]
    public async Task A_full_disk_under_the_log_is_named()
    {
        var log = new MetricsWriter(place["metrics.jsonl"], 0, _ => new FullDisk());
        using SyntheticFeatures source = Source(1);
        using TrainingRun run = TrainingRun.Start(Options with { Rows = 100 }, source);
        InputException full = Assert.Throws<InputException>(() => log.Add(run.Next()));
        Assert.Contains("metrics.jsonl", full.Message, StringComparison.Ordinal);
        log.Dispose();
        await Task.CompletedTask;
    }

    [Fact]
    public void A_folder_of_version_0_1_belongs_together()
    {
        var run = RunFolder.Open(SavedFiles.At("hosted"));
        Assert.Equal((128, "blocks.1", (string?)null), (run.Host!.Context, run.Host.Hook, run.Host.AutoencoderSha256));
        Assert.NotNull(run.ReadEvaluation());
        Assert.NotNull(run.Settings);
        Assert.Equal(64, run.AutoencoderHash!.Length);
        using Autoencoder autoencoder = run.LoadAutoencoder();
        string copy = SavedFiles.Copy("hosted", place["copy"]);
        FeatureCatalog.Open(RunFolder.Open(copy)).Dispose();
    }

    private string Autoencoder => Path.Combine(Folder, "autoencoder.safetensors");

    private static SyntheticFeatures Source(ulong seed) =>
        new(new SyntheticFeatureOptions { Width = 16, Features = 32, Rows = 2000, Seed = seed });

    private string[] Files() => [.. Directory.GetFiles(Folder).Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal)];

    /// <summary>Trains; after a step, if one is named, as a killed process.</summary>
    private static async Task<List<StepReport>> Train(TrainingOptions options, IActivationSource source, bool resume = false,
        int stopAfter = int.MaxValue)
    {
        var reports = new List<StepReport>();
        await foreach (StepReport report in Trainer.Run(options, source, resume))
        {
            reports.Add(report);
            if (report.Step < stopAfter) continue;
            KilledRun.Keep(options.Output!);
            break;
        }

        if (stopAfter < int.MaxValue) KilledRun.Restore(options.Output!);
        return reports;
    }

    private sealed class Steps(Action<long>? told = null) : IProgress<StepReport>
    {
        public int Count { get; private set; }

        public void Report(StepReport value)
        {
            Count++;
            told?.Invoke(value.Step);
        }
    }

    private sealed class FullDisk : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer) => throw new IOException("No space left on device");

        public override void Write(byte[] buffer, int offset, int count) => throw new IOException("No space left on device");

        public override void Flush()
        {
        }
    }
}
