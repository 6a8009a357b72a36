using System.CommandLine;
using System.Globalization;
using Unweave.Indexing;
using Unweave.Onnx;

namespace Unweave.Cli;

/// <summary>The embedder that flags choose; that of an index is opened again by what the index recorded.</summary>
internal sealed class EmbedderFlags
{
    private const string PoolingKey = "pooling", DocumentKey = "documentPrefix", QueryKey = "queryPrefix", LengthKey = "length";

    private readonly Option<string?> model = new("--model", "-m")
    {
        HelpName = "FOLDER",
        Description = "Sentence encoder: a folder as sentence-transformers has it with its ONNX file, that file, or the name of one "
            + "fetched by `unweave pull`; left out, the one that comes with Unweave (all-MiniLM-L6-v2 in 8 bits).",
    };

    private readonly Option<TextPooling?> pooling = new("--pooling")
    {
        HelpName = string.Join('|', Enum.GetNames<TextPooling>()).ToLowerInvariant(),
        Description = "How the vectors of tokens become a text's: their mean, the first token's, the last token's, the largest of each "
            + "number, or an output that the model pools itself; left out, as the model's files say.",
    };

    private readonly Option<string?> prefix = new("--prefix")
    {
        HelpName = "TEXT",
        Description = "What is written before each text; left out, as the model's files say of documents.",
    };

    private readonly Option<string?> queryPrefix = new("--query-prefix")
    {
        HelpName = "TEXT",
        Description = "What is written before each query; left out, as the model's files say.",
    };

    private readonly Option<int?> length = new("--length")
    {
        HelpName = "N",
        Description = "The most tokens of a text, whose rest is left out; left out, as the model's files say.",
    };

    /// <summary>Adds the flags to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(model);
        command.Add(pooling);
        command.Add(prefix);
        command.Add(queryPrefix);
        command.Add(length);
    }

    /// <summary>Opens the embedder that the flags say.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="besides">What other flags say.</param>
    public OnnxEmbedder Open(ParseResult parsed, EmbedderOptions besides)
    {
        OnnxEmbedder embedder = OnnxEmbedder.Open(
            parsed.GetValue(model) is { } named ? ModelFolder.Locate(named) : EmbeddedModel.Encoder,
            besides with
            {
                Pooling = parsed.GetValue(pooling),
                DocumentPrefix = parsed.GetValue(prefix),
                QueryPrefix = parsed.GetValue(queryPrefix),
                Length = parsed.GetValue(length),
            });
        foreach (string note in embedder.Notes) Console.Error.WriteLine(note);
        return embedder;
    }

    /// <summary>Opens the embedder that the flags say, and what an index is to record of it.</summary>
    public (OnnxEmbedder Embedder, IndexRecipe Recipe) Open(ParseResult parsed, string texts)
    {
        string? named = parsed.GetValue(model) is { } given ? Path.GetFullPath(ModelFolder.Locate(given)) : null;
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        if (parsed.GetValue(pooling) is { } chosen) settings[PoolingKey] = chosen.ToString();
        if (parsed.GetValue(prefix) is { } before) settings[DocumentKey] = before;
        if (parsed.GetValue(queryPrefix) is { } asked) settings[QueryKey] = asked;
        if (parsed.GetValue(length) is { } most) settings[LengthKey] = most.ToString(CultureInfo.InvariantCulture);
        var recipe = new IndexRecipe(named, "", texts) { Settings = settings };
        OnnxEmbedder embedder = Open(recipe);
        foreach (string note in embedder.Notes) Console.Error.WriteLine(note);
        return (embedder, recipe with { Identity = embedder.Identity });
    }

    /// <summary>Opens the embedder that an index recorded.</summary>
    public static OnnxEmbedder Open(IndexRecipe recipe)
    {
        IReadOnlyDictionary<string, string> settings = recipe.Settings;
        return OnnxEmbedder.Open(recipe.Embedder ?? EmbeddedModel.Encoder, new EmbedderOptions
        {
            Pooling = settings.TryGetValue(PoolingKey, out string? pooling) ? Enum.Parse<TextPooling>(pooling) : null,
            DocumentPrefix = settings.GetValueOrDefault(DocumentKey),
            QueryPrefix = settings.GetValueOrDefault(QueryKey),
            Length = settings.TryGetValue(LengthKey, out string? length) ? int.Parse(length, CultureInfo.InvariantCulture) : null,
        });
    }
}
