using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Training;

/// <summary>
/// The rows of several runs that go over the same data in step: read once, scaled once. Each run gets what it would get alone, because a
/// batch depends on its position only.
/// </summary>
/// <remarks>
/// A run takes the batch under way when it is at that batch's position, and otherwise waits: runs that were resumed from checkpoints of
/// different steps meet where the last of them is. <see cref="Validation"/> hands the same rows to every run.
/// </remarks>
internal sealed class SharedData(ITrainingData data) : ITrainingData, IDisposable
{
    private readonly List<Turn> turns = [];
    private Batch? sample, held;
    private int sampleRows = -1, heldRows = -1;
    private (int Batch, float InputScale, float TargetScale)? shape;
    private IBatches? reader;
    private Batch current;

    /// <inheritdoc/>
    public int Width => data.Width;

    /// <inheritdoc/>
    public int? TargetWidth => data.TargetWidth;

    /// <inheritdoc/>
    public long Rows => data.Rows;

    /// <inheritdoc/>
    public string Name => data.Name;

    /// <inheritdoc/>
    public string? Fingerprint => data.Fingerprint;

    /// <summary>Rows seen before the batch that <see cref="Advance"/> reads next.</summary>
    public long Position { get; private set; }

    /// <summary>Rows seen before the batch that runs take now.</summary>
    public long Current { get; private set; } = -1;

    /// <inheritdoc/>
    public Batch Sample(int count)
    {
        if (sampleRows != count)
        {
            sample?.Dispose();
            (sample, sampleRows) = (data.Sample(count), count);
        }

        Batch rows = sample!.Value;
        Matrix input = rows.Input.Clone(); // a run scales its sample in place
        return rows.IsSelf ? new Batch(input) : new Batch(input, rows.Target.Clone());
    }

    /// <inheritdoc/>
    /// <remarks>The same matrices for every run; they stay this object's to dispose.</remarks>
    public Batch? Validation(int count)
    {
        if (heldRows != count)
        {
            held?.Dispose();
            (held, heldRows) = (data.Validation(count), count);
        }

        return held;
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">Another run has other batches or scales, or reading has begun.</exception>
    public IBatches Start(long position, int batch, float inputScale, float targetScale)
    {
        if (reader is not null) throw new InvalidOperationException("The rows are being read; runs join before that.");
        shape ??= (batch, inputScale, targetScale);
        if (shape != (batch, inputScale, targetScale))
            throw new InvalidOperationException($"A run has batches of {batch} rows scaled by {inputScale}, the others {shape}.");
        var turn = new Turn(this, position);
        turns.Add(turn);
        return turn;
    }

    /// <summary>Reads the next batch: the one that the run that is least far needs.</summary>
    public void Advance()
    {
        (int batch, float inputScale, float targetScale) = shape
            ?? throw new InvalidOperationException("No run takes part; start one first.");
        if (reader is null)
        {
            Position = turns.Where(turn => !turn.Left).Select(turn => turn.Position).DefaultIfEmpty(0).Min();
            reader = data.Start(Position, batch, inputScale, targetScale);
        }

        current = reader.Next();
        Current = Position;
        Position += batch;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        reader?.Dispose();
        sample?.Dispose();
        held?.Dispose();
    }

    private sealed class Turn(SharedData shared, long position) : IBatches
    {
        public long Position { get; private set; } = position;

        public bool Left { get; private set; }

        public Batch Next()
        {
            if (shared.Current != Position)
                throw new InvalidOperationException($"The batch under way begins after {shared.Current} rows, the run is at {Position}.");
            Position += shared.current.Rows;
            return shared.current;
        }

        public void Dispose() => Left = true;
    }
}
