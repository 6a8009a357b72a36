namespace Unweave.Learn;

/// <summary>A text of the embedded set.</summary>
/// <param name="Word">The word that it defines.</param>
/// <param name="PartOfSpeech"><c>noun</c>, <c>verb</c>, <c>adj</c> or <c>adv</c>.</param>
/// <param name="Gloss">The definition.</param>
internal sealed record WordNetText(string Word, string PartOfSpeech, string Gloss);

/// <summary>The embedded set, <c>data/wordnet</c>: 32,000 definitions and their sentence embeddings, found beside the program.</summary>
internal static class WordNetTexts
{
    private const string Columns = "word\tpos\tsynset\tgloss";

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "data", "wordnet");

    /// <summary>The embeddings: a text a row.</summary>
    public static string EmbeddingsPath => Path.Combine(Folder, "embeddings.safetensors");

    /// <summary>Reads the texts, in the order of the rows.</summary>
    /// <exception cref="InputException">The set is not there, or damaged.</exception>
    public static WordNetText[] Read()
    {
        string path = Path.Combine(Folder, "texts.tsv");
        if (!File.Exists(path) || !File.Exists(EmbeddingsPath))
            throw new InputException($"{Folder}: the embedded set is missing; install Unweave again, with its folder data/wordnet.");
        string[] lines = File.ReadAllLines(path);
        if (lines.Length == 0 || !string.Equals(lines[0], Columns, StringComparison.Ordinal))
            throw new InputException($"{path}: the first line is not '{Columns.Replace('\t', ' ')}'; build or install Unweave again.");
        return [.. lines.Skip(1).Select((line, index) => line.Split('\t') is [var word, var pos, _, var gloss]
            ? new WordNetText(word, pos, gloss)
            : throw new InputException($"{path} line {index + 2}: it does not have four columns; build or install Unweave again."))];
    }
}
