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
    private const int Samples = 512;

    private readonly NativeBuffer<ushort> memory = new();
    private readonly float[] samples = new float[Samples];

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
                new Span<ushort>(scores, PostingList.Block).Clear();
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

    public void Dispose() => memory.Dispose();

    private static (int First, int End)[] Within(IReadOnlyList<(int First, int End)>? ranges, int first, int rows) => ranges is null
        ? [(0, rows)]
        : [.. ranges.Where(range => range.End > first && range.First < first + rows)
            .Select(range => (Math.Max(range.First - first, 0), Math.Min(range.End - first, rows)))];

    private void Collect(ushort* scores, int first, int end, BestRows best, uint offset, int blockFirst, Predicate<int>? passes)
    {
        int mark = best.Count;
        uint threshold = best.Threshold;
        if (threshold == 0) threshold = Guess(scores, first, end, best.Wanted - best.Count, 1);
        Above(scores, first, end, threshold, best, offset, blockFirst, passes);

        // A guess that leaves too few is lowered; at 0 every row that shares a latent is there.
        for (int factor = 4; best.Threshold == 0 && threshold > 0 && best.Count < best.Wanted; factor *= 8)
        {
            best.Truncate(mark);
            threshold = factor > 256 ? 0 : Guess(scores, first, end, best.Wanted - best.Count, factor);
            Above(scores, first, end, threshold, best, offset, blockFirst, passes);
        }

        if (best.Count > 2 * best.Wanted || best.Threshold == 0) best.Cut();
    }

    // The score that about factor × 1.5 times as many rows as are wanted are above, from a sample.
    private uint Guess(ushort* scores, int first, int end, int wanted, int factor)
    {
        int rows = end - first;
        if (rows < 4 * Samples || wanted <= 0) return 0;
        int step = rows / Samples;
        for (int i = 0; i < Samples; i++) samples[i] = scores[first + (i * step)];
        int rank = (int)(1.5 * factor * wanted / step) + 8;
        return rank >= Samples ? 0 : (uint)Selection.KthLargest(samples, rank);
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
