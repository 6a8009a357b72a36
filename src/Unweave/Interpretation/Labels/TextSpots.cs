using System.Collections.Concurrent;

namespace Unweave.Interpretation;

/// <summary>What label patterns can ask about one piece of a text, as numbers of a vocabulary.</summary>
/// <param name="Piece">The piece itself, in small letters.</param>
/// <param name="Word">The whole word it belongs to; 0 where that is the piece, or where there is none.</param>
/// <param name="Shape">What it looks like.</param>
/// <param name="Ending">Ending of its word, when it is the word's last piece; 0 for none.</param>
/// <param name="Noun">Topic of its word as a noun, when it is the word's last piece; 0 for none.</param>
/// <param name="Verb">Topic of its word as a verb.</param>
/// <param name="Starts">The first two letters of a longer piece; 0 where there are none.</param>
/// <param name="Ends">The last two letters of a longer piece; 0 where there are none.</param>
internal readonly record struct PieceTraits(int Piece, int Word, PieceShape Shape, int Ending, int Noun, int Verb, int Starts, int Ends)
{
    /// <summary>The whole word, whether of one piece or of several.</summary>
    public int Whole => Word == 0 ? Piece : Word;
}

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

    private static readonly string[] Endings =
    [
        "tion", "ness", "ment", "able", "ible", "ing", "ous", "ful", "est", "ity", "ive", "ian", "ism", "ist", "ed", "ly", "er", "al", "ic",
        "'s", "s"
    ];

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
            for (int i = first; i < end; i++) spots[i] = Make(pieces[i], word, i == first, i == end - 1);
            first = end;
        }

        return spots;
    }

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

    private PieceTraits Make(string piece, string word, bool first, bool last)
    {
        string trimmed = piece.Trim(), lower = trimmed.ToLowerInvariant();
        if (trimmed.Length == 0)
        {
            return new PieceTraits(
                words.Number(piece.Contains('\n', StringComparison.Ordinal) ? LineEnd : "␠"),
                0,
                piece.Contains('\n', StringComparison.Ordinal) ? PieceShape.LineEnd : PieceShape.None,
                0,
                0,
                0,
                0,
                0);
        }

        PieceShape shape = Shape(trimmed, first);
        string own = first ? lower : Continued + lower;
        bool isWord = IsWord(piece);
        string? ending = last && isWord && word.Length > 4
            ? Endings.FirstOrDefault(ending => word.EndsWith(ending, StringComparison.Ordinal))
            : null;
        (int noun, int verb) = last && isWord ? topics.Find(word) : (0, 0);
        bool longer = isWord && lower.Length > 2;
        return new PieceTraits(
            words.Number(own),
            first && last ? 0 : words.Number(word),
            shape,
            ending is null ? 0 : words.Number("-" + ending),
            noun,
            verb,
            longer ? words.Number((first ? "" : Continued.ToString()) + lower[..2] + "-") : 0,
            longer ? words.Number("-" + lower[^2..]) : 0);
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
