using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>The rows of a matrix in memory, as a source.</summary>
public sealed class MatrixSource : IActivationSource
{
    private readonly Matrix matrix;
    private readonly bool ownsMatrix;

    /// <summary>Wraps a matrix and checks it.</summary>
    /// <param name="matrix">Rows to serve; it is read in place and must not change while the source is in use.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <param name="ownsMatrix">Disposing the source disposes the matrix. Default false.</param>
    /// <exception cref="InputException">The matrix is empty, or a value is NaN or infinite.</exception>
    public MatrixSource(Matrix matrix, string name = "matrix", bool ownsMatrix = false)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        RowChecks.NotEmpty(name, matrix.Rows, matrix.Columns);
        for (int row = 0; row < matrix.Rows; row++) RowChecks.Finite(matrix.Row(row), name, row);
        this.matrix = matrix;
        this.ownsMatrix = ownsMatrix;
        Name = name;
    }

    /// <inheritdoc/>
    public int Width => matrix.Columns;

    /// <inheritdoc/>
    public long Rows => matrix.Rows;

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public void Read(ReadOnlySpan<long> rows, Matrix destination)
    {
        RowChecks.Request(this, rows, destination);
        for (int i = 0; i < rows.Length; i++) matrix.Row((int)rows[i]).CopyTo(destination.Row(i));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (ownsMatrix) matrix.Dispose();
    }
}
