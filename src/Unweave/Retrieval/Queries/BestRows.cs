using System.Buffers;
using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Unweave.Numerics;

namespace Unweave.Retrieval.Queries;

/// <summary>
/// The best rows of a scan: of higher score first, of equal ones the row that comes first. What cannot be among them any more is below
/// <see cref="Threshold"/>.
/// </summary>
internal sealed class BestRows(int wanted)
{
    private ulong[] kept = new ulong[1024]; // score and row, so that they order as one number
    private int count;

    /// <summary>How many are wanted.</summary>
    public int Wanted { get; private set; } = wanted;

    /// <summary>How many there are so far; more than wanted until they are cut.</summary>
    public int Count => count;

    /// <summary>Begins anew, in the same memory.</summary>
    public BestRows Begin(int howMany)
    {
        (Wanted, count, Threshold) = (howMany, 0, 0);
        return this;
    }

    /// <summary>A row that comes later enters only above this score (as the bits of a positive float, or a whole number).</summary>
    public uint Threshold { get; private set; }

    /// <summary>Adds a row whose score is above the threshold; rows come in ascending order.</summary>
    public void Add(uint score, uint row)
    {
        if (count == kept.Length) Array.Resize(ref kept, 2 * count);
        kept[count++] = ((ulong)score << 32) | (uint.MaxValue - row);
    }

    /// <summary>Adds the values above 0, each under its place, as far as they may be among the best.</summary>
    public void AddPositive(ReadOnlySpan<float> values)
    {
        Threshold = Unsafe.BitCast<float, uint>(MathF.BitDecrement(Math.Max(PositiveBound(values, Wanted), float.Epsilon)));
        ref float first = ref MemoryMarshal.GetReference(values);
        var above = Vector256.Create(Unsafe.BitCast<uint, float>(Threshold));
        int at = 0;
        for (; at + Vector256<float>.Count <= values.Length; at += Vector256<float>.Count)
        {
            uint found = Vector256.GreaterThan(Vector256.LoadUnsafe(ref first, (nuint)at), above).ExtractMostSignificantBits();
            for (; found != 0; found &= found - 1) AddValue(values, at + BitOperations.TrailingZeroCount(found));
        }

        for (; at < values.Length; at++)
            if (values[at] > 0 && Unsafe.BitCast<float, uint>(values[at]) > Threshold) AddValue(values, at);
        Cut();

        void AddValue(ReadOnlySpan<float> values, int at) => Add(Unsafe.BitCast<float, uint>(values[at]), (uint)at);
    }

    // At least so many values as are wanted reach it: they are the largest of groups that have no value in common. 0 where there are too
    // few.
    private static float PositiveBound(ReadOnlySpan<float> values, int wanted)
    {
        int groups = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(4 * Math.Min(wanted, values.Length), Vector256<float>.Count));
        if (wanted == 0 || values.Length < 2 * groups) return 0;
        float[] largest = ArrayPool<float>.Shared.Rent(groups);
        values[..groups].CopyTo(largest);
        for (int at = groups; at + groups <= values.Length; at += groups)
            TensorPrimitives.Max(largest.AsSpan(0, groups), values.Slice(at, groups), largest.AsSpan(0, groups));
        float bound = Selection.KthLargest(largest.AsSpan(0, groups), wanted);
        ArrayPool<float>.Shared.Return(largest);
        return bound;
    }

    /// <summary>Takes back what was added after a mark.</summary>
    public void Truncate(int mark) => count = mark;

    /// <summary>Leaves out what is not wanted, and raises the threshold where enough were found.</summary>
    public void Cut()
    {
        if (count < Wanted || Wanted == 0) return;
        Select(kept.AsSpan(0, count), Wanted);
        count = Wanted;
        Threshold = (uint)(kept[Wanted - 1] >> 32);
    }

    /// <summary>The best, best first.</summary>
    public (uint Score, uint Row)[] Take()
    {
        Cut();
        kept.AsSpan(0, count).Sort(static (a, b) => b.CompareTo(a));
        return TakeUnordered();
    }

    /// <summary>The best in any order.</summary>
    public (uint Score, uint Row)[] TakeUnordered()
    {
        Cut();
        var best = new (uint, uint)[Math.Min(count, Wanted)];
        for (int i = 0; i < best.Length; i++) best[i] = ((uint)(kept[i] >> 32), uint.MaxValue - (uint)kept[i]);
        return best;
    }

    // Quickselect: the largest come first, and the smallest of them last.
    private static void Select(Span<ulong> values, int wanted)
    {
        int low = 0, high = values.Length - 1, target = wanted - 1;
        while (low < high)
        {
            ulong a = values[low], b = values[(low + high) >>> 1], c = values[high];
            ulong pivot = Math.Max(Math.Min(a, b), Math.Min(Math.Max(a, b), c));
            int i = low, j = high;
            while (i <= j)
            {
                while (values[i] > pivot) i++;
                while (values[j] < pivot) j--;
                if (i > j) break;
                (values[i], values[j]) = (values[j], values[i]);
                i++;
                j--;
            }

            if (target <= j) high = j;
            else if (target >= i) low = i;
            else break;
        }

        int least = 0;
        for (int i = 1; i < wanted; i++) least = values[i] < values[least] ? i : least;
        (values[least], values[wanted - 1]) = (values[wanted - 1], values[least]);
    }
}
