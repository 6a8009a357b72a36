using System.Globalization;
using System.Text;

namespace Unweave.Onnx;

/// <summary>Normalizes and cuts text as BERT does, and keeps the place in the original.</summary>
/// <param name="Clean">Whether control characters are dropped and every blank is a space.</param>
/// <param name="SeparateIdeographs">Whether every ideograph is a word.</param>
/// <param name="StripAccents">Whether letters lose their marks.</param>
/// <param name="Lower">Whether case is dropped.</param>
internal sealed record BertText(bool Clean, bool SeparateIdeographs, bool StripAccents, bool Lower)
{
    /// <summary>Nothing below it is a mark, or decomposes into one.</summary>
    private const char FirstOfInterest = '\u00C0';

    /// <summary>The words of a text, in order.</summary>
    public IEnumerable<AlignedText> Words(AlignedText text)
    {
        // In this order: a character that decomposes is cut as what it becomes, such as the equals sign of U+2260.
        text = Cleaned(text);
        if (StripAccents && text.Units.ContainsAnyInRange(FirstOfInterest, char.MaxValue))
            text = WithoutMarks(CanonicalForm.Apply(text, compose: false));
        return Parts(Lower ? Rewrites.Lower(text) : text);
    }

    private static IEnumerable<AlignedText> Parts(AlignedText text)
    {
        int from = 0;
        for (int at = 0, length; at < text.Length; at += length)
        {
            Rune rune = text.RuneAt(at);
            length = rune.Utf16SequenceLength;
            bool blank = Rune.IsWhiteSpace(rune), alone = Rune.IsPunctuation(rune) || (rune.IsAscii && Rune.IsSymbol(rune));
            if (!blank && !alone) continue;
            if (at > from) yield return text.Slice(from, at - from);
            if (alone) yield return text.Slice(at, length);
            from = at + length;
        }

        if (text.Length > from) yield return text.Slice(from, text.Length - from);
    }

    private AlignedText Cleaned(AlignedText text)
    {
        var output = new AlignedText.Builder(text.Length);
        for (int at = 0, length; at < text.Length; at += length)
        {
            Rune rune = text.RuneAt(at);
            length = rune.Utf16SequenceLength;
            bool line = rune.Value is '\t' or '\n' or '\r';
            if (Clean && !line && (rune.Value is 0 or 0xFFFD
                    || Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse))
                continue;
            bool alone = SeparateIdeographs && IsIdeograph(rune.Value);
            if (alone) output.Add(' ', text.StartOf(at), text.StartOf(at));
            output.Copy(text, at, length);
            if (alone) output.Add(' ', text.EndOf(at), text.EndOf(at));
        }

        return output.ToText();
    }

    // A mark that is dropped belongs to the letter before it.
    private static AlignedText WithoutMarks(AlignedText text)
    {
        var output = new AlignedText.Builder(text.Length);
        bool inWord = false;
        for (int at = 0, length; at < text.Length; at += length)
        {
            Rune rune = text.RuneAt(at);
            length = rune.Utf16SequenceLength;
            if (Rune.GetUnicodeCategory(rune) != UnicodeCategory.NonSpacingMark) output.Copy(text, at, length);
            else if (inWord) output.Extend(text.EndOf(at + length - 1));
            inWord = output.Length > 0 && !Rune.IsWhiteSpace(rune);
        }

        return output.ToText();
    }

    private static bool IsIdeograph(int value) =>
        value is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x20000 and <= 0x2A6DF)
            or (>= 0x2A700 and <= 0x2B81F) or (>= 0x2B920 and <= 0x2CEAF) or (>= 0x2F800 and <= 0x2FA1F);
}
