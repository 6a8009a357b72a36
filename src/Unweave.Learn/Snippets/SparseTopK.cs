using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Numerics;
using Unweave.Training;

namespace Unweave.Learn.Snippets;

/// <summary>TopK on features that are known.</summary>
internal static class SparseTopK
{
    /// <summary>Runs the lines.</summary>
    public static void Run(TextWriter console)
    {
        // from here
        var features = new SyntheticFeatureOptions { Width = 32, Features = 64, ActivePerRow = 3, Frequency = FeatureFrequency.Uniform };
        using var rows = new SyntheticFeatures(features);
        var topK = new TopKOptions { Latents = 96, K = 3 };
        var options = new TrainingOptions { Autoencoder = topK, Batch = 256, Rows = 256 * 3000, LearningRate = 0.003 };
        using TrainingRun run = TrainingRun.Start(options, rows);
        while (!run.Finished) run.Next();
        using Matrix x = rows.Rows(0, 1000);
        SparseCodes codes = ((SparseAutoencoder)run.Autoencoder).Encode(x);
        int most = Enumerable.Range(0, codes.Rows).Max(codes.RowCount);
        console.WriteLine($"at most {most} of {codes.DictionarySize} latents a row");   // at most 3 of 96 latents a row
        // to here
    }
}
