using System.Buffers.Binary;
using System.Text;

namespace Unweave.Onnx;

/// <summary>
/// The rewriting rules of a SentencePiece model: from a string to another, the longest that applies first. In the file they are a
/// double array, a trie whose nodes are 32-bit units, over the UTF-8 of what is replaced, and the replacements one after the other.
/// </summary>
internal sealed class CharacterMap
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly uint[] units;
    private readonly byte[] replacements;
    private readonly string where;

    /// <param name="blob">The size of the double array in bytes, the double array, and the replacements, each ended by a zero.</param>
    /// <param name="where">The file, for messages.</param>
    public CharacterMap(ReadOnlySpan<byte> blob, string where)
    {
        this.where = where;
        uint size = blob.Length > sizeof(uint) ? BinaryPrimitives.ReadUInt32LittleEndian(blob) : 0;
        if (size == 0 || size % sizeof(uint) != 0 || size >= blob.Length - sizeof(uint)) throw Broken();
        units = new uint[size / sizeof(uint)];
        for (int i = 0; i < units.Length; i++) units[i] = BinaryPrimitives.ReadUInt32LittleEndian(blob[(sizeof(uint) * (i + 1))..]);
        replacements = blob[(sizeof(uint) + (int)size)..].ToArray();
    }

    /// <summary>The longest rule that some UTF-8 starts with: how many bytes it replaces, and by what; a length of 0 where none applies.</summary>
    public (int Length, string Replacement) Longest(ReadOnlySpan<byte> text)
    {
        int length = 0;
        uint value = 0;
        uint node = Offset(units[0]);
        for (int i = 0; i < text.Length; i++)
        {
            node ^= text[i];
            uint unit = UnitAt(node);
            if ((unit & 0x800000FF) != text[i]) break;
            node ^= Offset(unit);

            // The unit at a node's own offset, by a label of zero, holds the value of what ends there.
            if ((unit & 0x100) != 0) (length, value) = (i + 1, UnitAt(node) & 0x7FFFFFFF);
        }

        if (length == 0) return (0, "");
        if (length < text.Length && (text[length] & 0xC0) == 0x80) throw Broken();
        return (length, ReplacementAt(value));
    }

    private static uint Offset(uint unit) => (unit >> 10) << (int)((unit & 0x200) >> 6);

    private uint UnitAt(uint node) => node < units.Length ? units[node] : throw Broken();

    private string ReplacementAt(uint start)
    {
        if (start >= replacements.Length) throw Broken();
        ReadOnlySpan<byte> rest = replacements.AsSpan((int)start);
        int end = rest.IndexOf((byte)0);
        try
        {
            return Strict.GetString(end < 0 ? rest : rest[..end]);
        }
        catch (DecoderFallbackException e)
        {
            throw new InputException(Broken().Message, e);
        }
    }

    private InputException Broken() => new($"{where}: the rules for rewriting characters (precompiled_charsmap) are broken; download the file again.");
}
