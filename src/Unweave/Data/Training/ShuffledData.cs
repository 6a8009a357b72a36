using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>The rows of a source for training: some held out, the others shuffled anew in each epoch.</summary>
/// <param name="source">The rows; it stays the caller's to dispose.</param>
/// <param name="seed">Seed of the split and of every epoch's order.</param>
/// <param name="validation">Share of the rows held out, in [0, 1).</param>
public sealed class ShuffledData(IActivationSource source, ulong seed, double validation) : ITrainingData
{
    private readonly ShuffledRows order = new(source.Rows, seed, validation);
    private readonly Lazy<string> fingerprint = new(() => DataFingerprint.Compute(source));

    /// <inheritdoc/>
    public int Width => source.Width;

    /// <inheritdoc/>
    public int? TargetWidth => source.Target?.Width;

    /// <inheritdoc/>
    public long Rows => source.Rows;

    /// <inheritdoc/>
    public string Name => source.Name;

    /// <inheritdoc/>
    public string Fingerprint => fingerprint.Value;

    /// <inheritdoc/>
    public Batch Sample(int count)
    {
        long[] positions = new long[(int)Math.Min(order.TrainingRows, count)];
        order.Fill(0, positions);
        return source.Pairs(positions);
    }

    /// <inheritdoc/>
    public Batch? Validation(int count)
    {
        if (order.ValidationRows == 0) return null;
        long[] positions = new long[(int)Math.Min(order.ValidationRows, count)];
        for (int i = 0; i < positions.Length; i++) positions[i] = order.ValidationRow(i);
        return source.Pairs(positions);
    }

    /// <inheritdoc/>
    public IBatches Start(long position, int batch, float inputScale, float targetScale) =>
        new BatchReader(source, order, position, batch, inputScale, targetScale);
}
