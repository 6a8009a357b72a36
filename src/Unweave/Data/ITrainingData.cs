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

    /// <summary>Number of rows of the set; 0 for a stream.</summary>
    long Rows { get; }

    /// <summary>What the rows are, for messages and metadata.</summary>
    string Name { get; }

    /// <summary>Some of the rows trained on, unscaled, for the scale and the centre to start at: <c>[count or fewer, d]</c>.</summary>
    /// <param name="count">How many at most.</param>
    Matrix Sample(int count);

    /// <summary>Some of the rows held out, unscaled: <c>[count or fewer, d]</c>; null when none are.</summary>
    /// <param name="count">How many at most.</param>
    Matrix? Validation(int count);

    /// <summary>Starts reading batches.</summary>
    /// <param name="position">Rows seen before the first batch.</param>
    /// <param name="batch">Rows of a batch.</param>
    /// <param name="scale">Each element is multiplied by this.</param>
    IBatches Start(long position, int batch, float scale);
}

/// <summary>Batches of training rows, one after another without end.</summary>
public interface IBatches : IDisposable
{
    /// <summary>The next batch, <c>[batch, d]</c>, scaled: the reader's own buffer, valid until the following call or the reader's disposal.</summary>
    /// <exception cref="InputException">Reading failed.</exception>
    Matrix Next();
}
