using System.Text;

namespace Unweave.Onnx;

/// <summary>
/// Text on its way to a model's tokens. Every UTF-16 code unit knows the range of the original text that it stands for, so that a
/// token found in normalized text is traced back to what was written.
/// </summary>
internal sealed class AlignedText
{
    private readonly char[] units;
    private readonly int[] starts;
    private readonly int[] ends;

    private AlignedText(char[] units, int[] starts, int[] ends)
    {
        this.units = units;
        this.starts = starts;
        this.ends = ends;
    }

    public int Length => units.Length;

    public ReadOnlySpan<char> Units => units;

    /// <summary>The original text, with each surrogate that has no partner replaced by U+FFFD, as UTF-8 would have it.</summary>
    public static AlignedText Align(string text)
    {
        char[] characters = text.ToCharArray();
        int[] from = new int[characters.Length], to = new int[characters.Length];
        for (int i = 0; i < characters.Length;)
        {
            // Both halves of a pair stand for the whole of it: no token ends inside a character of the original.
            int length = 1;
            if (char.IsHighSurrogate(characters[i]) && i + 1 < characters.Length && char.IsLowSurrogate(characters[i + 1])) length = 2;
            else if (char.IsSurrogate(characters[i])) characters[i] = '\uFFFD';
            for (int j = i; j < i + length; j++) (from[j], to[j]) = (i, i + length);
            i += length;
        }

        return new AlignedText(characters, from, to);
    }

    /// <summary>A part of the text.</summary>
    public AlignedText Slice(int start, int length) => start == 0 && length == units.Length ? this
        : new(units[start..(start + length)], starts[start..(start + length)], ends[start..(start + length)]);

    /// <summary>Where a unit starts in the original text.</summary>
    public int StartOf(int unit) => starts[unit];

    /// <summary>Where a unit ends in the original text.</summary>
    public int EndOf(int unit) => ends[unit];

    /// <summary>The character at a unit; the text is well-formed, so there is one.</summary>
    public Rune RuneAt(int unit)
    {
        Rune.DecodeFromUtf16(units.AsSpan(unit), out Rune rune, out _);
        return rune;
    }

    /// <summary>Writes a text unit by unit.</summary>
    internal sealed class Builder(int capacity)
    {
        private char[] units = new char[capacity];
        private int[] starts = new int[capacity];
        private int[] ends = new int[capacity];

        public int Length { get; private set; }

        /// <summary>Adds a unit that stands for a range of the original text.</summary>
        public void Add(char unit, int start, int end)
        {
            if (Length == units.Length)
            {
                int size = Math.Max(16, Length + (Length / 2));
                Array.Resize(ref units, size);
                Array.Resize(ref starts, size);
                Array.Resize(ref ends, size);
            }

            units[Length] = unit;
            starts[Length] = start;
            ends[Length++] = end;
        }

        /// <summary>Adds a character that stands for a range of the original text.</summary>
        public void Add(Rune rune, int start, int end)
        {
            Span<char> pair = stackalloc char[2];
            foreach (char unit in pair[..rune.EncodeToUtf16(pair)]) Add(unit, start, end);
        }

        /// <summary>Lets the last character stand for more of the original text.</summary>
        public void Extend(int end)
        {
            ends[Length - 1] = end;
            if (Length > 1 && char.IsSurrogatePair(units[Length - 2], units[Length - 1])) ends[Length - 2] = end;
        }

        /// <summary>Adds a range of another text as it is.</summary>
        public void Copy(AlignedText text, int start, int length)
        {
            for (int i = start; i < start + length; i++) Add(text.units[i], text.starts[i], text.ends[i]);
        }

        public AlignedText ToText() => new(units[..Length], starts[..Length], ends[..Length]);
    }
}
