using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Unweave.Retrieval.Postings;

/// <summary>
/// The rows of a block that have an item (a latent, or a word), packed: 16-bit row numbers by their distances, in as many bits as the
/// largest of 64 needs, and a level of 1 to 32 for each, in 5 bits.
/// </summary>
/// <remarks>
/// The list is its length − 1 (16 bits); for each chunk of at most 64 rows its first row (16 bits) and the bits of a distance (8 bits);
/// then for each chunk the other rows, each by its distance − 1 from the one before, and the levels − 1. Values lie side by side from the
/// lowest bit of the first byte on, so that eight of them begin at a whole byte. What says where chunks are lies together, so that those
/// that are not wanted are skipped without a look at them.
/// </remarks>
internal static unsafe class PostingList
{
    /// <summary>Rows of a block: what 16 bits can number.</summary>
    public const int Block = 1 << 16;

    /// <summary>The highest level.</summary>
    public const int Levels = 1 << LevelBits;

    /// <summary>Bytes after the last list that reading may touch.</summary>
    public const int Slack = 32;

    private const int Chunk = 64, LevelBits = 5, ListHeader = 2, ChunkHeader = 3;

    private static readonly Unpacking[] unpackings = [.. Enumerable.Range(0, 17).Select(bits => new Unpacking(bits))];

    /// <summary>Appends a list.</summary>
    /// <param name="target">Where to.</param>
    /// <param name="rows">Ascending rows of the block, 1 to 65,536 of them.</param>
    /// <param name="levels">A level from 0 (lowest) to 31 for each.</param>
    public static void Write(IBufferWriter<byte> target, ReadOnlySpan<ushort> rows, ReadOnlySpan<byte> levels)
    {
        Span<byte> header = target.GetSpan(ListHeader);
        BinaryPrimitives.WriteUInt16LittleEndian(header, checked((ushort)(rows.Length - 1)));
        target.Advance(ListHeader);
        for (int first = 0; first < rows.Length; first += Chunk)
        {
            Span<byte> entry = target.GetSpan(ChunkHeader);
            BinaryPrimitives.WriteUInt16LittleEndian(entry, rows[first]);
            entry[2] = (byte)DistanceBits(rows.Slice(first, Math.Min(Chunk, rows.Length - first)));
            target.Advance(ChunkHeader);
        }

        for (int first = 0; first < rows.Length; first += Chunk)
        {
            int count = Math.Min(Chunk, rows.Length - first), bits = DistanceBits(rows.Slice(first, count));
            int length = Bytes(count - 1, bits) + Bytes(count, LevelBits);
            Span<byte> chunk = target.GetSpan(length)[..length];
            chunk.Clear();
            Span<byte> distances = chunk, strengths = distances[Bytes(count - 1, bits)..];
            for (int i = 1; i < count; i++) Put(distances, (i - 1) * bits, bits, rows[first + i] - rows[first + i - 1] - 1);
            for (int i = 0; i < count; i++) Put(strengths, i * LevelBits, LevelBits, levels[first + i]);
            target.Advance(length);
        }
    }

    /// <summary>How many rows a list has.</summary>
    public static int Count(byte* list) => Unsafe.ReadUnaligned<ushort>(list) + 1;

    /// <summary>Adds weight × level to the score of each row of a list.</summary>
    /// <param name="list">The list.</param>
    /// <param name="weight">What a level is worth; no score may pass 65,535.</param>
    /// <param name="scores">A score for each row of the block.</param>
    public static void Accumulate(byte* list, uint weight, ushort* scores)
    {
        uint* distances = stackalloc uint[Chunk + 8], added = stackalloc uint[Chunk + 8];
        int left = Count(list);
        byte* entry = list + ListHeader, at = entry + EntriesLength(left);
        for (; left > 0; left -= Chunk, entry += ChunkHeader)
            at = Accumulate(entry, at, Math.Min(Chunk, left), weight, scores, distances, added);
    }

