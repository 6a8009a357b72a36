using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Unweave.Onnx;

/// <summary>
/// What SentencePiece makes of characters before it cuts a text (<c>precompiled_charsmap</c>): a double array over the bytes of UTF-8, and
/// the texts that it leads to.
/// </summary>
internal sealed class CharacterMap
{
    private const int MostOfOneGrapheme = 6;

    private readonly uint[] units;
    private readonly byte[] texts;

    private CharacterMap(uint[] units, byte[] texts)
    {
        this.units = units;
        this.texts = texts;
    }

    /// <summary>Reads a map.</summary>
    /// <exception cref="InputException">It is damaged.</exception>
    public static CharacterMap Read(ReadOnlySpan<byte> bytes, string file)
    {
        uint size = bytes.Length < 8 ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        if (size == 0 || size % 4 != 0 || size > bytes.Length - 4)
            throw new InputException($"{file} has a precompiled_charsmap that is not whole; fetch it again.");
        uint[] array = new uint[size / 4];
        for (int i = 0; i < array.Length; i++) array[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(4 + (4 * i))..]);
        return new CharacterMap(array, bytes[(4 + (int)size)..].ToArray());
    }

    /// <summary>
    /// The text as the library of tokenizer.json rewrites it: a short grapheme as a whole, by the shortest entry that it starts with, else
    /// character by character.
    /// </summary>
    public AlignedText ByGrapheme(AlignedText text)
    {
        var output = new AlignedText.Builder(text.Length);
        Span<byte> utf8 = stackalloc byte[MostOfOneGrapheme];
        string all = text.Units.ToString();
        for (int at = 0, length; at < all.Length; at += length)
        {
            length = StringInfo.GetNextTextElementLength(all, at);
            int bytes = Encoding.UTF8.GetByteCount(all.AsSpan(at, length));
            if (bytes < MostOfOneGrapheme && Write(at, length, utf8)) continue;
            for (int one = at, width; one < at + length; one += width)
            {
                width = text.RuneAt(one).Utf16SequenceLength;
                if (!Write(one, width, utf8)) output.Copy(text, one, width);
            }
        }

        return output.ToText();

        bool Write(int at, int length, Span<byte> utf8)
        {
            ReadOnlySpan<byte> chunk = utf8[..Encoding.UTF8.GetBytes(all.AsSpan(at, length), utf8)];
            int found = Find(chunk, longest: false).Found;
            if (found < 0) return false;
            foreach (char unit in Text(found)) output.Add(unit, text.StartOf(at), text.EndOf(at + length - 1));
            return true;
        }
    }

    /// <summary>
    /// What SentencePiece makes of the start of a text: the longest entry's text and how many units it stands for; null where there is
    /// none.
    /// </summary>
    public (string Text, int Length)? Longest(ReadOnlySpan<char> text)
    {
        const int most = 64; // entries are of a few characters
        Span<byte> utf8 = stackalloc byte[3 * most];
        int shown = Math.Min(text.Length, most);
        if (shown < text.Length && char.IsHighSurrogate(text[shown - 1])) shown--;
        ReadOnlySpan<byte> bytes = utf8[..Encoding.UTF8.GetBytes(text[..shown], utf8)];
        (int found, int length) = Find(bytes, longest: true);
        return found < 0 ? null : (Text(found), Encoding.UTF8.GetCharCount(bytes[..length]));
    }

    private (int Found, int Length) Find(ReadOnlySpan<byte> bytes, bool longest)
    {
        (int Found, int Length) best = (-1, 0);
        uint place = Offset(units[0]);
        for (int i = 0; i < bytes.Length; i++)
        {
            place ^= bytes[i];
            if (place >= units.Length || (units[place] & 0x800000FF) != bytes[i]) break;
            uint unit = units[place];
            place ^= Offset(unit);
            if ((unit >> 8 & 1) == 0) continue;
            if (place >= units.Length) break;
            best = ((int)(units[place] & 0x7FFFFFFF), i + 1);
            if (!longest) break;
        }

        return best;
    }

    private string Text(int at)
    {
        if (at >= texts.Length) return "";
        ReadOnlySpan<byte> rest = texts.AsSpan(at);
        int end = rest.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? rest : rest[..end]);
    }

    private static uint Offset(uint unit) => unit >> 10 << (int)((unit & 512) >> 6);
}
