using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Numerics;
using Unweave.Training;

namespace Unweave.Learn.Snippets;

/// <summary>Sparse codes of vectors, and what two of them share.</summary>
internal static class Retrieval
{
    /// <summary>Runs the lines.</summary>
    public static void Run(TextWriter console)
    {
        // from here
        using var vectors = new SyntheticFeatures(new SyntheticFeatureOptions { Width = 32, Features = 64, Rows = 5_000 });
        using var run = TrainingRun.Start(new TrainingOptions { Autoencoder = new TopKOptions { Latents = 128, K = 4 }, Batch = 250, Rows = 50_000 }, vectors);
        while (!run.Finished) run.Next();

        SparseCodes codes = ((SparseAutoencoder)run.Autoencoder).Encode(vectors.Rows(0, 5_000));
        ILookup<int, int> texts = Enumerable.Range(0, codes.Rows)                   // for each latent, the texts that have it
            .SelectMany(row => codes.Latents(row).ToArray().Select(latent => (latent, row)))
            .ToLookup(entry => entry.latent, entry => entry.row);
        int[] found = [.. codes.Latents(0).ToArray().SelectMany(latent => texts[latent]).CountBy(row => row).OrderByDescending(pair => pair.Value).Select(pair => pair.Key)];
        console.WriteLine($"{codes.Count / codes.Rows} latents a text");            // 4 latents a text
        console.WriteLine($"most in common with text 0: {found[0]}, itself");       // most in common with text 0: 0, itself
        // to here
    }
}
