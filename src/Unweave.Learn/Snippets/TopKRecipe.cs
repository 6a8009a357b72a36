using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Training;

namespace Unweave.Learn.Snippets;

/// <summary>The TopK recipe on vectors.</summary>
internal static class TopKRecipe
{
    /// <summary>Runs the lines.</summary>
    public static void Run(TextWriter console)
    {
        // from here
        var features = new SyntheticFeatureOptions { Width = 32, Features = 64, Rows = 20_000 };
        using var vectors = new SyntheticFeatures(features);   // or Harvest.Open("acts").Source()
        var settings = new TrainingOptions
        {
            Autoencoder = new TopKOptions { Latents = 128, K = 4, AuxCoefficient = 1.0 / 32 },
            Batch = 500,
            Rows = 100_000,
        };
        using var run = TrainingRun.Start(settings, vectors);
        StepReport last = run.Next();
        while (!run.Finished) last = run.Next();
        console.WriteLine($"{last.L0} latents a row, {last.Rows:N0} rows seen");      // 4 latents a row, 100,000 rows seen
        // to here
    }
}
