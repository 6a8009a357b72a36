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

    private readonly Func<IEnumerable<Matrix>> passes;
    private readonly int capacity;
    private readonly ulong seed;
    private readonly int heldOut;
    private ShuffleBuffer? buffer;
    private Matrix? validation, sample;

    /// <summary>Sets the stream up; nothing is produced yet.</summary>
    /// <param name="passes">Starts a pass: blocks <c>[any, width]</c> of rows, each read before the next is asked for, the same in every pass.</param>
    /// <param name="width">Length of a row.</param>
    /// <param name="capacity">Rows of the buffer: the more, the better shuffled.</param>
    /// <param name="seed">Seed of the draws.</param>
    /// <param name="heldOut">Rows at the start of every pass that are held out from training.</param>
    /// <param name="name">What to call the stream in messages.</param>
    public StreamedData(Func<IEnumerable<Matrix>> passes, int width, int capacity, ulong seed, int heldOut, string name)
    {
        ArgumentNullException.ThrowIfNull(passes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        ArgumentOutOfRangeException.ThrowIfNegative(heldOut);
        (this.passes, Width, this.capacity, this.seed, this.heldOut, Name) = (passes, width, capacity, seed, heldOut, name);
    }

    /// <inheritdoc/>
    public int Width { get; }

    /// <inheritdoc/>
    public long Rows => 0;

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>Rows made so far, held-out ones included.</summary>
    public long Produced { get; private set; }

    /// <inheritdoc/>
    public Matrix Sample(int count)
    {
        _ = Opened();
        return First(sample!, count);
    }

    /// <inheritdoc/>
    public Matrix? Validation(int count)
    {
        _ = Opened();
        return validation is null ? null : First(validation, count);
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The stream has been started before: it can be read once.</exception>
    public IBatches Start(long position, int batch, float scale)
    {
        ShuffleBuffer opened = Opened();
        if (opened.Served > sample!.Rows) throw new InvalidOperationException("A stream of rows is read once; make another for another run.");
        using var passed = new Matrix(batch, Width);
        for (long at = 0; at < position; at += batch) Fill(opened, passed);
        return new Batches(this, opened, batch, scale);
    }

    /// <summary>Gives back the buffer and ends the producer.</summary>
    public void Dispose()
    {
        buffer?.Dispose();
        validation?.Dispose();
        sample?.Dispose();
    }

    private static Matrix First(Matrix rows, int count)
    {
        int taken = Math.Min(count, rows.Rows);
        return new Matrix(taken, rows.Columns, rows.AsSpan()[..(taken * rows.Columns)]);
    }

    private ShuffleBuffer Opened()
    {
        if (buffer is not null) return buffer;
        buffer = new ShuffleBuffer(Endless(), Width, capacity, seed, Name);
        sample = new Matrix(Math.Min(SampleRows, capacity), Width);
        Fill(buffer, sample);
        return buffer;
    }

    // The stream has no end, so a short batch means that it has nothing to give.
    private void Fill(ShuffleBuffer from, Matrix batch)
    {
        if (from.Next(batch) < batch.Rows) throw new InputException($"{Name} has no more than the {heldOut} rows that are held out; give more texts.");
    }

    private IEnumerable<Matrix> Endless()
    {
        for (bool first = true; ; first = false)
        {
            int held = 0;
            long given = 0;
            foreach (Matrix block in passes())
            {
                Produced += block.Rows;
                int skip = Math.Min(heldOut - held, block.Rows);
                if (skip > 0 && first)
                {
                    validation ??= new Matrix(heldOut, Width);
                    block.AsSpan()[..(skip * Width)].CopyTo(validation.AsSpan()[(held * Width)..]);
                }

                held += skip;
                if (skip == block.Rows) continue;
                given += block.Rows - skip;
                if (skip == 0)
                {
                    yield return block;
                    continue;
                }

                using var rest = new Matrix(block.Rows - skip, Width, block.AsSpan()[(skip * Width)..]);
                yield return rest;
            }

            if (given == 0) yield break;
        }
    }

    private sealed class Batches(StreamedData stream, ShuffleBuffer buffer, int batch, float scale) : IBatches
    {
        private readonly Matrix rows = new(batch, stream.Width);

        public Matrix Next()
        {
            stream.Fill(buffer, rows);
            TensorPrimitives.Multiply(rows.AsSpan(), scale, rows.AsSpan());
            return rows;
        }

        public void Dispose() => rows.Dispose();
    }
}
