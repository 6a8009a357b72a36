using System.Globalization;
using Unweave.Data;

namespace Unweave.Interpretation;

/// <summary>
/// Topics of words: WordNet's lexicographer files (animals, persons, motion …) of a word's commonest noun and verb sense, for its inflected
/// forms too.
/// </summary>
public sealed class WordTopics
{
    private const string Heading = "word\tnoun\tverb";

    // WordNet's lexicographer files, by number; null for those too general to say anything.
    private static readonly string?[] Names =
    [
        null, null, null, null, "acts", "animals", "things made", "attributes", "body parts", "thoughts", "communication", "events",
            "feelings", "food", "groups", "places",
        "motives", "natural objects", "people", "phenomena", "plants", "possessions", "processes", "quantities", "relations", "shapes",
            "states", "substances", "time",
        "care of the body", "change", "thinking", "speaking", "fighting", "eating", "touching", "making", "feeling", "moving", "seeing",
            "owning", "social acts", null, "weather",
    ];

    private readonly Dictionary<string, (byte Noun, byte Verb)> words;

    private WordTopics(Dictionary<string, (byte Noun, byte Verb)> words) => this.words = words;

    /// <summary>No topics at all.</summary>
    public static WordTopics None { get; } = new([]);

    /// <summary>Number of topics.</summary>
    internal static int Count => Names.Length;

    /// <summary>Reads a table: words with the numbers of their noun and verb topics, tab-separated, gzip-compressed.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InputException">It is missing or damaged.</exception>
    public static WordTopics Open(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (!File.Exists(path))
        {
            throw new InputException($"{path}: the table of topics is missing; build or install Unweave again, with its folder "
                + "data/wordnet.");
        }

        var table = new Dictionary<string, (byte, byte)>(StringComparer.Ordinal);
        try
        {
            using var reader = new StreamReader(new SealedGzip(File.OpenRead(path)));
            if (!string.Equals(reader.ReadLine(), Heading, StringComparison.Ordinal)) throw Damaged("its first line is not the heading");
            while (reader.ReadLine() is { } line)
            {
                if (line.Split('\t') is not [var word, var noun, var verb]) throw Damaged($"the line '{line}' does not have three columns");
                table[word] = (Number(noun), Number(verb));
            }
        }
        catch (InvalidDataException e)
        {
            throw Damaged(e.Message);
        }

        return new WordTopics(table);

        byte Number(string text) =>
            text.Length == 0 ? (byte)0 : byte.TryParse(text, CultureInfo.InvariantCulture, out byte number)
                && number < Names.Length ? number : throw Damaged($"'{text}' is no topic");

        InputException Damaged(string what) => new($"{path}: {what}; the file is damaged: build or install Unweave again.");
    }

    /// <summary>A topic in words.</summary>
    internal static string Name(int topic) => Names[topic] ?? "";

    /// <summary>The topics of a word in lower case; 0 stands for none.</summary>
    internal (int Noun, int Verb) Find(string word)
    {
        foreach (string lemma in Lemmas(word))
        {
            if (!words.TryGetValue(lemma, out (byte Noun, byte Verb) topics)) continue;
            return (Names[topics.Noun] is null ? 0 : topics.Noun, Names[topics.Verb] is null ? 0 : topics.Verb);
        }

        return (0, 0);
    }

    /// <summary>The dictionary's form of an English word in small letters; null where it is not known.</summary>
    internal string? Lemma(string word)
    {
        if (IrregularForms.Find(word) is { } form) return form;
        string? longest = null;
        foreach (string lemma in Lemmas(word).Skip(1))
            if (words.ContainsKey(lemma) && lemma.Length > (longest?.Length ?? 2)) longest = lemma;
        return longest ?? (words.ContainsKey(word) ? word : null);
    }

    /// <summary>The forms that a word may be an inflection of, itself first: the regular rules of English.</summary>
    internal static IEnumerable<string> Lemmas(string word)
    {
        yield return word;
        foreach (
            (string ending, string replacement) in ((string, string)[])
            [
                ("ies", "y"), ("ses", "s"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh"), ("men", "man"), ("s", ""),
                ("ied", "y"), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", "")
            ])
        {
            if (!word.EndsWith(ending, StringComparison.Ordinal) || word.Length - ending.Length + replacement.Length < 3) continue;
            string stem = word[..^ending.Length] + replacement;
            yield return stem;

            // planned, running: a doubled consonant.
            if (replacement.Length == 0 && ending.Length > 1 && stem.Length > 3 && stem[^1] == stem[^2]) yield return stem[..^1];
        }
    }
}
