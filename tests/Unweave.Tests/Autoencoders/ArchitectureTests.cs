using System.Runtime.CompilerServices;
using Unweave.Autoencoders;
using Unweave.Checkpoints;
using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Numerics;
using Unweave.Runs;
using Unweave.Training;

namespace Unweave.Tests.Autoencoders;

/// <summary>Every architecture of the registry through all that enumerates it.</summary>
public sealed class ArchitectureTests
{
    public static TheoryData<string> Names => [.. Architecture.Trainable.Select(architecture => architecture.Name)];

    public static TheoryData<string> AllNames => [.. Architecture.All.Select(architecture => architecture.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void It_goes_through_run_file_flags_training_checkpoint_and_evaluation(string name)
    {
        Architecture architecture = Architecture.Find(name)!;
        AutoencoderOptions small = architecture.Defaults switch
        {
            DictionaryOptions dictionary => dictionary with { Latents = 40 },
            LayeredOptions layers => layers with { Bottleneck = 3 },
            var other => other,
        };
        Assert.Same(architecture, Architecture.From(small));
        var options = new TrainingOptions { Autoencoder = small, Batch = 20, Rows = 100 };
        Assert.Equal(RunFile.Write(options), RunFile.Write(RunFile.Parse(RunFile.Write(options), "run.json")));
        var draft = new RunFileDraft();
        draft.Set(RunFileSetting.All.First(setting => setting.IsArchitecture), [name]);
        Assert.Equal(RunFile.Write(new TrainingOptions { Autoencoder = architecture.Defaults }), RunFile.Write(draft.ToOptions()));
        Assert.StartsWith(architecture.Defaults.Title, architecture.Defaults.Describe(), StringComparison.OrdinalIgnoreCase);

        using var folder = new TemporaryFolder();
        using var source = new SyntheticFeatures(new() { Width = 8, Features = 20, Rows = 200 });
        using TrainingRun run = TrainingRun.Start(options, source);
        while (!run.Finished) run.Next();
        double weights = run.Autoencoder.Parameters.Where(parameter => parameter.Trained).Sum(parameter => (double)parameter.Value.Count);
        Assert.Equal(weights, small.ParameterCount(8, 8));
        run.Autoencoder.Save(folder["sae"]);
        using Autoencoder loaded = Autoencoder.Load(folder["sae"]);
        Assert.Equal(AutoencoderJson.Write(small), AutoencoderJson.Write(loaded.Options));
        Assert.Equal(Evaluator.Run(run.Autoencoder, source).ToJson(), Evaluator.Run(loaded, source).ToJson());
    }

    // A few rows take another way than many, by a copy of the encoder that is not to outlive the weights that it was made of.
    [Theory]
    [MemberData(nameof(Names))]
    public void A_row_has_the_same_code_alone_as_among_others_while_it_is_trained(string name)
    {
        if (Architecture.Find(name)!.Defaults is not DictionaryOptions options) return;
        using var source = new SyntheticFeatures(new() { Width = 16, Features = 300, Rows = 600 });
        using TrainingRun run = TrainingRun.Start(
            new TrainingOptions { Autoencoder = options with { Latents = 400 }, Batch = 100, Rows = 1000, LearningRate = 0.01 }, source);
        var sae = (SparseAutoencoder)run.Autoencoder;
        using Matrix x = source.Rows(0, 40), pair = source.Rows(6, 2);
        var all = new SparseCodes(400);
        while (!run.Finished)
        {
            run.Next();
            sae.Encode(x, all);
            SparseCodes two = sae.Encode(pair);
            Assert.Equal(all.Values(7), two.Values(1));
            for (int row = 0; row < 40; row++)
            {
                using Matrix one = x.CopyRows(row, 1);
                SparseCodes alone = sae.Encode(one);
                Assert.Equal(all.Latents(row), alone.Latents(0));
                Assert.Equal(all.Values(row), alone.Values(0));
            }
        }
    }

    /// <summary>Every architecture, and those with options that keep a state of their own.</summary>
    public static TheoryData<string, AutoencoderOptions> Kinds
    {
        get
        {
            var kinds = new TheoryData<string, AutoencoderOptions>();
            foreach (Architecture architecture in Architecture.Trainable)
            {
                kinds.Add(architecture.Name, architecture.Defaults switch
                {
                    SelectionOptions selection => selection with { Latents = 96, K = 4 },
                    JumpReluOptions jump => jump with { Latents = 96, TargetL0 = 4 },
                    MatchingPursuitOptions pursuit => pursuit with { Latents = 96, K = 4 },
                    DictionaryOptions dictionary => dictionary with { Latents = 96 },
                    LayeredOptions layers => layers with { Bottleneck = 3 },
                    var other => other,
                });
            }

            kinds.Add("matryoshka of the record", new MatryoshkaOptions
            {
                Latents = 96,
                K = 4,
                InitialK = 9,
                Prefixes = [8, 30],
                PrefixWeight = 0.5,
                DetachPrefixes = true,
                SortByFrequency = true,
                IstaStep = 0.25,
                Tilt = 0.01,
            });
            kinds.Add("topk with all else", new TopKOptions
            {
                Latents = 96,
                K = 4,
                InitialK = 9,
                IstaStep = 0.2,
                BalanceCoefficient = 0.1,
                OrthogonalityCoefficient = 0.2,
                OrthogonalityChunk = 40,
            });
            kinds.Add("relu towards an L0", new ReluOptions { Latents = 96, TargetL0 = 4 });
            kinds.Add("gated towards an L0", new GatedOptions { Latents = 96, TargetL0 = 4 });
            kinds.Add("jumprelu by tanh", new JumpReluOptions { Latents = 96, TargetL0 = 4, Sparsity = SparsityLoss.Tanh });
            kinds.Add("kl with a running mean", new KlOptions { Latents = 96, MeanEstimate = MeanEstimate.Running });
            return kinds;
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_run_cut_off_and_resumed_is_the_run_that_was_not_on_any_number_of_threads(
        string kind, AutoencoderOptions autoencoder)
    {
        using var folder = new TemporaryFolder();
        using var source = new SyntheticFeatures(new() { Width = 24, Features = 96, Rows = 3000, ActivePerRow = 4 });
        var options = new TrainingOptions
        {
            Autoencoder = autoencoder,
            Batch = 250,
            Rows = 250 * 30,
            LearningRate = 3e-3,
            CheckpointSteps = 10,
            DeadAfter = 1000,
        };
        async Task<byte[]> Train(string name, int threads, int stopAfter, bool resume)
        {
            TrainingOptions here = options with { Output = folder[name], Threads = threads };
            await foreach (StepReport report in Trainer.Run(here, source, resume))
                if (report.Step == stopAfter) break;
            return File.ReadAllBytes(Path.Combine(folder[name], "autoencoder.safetensors"));
        }

        byte[] whole = await Train("whole", 1, 0, resume: false);
        byte[] threads = await Train("threads", 3, 0, resume: false);
        Assert.True(whole.AsSpan().SequenceEqual(threads), $"{kind}: threads change the result.");
        await Train("cut", 2, 17, resume: false);
        byte[] resumed = await Train("cut", 2, 0, resume: true);
        Assert.True(whole.AsSpan().SequenceEqual(resumed), $"{kind}: resuming changes the result.");
    }

    [Theory]
    [MemberData(nameof(AllNames))]
    public void It_has_a_page_of_its_mathematics(string name) =>
        Assert.True(File.Exists(Path.Combine(Root(), "docs", "maths", $"{name}.md")), $"docs/maths/{name}.md is missing.");

    [Theory]
    [MemberData(nameof(AllNames))]
    public void Without_a_generator_it_is_made_of_zeros(string name)
    {
        // What a checkpoint is read into: random weights would only be overwritten, at three quarters of the time of loading.
        using Autoencoder made = Architecture.Find(name)!.Defaults.Build(64, rng: null);
        foreach (Parameter parameter in made.Parameters.Where(parameter => parameter.Value.Rows > 1))
            Assert.Equal(0, Norms.L2(parameter.Value.AsSpan()));
    }

    [Fact]
    public void What_cannot_be_trained_is_in_no_run_file_and_refused_by_name()
    {
        Assert.DoesNotContain(RunFileSetting.All, setting => setting.Architecture is "pretrained");
        Assert.DoesNotContain("pretrained", RunFileSetting.All.First(setting => setting.IsArchitecture).Choices, StringComparer.Ordinal);
        Assert.DoesNotContain("pretrained", RunFileSchema.Create().ToJsonString(), StringComparison.Ordinal);
        var options = new TrainingOptions { Autoencoder = new PretrainedOptions { Latents = 40 } };
        Assert.Contains("pretrained can be used but not trained", Assert.Throws<InputException>(() => options.Validate(8)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Sigmoid_codes_are_counted_as_the_reconstruction_uses_them()
    {
        using var source = new SyntheticFeatures(new() { Width = 16, Features = 40, Rows = 600 });
        var options = new TrainingOptions { Autoencoder = new KlOptions { Latents = 32, KlCoefficient = 0.2 }, Batch = 100, Rows = 20_000 };
        using TrainingRun run = TrainingRun.Start(options, source);
        StepReport? last = null;
        while (!run.Finished) last = run.Next();
        var sae = (SparseAutoencoder)run.Autoencoder;
        EvaluationReport all = Evaluator.Run(sae, source), firing = Evaluator.RunFiringOnly(sae, source);
        Assert.Equal(32, all.L0);
        Assert.Equal(32, last!.L0);
        Assert.InRange(all.Firing!.Value, 0.01, 16);
        Assert.InRange(last.Firing, 0.01, 16);
        Assert.Equal(all.Firing, firing.L0);

        // The same by hand: only the entries above 0.5 decoded.
        using Matrix x = source.Rows(0, 600), y = new(600, 16);
        SparseCodes codes = sae.Encode(x);
        for (int r = 0; r < 600; r++)
        {
            for (int c = 0; c < 16; c++)
            {
                double sum = sae.Parameters[3].Value[0, c];
                for (int j = 0; j < 32; j++)
                    if (codes.Values(r)[j] > 0.5f) sum += codes.Values(r)[j] * sae.Decoder[codes.Latents(r)[j], c];
                y[r, c] = (float)(sum / sae.OutputScale);
            }
        }

        Assert.Equal(Evaluator.Compare(x, y, "").Fvu, firing.Fvu, 1e-4);
        Assert.True(firing.Fvu > all.Fvu);
    }

    private static string Root([CallerFilePath] string path = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", "..", ".."));
}
