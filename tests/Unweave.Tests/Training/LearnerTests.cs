using Unweave.Autoencoders;
using Unweave.Checkpoints;
using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Numerics;
using Unweave.Training;

namespace Unweave.Tests.Training;

/// <summary>The processor's learner against the oracle over whole runs, and maps between two spaces.</summary>
public sealed class LearnerTests
{
    private const int Width = 7, Batch = 12;

    public static TheoryData<string, AutoencoderOptions> Kinds => new()
    {
        { "topk", new TopKOptions { Latents = 14, K = 2, AuxK = 0 } },
        { "topk with AuxK", new TopKOptions { Latents = 40, K = 2, AuxK = 4, AuxCoefficient = 0.25 } },
        { "topk with Multi-TopK", new TopKOptions { Latents = 14, K = 2, AuxK = 0, MultiK = 5 } },
        { "topk with balance", new TopKOptions { Latents = 14, K = 2, AuxK = 0, BalanceCoefficient = 0.3 } },
        { "batchtopk with AuxK", new BatchTopKOptions { Latents = 40, K = 2, AuxK = 4, AuxCoefficient = 0.25 } },
        { "topk with ISTA and tilt", new TopKOptions { Latents = 14, K = 2, AuxK = 0, IstaStep = 0.25, Tilt = 0.1 } },
        { "topk on its way to k", new TopKOptions { Latents = 14, K = 2, InitialK = 6, AuxK = 0 } },
        { "matryoshka with AuxK", new MatryoshkaOptions { Latents = 40, K = 2, AuxK = 4, AuxCoefficient = 0.25, Prefixes = [5, 15] } },
        {
            "matryoshka, detached",
            new MatryoshkaOptions { Latents = 14, K = 2, AuxK = 0, Prefixes = [3, 7], PrefixWeight = 0.5, DetachPrefixes = true }
        },
        { "hierarchical", new HierarchicalTopKOptions { Latents = 14, K = 3, AuxK = 0 } },
        { "abstopk", new AbsTopKOptions { Latents = 14, K = 2, AuxK = 0 } },
        { "gated", new GatedOptions { Latents = 14, L1Coefficient = 0.5 } },
        { "relu, free norms", new ReluOptions { Latents = 14, L1Coefficient = 0.5 } },
        { "relu, unit norms", new ReluOptions { Latents = 14, L1Coefficient = 0.5, UnitDecoder = true } },
        { "kl", new KlOptions { Latents = 10, KlCoefficient = 0.5 } },
        { "kl, unit norms", new KlOptions { Latents = 10, KlCoefficient = 0.5, UnitDecoder = true } },
        { "undercomplete", new UndercompleteOptions { Bottleneck = 3, Hidden = [5] } },
        { "variational", new VariationalOptions { Bottleneck = 2, Hidden = [5], StandardDeviation = 0.8 } },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Fifty_steps_are_those_of_the_oracle(string kind, AutoencoderOptions autoencoder)
    {
        using var source = new SyntheticFeatures(new SyntheticFeatureOptions
        {
            Width = Width,
            Features = 20,
            Rows = 200,
            ActivePerRow = 3,
        });
        var options = new TrainingOptions
        {
            Autoencoder = autoencoder,
            Batch = Batch,
            Rows = 50 * Batch,
            LearningRate = 2e-3,
            WarmupSteps = 8,
            SparsityWarmupFraction = 0.3,
            GradientClip = 0.5,
            DeadAfter = 3 * Batch,
            Epsilon = 1e-8,
            Validation = 0,
            Threads = 2,
        };
        var data = new ShuffledData(source, options.Seed, 0);
        using TrainingRun run = TrainingRun.Start(options, data);
        using TrainingRun oracle = TrainingRun.Start(options, data, (model, settings, _) => new OracleLearner(model, settings));
        bool revived = false, clipped = false;
        while (!run.Finished)
        {
            StepReport ours = run.Next(), exact = oracle.Next();
            Assert.Equal(exact.Loss.Total, ours.Loss.Total, 2e-4 * Math.Max(1, Math.Abs(exact.Loss.Total)));
            Assert.Equal(exact.Dead, ours.Dead);
            Assert.Equal(exact.GradientNorm!.Value, ours.GradientNorm!.Value, 1e-3 * exact.GradientNorm.Value);
            revived |= ours.Loss.Auxiliary > 0;
            clipped |= ours.GradientNorm > options.GradientClip;
        }

        foreach ((Parameter ours, Parameter exact) in run.Autoencoder.Parameters.Zip(oracle.Autoencoder.Parameters))
        {
            if (!ours.Trained) continue;
            for (int r = 0; r < ours.Value.Rows; r++)
                for (int c = 0; c < ours.Value.Columns; c++) Assert.Equal(exact.Value[r, c], ours.Value[r, c], 5e-4);
        }

        Assert.True(clipped); // so that clipping is in what is compared
        if (kind.Contains("AuxK", StringComparison.Ordinal)) Assert.True(revived);
    }

    [Fact]
    public void A_linear_map_between_two_spaces_is_recovered_from_pairs()
    {
        const int From = 9, To = 4;
        var rng = new Rng(3);
        using Matrix x = new(4000, From), map = new(To, From), y = new(4000, To);
        rng.FillNormal(x.AsSpan());
        rng.FillNormal(map.AsSpan());
        for (int r = 0; r < x.Rows; r++)
        {
            for (int o = 0; o < To; o++)
            {
                y[r, o] = 5 + o;
                for (int i = 0; i < From; i++) y[r, o] += 20 * map[o, i] * x[r, i]; // of another scale and center than the inputs
            }
        }

        using MatrixSource inputs = new(x, "inputs"), targets = new(y, "targets");
        using var pairs = new PairedSource(inputs, targets);
        var options = new TrainingOptions
        {
            Autoencoder = new UndercompleteOptions { Bottleneck = To, Activation = Activation.Linear },
            Rows = 500 * 600,
            Batch = 500,
            LearningRate = 0.02,
            DecayFraction = 0.5,
        };
        using TrainingRun run = TrainingRun.Start(options, pairs);
        StepReport? last = null;
        while (!run.Finished) last = run.Next();
        Assert.InRange(last!.ValidationFvu!.Value, 0, 1e-5);
        Assert.Equal((From, To), (run.Autoencoder.InputWidth, run.Autoencoder.OutputWidth));
        Assert.NotEqual(run.Autoencoder.InputScale, run.Autoencoder.OutputScale);

        // The map itself: the images of the unit vectors, less the image of 0.
        using var folder = new TemporaryFolder();
        run.Autoencoder.Save(folder["map"]);
        using Autoencoder loaded = Autoencoder.Load(folder["map"]);
        using Matrix units = new(From + 1, From), images = new(From + 1, To);
        for (int i = 0; i < From; i++) units[i, i] = 1;
        loaded.Reconstruct(units, images);
        for (int i = 0; i < From; i++)
            for (int o = 0; o < To; o++) Assert.Equal(20 * map[o, i], images[i, o] - images[From, o], 0.2);
        for (int o = 0; o < To; o++) Assert.Equal(5 + o, images[From, o], 0.2);
        EvaluationReport report = Evaluator.Run(loaded, pairs);
        Assert.InRange(report.Fvu, 0, 1e-5);
        Assert.InRange(report.L2Ratio, 0.99, 1.01);
    }

    [Fact]
    public void Targets_of_their_own_are_refused_where_an_architecture_reconstructs_its_input()
    {
        using var input = new SyntheticFeatures(new() { Rows = 50, Width = 6 });
        using var other = new SyntheticFeatures(new() { Rows = 50, Width = 6, Seed = 2 });
        using var wider = new SyntheticFeatures(new() { Rows = 50, Width = 8 });
        using var longer = new SyntheticFeatures(new() { Rows = 51, Width = 6 });
        var options = new TrainingOptions { Autoencoder = new TopKOptions { Latents = 12, K = 2 } };
        foreach (SyntheticFeatures target in (SyntheticFeatures[])[other, wider])
        {
            using var pairs = new PairedSource(input, target);
            Assert.Contains("set transcoder to true", Refused(() => TrainingRun.Start(options, pairs)),
                StringComparison.Ordinal);
        }

        Assert.Contains("50 rows", Refused(() => new PairedSource(input, longer)), StringComparison.Ordinal);
    }

    private static string Refused(Func<object> start) => Assert.Throws<InputException>(start).Message;
}
