using System.Globalization;
using System.Text;

namespace Unweave.Onnx;

/// <summary>Rewrites a text; each unit keeps the place in the original that it stands for.</summary>
internal delegate AlignedText Rewrite(AlignedText text);

/// <summary>The ways in which a text is rewritten before it is cut.</summary>
internal static class Rewrites
{
    /// <summary>Blanks at both ends are dropped, where asked for.</summary>
    public static Rewrite Strip(bool left, bool right) => text =>
    {
        int from = 0, to = text.Length;
        while (left && from < to && char.IsWhiteSpace(text.Units[from])) from++;
        while (right && to > from && char.IsWhiteSpace(text.Units[to - 1])) to--;
        return text.Slice(from, to - from);
    };

    /// <summary>Puts something before a text that is not empty.</summary>
    public static Rewrite Prepend(string prefix) => text =>
    {
        if (text.Length == 0) return text;
        var output = new AlignedText.Builder(text.Length + prefix.Length);
        foreach (char unit in prefix) output.Add(unit, text.StartOf(0), text.StartOf(0));
        output.Copy(text, 0, text.Length);
        return output.ToText();
    };

    /// <summary>Puts something in the place of what is found.</summary>
    public static Rewrite Replace(Func<string, List<Range>> find, string content) => text =>
    {
        List<Range> found = find(text.Units.ToString());
        if (found.Count == 0) return text;
        var output = new AlignedText.Builder(text.Length);
        int end = 0;
        foreach (Range range in found)
        {
            (int from, int length) = range.GetOffsetAndLength(text.Length);
            output.Copy(text, end, from - end);
            end = from + length;
            foreach (char unit in content) output.Add(unit, text.StartOf(from), text.EndOf(end - 1));
        }

        output.Copy(text, end, text.Length - end);
        return output.ToText();
    };

    /// <summary>Drops the marks of letters.</summary>
    public static Rewrite StripMarks { get; } = text => Each(text, (rune, add) =>
    {
        if (Rune.GetUnicodeCategory(rune) != UnicodeCategory.NonSpacingMark) add(rune);
    });

    /// <summary>Drops case.</summary>
    public static Rewrite Lower { get; } = text => Each(text, (rune, add) =>
    {
        if (rune.Value == '\u0130')
        {
            add(new Rune('i'));
            add(new Rune('\u0307'));
        }
        else
        {
            add(Rune.ToLowerInvariant(rune));
        }
    });

    /// <summary>The places of a text, from left to right.</summary>
    public static Func<string, List<Range>> Literal(string sought) => text =>
    {
        var found = new List<Range>();
        for (int at = 0; sought.Length > 0 && (at = text.IndexOf(sought, at, StringComparison.Ordinal)) >= 0; at += sought.Length)
            found.Add(at..(at + sought.Length));
        return found;
    };

    private static AlignedText Each(AlignedText text, Action<Rune, Action<Rune>> change)
    {
        var output = new AlignedText.Builder(text.Length);
        for (int at = 0; at < text.Length;)
        {
            Rune rune = text.RuneAt(at);
            int from = text.StartOf(at), to = text.EndOf(at + rune.Utf16SequenceLength - 1);
            change(rune, one => output.Add(one, from, to));
            at += rune.Utf16SequenceLength;
        }

        return output.ToText();
    }
}
