using Unweave.Interpretation;

namespace Unweave.Cli;

/// <summary>The embedded language model and its corpus, found beside the program.</summary>
internal static class EmbeddedModel
{
    /// <summary>The hook that the demo reads: the residual stream after the third of four blocks.</summary>
    public const string Hook = "blocks.2";

    /// <summary>Folder of the model and its tokenizer.</summary>
    public static string Folder => Existing(Path.Combine(AppContext.BaseDirectory, "models", "english-4m"));

    /// <summary>Texts that the language model was trained on.</summary>
    public static string Corpus => Existing(Path.Combine(AppContext.BaseDirectory, "data", "corpus", "train.jsonl.gz"));

    /// <summary>Texts that nothing was trained on.</summary>
    public static string HeldOut => Existing(Path.Combine(AppContext.BaseDirectory, "data", "corpus", "held-out.jsonl.gz"));

    /// <summary>Topics of English words.</summary>
    public static WordTopics Topics() => WordTopics.Open(Path.Combine(AppContext.BaseDirectory, "data", "wordnet", "topics.tsv.gz"));

    private static string Existing(string path) => Directory.Exists(path) || File.Exists(path)
        ? path
        : throw new InputException(
            $"{path}: the embedded model is missing; build or install Unweave again, with its folders models and data.");
}
