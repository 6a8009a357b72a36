using System.Globalization;
using System.Text;
using Unweave.Interpretation;

namespace Unweave.Explaining;

/// <summary>Texts as they are put before a chat model: data on one line, in which nothing but our own marks is a mark.</summary>
internal static class QuotedText
{
    private const int LongestText = 800, LongestLabel = 100;

    /// <summary>An example with some of its pieces marked, « before and » after; those next to each other together.</summary>
    public static string Marked(FeatureExample example, IReadOnlyList<bool> marked)
    {
        // Pieces around the peak, as many as fit.
        int first = example.Peak, last = example.Peak, length = example.Pieces[example.Peak].Length;
        while (length < LongestText && (first > 0 || last < example.Pieces.Count - 1))
        {
            if (first > 0) length += example.Pieces[--first].Length;
            if (last < example.Pieces.Count - 1) length += example.Pieces[++last].Length;
        }

        var text = new StringBuilder();
        for (int i = first; i <= last; i++)
        {
            string piece = Plain(example.Pieces[i]);
            if (marked[i] && (i == first || !marked[i - 1]))
            {
                // The space before a word stays before its mark.
                int spaces = piece.Length - piece.TrimStart(' ').Length;
                text.Append(piece.AsSpan(0, spaces)).Append('«');
                piece = piece[spaces..];
            }

            text.Append(piece);
            if (marked[i] && (i == last || !marked[i + 1])) text.Append('»');
        }

        return Cut(text.ToString(), LongestText * 2);
    }

    /// <summary>An example without marks.</summary>
    public static string Unmarked(FeatureExample example) => Marked(example, new bool[example.Pieces.Count]);

    /// <summary>Texts, a numbered line each, in quotation marks.</summary>
    public static string Numbered(IEnumerable<string> texts) =>
        string.Join('\n', texts.Select((text, index) => $"{index + 1}. \"{text}\""));

    /// <summary>A text on one line, without control characters, marks and what turns the direction of reading.</summary>
    public static string Plain(string text)
    {
        var plain = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            plain.Append(rune.Value switch
            {
                '\n' => "↵",
                '«' => "‹",
                '»' => "›",
                '"' => "'",
                _ => Rune.GetUnicodeCategory(rune) switch
                {
                    UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => " ",
                    UnicodeCategory.Format or UnicodeCategory.Surrogate => "",
                    _ => rune.ToString(),
                },
            });
        }

        return plain.ToString();
    }

    /// <summary>A label of a model's as it is kept: one line of limited length; null where nothing is left.</summary>
    public static string? Label(string text)
    {
        string label = string.Join(' ', Plain(text.ReplaceLineEndings(" ")).Split(' ', StringSplitOptions.RemoveEmptyEntries)).Trim(
            '\'', '"', '*', '_', '`', '#', ' ').TrimEnd('.');
        return label.Any(char.IsLetterOrDigit) ? Cut(label, LongestLabel) : null;
    }

    private static string Cut(string text, int longest)
    {
        if (text.Length <= longest) return text;
        int end = char.IsHighSurrogate(text[longest - 2]) ? longest - 2 : longest - 1;
        return text[..end].TrimEnd() + "…";
    }
}
