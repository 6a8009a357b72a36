using Unweave.Autoencoders;
using Unweave.Checkpoints;
using Unweave.Data;
using Unweave.Numerics;
using Unweave.Training;

namespace Unweave.Tests.Autoencoders;

public sealed class BatchTopKTests
{
    private static readonly TrainingOptions Settings = new()
    {
        Autoencoder = new BatchTopKOptions { Latents = 96, K = 4 },
        Batch = 250,
        Rows = 250 * 300,
        LearningRate = 3e-3,
    };

    [Fact]
    public void A_batch_keeps_its_largest_pre_activations_whatever_the_guess()
    {
        var rng = new Rng(5);
        using var workers = new Workers(2);
        using var model = new BatchTopKAutoencoder(new BatchTopKOptions { Latents = 60, K = 3, AuxK = 0 }, 10, 10, rng);
        using LossAndGradients gradients = model.CreateGradients(workers);
        foreach (double size in (double[])[1, 1, 0.01, 1]) // at 0.01 the guess of the batch before is far too high
        {
            using var x = new Matrix(40, 10);
            rng.FillNormal(x.AsSpan(), size);
            gradients.Compute(new Batch(x), new StepSettings(1, default, 0));
            double[] pre = [.. from r in Enumerable.Range(0, 40)
                               from i in Enumerable.Range(0, 60)
                               select Enumerable.Range(0, 10).Sum(c => (double)x[r, c] * model.Weights.Encoder[i, c])];
            double cut = pre.OrderDescending().ElementAt((3 * 40) - 1);
            Assert.Equal(120, gradients.Entries);
            for (int i = 0; i < 60; i++)
                Assert.Equal(Enumerable.Range(0, 40).Count(r => pre[(r * 60) + i] >= cut - 1e-7), gradients.Fired[i]);
        }
    }

    [Fact]
    public void The_learned_threshold_keeps_about_k_latents_a_row_and_is_saved()
    {
        using var source = new SyntheticFeatures(new() { Width = 24, Features = 96, Rows = 3000, ActivePerRow = 4 });
        using TrainingRun run = TrainingRun.Start(Settings, source);
        StepReport? last = null;
        while (!run.Finished) last = run.Next();
        Assert.Equal(4, last!.L0);
        using var folder = new TemporaryFolder();
        run.Autoencoder.Save(folder["sae"]);
        using var loaded = (BatchTopKAutoencoder)SparseAutoencoder.Load(folder["sae"]);
        Assert.Equal(((BatchTopKAutoencoder)run.Autoencoder).Threshold, loaded.Threshold);
        Assert.True(loaded.Threshold > 0);
        using Matrix rows = source.Rows(0, 1000), one = source.Rows(17, 1);
        SparseCodes codes = loaded.Encode(rows), alone = loaded.Encode(one);
        Assert.InRange(codes.Count / 1000.0, 3.5, 4.5);
        Assert.Equal(alone.AllLatents, codes.Latents(17)); // what a row's code is does not depend on the rows beside it
        Assert.True(Enumerable.Range(0, 1000).Select(codes.RowCount).Distinct().Count() > 2); // rows share a budget
        Assert.True(last.ValidationFvu < 0.5, $"FVU {last.ValidationFvu}");
    }
}
