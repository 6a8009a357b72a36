using System.Text;

namespace Unweave.Characters;

/// <summary>
/// Where words may begin and end: the default word boundaries of Unicode Standard Annex 29. White space and punctuation are segments
/// too, and so is each ideograph, each hiragana and each letter of scripts that are written without spaces (Thai, Lao, Khmer, Myanmar).
/// </summary>
internal static class WordBreaks
{
    private const byte PictographFlag = 0x80;
    private const int Tabled = 0x20000;

    private static readonly byte[] Classes = Read();

    // The order does not matter.
    private enum Kind : byte
    {
        Other, CR, LF, Newline, Extend, ZeroWidthJoiner, Format, Katakana, HebrewLetter, Letter, SingleQuote, DoubleQuote, MidNumLet,
        MidLetter, MidNum, Numeric, ExtendNumLet, RegionalIndicator, Space,
    }

    /// <summary>The end of the segment that begins at a boundary.</summary>
    /// <param name="text">The text.</param>
    /// <param name="start">Where the segment begins; before the end of the text.</param>
    public static int End(ReadOnlySpan<char> text, int start)
    {
        int at = start;
        byte raw = Next(text, ref at);           // of the character before
        Kind last = Of(raw), beforeLast = Kind.Other;  // of what is not ignored
        int indicators = last == Kind.RegionalIndicator ? 1 : 0;
        while (at < text.Length)
        {
            int after = at;
            byte next = Next(text, ref after);
            Kind kind = Of(next), previous = Of(raw);
            if (previous == Kind.CR && kind == Kind.LF) return after;                                          // WB3
            if (IsNewline(previous) || IsNewline(kind)) return at;                                             // WB3a, WB3b
            bool joined = (previous == Kind.ZeroWidthJoiner && (next & PictographFlag) != 0)                   // WB3c
                || (previous == Kind.Space && kind == Kind.Space);                                             // WB3d
            if (!joined && IsIgnored(kind))                                                                    // WB4
            {
                (raw, at) = (next, after);
                continue;
            }

            if (!joined && !Joins(beforeLast, last, kind, text[after..], indicators)) return at;
            indicators = kind == Kind.RegionalIndicator ? indicators + 1 : 0;
            (beforeLast, last, raw, at) = (last, kind, next, after);
        }

        return at;
    }

    /// <summary>Whether a letter belongs to a script without spaces: each one is a segment of its own.</summary>
    /// <param name="rune">A code point.</param>
    public static bool IsUnspacedLetter(Rune rune) => Rune.IsLetter(rune) && Of(ClassOf(rune.Value)) == Kind.Other;

    // Rules WB5 to WB16; what is ignored is out of the way.
    private static bool Joins(Kind beforeLast, Kind last, Kind next, ReadOnlySpan<char> rest, int indicators) => (last, next) switch
    {
        (Kind.Letter or Kind.HebrewLetter, Kind.Letter or Kind.HebrewLetter) => true,                          // WB5
        (Kind.HebrewLetter, Kind.SingleQuote) => true,                                                         // WB7a
        (Kind.HebrewLetter, Kind.DoubleQuote) => First(rest) == Kind.HebrewLetter,                             // WB7b
        (Kind.DoubleQuote, Kind.HebrewLetter) => beforeLast == Kind.HebrewLetter,                              // WB7c
        (Kind.Letter or Kind.HebrewLetter, Kind.MidLetter or Kind.MidNumLet or Kind.SingleQuote) => IsLetter(First(rest)),  // WB6
        (Kind.MidLetter or Kind.MidNumLet or Kind.SingleQuote, Kind.Letter or Kind.HebrewLetter) => IsLetter(beforeLast),   // WB7
        (Kind.Numeric, Kind.Numeric) => true,                                                                  // WB8
        (Kind.Letter or Kind.HebrewLetter, Kind.Numeric) => true,                                              // WB9
        (Kind.Numeric, Kind.Letter or Kind.HebrewLetter) => true,                                              // WB10
        (Kind.MidNum or Kind.MidNumLet or Kind.SingleQuote, Kind.Numeric) => beforeLast == Kind.Numeric,       // WB11
        (Kind.Numeric, Kind.MidNum or Kind.MidNumLet or Kind.SingleQuote) => First(rest) == Kind.Numeric,      // WB12
        (Kind.Katakana, Kind.Katakana) => true,                                                                // WB13
        (Kind.Letter or Kind.HebrewLetter or Kind.Numeric or Kind.Katakana or Kind.ExtendNumLet, Kind.ExtendNumLet) => true,  // WB13a
        (Kind.ExtendNumLet, Kind.Letter or Kind.HebrewLetter or Kind.Numeric or Kind.Katakana) => true,        // WB13b
        (Kind.RegionalIndicator, Kind.RegionalIndicator) => indicators % 2 == 1,                               // WB15, WB16
        _ => false,
    };

