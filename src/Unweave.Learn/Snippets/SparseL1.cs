using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Training;

namespace Unweave.Learn.Snippets;

/// <summary>ReLU and L1 on features that are known.</summary>
internal static class SparseL1
{
    /// <summary>Runs the lines.</summary>
    public static void Run(TextWriter console)
    {
        // from here
        var features = new SyntheticFeatureOptions { Width = 32, Features = 64, ActivePerRow = 3, Frequency = FeatureFrequency.Uniform };
        using var rows = new SyntheticFeatures(features);
        var relu = new ReluOptions { Latents = 96, L1Coefficient = 2, UnitDecoder = true };
        var options = new TrainingOptions { Autoencoder = relu, Batch = 256, Rows = 256 * 3000, LearningRate = 0.003 };
        using TrainingRun run = TrainingRun.Start(options, rows);
        while (!run.Finished) run.Next();
        var trained = (SparseAutoencoder)run.Autoencoder;
        FeatureRecovery found = FeatureRecovery.Measure(trained.Decoder, rows.Directions);
        console.WriteLine($"at least 90% recovered: {found.Recovered >= 0.9}");   // at least 90% recovered: True
        // to here
    }
}
