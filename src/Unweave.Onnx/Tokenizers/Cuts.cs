using System.Globalization;
using System.Text;

namespace Unweave.Onnx;

/// <summary>Cuts a text into parts, in order.</summary>
internal delegate IEnumerable<AlignedText> Cut(AlignedText text);

/// <summary>The ways in which a text is cut into words before a model sees them.</summary>
internal static class Cuts
{
    /// <summary>At blanks, which are dropped.</summary>
    public static Cut Blanks { get; } = text => Runs(text, rune => Rune.IsWhiteSpace(rune) ? 0 : 1);

    /// <summary>Into words, and runs of what is neither a word nor blank; blanks are dropped.</summary>
    public static Cut Words { get; } = text => Runs(text, rune => Rune.IsWhiteSpace(rune) ? 0 : IsWordCharacter(rune) ? 1 : 2);

    /// <summary>At the places that a pattern finds.</summary>
    /// <param name="find">The pattern's places in a text.</param>
    /// <param name="behavior">What becomes of them.</param>
    /// <param name="invert">Whether the pattern finds what stands between.</param>
    /// <param name="file">The file, for messages.</param>
    public static Cut Split(Func<string, List<Range>> find, string behavior, bool invert, string file)
    {
        Func<List<(int From, int To, bool Match)>, IEnumerable<(int From, int To)>> parts = behavior switch
        {
            "Removed" => all => all.Where(part => !part.Match).Select(part => (part.From, part.To)),
            "Isolated" => all => all.Select(part => (part.From, part.To)),
            "MergedWithPrevious" => all => Joined(all, (before, part) => part.Match && !before.Match),
            "MergedWithNext" => all => Joined(all, (before, part) => before.Match && !part.Match),
            "Contiguous" => all => Joined(all, (before, part) => before.Match == part.Match),
            _ => throw new InputException($"{file} cuts with the behavior {behavior}, which is not known here."),
        };
        return text =>
        {
            var all = new List<(int From, int To, bool Match)>();
            int end = 0;
            foreach (Range range in find(text.Units.ToString()))
            {
                (int from, int length) = range.GetOffsetAndLength(text.Length);
                if (from > end) all.Add((end, from, invert));
                if (length > 0) all.Add((from, from + length, !invert));
                end = from + length;
            }

            if (end < text.Length) all.Add((end, text.Length, invert));
            return parts(all).Select(part => text.Slice(part.From, part.To - part.From));
        };
    }

    /// <summary>Makes blanks into a mark, puts one before the text, and cuts before each.</summary>
    /// <param name="mark">The mark.</param>
    /// <param name="prefix">Whether one is put before a text that starts somewhere.</param>
    /// <param name="split">Whether the text is cut.</param>
    public static Cut Marks(char mark, Func<int, bool> prefix, bool split) => text =>
    {
        var output = new AlignedText.Builder(text.Length + 1);
        bool prefixed = text.Units[0] != ' ' && text.Units[0] != mark && prefix(text.StartOf(0));
        if (prefixed) output.Add(mark, text.StartOf(0), text.StartOf(0));
        for (int i = 0; i < text.Length; i++) output.Add(text.Units[i] == ' ' ? mark : text.Units[i], text.StartOf(i), text.EndOf(i));
        AlignedText marked = output.ToText();
        return split ? AtMarks(marked, mark) : [marked];
    };

    /// <summary>Before each run of marks.</summary>
    public static Cut AtWords(char mark) => text => Slices(text, mark);

    /// <summary>Whether a character is one of a word, as regular expressions have it (<c>\w</c>).</summary>
    public static bool IsWordCharacter(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        <= UnicodeCategory.OtherLetter or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark
            or UnicodeCategory.EnclosingMark or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber
            or UnicodeCategory.ConnectorPunctuation => true,
        UnicodeCategory.OtherSymbol => rune.Value is (>= 0x24B6 and <= 0x24E9) or (>= 0x1F130 and <= 0x1F149)
            or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189),
        _ => rune.Value is 0x200C or 0x200D,
    };

    private static IEnumerable<AlignedText> Slices(AlignedText text, char mark)
    {
        for (int from = 0, to; from < text.Length; from = to)
        {
            to = Onnx.Words.End(text.Units, from, text.Length, mark);
            yield return text.Slice(from, to - from);
        }
    }

    private static IEnumerable<AlignedText> AtMarks(AlignedText text, char mark)
    {
        int from = 0;
        for (int i = 1; i <= text.Length; i++)
        {
            if (i < text.Length && text.Units[i] != mark) continue;
            yield return text.Slice(from, i - from);
            from = i;
        }
    }

    /// <summary>The runs of characters of one kind, of which 0 is dropped.</summary>
    private static IEnumerable<AlignedText> Runs(AlignedText text, Func<Rune, int> kind)
    {
        int from = 0, last = 0;
        for (int at = 0; at < text.Length;)
        {
            Rune rune = text.RuneAt(at);
            int now = kind(rune);
            if (now != last)
            {
                if (last != 0) yield return text.Slice(from, at - from);
                (from, last) = (at, now);
            }

            at += rune.Utf16SequenceLength;
        }

        if (last != 0) yield return text.Slice(from, text.Length - from);
    }

    private static IEnumerable<(int From, int To)> Joined(List<(int From, int To, bool Match)> parts,
        Func<(int From, int To, bool Match), (int From, int To, bool Match), bool> joins)
    {
        for (int i = 0; i < parts.Count;)
        {
            int end = i + 1;
            while (end < parts.Count && joins(parts[end - 1], parts[end])) end++;
            yield return (parts[i].From, parts[end - 1].To);
            i = end;
        }
    }
}
