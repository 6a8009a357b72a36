using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Numerics;
using Unweave.Training;
using Unweave.Learn.Work;

namespace Unweave.Learn.Retrieval;

/// <summary>A latent that is active in a text.</summary>
/// <param name="Latent">Its number.</param>
/// <param name="Value">Its activation.</param>
internal readonly record struct ActiveLatent(int Latent, float Value);

/// <summary>A latent that a query and a text share, and what it adds to their score.</summary>
/// <param name="Latent">Its number.</param>
/// <param name="Share">Its part of the score: shares add up to the score.</param>
internal readonly record struct SharedLatent(int Latent, double Share);

/// <summary>A text that was found.</summary>
/// <param name="Row">Which.</param>
/// <param name="Score">Cosine of the two sparse codes, or of the two vectors.</param>
/// <param name="Shared">What they share, largest part first; empty where whole vectors were compared.</param>
internal sealed record FoundText(int Row, double Score, IReadOnlyList<SharedLatent> Shared);

/// <summary>
/// 32,000 definitions as sparse codes, with a list for each latent of the texts that have it: an inverted index whose words are latents. The
/// autoencoder is trained when the index is made.
/// </summary>
internal sealed class SparseIndex
{
    /// <summary>Latents of the autoencoder.</summary>
    public const int Latents = 2048;

    /// <summary>Latents of a text.</summary>
    public const int K = 16;

    private const int Block = 2000;

    private readonly SparseCodes codes;
    private readonly List<(int Row, float Value)>[] lists;
    private readonly double[] norms;
    private readonly string[] names;
    private readonly ActivationFile vectors;

    private SparseIndex(WordNetText[] texts, ActivationFile vectors, SparseCodes codes, double fvu)
    {
        (Texts, this.vectors, this.codes, Fvu) = (texts, vectors, codes, fvu);
        lists = [.. Enumerable.Range(0, Latents).Select(_ => new List<(int Row, float Value)>())];
        norms = new double[texts.Length];
        for (int row = 0; row < texts.Length; row++)
        {
            ReadOnlySpan<int> latents = codes.Latents(row);
            ReadOnlySpan<float> values = codes.Values(row);
            norms[row] = Norms.L2(values);
            for (int i = 0; i < latents.Length; i++) lists[latents[i]].Add((row, values[i]));
        }

        var named = new LatentNames(texts);
        names = [.. lists.Select(list => named.Of([.. list.OrderByDescending(entry => entry.Value).ThenBy(entry => entry.Row).Select(entry => entry.Row)]))];
    }

    /// <summary>The settings of the training.</summary>
    public static TrainingOptions Settings { get; } = new() { Autoencoder = new TopKOptions { Latents = Latents, K = K }, Batch = 1000, Tokens = 160_000, LearningRate = 2e-3, Validation = 0 };

    /// <summary>The texts.</summary>
    public IReadOnlyList<WordNetText> Texts { get; }

    /// <summary>Share of the embeddings' variance that the codes do not explain.</summary>
    public double Fvu { get; }

    /// <summary>Numbers of an embedding.</summary>
    public int Width => vectors.Width;

    /// <summary>How it is made: trains, encodes and indexes, in a seat.</summary>
    /// <param name="seats">Where training takes turns.</param>
    public static Func<IProgress<Preparation>, CancellationToken, Task<SparseIndex>> Make(Seats seats) => async (progress, cancellation) =>
    {
        using IDisposable seat = await seats.Take(place => progress.Report(new Preparation($"Waiting: {place} before this one to train", 0)), cancellation);
        return Make(progress, cancellation);
    };

