using System.Buffers;

namespace Unweave.Onnx;

/// <summary>
/// Byte-pair encoding: of all pairs of neighbours that may be merged, the best is, the leftmost of equals, until none is left.
/// A queue of pairs makes it n log n in the length of the word.
/// </summary>
internal abstract class PairMerging : SubwordModel
{
    /// <summary>A queue of more pairs than this is not kept for the next word.</summary>
    private const int KeptCapacity = 1 << 14;

    [ThreadStatic]
    private static PriorityQueue<Pair, long>? kept;

    /// <summary>Says what two neighbours become.</summary>
    /// <param name="word">The word.</param>
    /// <param name="left">The left one.</param>
    /// <param name="right">The right one, which starts where the left one ends.</param>
    /// <param name="rank">How soon, lowest first.</param>
    /// <param name="id">The id of the merged symbol.</param>
    protected abstract bool TryMerge(ReadOnlySpan<char> word, in Symbol left, in Symbol right, out int rank, out int id);

    /// <summary>Merges neighbours in place; what is left are the symbols from the first along <see cref="Symbol.Next"/>.</summary>
    protected void Merge(ReadOnlySpan<char> word, Span<Symbol> symbols)
    {
        for (int i = 0; i < symbols.Length; i++)
        {
            symbols[i].Previous = i - 1;
            symbols[i].Next = i + 1 < symbols.Length ? i + 1 : -1;
            symbols[i].Count = 1;
        }

        PriorityQueue<Pair, long> queue = kept ?? new PriorityQueue<Pair, long>();
        kept = null;
        for (int i = 0; i + 1 < symbols.Length; i++) Offer(word, symbols, i, i + 1, queue);
        while (queue.TryDequeue(out Pair pair, out _))
        {
            ref Symbol left = ref symbols[pair.Left];
            ref Symbol right = ref symbols[pair.Right];

            // Symbols only grow, so a pair is as it was when offered exactly when it still has as many parts.
            if (left.Count == 0 || right.Count == 0 || left.Count + right.Count != pair.Count) continue;
            left.Id = pair.Id;
            left.Length = right.Start + right.Length - left.Start;
            left.Count = pair.Count;
            left.Next = right.Next;
            right.Count = 0;
            if (left.Next >= 0) symbols[left.Next].Previous = pair.Left;
            if (left.Previous >= 0) Offer(word, symbols, left.Previous, pair.Left, queue);
            if (left.Next >= 0) Offer(word, symbols, pair.Left, left.Next, queue);
        }

        if (queue.EnsureCapacity(0) <= KeptCapacity) kept = queue;
    }

    /// <summary>Memory for the symbols of a word.</summary>
    protected static Symbol[] Rent(int count) => ArrayPool<Symbol>.Shared.Rent(count);

    protected static void Return(Symbol[] symbols) => ArrayPool<Symbol>.Shared.Return(symbols);

    private void Offer(ReadOnlySpan<char> word, Span<Symbol> symbols, int left, int right, PriorityQueue<Pair, long> queue)
    {
        if (!TryMerge(word, in symbols[left], in symbols[right], out int rank, out int id)) return;
        queue.Enqueue(new Pair(left, right, symbols[left].Count + symbols[right].Count, id), ((long)rank << 32) | (uint)left);
    }

    /// <summary>A part of a word on its way to a token.</summary>
    protected struct Symbol
    {
        /// <summary>Its id, or a negative number where it has none.</summary>
        public int Id;

        /// <summary>Where it starts in the word, in UTF-16 units.</summary>
        public int Start;

        /// <summary>How many units it covers.</summary>
        public int Length;

        /// <summary>How many symbols of the start it is made of; 0 once it is part of another.</summary>
        public int Count;

        /// <summary>The neighbour to the left, or -1.</summary>
        public int Previous;

        /// <summary>The neighbour to the right, or -1.</summary>
        public int Next;
    }

    private readonly record struct Pair(int Left, int Right, int Count, int Id);
}
