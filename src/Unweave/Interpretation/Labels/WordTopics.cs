using System.Globalization;
using Unweave.Data;

namespace Unweave.Interpretation;

/// <summary>
/// What is known of words, for their inflected forms too: topics, WordNet's lexicographer files (animals, persons, motion …) of a word's
/// commonest noun and verb sense; kinds, the synsets above its commonest noun sense (disease, stringed instrument …); parts of speech.
/// </summary>
public sealed class WordTopics
{
    private static readonly string[] Heading = ["word", "noun", "verb", "class", "kind"], KindsHeading = ["kind", "in"];

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

    private readonly Dictionary<string, Entry> words;
    private readonly string[] kindNames;
    private readonly int[][] kinds;

    private WordTopics(Dictionary<string, Entry> words, string[] kindNames, int[] within)
    {
        this.words = words;
        this.kindNames = kindNames;
        kinds = [.. Enumerable.Range(0, within.Length).Select(kind => Above(kind, within).ToArray())];
    }

    private readonly record struct Entry(byte Noun, byte Verb, WordClass Class, int Kind);

    /// <summary>No topics at all.</summary>
    public static WordTopics None { get; } = new([], [""], [0]);

    /// <summary>Number of topics.</summary>
    internal static int Count => Names.Length;

    /// <summary>
    /// Reads a table of words, tab-separated, gzip-compressed, with a heading: words with the numbers of their noun and verb topics
    /// (<c>word noun verb</c>); or these, their part of speech (n, v, a, r), and the number of the kind of thing that they name
    /// (<c>word noun verb class kind</c>), with <c>kinds.tsv.gz</c> beside it: a kind a line, and the number of the kind that it is in.
    /// </summary>
    /// <param name="path">The file of words.</param>
    /// <exception cref="InputException">It is missing or damaged.</exception>
    public static WordTopics Open(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        using IEnumerator<string[]> rows = Rows(path).GetEnumerator();
        bool headed = rows.MoveNext(), withKinds = headed && rows.Current.SequenceEqual(Heading);
        if (!withKinds && !(headed && rows.Current.AsSpan().SequenceEqual(Heading.AsSpan(0, 3))))
            throw Damaged(path, "its first line is not the heading");
        string kindsPath = Path.Combine(Path.GetDirectoryName(path) ?? "", "kinds.tsv.gz");
        (string[] names, int[] within) = withKinds ? ReadKinds(kindsPath) : ([""], [0]);
        var table = new Dictionary<string, Entry>(StringComparer.Ordinal);
        int columns = rows.Current.Length;
        while (rows.MoveNext())
        {
            string[] row = rows.Current;
            if (row.Length != columns) throw Damaged(path, $"the line '{string.Join('\t', row)}' does not have {columns} columns");
            (byte noun, byte verb) = ((byte)Number(path, row[1], Names.Length), (byte)Number(path, row[2], Names.Length));
            table[row[0]] = withKinds ? new Entry(noun, verb, ClassOf(path, row[3]), Number(path, row[4], names.Length))
                : new Entry(noun, verb, WordClass.None, 0);
        }

        return new WordTopics(table, names, within);
    }

    private static (string[] Names, int[] Within) ReadKinds(string path)
    {
        string[][] rows = [.. Rows(path)];
        if (rows.Length == 0 || !rows[0].SequenceEqual(KindsHeading)) throw Damaged(path, "its first line is not the heading");
        if (Array.Find(rows, row => row.Length != 2) is { } odd)
            throw Damaged(path, $"the line '{string.Join('\t', odd)}' does not have 2 columns");
        string[] names = ["", .. rows[1..].Select(row => row[0])];
        int[] within = [0, .. rows[1..].Select(row => Number(path, row[1], names.Length))];
        for (int kind = 1; kind < within.Length; kind++)
            if (Above(kind, within).Count() > within.Length) throw Damaged(path, $"the kind '{names[kind]}' is within itself");
        return (names, within);
    }

    private static IEnumerable<string[]> Rows(string path)
    {
        if (!File.Exists(path))
        {
            throw new InputException($"{path}: this table of words is missing; build or install Unweave again, with its folder "
                + "data/wordnet.");
        }

        using var reader = new StreamReader(new SealedGzip(File.OpenRead(path)));
        while (Line() is { } line) yield return line.Split('\t');

        string? Line()
        {
            try
            {
                return reader.ReadLine();
            }
            catch (InvalidDataException e)
            {
                throw Damaged(path, e.Message);
            }
        }
    }

    private static WordClass ClassOf(string path, string text) => text switch
    {
        "n" => WordClass.Noun,
        "v" => WordClass.Verb,
        "a" => WordClass.Adjective,
        "r" => WordClass.Adverb,
        _ => throw Damaged(path, $"'{text}' is no part of speech"),
    };

    private static int Number(string path, string text, int count) =>
        text.Length == 0 ? 0 : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number < count
            ? number : throw Damaged(path, $"'{text}' is no topic");

    private static InputException Damaged(string path, string what) =>
        new($"{path}: {what}; the file is damaged: build or install Unweave again.");

    // A kind, the kind that it is in, and so on; endless where one is in itself.
    private static IEnumerable<int> Above(int kind, int[] within)
    {
        for (int steps = 0; kind != 0 && steps <= within.Length; kind = within[kind], steps++) yield return kind;
    }

    /// <summary>A topic in words.</summary>
    internal static string Name(int topic) => Names[topic] ?? "";

    /// <summary>The topics of a word in lower case; 0 stands for none.</summary>
    internal (int Noun, int Verb) Find(string word)
    {
        Entry entry = Look(word);
        return (Names[entry.Noun] is null ? 0 : entry.Noun, Names[entry.Verb] is null ? 0 : entry.Verb);
    }

    /// <summary>The kinds of things that a word in lower case names, the narrowest first.</summary>
    internal int[] Kinds(string word) => kinds[Look(word).Kind];

    /// <summary>A kind in words.</summary>
    internal string KindName(int kind) => kindNames[kind];

    /// <summary>The part of speech of a word in lower case that is in no closed class, by its form.</summary>
    internal WordClass Class(string word)
    {
        if (word.EndsWith("ing", StringComparison.Ordinal) && IsVerb(word)) return WordClass.IngForm;
        if (word.EndsWith("ed", StringComparison.Ordinal) && IsVerb(word)) return WordClass.PastForm;
        if (words.TryGetValue(word, out Entry own)) return own.Class;
        return Lemma(word) is not { } lemma || !words.TryGetValue(lemma, out Entry entry) ? WordClass.None
            : entry.Class == WordClass.Noun ? WordClass.PluralNoun
            : entry.Class == WordClass.Verb && !word.EndsWith('s') && !word.EndsWith("th", StringComparison.Ordinal) ? WordClass.PastForm
            : entry.Class;
    }

    private bool IsVerb(string form) => Lemmas(form).Skip(1).Any(lemma => words.TryGetValue(lemma, out Entry entry) && entry.Verb != 0);

    private Entry Look(string word)
    {
        foreach (string lemma in Lemmas(word))
            if (words.TryGetValue(lemma, out Entry entry)) return entry;
        return default;
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