    private static SparseIndex Make(IProgress<Preparation> progress, CancellationToken cancellation)
    {
        WordNetText[] texts = WordNetTexts.Read();
        ActivationFile embeddings = ActivationFile.Open(WordNetTexts.EmbeddingsPath);
        using TrainingRun run = TrainingRun.Start(Settings, embeddings);
        while (!run.Finished)
        {
            cancellation.ThrowIfCancellationRequested();
            run.Next();
            progress.Report(new Preparation("Training a sparse autoencoder on the embeddings", (double)run.Tokens / Settings.Tokens));
        }

        var autoencoder = (SparseAutoencoder)run.Autoencoder;
        var starts = new long[texts.Length + 1];
        var latents = new List<int>(texts.Length * K);
        var values = new List<float>(texts.Length * K);
        for (int first = 0; first < texts.Length; first += Block)
        {
            cancellation.ThrowIfCancellationRequested();
            using Matrix rows = embeddings.Rows(first, Math.Min(Block, texts.Length - first));
            SparseCodes part = autoencoder.Encode(rows);
            for (int row = 0; row < part.Rows; row++)
            {
                latents.AddRange(part.Latents(row));
                values.AddRange(part.Values(row));
                starts[first + row + 1] = latents.Count;
            }

            progress.Report(new Preparation("Writing 32,000 definitions as sparse codes", (double)(first + Block) / texts.Length));
        }

        return new SparseIndex(texts, embeddings, new SparseCodes(Latents, starts, [.. latents], [.. values]), Evaluator.Run(autoencoder, embeddings, cancellation: cancellation).Fvu);
    }

    /// <summary>The latents of a text, strongest first.</summary>
    /// <param name="row">Which.</param>
    public IReadOnlyList<ActiveLatent> Code(int row)
    {
        int[] latents = codes.Latents(row).ToArray();
        float[] values = codes.Values(row).ToArray();
        return [.. latents.Zip(values, (latent, value) => new ActiveLatent(latent, value)).Where(active => active.Value > 0).OrderByDescending(active => active.Value)];
    }

    /// <summary>What a latent is about: the words that set apart the definitions that have it.</summary>
    /// <param name="latent">Its number.</param>
    public string Name(int latent) => names[latent];

    /// <summary>How many texts have a latent.</summary>
    /// <param name="latent">Its number.</param>
    public int Count(int latent) => lists[latent].Count;

    /// <summary>The texts whose codes are nearest, by cosine. Only texts that share a latent are looked at.</summary>
    /// <param name="row">The text that is the query.</param>
    /// <param name="without">Latents that are taken out of the query.</param>
    /// <param name="count">How many are wanted.</param>
    /// <param name="touched">Texts that share a latent with the query.</param>
    public IReadOnlyList<FoundText> Search(int row, IReadOnlySet<int> without, int count, out int touched)
    {
        ActiveLatent[] query = [.. Code(row).Where(active => !without.Contains(active.Latent))];
        double length = Math.Sqrt(query.Sum(active => (double)active.Value * active.Value));
        var scores = new Dictionary<int, double>();
        foreach (ActiveLatent active in query)
            foreach ((int other, float value) in lists[active.Latent]) scores[other] = scores.GetValueOrDefault(other) + ((double)active.Value * value / (length * norms[other]));
        scores.Remove(row);
        touched = scores.Count;
        return [.. scores.OrderByDescending(score => score.Value).ThenBy(score => score.Key).Take(count).Select(score => new FoundText(score.Key, score.Value, Shares(query, score.Key, length)))];
    }

    /// <summary>The texts whose whole vectors are nearest, by cosine: all texts are looked at.</summary>
    /// <param name="row">The text that is the query.</param>
    /// <param name="count">How many are wanted.</param>
    public IReadOnlyList<FoundText> Nearest(int row, int count)
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

        return [.. best.UnorderedItems.OrderByDescending(item => item.Priority).ThenBy(item => item.Element).Select(item => new FoundText(item.Element, item.Priority, []))];
    }

    /// <summary>Texts whose word starts with some letters, exact ones first.</summary>
    /// <param name="letters">The letters.</param>
    /// <param name="count">How many at most.</param>
    public IReadOnlyList<int> Starting(string letters, int count) =>
        string.IsNullOrWhiteSpace(letters) ? [] : [.. Enumerable.Range(0, Texts.Count).Where(row => Texts[row].Word.StartsWith(letters.Trim(), StringComparison.OrdinalIgnoreCase)).OrderBy(row => Texts[row].Word.Length).ThenBy(row => row).Take(count)];

    private List<SharedLatent> Shares(ActiveLatent[] query, int row, double length)
    {
        IReadOnlyList<ActiveLatent> other = Code(row);
        return [.. query.Join(other, active => active.Latent, active => active.Latent, (mine, its) => new SharedLatent(mine.Latent, (double)mine.Value * its.Value / (length * norms[row]))).OrderByDescending(shared => shared.Share)];
    }
}
