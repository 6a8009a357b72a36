using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Formats;
using Unweave.Hosts;
using Unweave.Interpretation;
using Unweave.Numerics;

namespace Unweave.Tests.Interpretation;

/// <summary>One token a word; a word has the space before it.</summary>
internal sealed class WordTokenizer(string[] vocabulary) : ITokenizer
{
    private readonly Dictionary<string, int> ids = vocabulary.Select((word, id) => (word, id)).ToDictionary(StringComparer.Ordinal);

    public string Name => "words";

    public string Hash => "0a0b";

    public int VocabularySize => vocabulary.Length;

    public int? Start => null;

    public int? End => null;

    public int? Padding => null;

    public int this[string word] => ids[word];

    public IReadOnlyList<Token> Encode(string text)
    {
        var tokens = new List<Token>();
        for (int start = 0; start < text.Length;)
        {
            int end = text.IndexOf(' ', start + 1);
            if (end < 0) end = text.Length;
            tokens.Add(new Token(ids[text[start..end]], start, end - start));
            start = end;
        }

        return tokens;
    }

    public string Decode(ReadOnlySpan<int> ids) => string.Concat(ids.ToArray().Select(id => vocabulary[id]));
}

/// <summary>An autoencoder whose latents are the coordinates: z = relu(x).</summary>
internal sealed class CoordinateLatents : SparseAutoencoder
{
    public CoordinateLatents(int width)
        : base(new ReluOptions { Latents = width }, new DictionaryWeights(width, width, rng: null))
    {
        Options = new ReluOptions { Latents = width };
        for (int i = 0; i < width; i++) Decoder[i, i] = 1;
    }

    public override AutoencoderOptions Options { get; }

    internal override LossAndGradients CreateGradients(Workers workers) => throw new NotSupportedException();

    public override void Decode(SparseCodes codes, Matrix reconstruction) => throw new NotSupportedException();

    public override void Reconstruct(Matrix x, Matrix reconstruction) => throw new NotSupportedException();

    public override void Encode(Matrix x, SparseCodes codes)
    {
        int[] counts = new int[x.Rows];
        for (int row = 0; row < x.Rows; row++)
            foreach (float value in x.Row(row)) if (value > 0) counts[row]++;
        codes.Layout(counts);
        int at = 0;
        for (int row = 0; row < x.Rows; row++)
        {
            for (int latent = 0; latent < x.Columns; latent++)
            {
                if (x[row, latent] <= 0) continue;
                codes.LatentsForWriting[at] = latent;
                codes.ValuesForWriting[at++] = x[row, latent];
            }
        }
    }
}

/// <summary>A harvest whose texts and activations a test made up, so that what every latent does is known.</summary>
internal sealed class Planted : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly Harvest harvest;

    /// <summary>Writes the harvest.</summary>
    /// <param name="documents">Texts, word by word.</param>
    /// <param name="context">Words of a window.</param>
    /// <param name="latents">Number of latents.</param>
    /// <param name="activation">Activation of a latent on a word of a text, given its row; 0 or less where it is silent.</param>
    public Planted(IReadOnlyList<string[]> documents, int context, int latents, Func<string[], int, long, int, float> activation)
    {
        Tokenizer = new WordTokenizer(
            [.. documents.SelectMany(words => words).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)]);
        Context = context;
        var manifest = new HarvestManifest
        {
            Model = new("made", "11"),
            Tokenizer = new(Tokenizer.Name, Tokenizer.Hash),
            Corpus = new("made", "33"),
            Hooks = [new("made", latents)],
            ElementType = ElementType.Float32,
            ContextLength = context,
            KeepsStart = false,
            RowsPerShard = 7_000,
        };
        var rows = new List<PlantedRow>();
        using (HarvestWriter writer = HarvestWriter.Create(folder["harvest"], manifest))
        {
            for (int number = 0; number < documents.Count; number++)
            {
                string[] words = documents[number];
                using var x = new Matrix(words.Length, latents);
                for (int i = 0; i < words.Length; i++)
                {
                    for (int latent = 0; latent < latents; latent++) x[i, latent] = activation(words, i, rows.Count, latent);
                    rows.Add(new PlantedRow($"text {number}", words[i], i % context, number, i / context, x.Row(i).ToArray()));
                }

                writer.Append(number, $"text {number}", words.Select(word => Tokenizer[word]).ToArray(),
                    Enumerable.Range(0, words.Length).Select(i => i % context).ToArray(), [x]);
            }

            writer.Complete();
        }

        Rows = rows;
        harvest = Harvest.Open(folder["harvest"]);
        Autoencoder = new CoordinateLatents(latents);
    }

    public WordTokenizer Tokenizer { get; }

    public SparseAutoencoder Autoencoder { get; }

    public int Context { get; }

    public IReadOnlyList<PlantedRow> Rows { get; }

    /// <summary>Gathers its statistics.</summary>
    public FeatureStatistics Statistics(FeatureStatisticsOptions? options = null, WordTopics? topics = null,
        CancellationToken cancellationToken = default)
    {
        using HarvestSource source = harvest.Source();
        return FeatureStatistics.FromHarvest(Autoencoder, source, Tokenizer, options, topics, cancellationToken: cancellationToken);
    }

    /// <summary>Gathers its statistics and gives the features.</summary>
    public (Feature Feature, FeatureLabel? Label)[] Features(FeatureStatisticsOptions? options = null, WordTopics? topics = null)
    {
        using FeatureStatistics statistics = Statistics(options, topics);
        return [.. statistics.Features()];
    }

    /// <summary>The rows of a latent that fire, by window, in order.</summary>
    public IEnumerable<(PlantedRow Row, int Number)[]> Windows(int latent) => Rows
        .Select((row, number) => (Row: row, Number: number))
        .Where(entry => entry.Row.X[latent] > 0)
        .GroupBy(entry => (entry.Row.Number, entry.Row.Window))
        .Select(group => group.ToArray());

    public void Dispose()
    {
        harvest.Dispose();
        Autoencoder.Dispose();
        folder.Dispose();
    }
}

/// <summary>A row of a made-up harvest.</summary>
internal sealed record PlantedRow(string Document, string Word, int Position, int Number, int Window, float[] X);
