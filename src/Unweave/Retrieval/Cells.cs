using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Retrieval;

/// <summary>Reads one row of a collection.</summary>
/// <param name="row">Number of the row.</param>
/// <param name="destination">Overwritten with it.</param>
internal delegate void RowReader(int row, Span<float> destination);

/// <summary>
/// Cells of directions, found by spherical k-means on a sample of a collection's rows: a row belongs to the cell whose center has the
/// largest cosine with it. Rows of a collection are read a block at a time, so that memory does not grow with it.
/// </summary>
/// <remarks>
/// Everything follows from the seed: products are the same for any number of threads, and a center is summed whole on one of them, in the
/// order of its rows.
/// </remarks>
internal sealed unsafe class Cells : IDisposable
{
    private const int SampleOfCell = 40, Turns = 12, BlockRows = 4096, PartRows = 64;
    private const long SampleFloats = 1L << 26;

    // Cosines are from −1 to 1, and the encoder that finds the largest keeps what is above 0.
    private const float Raise = 2;

    private readonly Workers workers;
    private readonly FusedEncoder encoder;
    private readonly Matrix raises;
    private readonly SparseCodes nearest;

    private Cells(int count, int width, Workers workers)
    {
        this.workers = workers;
        Centers = new Matrix(count, width);
        encoder = new FusedEncoder(workers);
        raises = new Matrix(1, count);
        raises.AsSpan().Fill(Raise);
        nearest = new SparseCodes(count);
    }

    /// <summary>The centers, rows of norm 1, <c>[cells, d]</c>.</summary>
    public Matrix Centers { get; }

