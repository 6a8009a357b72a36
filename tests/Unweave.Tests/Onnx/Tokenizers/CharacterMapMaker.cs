using System.Buffers.Binary;
using System.Text;

namespace Unweave.Tests.Onnx.Tokenizers;

/// <summary>Lays out a map of characters as SentencePiece does: a double array over the bytes of UTF-8, then the texts.</summary>
internal static class CharacterMapMaker
{
    public static byte[] Make(IReadOnlyDictionary<string, string> map)
    {
        var texts = new MemoryStream();
        var values = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach ((string from, string to) in map)
        {
            values[Latin(from)] = (int)texts.Length;
            texts.Write(Encoding.UTF8.GetBytes(to));
            texts.WriteByte(0);
        }

        var units = new SortedDictionary<uint, uint>();
        Place("", 0, 0);
        uint size = (units.Keys.Max() | 255) + 1;
        byte[] made = new byte[4 + (4 * size) + texts.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(made, 4 * size);
        foreach ((uint at, uint unit) in units) BinaryPrimitives.WriteUInt32LittleEndian(made.AsSpan((int)(4 + (4 * at))), unit);
        texts.ToArray().CopyTo(made, (int)(4 + (4 * size)));
        return made;

        // The unit of a prefix, then those of what goes on from it, at the first offset where all of these are free.
        void Place(string prefix, uint at, uint label)
        {
            units[at] = label;
            bool leaf = values.TryGetValue(prefix, out int value);
            char[] next = [.. values.Keys.Where(key => key.Length > prefix.Length && key.StartsWith(prefix, StringComparison.Ordinal))
                .Select(key => key[prefix.Length]).Distinct()];
            uint offset = 1;
            while ((leaf && Taken(at ^ offset)) || next.Any(letter => Taken(at ^ offset ^ letter))) offset++;
            units[at] = label | (offset << 10) | (leaf ? 256u : 0);
            if (leaf) units[at ^ offset] = 0x80000000 | (uint)value;
            foreach (char letter in next) units[at ^ offset ^ letter] = 0;
            foreach (char letter in next) Place(prefix + letter, at ^ offset ^ letter, letter);
        }

        bool Taken(uint at) => at == 0 || units.ContainsKey(at);
    }

    // A character for each byte.
    private static string Latin(string text) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));
}
