using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Indexing;
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

        using Matrix rows = vectors.Rows(0, 5_000);
        var autoencoder = (SparseAutoencoder)run.Autoencoder;
        SparseCodes codes = autoencoder.Encode(rows);
        IndexDocument[] texts = [.. Enumerable.Range(0, rows.Rows).Select(row => new IndexDocument($"{row}", $"text {row}"))];

        using ConceptDictionary concepts = autoencoder.CreateConcepts();
        using SearchIndex index = SearchIndex.InMemory(concepts, texts, codes, rows);
        SearchHit best = index.Search(new SearchQuery { Vector = rows.Row(7).ToArray() }).Hits[0];
        console.WriteLine($"{codes.Count / codes.Rows} latents a text");             // 4 latents a text
        console.WriteLine($"found: {best.Text}");                                    // found: text 7
        console.WriteLine($"why: {best.Latents.Count > 0}");                         // why: True
        // to here
    }
}
