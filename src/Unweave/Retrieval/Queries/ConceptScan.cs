using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Unweave.Numerics;
using Unweave.Retrieval.Postings;
using Unweave.Retrieval.Segments;

namespace Unweave.Retrieval.Queries;

/// <summary>
/// Scores all rows that share a latent with a query: for each latent, weight × level is added to the rows of its list, a block of 65,536
/// rows after another, in whole numbers of 16 bits that stay in the cache. Exact over the levels.
/// </summary>
/// <remarks>
/// Codes are short and flat and queries long, so that bounds that let lists be left out (WAND, block maxima) would leave out less than a
/// tenth; every posting is read instead.
/// </remarks>
internal sealed unsafe class ConceptScan : IDisposable
{
    private readonly NativeBuffer<ushort> memory = new(), largest = new();

    /// <summary>A latent of the query.</summary>
    /// <param name="Latent">Its number.</param>
    /// <param name="Product">q·W_i, above 0.</param>
    internal readonly record struct Term(int Latent, float Product);

    /// <summary>Adds the best rows of a state to <paramref name="best"/>.</summary>
    /// <param name="snapshot">The state.</param>
    /// <param name="terms">The query.</param>
    /// <param name="best">Where to; scores are whole numbers that compare within one query.</param>
    /// <param name="passes">Whether a row of a segment may be found; null for all.</param>
    /// <param name="cells">The rows of a segment that are looked at, by ranges; null for all.</param>
    public void Run(
        IndexSnapshot snapshot, ReadOnlySpan<Term> terms, BestRows best, Func<SegmentPart, Predicate<int>?> passes,
        Func<Segment, IReadOnlyList<(int First, int End)>?>? cells)
    {
        ushort* scores = memory.Ensure(PostingList.Block);
        double unit = Unit(snapshot, terms);
        for (int part = 0; part < snapshot.Parts.Count; part++)
        {
            Segment segment = snapshot.Parts[part].Segment;
            uint[] weights = Weights(segment, terms, unit);
            Predicate<int>? passing = passes(snapshot.Parts[part]);
            IReadOnlyList<(int First, int End)>? ranges = cells?.Invoke(segment);
            for (int block = 0; block < segment.Concepts.Blocks; block++)
            {
                int first = block * PostingList.Block, rows = Math.Min(PostingList.Block, segment.Rows - first);
                (int First, int End)[] within = Within(ranges, first, rows);
                if (within.Length == 0) continue;
                foreach ((int from, int end) in within) new Span<ushort>(scores + from, end - from).Clear();
                for (int i = 0; i < terms.Length; i++)
                {
                    // Each list lies elsewhere: the next is on its way while this one is read.
                    if (i + 1 < terms.Length && Sse.IsSupported) Sse.Prefetch0(segment.Concepts.List(block, terms[i + 1].Latent));
                    byte* list = segment.Concepts.List(block, terms[i].Latent);
                    if (list == null || weights[i] == 0) continue;
                    if (ranges is null) PostingList.Accumulate(list, weights[i], scores);
                    else PostingList.Accumulate(list, weights[i], within, scores);
                }

                foreach ((int from, int end) in within)
                    Collect(scores, from, end, best, snapshot.Offsets[part] + (uint)first, first, passing);
            }
        }
    }

    /// <summary>What one level of a product of 1 is worth, so that the score of no row passes 65,535.</summary>
    internal static double Unit(IndexSnapshot snapshot, ReadOnlySpan<Term> terms)
    {
        double unit = double.MaxValue;
        float[] most = new float[terms.Length];
        foreach (SegmentPart part in snapshot.Parts)
        {
            for (int i = 0; i < terms.Length; i++) most[i] = terms[i].Product * part.Segment.Largest(terms[i].Latent);
            most.AsSpan().Sort();
            double bound = 0;
            int longest = Math.Min(part.Segment.LongestCode, most.Length);
            for (int i = most.Length - longest; i < most.Length; i++) bound += most[i];

            // Each weight may be rounded up by a half, times the highest level.
            if (bound > 0) unit = Math.Min(unit, (ushort.MaxValue - (PostingList.Levels / 2.0 * longest)) / bound);
        }

        return unit == double.MaxValue ? 0 : unit;
    }