    /// <summary>Finds cells.</summary>
    /// <param name="rows">Number of rows of the collection.</param>
    /// <param name="width">Width d of a row.</param>
    /// <param name="read">Reads a row; called from several threads.</param>
    /// <param name="count">How many cells, 1 to <paramref name="rows"/>.</param>
    /// <param name="seed">Chooses the sample and the rows that centers start from.</param>
    /// <param name="workers">Who computes, now and later.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public static Cells Train(
        int rows, int width, RowReader read, int count, ulong seed, Workers workers, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, rows);
        var rng = new Rng(seed);
        long most = Math.Max(count, Math.Min((long)count * SampleOfCell, SampleFloats / Math.Max(width, 1)));
        int[] chosen = Choose(rng, rows, (int)Math.Min(rows, most)), starts = Choose(rng, chosen.Length, count);
        using var sample = new Matrix(chosen.Length, width);
        workers.Run((chosen.Length + PartRows - 1) / PartRows, part =>
        {
            for (int i = part * PartRows; i < Math.Min(chosen.Length, (part + 1) * PartRows); i++) ReadUnit(read, chosen[i], sample.Row(i));
        });

        var cells = new Cells(count, width, workers);
        try
        {
            for (int cell = 0; cell < count; cell++) sample.Row(starts[cell]).CopyTo(cells.Centers.Row(cell));
            int[] members = new int[chosen.Length], before = new int[chosen.Length];
            for (int turn = 0; turn < Turns; turn++)
            {
                for (int first = 0; first < chosen.Length; first += BlockRows)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    int here = Math.Min(BlockRows, chosen.Length - first);
                    using Matrix block = sample.CopyRows(first, here);
                    cells.Find(block, members.AsSpan(first, here));
                }

                if (turn > 0 && members.AsSpan().SequenceEqual(before)) break;
                members.CopyTo(before, 0);
                cells.Move(sample, members);
            }
        }
        catch
        {
            cells.Dispose();
            throw;
        }

        return cells;
    }

    /// <summary>The cell of each row of a collection.</summary>
    /// <param name="rows">Number of rows.</param>
    /// <param name="read">Reads a row; called from several threads.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <remarks>Not by several threads at once.</remarks>
    public int[] Assign(int rows, RowReader read, CancellationToken cancellationToken = default)
    {
        int[] members = new int[rows];
        for (int first = 0; first < rows; first += BlockRows)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int from = first, here = Math.Min(BlockRows, rows - first);
            using var block = new Matrix(here, Centers.Columns);
            workers.Run((here + PartRows - 1) / PartRows, part =>
            {
                for (int i = part * PartRows; i < Math.Min(here, (part + 1) * PartRows); i++) ReadUnit(read, from + i, block.Row(i));
            });
            Find(block, members.AsSpan(first, here));
        }

        return members;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Centers.Dispose();
        raises.Dispose();
        encoder.Dispose();
    }

    // Each of all rows is as likely as any other; ascending (Knuth, algorithm 3.4.2S).
    private static int[] Choose(Rng rng, int rows, int count)
    {
        int[] chosen = new int[count];
        for (int row = 0, taken = 0; taken < count; row++)
            if (rng.NextBelow(rows - row) < count - taken) chosen[taken++] = row;
        return chosen;
    }

    private static void ReadUnit(RowReader read, int row, Span<float> destination)
    {
        read(row, destination);
        double length = Norms.L2(destination);
        if (!double.IsFinite(length)) throw new InputException($"Row {row} of the vectors has a number that is not finite; leave it out.");
        Scale(destination, length);
    }

    private static void Scale(Span<float> row, double length)
    {
        if (length > 0)
            foreach (ref float value in row) value = (float)(value / length);
    }

    // Of equal cosines the lower cell wins.
    private void Find(Matrix block, Span<int> members)
    {
        encoder.Load(block);
        encoder.TopK(Centers, raises.Pointer, 1, [], nearest);
        nearest.AllLatents.CopyTo(members);
    }

    private void Move(Matrix sample, int[] members)
    {
        int count = Centers.Rows, width = Centers.Columns;
        int[] starts = new int[count + 1], order = new int[members.Length];
        foreach (int cell in members) starts[cell + 1]++;
        for (int cell = 0; cell < count; cell++) starts[cell + 1] += starts[cell];
        int[] next = starts[..count];
        for (int row = 0; row < members.Length; row++) order[next[members[row]]++] = row;
        KernelSet kernels = KernelSet.Current;
        workers.Run(count, cell =>
        {
            if (starts[cell] == starts[cell + 1]) return;
            float* center = Centers.Pointer + ((nint)cell * width);
            Centers.Row(cell).Clear();
            for (int i = starts[cell]; i < starts[cell + 1]; i++)
                kernels.AddScaled(center, sample.Pointer + ((nint)order[i] * width), 1, width);
            Scale(Centers.Row(cell), Norms.L2(Centers.Row(cell)));
        });
        Split(sample, starts, order);
    }

    // A cell without rows takes from the largest: its center becomes the row farthest from the center there.
    private void Split(Matrix sample, int[] starts, int[] order)
    {
        int count = Centers.Rows;
        var largest = new PriorityQueue<int, (int, int)>();
        int[] sizes = new int[count]; // as they will be, about
        for (int cell = 0; cell < count; cell++) Offer(cell, starts[cell + 1] - starts[cell]);
        for (int empty = 0; empty < count; empty++)
        {
            if (starts[empty + 1] > starts[empty]) continue;
            int farthest = -1;
            while (farthest < 0 && largest.TryDequeue(out int cell, out _))
            {
                farthest = Farthest(sample, Centers.Row(cell), order.AsSpan(starts[cell]..starts[cell + 1]));
                if (farthest < 0) continue; // all the same: another one's turn
                Offer(cell, sizes[cell] - (sizes[cell] / 2));
            }

            if (farthest < 0) return;
            sample.Row(farthest).CopyTo(Centers.Row(empty));
        }

        void Offer(int cell, int rows)
        {
            sizes[cell] = rows;
            if (rows > 1) largest.Enqueue(cell, (-rows, cell));
        }
    }

    // The row of least cosine with a center, which is taken out (its number is inverted); −1 where all are at the center.
    private static int Farthest(Matrix sample, ReadOnlySpan<float> center, Span<int> rows)
    {
        int at = -1;
        double least = 1 - 1e-5;
        for (int i = 0; i < rows.Length; i++)
        {
            if (rows[i] < 0) continue;
            double cosine = 0;
            ReadOnlySpan<float> row = sample.Row(rows[i]);
            for (int c = 0; c < row.Length; c++) cosine += (double)row[c] * center[c];
            if (cosine < least) (at, least) = (i, cosine);
        }

        if (at < 0) return -1;
        int chosen = rows[at];
        rows[at] = ~chosen;
        return chosen;
    }
}
