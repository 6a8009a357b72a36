using System.Text.Json;
using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Numerics;
using Unweave.Runs;
using Unweave.Tests.Training;
using Unweave.Training;

namespace Unweave.Tests.Runs;

public sealed class SweepTests
{
    private static readonly string[] Written = ["autoencoder.safetensors", "training.safetensors"];

    private static SyntheticFeatures Source() =>
        new(new SyntheticFeatureOptions { Width = 16, Features = 48, Rows = 1200, ActivePerRow = 3, Noise = 0.05, Seed = 11 });

    private static SweepFile Parse(string json, string output) => SweepFile.Parse(json, "sweep.json", output);

    private static async Task<List<SweepReport>> Train(SweepFile file, IActivationSource source, bool resume = false,
        int stopAfter = int.MaxValue)
    {
        var reports = new List<SweepReport>();
        string kept = file.Output + ".kept";
        var sweep = SweepTrainer.Run(
            file, source.Name, options => new ShuffledData(source, options.Seed, options.Validation), resume: resume);
        await foreach (SweepReport report in sweep)
        {
            reports.Add(report);
            if (reports.Count < stopAfter) continue;
            Copy(file.Output, kept); // as a kill leaves it: what is done when the loop is left is undone
            break;
        }

        if (!Directory.Exists(kept)) return reports;
        Directory.Delete(file.Output, recursive: true);
        Directory.Move(kept, file.Output);
        return reports;
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.GetFiles(from).Where(file => !file.EndsWith(".lock", StringComparison.Ordinal)))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        foreach (string folder in Directory.GetDirectories(from)) Copy(folder, Path.Combine(to, Path.GetFileName(folder)));
    }

    private static void AssertSameRun(string expected, string actual)
    {
        foreach (string name in Written)
        {
            Assert.True(
                File.ReadAllBytes(Path.Combine(expected, name)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(actual, name))),
                $"{name} of {expected} and {actual} differ");
        }
    }

    private static void AssertSameSweep(SweepFile expected, SweepFile actual)
    {
        foreach ((SweepPoint one, SweepPoint other) in expected.Points.Zip(actual.Points))
        {
            AssertSameRun(one.Options.Output!, other.Options.Output!);
            Assert.Equal(Steps(one), Steps(other), StringComparer.Ordinal);
        }

        Assert.Equal(Ends(expected), Ends(actual), StringComparer.Ordinal);

        static IEnumerable<string> Steps(SweepPoint point) =>
            File.ReadLines(Path.Combine(point.Options.Output!, RunFolder.MetricsName)).Select(line => line[..line.IndexOf("\"milli",
                StringComparison.Ordinal)]);
        static IEnumerable<string> Ends(SweepFile file) => new SweepFolder(file.Output).Read().Points.Select(point =>
            $"{point.Folder} {point.Status} {point.Reason} {point.Step} {point.StoppedAt} {point.Fvu} {point.L0} {point.Dead}");
    }

    public static TheoryData<string, string> Grids => new()
    {
        {
            "every architecture",
            $$"""
            { "rows": 1920, "batch": 64, "validateEvery": 7, "deadAfter": 320, "learningRate": 2e-3,
              "autoencoder": [ {{string.Join(", ", Architecture.Trainable.Select(one => JsonSerializer.Serialize(
                  SmallOptions.Of(one.Name), AutoencoderJsonContract.Default.AutoencoderOptions)))}} ] }
            """
        },
        {
            "k, latents, rates, seeds of weights and lengths in one pass",
            """
            { "rows": [1280, 1920], "batch": 64, "weightSeed": [null, 5], "learningRate": [1e-3, 3e-3], "threads": 2,
              "autoencoder": { "latents": [32, 48], "k": [2, 4] } }
            """
        },
        {
            "orders of the data in passes",
            """
            { "rows": 1280, "batch": [64, 100], "seed": [0, 3], "validation": [0, 0.1], "autoencoder": { "latents": 32, "k": 3 },
              "inputScaling": ["meanNorm", "none"], "sweep": { "atOnce": 2 } }
            """
        },
    };

    [Theory]
    [MemberData(nameof(Grids))]
    public async Task Each_autoencoder_is_what_training_it_alone_gives(string what, string json)
    {
        _ = what;
        using var folder = new TemporaryFolder();
        using SyntheticFeatures source = Source();
        SweepFile file = Parse(json, folder["sweep"]);
        List<SweepReport> reports = await Train(file, source);
        Assert.Equal(file.Passes.Count, reports.Max(report => report.Pass));
        foreach (SweepPoint point in file.Points)
        {
            TrainingOptions alone = point.Options with { Output = folder["alone-" + point.Name], Threads = 1 };
            await foreach (StepReport step in Trainer.Run(alone, source))
            {
                StepReport together = reports.First(
                    report => ReferenceEquals(report.Point, point) && report.Step?.Step == step.Step).Step!;
                Assert.Equal((point.Name, step.Step, step.Loss, step.Fvu, step.ValidationFvu, step.Dead),
                    (point.Name, together.Step, together.Loss, together.Fvu, together.ValidationFvu, together.Dead));
            }

            AssertSameRun(alone.Output!, point.Options.Output!);
            Assert.Equal(RunFolder.Open(point.Options.Output!).Settings!.Steps, alone.Steps); // a run's folder like any other
        }
    }

    [Fact]
    public async Task Transcoders_share_pairs_of_rows()
    {
        using var folder = new TemporaryFolder();
        using SyntheticFeatures inputs = Source();
        using var targets = new SyntheticFeatures(new SyntheticFeatureOptions { Width = 12, Features = 30, Rows = 1200, Seed = 3 });
        using var pairs = new PairedSource(inputs, targets);
        SweepFile file = Parse(
            """{ "rows": 1280, "batch": 64, "autoencoder": { "latents": 32, "k": [2, 4], "transcoder": true } }""", folder["sweep"]);
        await Train(file, pairs);
        foreach (SweepPoint point in file.Points)
        {
            TrainingOptions alone = point.Options with { Output = folder["alone-" + point.Name] };
            await foreach (StepReport step in Trainer.Run(alone, pairs)) _ = step;
            AssertSameRun(alone.Output!, point.Options.Output!);
        }
    }

    [Fact]
    public async Task Cut_off_anywhere_and_resumed_it_is_the_sweep_that_was_not()
    {
        const string Grid =
            """
            { "rows": 1920, "batch": 64, "seed": [0, 1], "validateEvery": 5, "checkpointSteps": 5, "checkpointMinutes": 0,
              "learningRate": [1e-2, 1e-9], "autoencoder": { "latents": 32, "k": [2, 4] },
              "sweep": { "stopFactor": 1.1, "stopAfter": 0.5 } }
            """;
        using var folder = new TemporaryFolder();
        using SyntheticFeatures source = Source();
        SweepFile whole = Parse(Grid, folder["whole"]);
        List<SweepReport> reports = await Train(whole, source);
        Assert.Equal(4, reports.Count(report => report.Ended == SweepStatus.Stopped)); // those that do not learn
        Assert.Equal(4, reports.Count(report => report.Ended == SweepStatus.Finished));
        Assert.All(new SweepFolder(whole.Output).Read().Points.Where(point => point.Status == SweepStatus.Stopped), point =>
        {
            Assert.Equal((15, 15), (point.Step, point.StoppedAt!.Value)); // half of the 30 steps, which is a validation
            Assert.Contains("learningRate1e-9", point.Folder, StringComparison.Ordinal);
            Assert.Contains("is more than 1.1 times", point.Reason, StringComparison.Ordinal);
        });

        // At every kind of moment: within a round, around a checkpoint, a stop, the end of a run and of a pass.
        int[] cuts = [1, 18, 21, 58, 59, 60, 61, 62, 63, 90, reports.Count - 50, reports.Count - 1];
        foreach (int cut in cuts)
        {
            SweepFile again = Parse(Grid, folder[$"cut{cut}"]);
            await Train(again, source, stopAfter: cut);
            await Train(new SweepFolder(again.Output).ToFile(), source, resume: true);
            AssertSameSweep(whole, again);
        }
    }

    [Fact]
    public async Task A_finished_sweep_resumes_to_nothing_and_another_is_refused()
    {
        const string Grid = """{ "rows": 640, "batch": 64, "autoencoder": { "latents": 32, "k": [2, 4] } }""";
        using var folder = new TemporaryFolder();
        using SyntheticFeatures source = Source();
        SweepFile file = Parse(Grid, folder["sweep"]);
        await Train(file, source);
        Assert.Empty(await Train(file, source, resume: true));
        InputException there = await Assert.ThrowsAsync<InputException>(() => Train(file, source));
        Assert.Contains("already holds a sweep", there.Message, StringComparison.Ordinal);
        foreach (string other in (string[])["""{ "latents": 32, "k": [2, 8] }""", """{ "latents": 48, "k": [2, 4] }"""])
        {
            SweepFile changed = Parse($$"""{ "rows": 640, "batch": 64, "autoencoder": {{other}} }""", folder["sweep"]);
            InputException refused = await Assert.ThrowsAsync<InputException>(() => Train(changed, source, resume: true));
            Assert.Contains("is another than the file's", refused.Message, StringComparison.Ordinal);
        }

        SweepFile ruled = Parse(Grid.Replace("{ \"rows\"", "{ \"sweep\": { \"atOnce\": 1 }, \"rows\"", StringComparison.Ordinal),
            folder["sweep"]);
        Assert.Contains("\"atOnce\":1",
            (await Assert.ThrowsAsync<InputException>(() => Train(ruled, source, resume: true))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_of_its_name_is_not_taken_for_the_record_of_a_sweep_nor_written_over()
    {
        const string Grid = """{ "rows": 640, "batch": 64, "autoencoder": { "latents": 32, "k": [2, 4] } }""";
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["here"]);
        string path = Path.Combine(folder["here"], "sweep.json");
        await File.WriteAllTextAsync(path, Grid, TestContext.Current.CancellationToken);
        Assert.False(SweepFolder.Exists(folder["here"]));
        using SyntheticFeatures source = Source();
        InputException other = await Assert.ThrowsAsync<InputException>(() => Train(SweepFile.Read(path, folder["here"]), source));
        Assert.Contains("a file of another kind", other.Message, StringComparison.Ordinal);
        Assert.Equal(Grid, await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
        await Train(SweepFile.Read(path, folder["there"]), source);
        Assert.True(SweepFolder.Exists(folder["there"]));
    }

    [Fact]
    public async Task One_that_diverges_does_not_end_the_others()
    {
        using var folder = new TemporaryFolder();
        using SyntheticFeatures source = Source();
        SweepFile file = Parse(
            """
            { "rows": 1920, "batch": 64, "warmupSteps": 0, "learningRate": [1e-3, 1e30],
              "autoencoder": { "architecture": "undercomplete", "bottleneck": 4, "activation": "linear" } }
            """,
            folder["sweep"]);
        await Train(file, source);
        IReadOnlyList<SweepEntry> points = new SweepFolder(file.Output).Read().Points;
        Assert.Equal([SweepStatus.Finished, SweepStatus.Diverged], points.Select(point => point.Status));
        Assert.Contains("training diverged", points[1].Reason, StringComparison.Ordinal);
        Assert.Equal(30, points[0].Step);
        Assert.Empty(await Train(file, source, resume: true));
    }

    [Fact]
    public async Task The_rows_are_read_once_for_all()
    {
        using var folder = new TemporaryFolder();
        using SyntheticFeatures made = Source();
        var source = new Counted(made);
        SweepFile file = Parse(
            """{ "rows": 1280, "batch": 64, "validation": 0, "autoencoder": { "latents": 32, "k": [1, 2, 3, 4, 5, 6] } }""",
            folder["sweep"]);
        await Train(file, source);
        long sweep = source.Batches;
        source.Batches = 0;
        await foreach (StepReport report in Trainer.Run(file.Points[0].Options with { Output = folder["alone"] }, source)) _ = report;
        Assert.InRange(sweep, 20, source.Batches + 1); // as many as one run, or one more that was read ahead
    }

    private sealed class Counted(IActivationSource source) : IActivationSource
    {
        private long batches;

        public long Batches { get => Interlocked.Read(ref batches); set => Interlocked.Exchange(ref batches, value); }

        public long Rows => source.Rows;

        public int Width => source.Width;

        public string Name => source.Name;

        public void Read(ReadOnlySpan<long> rows, Matrix destination)
        {
            if (rows.Length == 64) Interlocked.Increment(ref batches);
            source.Read(rows, destination);
        }

        public void Dispose()
        {
        }
    }
}
