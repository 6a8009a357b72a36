using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Unweave.Numerics;

namespace Unweave.Formats;

/// <summary>A tensor on its way into a file: its name, type and shape, and a way to write its bytes without copying it whole.</summary>
public sealed class TensorToWrite
{
    private readonly Action<Stream> content;

    private TensorToWrite(string name, ElementType type, IReadOnlyList<long> shape, Action<Stream> content)
    {
        Info = new TensorInfo(name, type, shape);
        this.content = content;
    }

    /// <summary>Name, type and shape.</summary>
    public TensorInfo Info { get; }

    /// <summary>A matrix as 32-bit floats.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="matrix">Its values; not copied, so it must not change until it is written.</param>
    /// <param name="shape">Shape in the file; null takes [rows, columns].</param>
    public static TensorToWrite From(string name, Matrix matrix, IReadOnlyList<long>? shape = null)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        return Checked(name, ElementType.Float32, shape ?? [matrix.Rows, matrix.Columns], matrix.Count, stream =>
        {
            for (long offset = 0; offset < matrix.Count * sizeof(float);)
            {
                Span<byte> piece = matrix.Bytes(offset);
                stream.Write(piece);
                offset += piece.Length;
            }
        });
    }

    /// <summary>A matrix rounded to half precision.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="matrix">Its values; not copied, so it must not change until it is written.</param>
    public static TensorToWrite Float16(string name, Matrix matrix)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        return Checked(name, ElementType.Float16, [matrix.Rows, matrix.Columns], matrix.Count, stream =>
        {
            Half[] row = new Half[matrix.Columns];
            for (int r = 0; r < matrix.Rows; r++)
            {
                TensorPrimitives.ConvertToHalf(matrix.Row(r), row);
                stream.Write(MemoryMarshal.AsBytes(row.AsSpan()));
            }
        });
    }

    /// <summary>32-bit floats.</summary>
    public static TensorToWrite From(string name, float[] values, IReadOnlyList<long>? shape = null) => From(name, ElementType.Float32, values, shape);

    /// <summary>32-bit integers.</summary>
    public static TensorToWrite From(string name, int[] values, IReadOnlyList<long>? shape = null) => From(name, ElementType.Int32, values, shape);

    /// <summary>64-bit integers.</summary>
    public static TensorToWrite From(string name, long[] values, IReadOnlyList<long>? shape = null) => From(name, ElementType.Int64, values, shape);

    /// <summary>Writes the bytes, little-endian, row-major.</summary>
    internal void WriteTo(Stream stream) => content(stream);

    private static TensorToWrite From<T>(string name, ElementType type, T[] values, IReadOnlyList<long>? shape)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(values);
        return Checked(name, type, shape ?? [values.Length], values.Length, stream =>
        {
            const int Piece = 1 << 20;
            for (int first = 0; first < values.Length; first += Piece) stream.Write(MemoryMarshal.AsBytes(values.AsSpan(first, Math.Min(Piece, values.Length - first))));
        });
    }

    private static TensorToWrite Checked(string name, ElementType type, IReadOnlyList<long> shape, long count, Action<Stream> content)
    {
        ArgumentNullException.ThrowIfNull(name);
        var tensor = new TensorToWrite(name, type, shape, content);
        if (tensor.Info.Count != count) throw new ArgumentException($"Tensor '{name}' has {count} values, but shape [{string.Join(", ", shape)}] takes {tensor.Info.Count}.", nameof(shape));
        return tensor;
    }
}
