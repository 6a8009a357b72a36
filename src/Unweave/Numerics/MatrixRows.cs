namespace Unweave.Numerics;

/// <summary>Rows of a matrix by number, so that it may have 2³¹ elements and more, which no single span holds.</summary>
internal static class MatrixRows
{
    /// <summary>An independent copy of some rows.</summary>
    public static Matrix CopyRows(this Matrix matrix, int first, int count)
    {
        var copy = new Matrix(count, matrix.Columns);
        matrix.CopyRows(first, count, copy, 0);
        return copy;
    }

    /// <summary>Copies rows into another matrix of the same width, from one of its rows on.</summary>
    public static void CopyRows(this Matrix matrix, int first, int count, Matrix destination, int at)
    {
        for (int row = 0; row < count; row++) matrix.Row(first + row).CopyTo(destination.Row(at + row));
    }
}
