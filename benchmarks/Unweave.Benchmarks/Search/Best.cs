namespace Unweave.Benchmarks.Search;

/// <summary>Keeps the best of many scored rows: of equal scores, the lower row.</summary>
internal sealed class Best
{
    private (float Score, int Row)[] heap = new (float, int)[16];  // the worst is first
    private int count, most;

    /// <summary>What a score must be above to be kept.</summary>
    public float Threshold { get; private set; }

    /// <summary>Begins anew.</summary>
    /// <param name="capacity">How many are kept.</param>
    public void Clear(int capacity)
    {
        if (heap.Length < capacity) heap = new (float, int)[capacity];
        (count, most, Threshold) = (0, capacity, float.NegativeInfinity);
    }

    /// <summary>Offers a row; rows come in ascending order.</summary>
    public void Offer(float score, int row)
    {
        if (count < most)
        {
            heap[count++] = (score, row);
            if (count < most) return;
            for (int at = (most / 2) - 1; at >= 0; at--) Sink(at);
        }
        else if (score > Threshold)
        {
            heap[0] = (score, row);
            Sink(0);
        }

        if (most > 0) Threshold = heap[0].Score;
    }

    /// <summary>Writes the rows, best first.</summary>
    /// <returns>How many.</returns>
    public int Take(Span<int> rows)
    {
        heap.AsSpan(0, count).Sort((a, b) => IsWorse(a, b) ? 1 : IsWorse(b, a) ? -1 : 0);
        int taken = Math.Min(count, rows.Length);
        for (int i = 0; i < taken; i++) rows[i] = heap[i].Row;
        return taken;
    }

    private static bool IsWorse((float Score, int Row) a, (float Score, int Row) b) =>
        a.Score < b.Score || (a.Score == b.Score && a.Row > b.Row);

    private void Sink(int at)
    {
        (float, int) moved = heap[at];
        for (int child; (child = (2 * at) + 1) < count; at = child)
        {
            if (child + 1 < count && IsWorse(heap[child + 1], heap[child])) child++;
            if (!IsWorse(heap[child], moved)) break;
            heap[at] = heap[child];
        }

        heap[at] = moved;
    }
}
