using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>
/// Rows in the order in which training sees them: a set that is shuffled by position, or a stream that is made as it is used. What it
/// gives depends on the seed and the position alone.
/// </summary>
public interface ITrainingData
{
    /// <summary>Length d of every row.</summary>
    int Width { get; }

    /// <summary>Length of every target; null when the rows are their own targets.</summary>
    int? TargetWidth => null;

    /// <summary>Number of rows of the set; 0 for a stream.</summary>
    long Rows { get; }

    /// <summary>What the rows are, for messages and metadata.</summary>
    string Name { get; }

    /// <summary>Tells the rows from others of the same shape; null where that cannot be told.</summary>
    string? Fingerprint => null;

    /// <summary>
    /// Some of the rows trained on, unscaled, for the scale and the center to start at: count or fewer; the caller's to dispose.
    /// </summary>
    /// <param name="count">How many at most.</param>
    Batch Sample(int count);

    /// <summary>Some of the rows held out, unscaled: count or fewer, the caller's to dispose; null when none are.</summary>
    /// <param name="count">How many at most.</param>
    Batch? Validation(int count);

    /// <summary>Starts reading batches.</summary>
    /// <param name="position">Rows seen before the first batch.</param>
    /// <param name="batch">Rows of a batch.</param>
    /// <param name="inputScale">Each element of an input is multiplied by this.</param>
    /// <param name="targetScale">
    /// Each element of a target is multiplied by this; as for inputs where the rows are their own targets.
    /// </param>
    IBatches Start(long position, int batch, float inputScale, float targetScale);
}

/// <summary>Batches of training rows, one after another without end.</summary>
public interface IBatches : IDisposable
{
    /// <summary>The next batch, scaled: the reader's own buffers, valid until the following call or the reader's disposal.</summary>
    /// <exception cref="InputException">Reading failed.</exception>
    Batch Next();
}
