using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Numerics;
using Unweave.Retrieval;
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
        var options = new TrainingOptions { Autoencoder = new TopKOptions { Latents = 128, K = 4 }, Batch = 250, Rows = 50_000 };
        using TrainingRun run = TrainingRun.Start(options, vectors);
        while (!run.Finished) run.Next();

        SparseCodes codes = ((SparseAutoencoder)run.Autoencoder).Encode(vectors.Rows(0, 5_000));
        SearchResult found = new SparseIndex(codes).Search(row: 0, count: 8);        // by the latents that they share
        SearchHit best = found.Hits[0];
        console.WriteLine($"{codes.Count / codes.Rows} latents a text");             // 4 latents a text
        console.WriteLine($"looked at all: {found.Candidates == codes.Rows - 1}");   // looked at all: False
        console.WriteLine($"why: {best.Shared.Count > 0}");                          // why: True
        // to here
    }
}
