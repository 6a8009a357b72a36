using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>
/// Rows of activations (or any vectors) of one width, read by position: a file, many files, a harvest, or made up.
/// Reading is safe from several threads.
/// </summary>
public interface IActivationSource : IDisposable
{
    /// <summary>Length d of every row.</summary>
    int Width { get; }

    /// <summary>Number of rows.</summary>
    long Rows { get; }

    /// <summary>What the source is, for messages and metadata: its path or a description.</summary>
    string Name { get; }

    /// <summary>
    /// Rows to be learned from these, aligned with them row by row; null when the rows are their own targets, as of an autoencoder.
    /// </summary>
    IActivationSource? Target => null;

    /// <summary>Reads rows by position, in the order asked for.</summary>
    /// <param name="rows">Positions, each in [0, <see cref="Rows"/>); repeats are allowed.</param>
    /// <param name="destination">Its first rows.Length rows are written; its width is <see cref="Width"/>.</param>
    /// <exception cref="InputException">A value read is NaN or infinite; the message names the file and the row.</exception>
    void Read(ReadOnlySpan<long> rows, Matrix destination);
}
