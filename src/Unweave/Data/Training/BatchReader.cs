using System.Numerics.Tensors;
using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>
/// Reads the batches of a shuffled source, one ahead of the caller: while one batch is computed on, the next is read in the
/// background. What it gives depends on the position alone, never on timing.
/// </summary>
internal sealed class BatchReader : IBatches
{
    private readonly IActivationSource source;
    private readonly ShuffledRows rows;
    private readonly float inputScale, targetScale;
    private readonly long[] positions;
    private Batch current, ahead;
    private Task reading;
    private bool disposed;

    /// <summary>Starts reading the first batch.</summary>
    /// <param name="source">The rows; it stays the caller's to dispose, after this reader.</param>
    /// <param name="rows">Their order.</param>
    /// <param name="startPosition">Position in the training stream of the first batch's first row.</param>
    /// <param name="batch">Rows of a batch.</param>
    /// <param name="inputScale">Each element of an input is multiplied by this.</param>
    /// <param name="targetScale">
    /// Each element of a target is multiplied by this; as for inputs where the rows are their own targets.
    /// </param>
    public BatchReader(IActivationSource source, ShuffledRows rows, long startPosition, int batch, float inputScale, float targetScale)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(startPosition);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batch);
        if (rows.Rows != source.Rows)
            throw new ArgumentException($"The shuffle is of {rows.Rows} rows, but {source.Name} has {source.Rows}.", nameof(rows));
        this.source = source;
        this.rows = rows;
        (this.inputScale, this.targetScale) = (inputScale, targetScale);
        positions = new long[batch];
        Position = startPosition;
        current = Batch.Create(batch, source.Width, source.Target?.Width);
        ahead = Batch.Create(batch, source.Width, source.Target?.Width);
        reading = Task.Run(ReadAhead);
    }

    /// <summary>Position in the training stream of the first row that the next call of <see cref="Next"/> gives.</summary>
    public long Position { get; private set; }

    /// <summary>The next batch, scaled.</summary>
    /// <returns>The reader's own buffers: valid until the following call or the reader's disposal.</returns>
    /// <exception cref="InputException">Reading failed; it fails the same way at every further call.</exception>
    public Batch Next()
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        reading.GetAwaiter().GetResult();
        (current, ahead) = (ahead, current);
        Position += positions.Length;
        reading = Task.Run(ReadAhead);
        return current;
    }

    /// <summary>Waits for the read under way, whose outcome no longer matters, and gives back the buffers.</summary>
    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        Task.WaitAny(reading);
        _ = reading.Exception;
        current.Dispose();
        ahead.Dispose();
    }

    private void ReadAhead()
    {
        rows.Fill(Position, positions);
        source.Read(positions, ahead);
        Scale(ahead.Input, inputScale);
        if (!ahead.IsSelf) Scale(ahead.Target, targetScale);
    }

    private static void Scale(Matrix matrix, float scale)
    {
        for (int row = 0; row < matrix.Rows; row++) TensorPrimitives.Multiply(matrix.Row(row), scale, matrix.Row(row));
    }
}
