using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>
/// Shuffles a stream of rows in bounded memory, so that training can run on activations as a model makes them, with nothing on disk.
/// Batches are drawn at random, without putting back, from a buffer of N rows; whenever the buffer is half empty it is filled up from
/// the producer. Every row is served once.
/// </summary>
/// <remarks>
/// The producer runs only inside <see cref="Next"/>, at moments that follow from the numbers of rows alone, so a seed gives the same
/// batches whatever the timing and however the producer cuts its blocks. Memory is N rows and one block. Not safe for several threads.
/// </remarks>
internal sealed class ShuffleBuffer : IDisposable
{
    private readonly IEnumerator<Matrix> blocks;
    private readonly string name;
    private readonly Matrix rows;
    private readonly int[] slots; // a permutation: the first count name the rows held, the others are free
    private readonly Rng rng;
    private int count;
    private Matrix? block;
    private int blockRow;
    private bool ended;

    /// <summary>Sets the buffer aside; nothing is produced yet.</summary>
    /// <param name="blocks">
    /// Blocks <c>[any, width]</c> of rows. A block stays the producer's, and is read before the next is asked for.
    /// </param>
    /// <param name="width">Length of a row.</param>
    /// <param name="capacity">Rows N of the buffer: the more, the better shuffled.</param>
    /// <param name="seed">Seed of the draws.</param>
    /// <param name="name">What to call the stream in messages.</param>
    public ShuffleBuffer(IEnumerable<Matrix> blocks, int width, int capacity, ulong seed, string name = "stream")
    {
        ArgumentNullException.ThrowIfNull(blocks);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        this.blocks = blocks.GetEnumerator();
        this.name = name;
        rows = new Matrix(capacity, width);
        slots = [.. Enumerable.Range(0, capacity)];
        rng = new Rng(seed);
    }

    /// <summary>Length of a row.</summary>
    public int Width => rows.Columns;

    /// <summary>Rows N of the buffer.</summary>
    public int Capacity => rows.Rows;

    /// <summary>Rows taken from the producer so far.</summary>
    public long Produced { get; private set; }

    /// <summary>Rows served so far.</summary>
    public long Served { get; private set; }

    /// <summary>Draws a batch.</summary>
    /// <param name="batch">Its rows are filled from the first on; at most <see cref="Capacity"/> of them.</param>
    /// <returns>Rows filled: all, until the stream has ended and the buffer runs dry; then 0.</returns>
    /// <exception cref="InputException">The producer gave rows of another width, or a NaN or an infinity.</exception>
    public int Next(Matrix batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (batch.Columns != Width || batch.Rows > Capacity)
        {
            throw new ArgumentException($"Drawing a [{batch.Rows}, {batch.Columns}] batch from a buffer of {Capacity} rows of width "
                + $"{Width}.", nameof(batch));
        }

        if (count <= Capacity / 2 || count < batch.Rows) FillUp();
        int drawn = Math.Min(batch.Rows, count);
        for (int i = 0; i < drawn; i++)
        {
            int pick = (int)rng.NextBelow(count);
            rows.Row(slots[pick]).CopyTo(batch.Row(i));
            count--;
            (slots[pick], slots[count]) = (slots[count], slots[pick]);
        }

        Served += drawn;
        return drawn;
    }

    /// <summary>Gives back the buffer and ends the producer.</summary>
    public void Dispose()
    {
        blocks.Dispose();
        rows.Dispose();
    }

    private void FillUp()
    {
        while (count < Capacity && Fetch())
        {
            ReadOnlySpan<float> row = block!.Row(blockRow);
            RowChecks.Finite(row, name, Produced);
            row.CopyTo(rows.Row(slots[count]));
            count++;
            blockRow++;
            Produced++;
        }
    }

    /// <summary>Sees to a block with a row still to take, or says that there is none.</summary>
    private bool Fetch()
    {
        while (!ended && (block is null || blockRow == block.Rows))
        {
            (block, blockRow) = (null, 0);
            ended = !blocks.MoveNext();
            if (ended) break;
            block = blocks.Current;
            if (block.Columns != Width)
            {
                throw new InputException($"{name}: rows have width {block.Columns} from row {Produced} on where {Width} is due; harvest "
                    + $"one hook of one model.");
            }
        }

        return !ended;
    }
}
