using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>The rows of a source for training: some held out, the others shuffled anew in each epoch.</summary>
/// <param name="source">The rows; it stays the caller's to dispose.</param>
/// <param name="seed">Seed of the split and of every epoch's order.</param>
/// <param name="validation">Share of the rows held out, in [0, 1).</param>
public sealed class ShuffledData(IActivationSource source, ulong seed, double validation) : ITrainingData
{
    private readonly ShuffledRows order = new(source.Rows, seed, validation);

    /// <inheritdoc/>
    public int Width => source.Width;

    /// <inheritdoc/>
    public long Rows => source.Rows;

    /// <inheritdoc/>
    public string Name => source.Name;

    /// <inheritdoc/>
    public Matrix Sample(int count)
    {
        long[] positions = new long[(int)Math.Min(order.TrainingRows, count)];
        order.Fill(0, positions);
        var sample = new Matrix(positions.Length, source.Width);
        source.Read(positions, sample);
        return sample;
    }

    /// <inheritdoc/>
    public Matrix? Validation(int count) => order.ValidationRows == 0 ? null : RowSubset.Validation(source, order).Rows(0, (int)Math.Min(order.ValidationRows, count));

    /// <inheritdoc/>
    public IBatches Start(long position, int batch, float scale) => new BatchReader(source, order, position, batch, scale);
}