    /// <summary>The same of the chunks that may have rows in some ranges; other rows of these chunks are scored too.</summary>
    /// <param name="list">The list.</param>
    /// <param name="weight">What a level is worth; no score may pass 65,535.</param>
    /// <param name="ranges">First row and the row after the last of each range, ascending.</param>
    /// <param name="scores">A score for each row of the block.</param>
    public static void Accumulate(byte* list, uint weight, ReadOnlySpan<(int First, int End)> ranges, ushort* scores)
    {
        uint* distances = stackalloc uint[Chunk + 8], added = stackalloc uint[Chunk + 8];
        int left = Count(list), range = 0;
        byte* entry = list + ListHeader, at = entry + EntriesLength(left);
        for (; left > 0; left -= Chunk, entry += ChunkHeader)
        {
            int count = Math.Min(Chunk, left), first = *(ushort*)entry, end = left > Chunk ? *(ushort*)(entry + ChunkHeader) : Block;
            while (range < ranges.Length && ranges[range].End <= first) range++;
            if (range == ranges.Length) return;
            if (ranges[range].First < end) _ = Accumulate(entry, at, count, weight, scores, distances, added);
            at += Bytes(count - 1, entry[2]) + Bytes(count, LevelBits);
        }
    }

    /// <summary>Reads a list whole.</summary>
    /// <param name="list">The list.</param>
    /// <param name="rows">Room for its rows, ascending.</param>
    /// <param name="levels">Room for their levels, 1 to 32.</param>
    /// <returns>How many rows it has.</returns>
    public static int Read(byte* list, Span<ushort> rows, Span<byte> levels)
    {
        uint* distances = stackalloc uint[Chunk + 8], strengths = stackalloc uint[Chunk + 8];
        int total = Count(list);
        byte* entry = list + ListHeader, at = entry + EntriesLength(total);
        for (int done = 0; done < total; done += Chunk, entry += ChunkHeader)
        {
            int count = Math.Min(Chunk, total - done);
            byte* packed = Unpack(at, entry[2], count, distances);
            UnpackLevels(packed, count, strengths);
            uint row = *(ushort*)entry;
            for (int i = 0; i < count; i++)
            {
                if (i > 0) row += distances[i - 1] + 1;
                rows[done + i] = (ushort)row;
                levels[done + i] = (byte)(strengths[i] + 1);
            }

            at = packed + Bytes(count, LevelBits);
        }

        return total;
    }

    /// <summary>
    /// Whether a list is well formed: inside its place, in ascending rows below a bound. What is checked once is then read without checks.
    /// </summary>
    /// <param name="list">The list.</param>
    /// <param name="length">Bytes of its place.</param>
    /// <param name="bound">Rows of the block.</param>
    public static bool IsWhole(byte* list, long length, int bound)
    {
        if (length < ListHeader) return false;
        uint* distances = stackalloc uint[Chunk + 8];
        int left = Count(list);
        byte* entry = list + ListHeader;
        long at = ListHeader + EntriesLength(left), last = -1;
        if (at > length) return false;
        for (; left > 0; left -= Chunk, entry += ChunkHeader)
        {
            int count = Math.Min(Chunk, left);
            if (entry[2] > 16) return false;
            long next = at + Bytes(count - 1, entry[2]) + Bytes(count, LevelBits);
            if (next > length || *(ushort*)entry <= last) return false;
            _ = Unpack(list + at, entry[2], count, distances);
            last = *(ushort*)entry;
            for (int i = 1; i < count; i++) last += distances[i - 1] + 1;
            if (last >= bound) return false;
            at = next;
        }

        return at == length;
    }

