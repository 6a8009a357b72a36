using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Training;

namespace Unweave.Tests.Autoencoders;

/// <summary>Architectures whose L0 follows from a penalty, or from thresholds, reach the L0 that is asked for.</summary>
public sealed class SparsityTests
{
    public static TheoryData<AutoencoderOptions> Kinds => new()
    {
        new ReluOptions { Latents = 96, TargetL0 = 5, L1Coefficient = 0.5 },
        new ReluOptions { Latents = 96, TargetL0 = 5, L1Coefficient = 5 },
        new GatedOptions { Latents = 96, TargetL0 = 5, L1Coefficient = 0.5 },
        new JumpReluOptions { Latents = 96, TargetL0 = 5 },
        new JumpReluOptions { Latents = 96, TargetL0 = 5, Sparsity = SparsityLoss.Tanh, SparsityCoefficient = 1 },
        new JumpReluOptions { Latents = 96, TargetL0 = 5, Sparsity = SparsityLoss.Step, SparsityCoefficient = 0.5 },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void It_ends_near_the_L0_asked_for(AutoencoderOptions autoencoder)
    {
        using var source = new SyntheticFeatures(new() { Width = 24, Features = 96, Rows = 5000, ActivePerRow = 4 });
        var options = new TrainingOptions { Autoencoder = autoencoder, Batch = 250, Rows = 250 * 1500, LearningRate = 2e-3 };
        using TrainingRun run = TrainingRun.Start(options, source);
        StepReport? last = null;
        while (!run.Finished) last = run.Next();
        Assert.InRange(last!.L0, 3.7, 7);
        Assert.InRange(last.ValidationFvu!.Value, 0, 0.6);
    }
}
