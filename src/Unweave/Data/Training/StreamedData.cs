using System.Numerics.Tensors;
using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>
/// Rows for training that are made as they are used, with nothing on disk: passes over a producer, one after another, shuffled across
/// documents in a buffer of bounded memory.
/// </summary>
/// <remarks>
/// The first rows of every pass are held out; the sample that training starts from is drawn from the full buffer. A run that is
/// resumed makes the rows up to its position again, so that it goes on bit for bit; that takes as long as making them the first time.
/// </remarks>
public sealed class StreamedData : ITrainingData, IDisposable
{
    private const int SampleRows = 8192;

    private readonly Func<IEnumerable<Batch>> passes;
    private readonly int capacity;
    private readonly ulong seed;
    private readonly int heldOut;
    private ShuffleBuffer? buffer;
    private Matrix? validation, sample; // a row is an input, followed by its target where that is another

    /// <summary>Sets the stream up; nothing is produced yet.</summary>
    /// <param name="passes">
    /// Starts a pass: blocks <c>[any, width]</c> of rows, each read before the next is asked for, the same in every pass.
    /// </param>
    /// <param name="width">Length of a row.</param>
    /// <param name="capacity">Rows of the buffer: the more, the better shuffled.</param>
    /// <param name="seed">Seed of the draws.</param>
    /// <param name="heldOut">Rows at the start of every pass that are held out from training.</param>
    /// <param name="name">What to call the stream in messages.</param>
    public StreamedData(Func<IEnumerable<Matrix>> passes, int width, int capacity, ulong seed, int heldOut, string name)
        : this(() => passes().Select(rows => new Batch(rows)), width, null, capacity, seed, heldOut, name) =>
            ArgumentNullException.ThrowIfNull(passes);

