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
    private const int Step = 8;

    private ulong[] kept = new ulong[Math.Clamp(4L * wanted, 1024, 1 << 16)]; // score and row, so that they order as one number
    private int count;

    /// <summary>How many are wanted.</summary>
    public int Wanted { get; } = wanted;

    /// <summary>How many there are so far; more than wanted until they are cut.</summary>
    public int Count => count;

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
        // Where a sample says what the wanted ones are above, one look is enough, and selecting is for these few.
        if (values.Length >= 2 * Step * Wanted)
        {
            float[] sample = new float[values.Length / Step];
            for (int i = 0; i < sample.Length; i++) sample[i] = values[i * Step];
            float guess = Selection.KthLargest(sample, Math.Min(sample.Length, (Wanted * 3 / 2 / Step) + 8));
            if (guess > 0) Threshold = Unsafe.BitCast<float, uint>(guess);
        }

        AddAbove(values);
        if (count >= Wanted || Threshold == 0) return;
        (count, Threshold) = (0, 0); // the sample misled
        AddAbove(values);
    }

    private void AddAbove(ReadOnlySpan<float> values)
    {
        ref float first = ref MemoryMarshal.GetReference(values);
        for (int at = 0; at < values.Length; at += Vector256<float>.Count)
        {
            // Most values are below what has been found already, eight at a time.
            if (at + Vector256<float>.Count <= values.Length && !Vector256.GreaterThanAny(
                Vector256.LoadUnsafe(ref first, (nuint)at), Vector256.Create(Unsafe.BitCast<uint, float>(Threshold)))) continue;
            for (int i = at; i < Math.Min(values.Length, at + Vector256<float>.Count); i++)
            {
                uint bits = Unsafe.BitCast<float, uint>(values[i]);
                if (values[i] > 0 && bits > Threshold) Add(bits, (uint)i);
            }

            if (count >= 2 * Wanted) Cut();
        }
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
        Array.Sort(kept, 0, count);
        var best = new (uint, uint)[Math.Min(count, Wanted)];
        for (int i = 0; i < best.Length; i++)
        {
            ulong own = kept[count - 1 - i];
            best[i] = ((uint)(own >> 32), uint.MaxValue - (uint)own);
        }

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
