using System.Globalization;
using Unweave.Indexing;

namespace Unweave.Onnx;

/// <summary>An index of texts with its embedder, both open: what the folder of an index says is all that it takes.</summary>
public sealed class IndexedTexts : IDisposable
{
    private const string PoolingKey = "pooling", DocumentKey = "documentPrefix", QueryKey = "queryPrefix", LengthKey = "length";

    private readonly OnnxEmbedder embedder;

    private IndexedTexts(string folder)
    {
        Recipe = IndexRecipe.Read(folder);
        embedder = OpenEmbedder(Recipe);
        try
        {
            Texts = TextIndex.Open(folder, embedder, embedder.Queries);
        }
        catch
        {
            embedder.Dispose();
            throw;
        }
    }

    /// <summary>Folder of the sentence encoder that comes with Unweave, beside the program.</summary>
    /// <exception cref="InputException">It is not there.</exception>
    public static string EmbeddedEncoder => Path.Combine(AppContext.BaseDirectory, "models", "minilm-int8") is var folder
        && Directory.Exists(folder)
        ? folder
        : throw new InputException(
            $"{folder}: the embedded sentence encoder is missing; build or install Unweave again, with its folder models.");

    /// <summary>The index.</summary>
    public TextIndex Texts { get; }

    /// <summary>What it was made with.</summary>
    public IndexRecipe Recipe { get; }

    /// <summary>Opens an index with the embedder that it was made with.</summary>
    /// <param name="folder">Its folder.</param>
    /// <exception cref="InputException">There is none, it is damaged, or its embedder is gone or another one now.</exception>
    public static IndexedTexts Open(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return new IndexedTexts(folder);
    }

    /// <summary>Opens the embedder of an index that is to be made, and what the index is to record of it.</summary>
    /// <param name="model">Folder or file of the encoder; null for the one that comes with Unweave.</param>
    /// <param name="options">Its pooling, prefixes and length are recorded.</param>
    /// <param name="texts">What will be indexed, for people.</param>
    /// <returns>The embedder, the caller's to dispose, and the recipe.</returns>
    /// <exception cref="InputException">The encoder cannot be opened.</exception>
    public static (OnnxEmbedder Embedder, IndexRecipe Recipe) Choose(string? model, EmbedderOptions options, string texts)
    {
        ArgumentNullException.ThrowIfNull(options);
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        if (options.Pooling is { } pooling) settings[PoolingKey] = pooling.ToString();
        if (options.DocumentPrefix is { } before) settings[DocumentKey] = before;
        if (options.QueryPrefix is { } asked) settings[QueryKey] = asked;
        if (options.Length is { } most) settings[LengthKey] = most.ToString(CultureInfo.InvariantCulture);
        var recipe = new IndexRecipe(model is null ? null : Path.GetFullPath(model), "", texts) { Settings = settings };
        OnnxEmbedder opened = OpenEmbedder(recipe);
        return (opened, recipe with { Identity = opened.Identity });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Texts.Dispose();
        embedder.Dispose();
    }

    private static OnnxEmbedder OpenEmbedder(IndexRecipe recipe)
    {
        IReadOnlyDictionary<string, string> settings = recipe.Settings;
        return OnnxEmbedder.Open(recipe.Embedder ?? EmbeddedEncoder, new EmbedderOptions
        {
            Pooling = settings.TryGetValue(PoolingKey, out string? pooling) ? Known<TextPooling>(PoolingKey, pooling, Enum.TryParse) : null,
            DocumentPrefix = settings.GetValueOrDefault(DocumentKey),
            QueryPrefix = settings.GetValueOrDefault(QueryKey),
            Length = settings.TryGetValue(LengthKey, out string? length) ? Known<int>(LengthKey, length, int.TryParse) : null,
        });
    }

    private static T Known<T>(string key, string value, TryParse<T> parse) => parse(value, out T read)
        ? read
        : throw new InputException($"{IndexRecipe.FileName} says that {key} is '{value}', which is not known here; build the index again.");

    private delegate bool TryParse<T>(string text, out T value);
}
