using System.CommandLine;
using Unweave.Indexing;
using Unweave.Onnx;

namespace Unweave.Cli;

/// <summary>The embedder that flags choose.</summary>
internal sealed class EmbedderFlags
{
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
    public OnnxEmbedder Open(ParseResult parsed, EmbedderOptions besides) =>
        Said(OnnxEmbedder.Open(Model(parsed) ?? IndexedTexts.EmbeddedEncoder, Options(parsed, besides)));

    /// <summary>Opens the embedder that the flags say, and what an index is to record of it.</summary>
    public (OnnxEmbedder Embedder, IndexRecipe Recipe) Open(ParseResult parsed, string texts)
    {
        (OnnxEmbedder embedder, IndexRecipe recipe) = IndexedTexts.Choose(Model(parsed), Options(parsed, new EmbedderOptions()), texts);
        return (Said(embedder), recipe);
    }

    private static OnnxEmbedder Said(OnnxEmbedder embedder)
    {
        foreach (string note in embedder.Notes) Console.Error.WriteLine(note);
        return embedder;
    }

    private string? Model(ParseResult parsed) => parsed.GetValue(model) is { } named ? ModelFolder.Locate(named) : null;

    private EmbedderOptions Options(ParseResult parsed, EmbedderOptions besides) => besides with
    {
        Pooling = parsed.GetValue(pooling),
        DocumentPrefix = parsed.GetValue(prefix),
        QueryPrefix = parsed.GetValue(queryPrefix),
        Length = parsed.GetValue(length),
    };
}
