using System.Globalization;
using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Indexing;
using Unweave.Learn.Live;
using Unweave.Numerics;
using Unweave.Retrieval;
using Unweave.Training;

namespace Unweave.Learn.Retrieval;

/// <summary>A definition that was found.</summary>
/// <param name="Row">Which.</param>
/// <param name="Score">Its cosine with the query; null where it was found by its words alone.</param>
/// <param name="Shared">What each latent that it shares with the query adds to it, largest first; empty of whole vectors.</param>
internal sealed record FoundDefinition(int Row, double? Score, IReadOnlyList<LatentShare> Shared)
{
    /// <summary>Words that it shares with the query, most telling first; empty where words do not count.</summary>
    public IReadOnlyList<string> Words { get; init; } = [];
}

/// <summary>
/// 32,000 definitions to be searched by their sparse codes and by their whole vectors. The autoencoder is trained when it is made.
/// </summary>
internal sealed class DefinitionSearch
{
    /// <summary>Latents of the autoencoder.</summary>
    public const int Latents = 2048;

    /// <summary>Latents of a definition.</summary>
    public const int K = 16;

    private const int Block = 2000;

    private readonly string[] names;
    private readonly ActivationFile vectors;

    private DefinitionSearch(WordNetText[] texts, ActivationFile vectors, SearchIndex index, SparseCodes codes, double fvu)
    {
        (Texts, this.vectors, Index, Fvu) = (texts, vectors, index, fvu);
        var named = new LatentNames(texts);
        names = [.. Strongest(codes).Select(named.Name)];
    }

    /// <summary>The settings of the training.</summary>
    public static TrainingOptions Settings { get; } = new()
    {
        Autoencoder = new TopKOptions { Latents = Latents, K = K },
        Batch = 1000,
        Rows = 160_000,
        LearningRate = 2e-3,
        Validation = 0,
    };

    /// <summary>The definitions.</summary>
    public IReadOnlyList<WordNetText> Texts { get; }

    /// <summary>The index over their codes, in memory; the key of a definition is its row. Codes alone: it keeps no vectors.</summary>
    public SearchIndex Index { get; }

    /// <summary>Share of the embeddings' variance that the codes do not explain.</summary>
    public double Fvu { get; }

    /// <summary>Numbers of an embedding.</summary>
    public int Width => vectors.Width;

    /// <summary>How it is made: trains, encodes and indexes, in a training slot.</summary>
    /// <param name="slots">Where training takes turns.</param>
    public static Func<IProgress<Preparation>, CancellationToken, Task<DefinitionSearch>> Make(TrainingSlots slots) =>
        async (progress, cancellationToken) =>
    {
        using IDisposable slot =
            await slots.Take(place => progress.Report(new Preparation($"Waiting: {place} ahead of this one", 0)), cancellationToken);
        return Make(progress, cancellationToken);
    };

    private static DefinitionSearch Make(IProgress<Preparation> progress, CancellationToken cancellationToken)
    {
        WordNetText[] texts = WordNetTexts.Read();
        ActivationFile embeddings = ActivationFile.Open(WordNetTexts.EmbeddingsPath);
        using TrainingRun run = TrainingRun.Start(Settings, embeddings);
        while (!run.Finished)
        {
            cancellationToken.ThrowIfCancellationRequested();
            run.Next();
            progress.Report(new Preparation("Training a sparse autoencoder on the embeddings", (double)run.Rows / Settings.Rows));
        }

        var autoencoder = (SparseAutoencoder)run.Autoencoder;
        var starts = new long[texts.Length + 1];
        var latents = new List<int>(texts.Length * K);
        var values = new List<float>(texts.Length * K);
        for (int first = 0; first < texts.Length; first += Block)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using Matrix rows = embeddings.Rows(first, Math.Min(Block, texts.Length - first));
            SparseCodes part = autoencoder.Encode(rows);
            for (int row = 0; row < part.Rows; row++)
            {
                latents.AddRange(part.Latents(row));
                values.AddRange(part.Values(row));
                starts[first + row + 1] = latents.Count;
            }

            progress.Report(new Preparation("Encoding 32,000 definitions as sparse codes", (double)(first + Block) / texts.Length));
        }

