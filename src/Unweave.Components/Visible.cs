namespace Unweave.Components;

/// <summary>A stretch of text as it is, or a mark for a character that cannot be seen.</summary>
/// <param name="Text">What to show.</param>
/// <param name="Name">What the mark stands for; null for text.</param>
internal readonly record struct Shown(string Text, string? Name)
{
    /// <summary>Whether it stands for a character that cannot be seen.</summary>
    public bool IsMark => Name is not null;
}

/// <summary>
/// Makes every character of a text visible: control characters, turns of the writing direction and characters of no width become marks.
/// </summary>
internal static class Visible
{
    /// <summary>Cuts a text into stretches to show.</summary>
    public static IReadOnlyList<Shown> Of(string text)
    {
        var shown = new List<Shown>(1);
        int start = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                i++;
                continue;
            }

            if (Mark(text[i]) is not { } mark) continue;
            if (i > start) shown.Add(new Shown(text[start..i], null));
            shown.Add(mark);
            start = i + 1;
        }

        if (start < text.Length) shown.Add(new Shown(text[start..], null));
        return shown;
    }

    /// <summary>A text on one line, for titles and labels of controls: marks stand in it as they are.</summary>
    public static string Line(string text) => string.Concat(Of(text).Select(shown => shown.Text));

    private static readonly string[] ControlNames =
    [
        "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "HT", "LF", "VT", "FF", "CR", "SO", "SI", "DLE", "DC1", "DC2", "DC3",
        "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS", "RS", "US"
    ];

    // The pictures of control characters (U+2400 and on) are in few fonts, so their names stand for them.
    private static Shown? Mark(char c) => c switch
    {
        '\n' => new Shown("↵", "line feed"),
        '\r' => new Shown("‹CR›", "carriage return"),
        '\t' => new Shown("⇥", "tab"),
        < ' ' => new Shown($"‹{ControlNames[c]}›", $"control character {(int)c}"),
        '\x7f' => new Shown("‹DEL›", "delete"),
        '\u00a0' => new Shown("‹NBSP›", "no-break space"),
        '\u00ad' or (>= '\x80' and <= '\x9f') or (>= '\u200b' and <= '\u200f') or (>= '\u2028' and <= '\u202e')
            or (>= '\u2060' and <= '\u206f') or '\ufeff' or (>= '\ufff9' and <= '\ufffb') => Code(c),
        _ when char.IsSurrogate(c) => Code(c),
        _ => null,
    };

    private static Shown Code(char c) => new($"‹{(int)c:X4}›", $"U+{(int)c:X4}");
}
