using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Learn.Live;
using Unweave.Numerics;
using Unweave.Retrieval;
using Unweave.Training;

namespace Unweave.Learn.Retrieval;

/// <summary>A latent that is active in a definition.</summary>
/// <param name="Latent">Its number.</param>
/// <param name="Value">Its activation.</param>
internal readonly record struct CodeEntry(int Latent, float Value);

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

    private readonly SparseCodes codes;
    private readonly string[] names;
    private readonly ActivationFile vectors;

    private DefinitionSearch(WordNetText[] texts, ActivationFile vectors, SparseCodes codes, double fvu)
    {
        (Texts, this.vectors, this.codes, Fvu) = (texts, vectors, codes, fvu);
        Index = new SparseIndex(codes);
        var named = new LatentNames(texts);
        names = [.. Enumerable.Range(0, Latents).Select(latent => named.Name(Index.Strongest(latent, LatentNames.Strongest)))];
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

    /// <summary>The index over their codes, a row for each.</summary>
    public SparseIndex Index { get; }

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
        return new DefinitionSearch(texts, embeddings, new SparseCodes(Latents, starts, [.. latents], [.. values]), fvu);
    }

    /// <summary>The latents of a definition, strongest first.</summary>
    /// <param name="row">Which definition.</param>
    public IReadOnlyList<CodeEntry> Code(int row)
    {
        float[] values = codes.Values(row).ToArray();
        return [.. codes.Latents(row).ToArray().Zip(values, (latent, value) => new CodeEntry(latent, value))
            .Where(entry => entry.Value > 0).OrderByDescending(entry => entry.Value)];
    }

    /// <summary>What a latent is about: the words that set apart the definitions that have it.</summary>
    /// <param name="latent">Its number.</param>
    public string Name(int latent) => names[latent];

    /// <summary>The definitions whose whole vectors are nearest, by cosine: all of them are compared.</summary>
    /// <param name="row">The definition that is the query.</param>
    /// <param name="count">How many are wanted.</param>
    public IReadOnlyList<SearchHit> Nearest(int row, int count)
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
            .Select(item => new SearchHit(item.Element, item.Priority, []))];
    }

    /// <summary>Definitions whose word starts with some letters, exact ones first.</summary>
    /// <param name="letters">The letters.</param>
    /// <param name="count">How many at most.</param>
    public IReadOnlyList<int> Starting(string letters, int count) => string.IsNullOrWhiteSpace(letters) ? [] :
    [
        .. Enumerable.Range(0, Texts.Count).Where(row => Texts[row].Word.StartsWith(letters.Trim(), StringComparison.OrdinalIgnoreCase))
            .OrderBy(row => Texts[row].Word.Length).ThenBy(row => row).Take(count),
    ];
}
