using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Numerics;
using Unweave.Training;

namespace Unweave.Learn.Snippets;

/// <summary>Sigmoid latents and the KL penalty.</summary>
internal static class SparseKl
{
    /// <summary>Runs the lines.</summary>
    public static void Run(TextWriter console)
    {
        // from here
        var features = new SyntheticFeatureOptions { Width = 32, Features = 64, ActivePerRow = 3, Frequency = FeatureFrequency.Uniform };
        using var rows = new SyntheticFeatures(features);
        var kl = new KlOptions { Latents = 96, TargetActivation = 0.05, KlCoefficient = 1, UnitDecoder = true };
        var options = new TrainingOptions
        {
            Autoencoder = kl,
            Batch = 256,
            Rows = 256 * 3000,
            LearningRate = 0.01,
            InputScaling = InputScaling.None,
        };
        using TrainingRun run = TrainingRun.Start(options, rows);
        while (!run.Finished) run.Next();
        using Matrix x = rows.Rows(0, 1000);
        SparseCodes codes = ((SparseAutoencoder)run.Autoencoder).Encode(x);
        double mean = codes.AllValues.ToArray().Average();
        console.WriteLine($"mean activation {mean:F2}");   // mean activation 0.05
        // to here
    }
}
