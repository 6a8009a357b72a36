namespace Unweave.Components;

/// <summary>A stretch of text as it is, or a mark for a character that cannot be seen.</summary>
/// <param name="Text">What to show.</param>
/// <param name="Name">What the mark stands for; null for text.</param>
internal readonly record struct VisibleRun(string Text, string? Name)
{
    /// <summary>Whether it stands for a character that cannot be seen.</summary>
    public bool IsMark => Name is not null;
}

/// <summary>
/// Makes every character of a text visible: control characters, changes of the writing direction and characters of no width become marks.
/// </summary>
internal static class VisibleText
{
    private static readonly string[] ControlNames =
    [
        "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "HT", "LF", "VT", "FF", "CR", "SO", "SI", "DLE", "DC1", "DC2", "DC3",
        "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS", "RS", "US"
    ];

    /// <summary>Cuts a text into stretches to show.</summary>
    public static IReadOnlyList<VisibleRun> Split(string text)
    {
        var runs = new List<VisibleRun>(1);
        int start = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                i++;
                continue;
            }

            if (Mark(text[i]) is not { } mark) continue;
            if (i > start) runs.Add(new VisibleRun(text[start..i], null));
            runs.Add(mark);
            start = i + 1;
        }

        if (start < text.Length) runs.Add(new VisibleRun(text[start..], null));
        return runs;
    }

    /// <summary>A text on one line, for titles and labels of controls: marks are part of the text.</summary>
    public static string OneLine(string text) => string.Concat(Split(text).Select(run => run.Text));

    /// <summary>A token as a screen reader says it: a token of spaces or marks alone is named.</summary>
    public static string Spoken(string token)
    {
        IEnumerable<string> parts = Split(token)
            .Select(run => run.Name ?? (string.IsNullOrWhiteSpace(run.Text) ? "space" : run.Text.Trim()));
        return string.Join(' ', parts);
    }

    // The pictures of control characters (U+2400 and on) are in few fonts, so their names stand for them.
    private static VisibleRun? Mark(char c) => c switch
    {
        '\n' => new VisibleRun("↵", "line feed"),
        '\r' => new VisibleRun("‹CR›", "carriage return"),
        '\t' => new VisibleRun("⇥", "tab"),
        < ' ' => new VisibleRun($"‹{ControlNames[c]}›", $"control character {(int)c}"),
        '\x7f' => new VisibleRun("‹DEL›", "delete"),
        '\u00a0' => new VisibleRun("‹NBSP›", "no-break space"),
        '\u00ad' or (>= '\x80' and <= '\x9f') or (>= '\u200b' and <= '\u200f') or (>= '\u2028' and <= '\u202e')
            or (>= '\u2060' and <= '\u206f') or '\ufeff' or (>= '\ufff9' and <= '\ufffb') => Code(c),
        _ when char.IsSurrogate(c) => Code(c),
        _ => null,
    };

    private static VisibleRun Code(char c) => new($"‹{(int)c:X4}›", $"U+{(int)c:X4}");
}