    private static bool IsLetter(Kind kind) => kind is Kind.Letter or Kind.HebrewLetter;

    private static bool IsNewline(Kind kind) => kind is Kind.CR or Kind.LF or Kind.Newline;

    private static bool IsIgnored(Kind kind) => kind is Kind.Extend or Kind.Format or Kind.ZeroWidthJoiner;

    // Of the first character that is not ignored.
    private static Kind First(ReadOnlySpan<char> text)
    {
        for (int at = 0; at < text.Length;)
        {
            Kind kind = Of(Next(text, ref at));
            if (!IsIgnored(kind)) return kind;
        }

        return Kind.Other;
    }

    private static Kind Of(byte entry) => (Kind)(entry & ~PictographFlag);

    private static byte Next(ReadOnlySpan<char> text, ref int at)
    {
        char unit = text[at];
        if (!char.IsSurrogate(unit))
        {
            at++;
            return Classes[unit];
        }

        _ = Rune.DecodeFromUtf16(text[at..], out Rune rune, out int length);
        at += length;
        return ClassOf(rune.Value);
    }

    // Beyond the table are ideographs, tags and variation selectors.
    private static byte ClassOf(int point) => point < Tabled ? Classes[point] : point switch
    {
        0xE0001 => (byte)Kind.Format,
        (>= 0xE0020 and <= 0xE007F) or (>= 0xE0100 and <= 0xE01EF) => (byte)Kind.Extend,
        _ => (byte)Kind.Other,
    };

    private static byte[] Read()
    {
        byte[] classes = new byte[Tabled];
        foreach ((string table, Kind kind) in new[]
        {
            ("D", Kind.CR), ("A", Kind.LF), ("B-C 85 2028-2029", Kind.Newline), ("27", Kind.SingleQuote), ("22", Kind.DoubleQuote),
            ("200D", Kind.ZeroWidthJoiner), (WordBreakTables.ALetter, Kind.Letter), (WordBreakTables.Extend, Kind.Extend),
            (WordBreakTables.ExtendNumLet, Kind.ExtendNumLet), (WordBreakTables.Format, Kind.Format),
            (WordBreakTables.HebrewLetter, Kind.HebrewLetter), (WordBreakTables.Katakana, Kind.Katakana),
            (WordBreakTables.MidLetter, Kind.MidLetter), (WordBreakTables.MidNum, Kind.MidNum),
            (WordBreakTables.MidNumLet, Kind.MidNumLet), (WordBreakTables.Numeric, Kind.Numeric),
            (WordBreakTables.RegionalIndicator, Kind.RegionalIndicator), (WordBreakTables.WSegSpace, Kind.Space),
        })
        {
            foreach (int point in Points(table)) classes[point] = (byte)kind;
        }

        foreach (int point in Points(WordBreakTables.Pictographs)) classes[point] |= PictographFlag;
        return classes;
    }

    private static IEnumerable<int> Points(string table) =>
        CodePoints.Entries(table).SelectMany(CodePoints.Range).Where(point => point < Tabled);
}
