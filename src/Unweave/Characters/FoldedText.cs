using System.Text;

namespace Unweave.Characters;

/// <summary>
/// Text as it is compared: NFKC, case folded one letter to one, without format characters and variation selectors, and with a straight
/// apostrophe for a curved one. Accents stay. Texts that differ only so have the same folded text.
/// </summary>
/// <remarks>
/// To upper case and back to lower puts letters together as Unicode's simple case folding does (σ and ς; K and the Kelvin sign), except
/// that Cherokee ends in lower case.
/// </remarks>
internal sealed class FoldedText
{
    private readonly List<int> points = [], folded = [];
    private char[] units = new char[32];

    /// <summary>Folds a text.</summary>
    /// <param name="text">The text.</param>
    /// <returns>What it folds to, which may be changed and which the next call overwrites.</returns>
    public Span<char> Fold(ReadOnlySpan<char> text)
    {
        Grow(text.Length);
        if (Ascii.IsValid(text))
        {
            _ = Ascii.ToLower(text, units, out int written);
            return units.AsSpan(0, written);
        }

        points.Clear();
        foreach (Rune rune in text.EnumerateRunes()) NormalForm.Decompose(rune.Value, compatibility: true, points);
        folded.Clear();
        foreach (int point in points)
            if (Fold(point) is { } seen) NormalForm.Decompose(seen, compatibility: true, folded);
        NormalForm.Order(folded);
        NormalForm.Compose(folded);
        Grow(folded.Count * 2);
        int length = 0;
        foreach (int point in folded) length += new Rune(point).EncodeToUtf16(units.AsSpan(length));
        return units.AsSpan(0, length);
    }

    private static int? Fold(int point)
    {
        if (point == '\u2019') return '\'';
        if (point is 0x34F or (>= 0xFE00 and <= 0xFE0F) or (>= 0xE0100 and <= 0xE01EF)) return null;
        var rune = new Rune(point);
        return Rune.GetUnicodeCategory(rune) is System.Globalization.UnicodeCategory.Format
            ? null : Rune.ToLowerInvariant(Rune.ToUpperInvariant(rune)).Value;
    }

    private void Grow(int length)
    {
        if (units.Length < length) units = new char[Math.Max(length, units.Length * 2)];
    }
}