        double fvu = Evaluator.Run(autoencoder, embeddings, null, cancellationToken).Fvu;
        var codes = new SparseCodes(Latents, starts, [.. latents], [.. values]);
        using Matrix all = embeddings.Rows(0, texts.Length);
        var documents = texts.Select((text, row) => new IndexDocument(Key(row), text.Gloss)).ToArray();
        var index = SearchIndex.InMemory(autoencoder.CreateConcepts(), documents, codes, all,
            new IndexOptions { Store = VectorStore.None });
        return new DefinitionSearch(texts, embeddings, index, codes, fvu);
    }

    /// <summary>The latents of a definition and their part of its reconstruction, strongest first.</summary>
    /// <param name="row">Which definition.</param>
    public IReadOnlyList<LatentShare> Code(int row) => Index.Code(Key(row));

    /// <summary>The definitions most like one by their codes: its vector is projected on all latents, theirs are known by a few.</summary>
    /// <param name="row">The definition that is the query.</param>
    /// <param name="count">How many are wanted.</param>
    /// <param name="without">Latents that the query is to do without; null for none.</param>
    /// <param name="words">Whether shared words count too: both rankings are fused.</param>
    public IReadOnlyList<FoundDefinition> Find(int row, int count, IReadOnlySet<int>? without = null, bool words = false)
    {
        using Matrix query = vectors.Rows(row, 1);
        SearchResults results = Index.Search(new SearchQuery
        {
            Vector = query.Row(0).ToArray(),
            Words = words ? Texts[row].Gloss : null,
            Count = count + 1, // it finds itself
            Factors = (without ?? new HashSet<int>()).ToDictionary(latent => latent, _ => 0f),
        });
        return [.. results.Hits.Select(Found).Where(found => found.Row != row).Take(count)];
    }

    /// <summary>What a latent is about: the words that set apart the definitions that have it.</summary>
    /// <param name="latent">Its number.</param>
    public string Name(int latent) => names[latent];

    /// <summary>The definitions whose whole vectors are nearest, by cosine: all of them are compared.</summary>
    /// <param name="row">The definition that is the query.</param>
    /// <param name="count">How many are wanted.</param>
    public IReadOnlyList<FoundDefinition> Nearest(int row, int count)
    {
        using Matrix query = vectors.Rows(row, 1);
        float[] own = query.Row(0).ToArray();
        double length = Norms.L2(own);
        var best = new PriorityQueue<int, double>();
        for (int first = 0; first < Texts.Count; first += Block)
        {
            using Matrix rows = vectors.Rows(first, Math.Min(Block, Texts.Count - first));
            for (int i = 0; i < rows.Rows; i++)
            {
                if (first + i == row) continue;
                ReadOnlySpan<float> other = rows.Row(i);
                double dot = 0;
                for (int c = 0; c < own.Length; c++) dot += (double)own[c] * other[c];
                double cosine = dot / (length * Norms.L2(other));
                if (best.Count < count) best.Enqueue(first + i, cosine);
                else best.EnqueueDequeue(first + i, cosine);
            }
        }

        return [.. best.UnorderedItems.OrderByDescending(item => item.Priority).ThenBy(item => item.Element)
            .Select(item => new FoundDefinition(item.Element, item.Priority, []))];
    }

    /// <summary>Definitions whose word starts with some letters, exact ones first.</summary>
    /// <param name="letters">The letters.</param>
    /// <param name="count">How many at most.</param>
    public IReadOnlyList<int> Starting(string letters, int count) => string.IsNullOrWhiteSpace(letters) ? [] :
    [
        .. Enumerable.Range(0, Texts.Count).Where(row => Texts[row].Word.StartsWith(letters.Trim(), StringComparison.OrdinalIgnoreCase))
            .OrderBy(row => Texts[row].Word.Length).ThenBy(row => row).Take(count),
    ];

    private static FoundDefinition Found(SearchHit hit) =>
        new(int.Parse(hit.Key, CultureInfo.InvariantCulture), hit.ConceptScore, hit.Latents)
        {
            Words = [.. hit.Words.Select(share => share.Word)],
        };

    private static string Key(int row) => row.ToString(CultureInfo.InvariantCulture);

    // The rows in which each latent is largest, largest first.
    private static IEnumerable<int[]> Strongest(SparseCodes codes)
    {
        var rows = new List<(float Value, int Row)>[codes.DictionarySize];
        for (int row = 0; row < codes.Rows; row++)
            for (int i = 0; i < codes.RowCount(row); i++)
                if (codes.Values(row)[i] > 0) (rows[codes.Latents(row)[i]] ??= []).Add((codes.Values(row)[i], row));
        return rows.Select(own => own is null ? [] : own.OrderByDescending(entry => entry.Value).ThenBy(entry => entry.Row)
            .Take(LatentNames.Strongest).Select(entry => entry.Row).ToArray());
    }
}