    /// <summary>Sets up a stream of rows with targets of their own; nothing is produced yet.</summary>
    /// <param name="passes">
    /// Starts a pass: blocks of any number of rows, each read before the next is asked for, the same in every pass.
    /// </param>
    /// <param name="width">Length of an input.</param>
    /// <param name="targetWidth">Length of a target; null when inputs are their own targets.</param>
    /// <param name="capacity">Rows of the buffer: the more, the better shuffled.</param>
    /// <param name="seed">Seed of the draws.</param>
    /// <param name="heldOut">Rows at the start of every pass that are held out from training.</param>
    /// <param name="name">What to call the stream in messages.</param>
    public StreamedData(Func<IEnumerable<Batch>> passes, int width, int? targetWidth, int capacity, ulong seed, int heldOut, string name)
    {
        ArgumentNullException.ThrowIfNull(passes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        ArgumentOutOfRangeException.ThrowIfNegative(heldOut);
        (this.passes, Width, TargetWidth, this.capacity, this.seed, this.heldOut, Name) = (
            passes, width, targetWidth, capacity, seed, heldOut, name);
    }

    /// <inheritdoc/>
    public int Width { get; }

    /// <inheritdoc/>
    public int? TargetWidth { get; }

    /// <inheritdoc/>
    public long Rows => 0;

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    /// <remarks>Given by whoever knows what the rows are made from. Default null.</remarks>
    public string? Fingerprint { get; init; }

    /// <summary>Rows made so far, held-out ones included.</summary>
    public long Produced { get; private set; }

    /// <inheritdoc/>
    public Batch Sample(int count)
    {
        _ = Opened();
        return Split(sample!, count);
    }

    /// <inheritdoc/>
    public Batch? Validation(int count)
    {
        _ = Opened();
        return validation is null ? null : Split(validation, count);
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The stream has been started before: it can be read once.</exception>
    public IBatches Start(long position, int batch, float inputScale, float targetScale)
    {
        ShuffleBuffer opened = Opened();
        if (opened.Served > sample!.Rows)
            throw new InvalidOperationException("A stream of rows is read once; make another for another run.");
        using var passed = new Matrix(batch, RowWidth);
        for (long at = 0; at < position; at += batch) Fill(opened, passed);
        return new Batches(this, opened, batch, inputScale, targetScale);
    }

    /// <summary>Gives back the buffer and ends the producer.</summary>
    public void Dispose()
    {
        buffer?.Dispose();
        validation?.Dispose();
        sample?.Dispose();
    }

    private int RowWidth => Width + (TargetWidth ?? 0);

    private Batch Split(Matrix rows, int count)
    {
        Batch split = Batch.Create(Math.Min(count, rows.Rows), Width, TargetWidth);
        Split(rows, split, 1, 1);
        return split;
    }

    private void Split(Matrix rows, Batch split, float inputScale, float targetScale)
    {
        for (int r = 0; r < split.Rows; r++)
        {
            TensorPrimitives.Multiply(rows.Row(r)[..Width], inputScale, split.Input.Row(r));
            if (!split.IsSelf) TensorPrimitives.Multiply(rows.Row(r)[Width..], targetScale, split.Target.Row(r));
        }
    }

    // An input followed by its target, so that they are shuffled as one row.
    private Matrix Join(Batch block, int skip)
    {
        var joined = new Matrix(block.Rows - skip, RowWidth);
        for (int r = 0; r < joined.Rows; r++)
        {
            block.Input.Row(skip + r).CopyTo(joined.Row(r));
            if (!block.IsSelf) block.Target.Row(skip + r).CopyTo(joined.Row(r)[Width..]);
        }

        return joined;
    }

    private ShuffleBuffer Opened()
    {
        if (buffer is not null) return buffer;
        buffer = new ShuffleBuffer(Endless(), RowWidth, capacity, seed, Name);
        sample = new Matrix(Math.Min(SampleRows, capacity), RowWidth);
        Fill(buffer, sample);
        return buffer;
    }

    // The stream has no end, so a short batch means that it has nothing to give.
    private void Fill(ShuffleBuffer from, Matrix batch)
    {
        if (from.Next(batch) < batch.Rows)
            throw new InputException($"{Name} has no more than the {heldOut} rows that are held out; give more texts.");
    }

    private IEnumerable<Matrix> Endless()
    {
        for (bool first = true; ; first = false)
        {
            int held = 0;
            long given = 0;
            foreach (Batch block in passes())
            {
                CheckWidths(block);
                Produced += block.Rows;
                int skip = Math.Min(heldOut - held, block.Rows);
                if (skip > 0 && first)
                {
                    validation ??= new Matrix(heldOut, RowWidth);
                    using Matrix rows = Join(block, 0);
                    rows.Block(0, skip).CopyTo(validation.Block(held, skip));
                }

                held += skip;
                if (skip == block.Rows) continue;
                given += block.Rows - skip;
                if (skip == 0 && block.IsSelf)
                {
                    yield return block.Input;
                    continue;
                }

                using Matrix rest = Join(block, skip);
                yield return rest;
            }

            if (given == 0) yield break;
        }
    }

    private void CheckWidths(Batch block)
    {
        if (block.Input.Columns == Width && block.Target.Columns == (TargetWidth ?? Width)) return;
        throw new InputException($"{Name}: rows have width {block.Input.Columns} and targets {block.Target.Columns} after {Produced} "
            + $"rows, where "
            + $"{Width} and {TargetWidth ?? Width} are due; harvest one hook of one model for each.");
    }

    private sealed class Batches(StreamedData stream, ShuffleBuffer buffer, int batch, float inputScale, float targetScale) : IBatches
    {
        private readonly Matrix rows = new(batch, stream.RowWidth);
        private readonly Batch next = Batch.Create(batch, stream.Width, stream.TargetWidth);

        public Batch Next()
        {
            stream.Fill(buffer, rows);
            stream.Split(rows, next, inputScale, targetScale);
            return next;
        }

        public void Dispose()
        {
            rows.Dispose();
            next.Dispose();
        }
    }
}
