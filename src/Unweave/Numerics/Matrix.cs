using System.Runtime.InteropServices;

namespace Unweave.Numerics;

/// <summary>
/// A dense row-major matrix of 32-bit floats, <c>[rows, columns]</c>, in aligned memory outside the managed heap, so that
/// weights of any size cost the garbage collector nothing and vector loads never split a cache line.
/// </summary>
/// <remarks>
/// Zero when made. Disposing gives the memory back. There is no finalizer, on purpose: rows are handed out as spans and kernels work on
/// addresses, neither of which keeps the matrix alive for the garbage collector, so that only its owner can know when nobody reads it.
/// </remarks>
public sealed unsafe class Matrix : IDisposable
{
    private float* data;

    /// <summary>Makes a matrix of zeros.</summary>
    /// <param name="rows">Number of rows, 0 or more.</param>
    /// <param name="columns">Number of columns, 0 or more.</param>
    public Matrix(int rows, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(columns);
        Rows = rows;
        Columns = columns;
        data = (float*)PageMemory.Allocate((nuint)Count * sizeof(float));
    }

    /// <summary>Makes a matrix from values in row-major order.</summary>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">Number of columns.</param>
    /// <param name="values">Exactly <paramref name="rows"/> × <paramref name="columns"/> values.</param>
    public Matrix(int rows, int columns, ReadOnlySpan<float> values)
        : this(rows, columns)
    {
        if (values.Length != Count)
            throw new ArgumentException($"A [{rows}, {columns}] matrix takes {Count} values; {values.Length} were given.", nameof(values));
        values.CopyTo(AsSpan());
    }

    /// <summary>Number of rows.</summary>
    public int Rows { get; }

    /// <summary>Number of columns: the distance, in floats, from one row to the next.</summary>
    public int Columns { get; }

    /// <summary>Number of elements.</summary>
    public long Count => (long)Rows * Columns;

    /// <summary>The element at a row and a column.</summary>
    public ref float this[int row, int column]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)Rows, nameof(row));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)column, (uint)Columns, nameof(column));
            return ref Pointer[((nint)row * Columns) + column];
        }
    }

    /// <summary>Address of the first element, for kernels; valid until the matrix is disposed.</summary>
    internal float* Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(data == null, this);
            return data;
        }
    }

    /// <summary>One row, writable.</summary>
    public Span<float> Row(int row)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)Rows, nameof(row));
        return new Span<float>(Pointer + ((nint)row * Columns), Columns);
    }

    /// <summary>Consecutive rows in row-major order, writable.</summary>
    /// <param name="firstRow">The first row.</param>
    /// <param name="rowCount">How many; together at most 2³¹−1 elements.</param>
    public Span<float> Block(int firstRow, int rowCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(firstRow);
        ArgumentOutOfRangeException.ThrowIfNegative(rowCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rowCount, Rows - firstRow);
        long count = (long)rowCount * Columns;
        if (count > int.MaxValue) throw TooLarge(rowCount);
        return new Span<float>(Pointer + ((nint)firstRow * Columns), (int)count);
    }

    /// <summary>
    /// All elements in row-major order, writable. A matrix of more than 2³¹−1 elements is read by rows or blocks of rows.
    /// </summary>
    /// <exception cref="InvalidOperationException">There are more elements than a span can hold.</exception>
    public Span<float> AsSpan() => Count <= int.MaxValue ? new Span<float>(Pointer, (int)Count) : throw TooLarge(Rows);

    /// <summary>The raw bytes from an offset on, at most 1 GiB of them, for files and checksums.</summary>
    internal Span<byte> Bytes(long offset) =>
        new((byte*)Pointer + offset, (int)Math.Min(1L << 30, (Count * sizeof(float)) - offset));

    /// <summary>An independent copy.</summary>
    public Matrix Clone()
    {
        var copy = new Matrix(Rows, Columns);
        CopyTo(copy);
        return copy;
    }

    /// <summary>Copies every element into a matrix of the same shape.</summary>
    public void CopyTo(Matrix destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        if (destination.Rows != Rows || destination.Columns != Columns)
            throw new ArgumentException(
                $"Copying a [{Rows}, {Columns}] matrix into one of [{destination.Rows}, {destination.Columns}].", nameof(destination));
        NativeMemory.Copy(Pointer, destination.Pointer, (nuint)Count * sizeof(float));
    }

    /// <summary>Sets every element to zero.</summary>
    public void Clear() => NativeMemory.Clear(Pointer, (nuint)Count * sizeof(float));

    /// <inheritdoc/>
    public void Dispose()
    {
        if (data == null) return;
        PageMemory.Free(data);
        data = null;
    }

    /// <inheritdoc/>
    public override string ToString() => $"Matrix [{Rows}, {Columns}]";

    private InvalidOperationException TooLarge(int rowCount) =>
        new($"{rowCount} rows of width {Columns} are more elements than a span can hold; read them by Row, or fewer at a time by Block.");
}
