using System.Collections.Concurrent;

namespace Unweave.Interpretation;

/// <summary>What label patterns can ask about one piece of a text, as numbers of a vocabulary; 0 stands for none.</summary>
/// <param name="Piece">The piece itself, in small letters.</param>
/// <param name="Word">The whole word it belongs to.</param>
/// <param name="Start">Number of the word's first piece in the text.</param>
/// <param name="End">Number of the piece after the word's last.</param>
/// <param name="Shape">What it looks like.</param>
/// <param name="Noun">Topic of its word as a noun.</param>
/// <param name="Verb">Topic of its word as a verb.</param>
/// <param name="Class">Class of its word.</param>
/// <param name="Lemma">The form that stands for all forms of its word.</param>
/// <param name="Parts">
/// Numbers of the parts of its word that patterns can be about: its beginnings, its ends, and the piece itself where it is a part.
/// </param>
internal readonly record struct PieceTraits(
    int Piece, int Word, int Start, int End, PieceShape Shape, int Noun, int Verb, WordClass Class, int Lemma, WordParts Parts)
{
    /// <summary>The kinds of things that its word is one of, as a noun, the narrowest first.</summary>
    public int[] Kinds { get; init; } = [];
}

/// <summary>Parts of a word by their length in letters, from two to five; and the piece that is one of several of the word.</summary>
internal readonly record struct WordParts(
    int First2, int First3, int First4, int First5, int Last2, int Last3, int Last4, int Last5, int Inside);

/// <summary>
/// Numbers for the words that patterns are about. Safe to use from several threads; which number a word gets says nothing.
/// </summary>
internal sealed class PatternWords
{
    /// <summary>Bits of a number.</summary>
    public const int Bits = 19;

    private readonly ConcurrentDictionary<string, int> numbers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<int, string> texts = new();
    private int last;

    /// <summary>The number of a word; 0 once there are too many, which no pattern matches.</summary>
    public int Number(string word)
    {
        if (numbers.TryGetValue(word, out int known)) return known;
        lock (numbers)
        {
            if (numbers.TryGetValue(word, out known)) return known;
            if (last + 1 >= 1 << Bits) return 0;
            int number = ++last;
            texts[number] = word;
            return numbers[word] = number;
        }
    }

    /// <summary>The word of a number.</summary>
    public string Text(int number) => texts[number];
}

/// <summary>Reads the pieces of a text into spots.</summary>
internal sealed class TextSpots(PatternWords words, WordTopics topics)
{
    /// <summary>Marks a piece that goes on inside a word.</summary>
    public const char Continued = '…';

    /// <summary>How a line's end is named.</summary>
    public const string LineEnd = "⏎";

    /// <summary>The spots of a text.</summary>
    public PieceTraits[] Read(IReadOnlyList<string> pieces)
    {
        var spots = new PieceTraits[pieces.Count];
        for (int first = 0; first < spots.Length;)
        {
            // A word is a run of pieces of letters and digits with no space between.
            int end = first + 1;
            if (IsWord(pieces[first]))
                while (end < spots.Length && IsWord(pieces[end]) && !char.IsWhiteSpace(pieces[end][0]) && EndsOpen(pieces[end - 1])) end++;
            string word = string.Concat(Enumerable.Range(first, end - first).Select(i => pieces[i])).Trim().ToLowerInvariant();
            for (int i = first; i < end; i++) spots[i] = Make(pieces[i], word, i, first, end);
            first = end;
        }

        return spots;
    }

    /// <summary>
    /// Where a document is from, as a number: its id up to the first slash, as in <c>bible/Mat-5</c> or in a path within a folder; 0 where
    /// it has none.
    /// </summary>
    public int Source(string document) =>
        document.IndexOf('/', StringComparison.Ordinal) is var slash and > 0 ? words.Number(document[..slash]) : 0;

    /// <summary>Splits a text that is one piece (that of an embedding) into words.</summary>
    public static string[] Words(string text)
    {
        var pieces = new List<string>();
        int start = 0;
        for (int i = 1; i <= text.Length; i++)
        {
            if (i < text.Length && (char.IsLetterOrDigit(text[i]) || text[i] is '\'' or '-')
                && (char.IsLetterOrDigit(text[i - 1]) || text[i - 1] is '\'' or '-' || char.IsWhiteSpace(text[i - 1])))
                continue;
            pieces.Add(text[start..i]);
            start = i;
        }

        return [.. pieces];
    }

    private PieceTraits Make(string piece, string word, int at, int first, int end)
    {
        string trimmed = piece.Trim(), lower = trimmed.ToLowerInvariant();
        if (trimmed.Length == 0)
        {
            bool line = piece.Contains('\n', StringComparison.Ordinal);
            int own = words.Number(line ? LineEnd : "␠");
            return new PieceTraits(own, line ? own : 0, at, at + 1, line ? PieceShape.LineEnd : PieceShape.None, 0, 0, default, 0, default);
        }

        bool isWord = IsWord(piece);
        (int noun, int verb) = isWord ? topics.Find(word) : (0, 0);
        WordClass closed = WordClasses.Closed(word);
        return new PieceTraits(
            words.Number(at == first ? lower : Continued + lower),
            words.Number(word),
            first,
            end,
            Shape(trimmed, at == first),
            noun,
            verb,
            closed != WordClass.None || !isWord ? closed : topics.Class(word),
            isWord && topics.Lemma(word) is { } lemma ? words.Number(lemma) : 0,
            isWord ? Parts(word, lower, end - first > 1) : default)
        {
            Kinds = isWord ? topics.Kinds(word) : [],
        };
    }

    // A beginning or an end leaves two letters of the word at least: what is nearly the whole word is no part of it.
    private WordParts Parts(string word, string piece, bool severalPieces)
    {
        return new WordParts(
            Begins(2), Begins(3), Begins(4), Begins(5), Ends(2), Ends(3), Ends(4), Ends(5),
            severalPieces && piece.Length > 1 && piece.Length < word.Length ? words.Number(piece) : 0);

        int Begins(int length) => word.Length >= length + 2 ? words.Number(word[..length]) : 0;

        int Ends(int length) => word.Length >= length + 2 ? words.Number(word[^length..]) : 0;
    }

    private static PieceShape Shape(string trimmed, bool first)
    {
        if (trimmed.All(char.IsDigit)) return PieceShape.Number;
        if (!trimmed.Any(char.IsLetterOrDigit)) return PieceShape.Punctuation;
        if (trimmed.Length > 1 && trimmed.All(letter => !char.IsLower(letter)) && trimmed.Any(char.IsLetter)) return PieceShape.Capitals;
        return !first ? PieceShape.Inside : char.IsUpper(trimmed[0]) ? PieceShape.Capitalized : PieceShape.None;
    }

    private static bool IsWord(string piece)
    {
        ReadOnlySpan<char> own = piece.AsSpan().Trim();
        if (own.IsEmpty) return false;
        foreach (char letter in own)
            if (!char.IsLetterOrDigit(letter) && letter is not ('\'' or '-')) return false;
        return char.IsLetterOrDigit(own[0]) || own.Length > 1;
    }

    private static bool EndsOpen(string piece) => piece.Length > 0 && !char.IsWhiteSpace(piece[^1]);
}
