using System.Globalization;
using System.Text;

namespace Unweave.Catalog;

/// <summary>Text as the full-text index takes it. What a person types is data: no character of it is syntax.</summary>
internal static class SearchText
{
    private const int LongestQuery = 1000, MostWords = 32;

    private static readonly char[] Separators = [.. Enumerable.Range(0, char.MaxValue).Select(code => (char)code)
        .Where(c => char.IsWhiteSpace(c) || char.IsControl(c) || c == '"')];

    /// <summary>
    /// A text for the index: control characters and half characters become spaces, and every character of a script that is written without
    /// spaces (Chinese, Japanese) becomes a word of its own.
    /// </summary>
    public static string Plain(string text)
    {
        if (Ascii.IsValid(text) && !text.AsSpan().ContainsAnyInRange('\0', '\u001f')) return text;
        var plain = new StringBuilder(text.Length + 16);
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (rune == Rune.ReplacementChar || Rune.IsControl(rune)) plain.Append(' ');
            else if (StandsAlone(rune.Value)) plain.Append(' ').Append(rune).Append(' ');
            else plain.Append(rune);
        }

        return plain.ToString();
    }

    /// <summary>
    /// The query that finds all words of a text, each whole, or as the beginning of one where <c>*</c> follows it; null where it has none.
    /// Only its first 32 words and 1,000 characters count.
    /// </summary>
    public static string? Match(string? text)
    {
        if (text is null) return null;
        IEnumerable<string> words = (text.Length > LongestQuery ? text[..LongestQuery] : text).Split(
            Separators, StringSplitOptions.RemoveEmptyEntries)
            // A word of punctuation alone would find nothing.
            .Where(word => word.EnumerateRunes().Any(IsWordPart)).Take(MostWords)
            .Select(word => $"\"{Plain(word.TrimEnd('*')).Trim()}\"" + (word.EndsWith('*') ? "*" : ""));
        string match = string.Join(' ', words);
        return match.Length == 0 ? null : match;
    }

    /// <summary>The number that a text is, if it is nothing else; a <c>#</c> may stand before it.</summary>
    public static int? Number(string? text) =>
        text is { Length: < 32 } && int.TryParse(
            text.AsSpan().Trim().TrimStart('#'), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;

    private static bool IsWordPart(Rune rune) =>
        Rune.IsLetterOrDigit(rune) || Rune.GetUnicodeCategory(rune) is UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber
            or UnicodeCategory.PrivateUse;

    private static bool StandsAlone(int rune) =>
        rune is (>= 0x3040 and <= 0x30ff) or (>= 0x3400 and <= 0x4dbf) or (>= 0x4e00 and <= 0x9fff) or (>= 0xf900 and <= 0xfaff)
            or (>= 0x20000 and <= 0x3ffff);
}