    /// <summary>What a level of each term is worth in a segment.</summary>
    internal static uint[] Weights(Segment segment, ReadOnlySpan<Term> terms, double unit)
    {
        uint[] weights = new uint[terms.Length];
        for (int i = 0; i < terms.Length; i++)
            weights[i] = (uint)Math.Round(terms[i].Product * (double)segment.Largest(terms[i].Latent) * unit / PostingList.Levels);
        return weights;
    }

    public void Dispose()
    {
        memory.Dispose();
        largest.Dispose();
    }

    private static (int First, int End)[] Within(IReadOnlyList<(int First, int End)>? ranges, int first, int rows) => ranges is null
        ? [(0, rows)]
        : [.. ranges.Where(range => range.End > first && range.First < first + rows)
            .Select(range => (Math.Max(range.First - first, 0), Math.Min(range.End - first, rows)))];

    private void Collect(ushort* scores, int first, int end, BestRows best, uint offset, int blockFirst, Predicate<int>? passes)
    {
        int mark = best.Count;
        uint threshold = best.Threshold == 0 ? Bound(scores, first, end, best.Wanted) : best.Threshold;
        Above(scores, first, end, threshold, best, offset, blockFirst, passes);

        // Where too few of the rows pass, the bound is lowered; at 0 every row that shares a latent is there.
        for (long factor = 4; best.Threshold == 0 && threshold > 0 && best.Count - mark < best.Wanted; factor *= 8)
        {
            best.Truncate(mark);
            threshold = factor > 256 ? 0 : Bound(scores, first, end, factor * best.Wanted);
            Above(scores, first, end, threshold, best, offset, blockFirst, passes);
        }

        if (best.Count > 2 * best.Wanted || best.Threshold == 0) best.Cut();
    }

    // At least so many scores as are wanted are above it: they are the largest of groups that have no row in common.
    private uint Bound(ushort* scores, int first, int end, long wanted)
    {
        int rows = end - first;
        if (wanted <= 0 || 8 * wanted > rows) return 0;
        int groups = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(4 * wanted, Vector256<ushort>.Count));
        ushort* own = largest.Ensure(groups);
        Buffer.MemoryCopy(scores + first, own, groups * sizeof(ushort), groups * sizeof(ushort));
        for (int row = first + groups; row + groups <= end; row += groups)
        {
            for (int group = 0; group < groups; group += Vector256<ushort>.Count)
                Vector256.Max(Vector256.Load(own + group), Vector256.Load(scores + row + group)).Store(own + group);
        }

        // The wanted-th of them by counting: first among the high bytes, then among the low bytes of those that share its high byte.
        int* counts = stackalloc int[256];
        long left = wanted;
        for (int i = 0; i < groups; i++) counts[own[i] >> 8]++;
        int high = Last(counts, ref left);
        new Span<int>(counts, 256).Clear();
        for (int i = 0; i < groups; i++)
            if (own[i] >> 8 == high) counts[own[i] & 255]++;
        return (uint)Math.Max((high << 8) + Last(counts, ref left) - 1, 0);

        static int Last(int* counts, ref long left)
        {
            int at = 255;
            for (; left > counts[at]; at--) left -= counts[at];
            return at;
        }
    }

    private static void Above(
        ushort* scores, int first, int end, uint threshold, BestRows best, uint offset, int blockFirst, Predicate<int>? passes)
    {
        if (threshold >= ushort.MaxValue) return;
        Vector256<ushort> least = Vector256.Create((ushort)(threshold + 1));
        int row = first;
        for (; row + 16 <= end; row += 16)
        {
            var own = Vector256.Load(scores + row);
            uint found = Vector256.Equals(Vector256.Max(own, least), own).ExtractMostSignificantBits();
            for (; found != 0; found &= found - 1)
            {
                int at = row + System.Numerics.BitOperations.TrailingZeroCount(found);
                if (passes is null || passes(blockFirst + at)) best.Add(scores[at], offset + (uint)at);
            }
        }

        for (; row < end; row++)
            if (scores[row] > threshold && (passes is null || passes(blockFirst + row))) best.Add(scores[row], offset + (uint)row);
    }
}