    // Returns where the next chunk begins.
    private static byte* Accumulate(byte* entry, byte* chunk, int count, uint weight, ushort* scores, uint* distances, uint* added)
    {
        byte* levels = Unpack(chunk, entry[2], count, distances);
        if (Avx2.IsSupported)
        {
            Unpacking five = unpackings[LevelBits];
            Vector256<uint> worth = Vector256.Create(weight);
            byte* source = levels;
            for (int i = 0; i < count; i += 8, source += LevelBits)
                ((five.Eight(source) + Vector256<uint>.One) * worth).Store(added + i);
        }
        else
        {
            UnpackEach(levels, count, LevelBits, added);
            for (int i = 0; i < count; i++) added[i] = (added[i] + 1) * weight;
        }

        uint row = *(ushort*)entry;
        scores[row] += (ushort)added[0];
        int next = 1;
        for (; next + 4 <= count; next += 4)
        {
            uint first = row + distances[next - 1] + 1, second = first + distances[next] + 1, third = second + distances[next + 1] + 1;
            row = third + distances[next + 2] + 1;
            scores[first] += (ushort)added[next];
            scores[second] += (ushort)added[next + 1];
            scores[third] += (ushort)added[next + 2];
            scores[row] += (ushort)added[next + 3];
        }

        for (; next < count; next++)
        {
            row += distances[next - 1] + 1;
            scores[row] += (ushort)added[next];
        }

        return levels + Bytes(count, LevelBits);
    }

    private static int EntriesLength(int rows) => (rows + Chunk - 1) / Chunk * ChunkHeader;

    private static int DistanceBits(ReadOnlySpan<ushort> rows)
    {
        int largest = 0;
        for (int i = 1; i < rows.Length; i++) largest = Math.Max(largest, rows[i] - rows[i - 1] - 1);
        return 32 - int.LeadingZeroCount(largest);
    }

    private static int Bytes(int count, int bits) => ((count * bits) + 7) >> 3;

    private static void Put(Span<byte> target, int bit, int bits, int value)
    {
        for (int i = 0; i < bits; i++)
            if ((value >> i & 1) != 0) target[bit + i >> 3] |= (byte)(1 << (bit + i & 7));
    }

    // The distances of a chunk; returns where its levels begin.
    private static byte* Unpack(byte* chunk, int bits, int count, uint* distances)
    {
        byte* source = chunk;
        if (Avx2.IsSupported)
        {
            Unpacking unpacking = unpackings[bits];
            for (int i = 0; i < count - 1; i += 8, source += bits) unpacking.Eight(source).Store(distances + i);
        }
        else
        {
            UnpackEach(source, count - 1, bits, distances);
        }

        return chunk + Bytes(count - 1, bits);
    }

    private static void UnpackLevels(byte* source, int count, uint* levels)
    {
        if (Avx2.IsSupported)
        {
            Unpacking five = unpackings[LevelBits];
            for (int i = 0; i < count; i += 8, source += LevelBits) five.Eight(source).Store(levels + i);
        }
        else
        {
            UnpackEach(source, count, LevelBits, levels);
        }
    }

    private static void UnpackEach(byte* source, int count, int bits, uint* values)
    {
        uint mask = (1u << bits) - 1;
        for (int i = 0, bit = 0; i < count; i++, bit += bits)
            values[i] = Unsafe.ReadUnaligned<uint>(source + (bit >> 3)) >> (bit & 7) & mask;
    }

    /// <summary>How eight values of so many bits, which fill as many bytes, come to lie in lanes of 32 bits.</summary>
    private sealed class Unpacking
    {
        private readonly Vector256<byte> places; // the bytes from the one in which a value begins
        private readonly Vector256<uint> shifts, mask;

        public Unpacking(int bits)
        {
            Span<byte> bytes = stackalloc byte[32];
            Span<uint> shift = stackalloc uint[8];
            for (int i = 0; i < 8; i++)
            {
                int first = i * bits >> 3;
                shift[i] = (uint)(i * bits & 7);
                for (int b = 0; b < 4; b++) bytes[(4 * i) + b] = first + b < 16 ? (byte)(first + b) : (byte)0x80;
            }

            places = Vector256.Create<byte>(bytes);
            shifts = Vector256.Create<uint>(shift);
            mask = Vector256.Create((uint)((1 << bits) - 1));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector256<uint> Eight(byte* source)
        {
            Vector256<byte> both = Avx2.BroadcastVector128ToVector256(source);
            return Avx2.ShiftRightLogicalVariable(Avx2.Shuffle(both, places).AsUInt32(), shifts) & mask;
        }
    }
}
