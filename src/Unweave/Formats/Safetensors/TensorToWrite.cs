using System.Buffers;
using System.Runtime.InteropServices;
using Unweave.Numerics;

namespace Unweave.Formats;

/// <summary>Takes the bytes of a tensor, block after block.</summary>
internal delegate void TakeBlock(ReadOnlySpan<byte> block);

/// <summary>
/// A named tensor on its way to a file. It refers to the caller's matrix or array, which is read, never copied whole, when the
/// file is written and must not change until then.
/// </summary>
public sealed class TensorToWrite
{
    private const int Block = 1 << 16;

    private readonly Action<TakeBlock> emit;

    private TensorToWrite(string name, ElementType type, IReadOnlyList<long> shape, long count, Action<TakeBlock> emit)
    {
        ArgumentNullException.ThrowIfNull(name);
        long[] axes = [.. shape];
        if (StridedElements.Count(axes, type.Size()) != count)
            throw new ArgumentException($"Tensor '{name}' of shape [{string.Join(", ", axes)}] was given {count} elements.", nameof(shape));
        Info = new TensorInfo(name, type, axes);
        this.emit = emit;
    }

    /// <summary>Name, element type and shape.</summary>
    public TensorInfo Info { get; }

    /// <summary>The same tensor; something is done each time that it was written.</summary>
    internal TensorToWrite Then(Action done) => new(Info.Name, Info.Type, Info.Shape, Info.Count, take =>
    {
        emit(take);
        done();
    });

    /// <summary>Number of bytes.</summary>
    internal long Length => Info.Count * Info.Type.Size();

    /// <summary>A matrix as a tensor <c>[rows, columns]</c> of 32-bit floats.</summary>
    public static TensorToWrite From(string name, Matrix matrix) => From(name, matrix, Shape(matrix));

    /// <summary>
    /// A matrix as a tensor of 32-bit floats of another shape with as many elements: a <c>[1, n]</c> matrix as <c>[n]</c>.
    /// </summary>
    public static TensorToWrite From(string name, Matrix matrix, IReadOnlyList<long> shape)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        ArgumentNullException.ThrowIfNull(shape);
        return new TensorToWrite(name, ElementType.Float32, shape, matrix.Count, take =>
        {
            for (long offset = 0; offset < matrix.Count * sizeof(float);)
            {
                ReadOnlySpan<byte> block = matrix.Bytes(offset);
                take(block);
                offset += block.Length;
            }
        });
    }

    /// <summary>
    /// A matrix as a tensor of half-precision floats, rounded to nearest, <c>[rows, columns]</c> unless a shape is given.
    /// </summary>
    /// <exception cref="InputException">When it is written: a value is past ±65,504, the largest half.</exception>
    public static TensorToWrite Float16(string name, Matrix matrix, IReadOnlyList<long>? shape = null)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        return new TensorToWrite(name, ElementType.Float16, shape ?? Shape(matrix), matrix.Count, take =>
        {
            for (int row = 0; row < matrix.Rows; row++) Halves(name, row, matrix.Row(row), take);
        });
    }

    /// <summary>
    /// Rows that are read one by one, each time they are written: a tensor <c>[rows, width]</c> of 32-bit floats, or of halves.
    /// </summary>
    /// <param name="name">Its name.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="width">Length of a row.</param>
    /// <param name="type">32-bit floats or halves.</param>
    /// <param name="read">Reads a row.</param>
    internal static TensorToWrite FromRows(string name, long rows, int width, ElementType type, Action<long, Span<float>> read)
    {
        ArgumentNullException.ThrowIfNull(read);
        if (type is not (ElementType.Float32 or ElementType.Float16))
            throw new ArgumentException($"Rows are written as Float32 or Float16, not as {type}.", nameof(type));
        return new TensorToWrite(name, type, [rows, width], rows * width, take =>
        {
            float[] values = new float[width];
            for (long row = 0; row < rows; row++)
            {
                read(row, values);
                if (type == ElementType.Float16) Halves(name, row, values, take);
                else take(MemoryMarshal.AsBytes(values.AsSpan()));
            }
        });
    }

    /// <summary>An array of 32-bit floats, of shape <c>[length]</c> unless one is given.</summary>
    public static TensorToWrite From(string name, float[] values, IReadOnlyList<long>? shape = null) =>
        FromArray(name, ElementType.Float32, values, shape);

    /// <summary>An array of 64-bit integers, of shape <c>[length]</c> unless one is given.</summary>
    public static TensorToWrite From(string name, long[] values, IReadOnlyList<long>? shape = null) =>
        FromArray(name, ElementType.Int64, values, shape);

    /// <summary>An array of 32-bit integers, of shape <c>[length]</c> unless one is given.</summary>
    public static TensorToWrite From(string name, int[] values, IReadOnlyList<long>? shape = null) =>
        FromArray(name, ElementType.Int32, values, shape);

    /// <summary>An array of bytes, of shape <c>[length]</c> unless one is given: text, for a format that has no strings.</summary>
    public static TensorToWrite From(string name, byte[] values, IReadOnlyList<long>? shape = null) =>
        FromArray(name, ElementType.UInt8, values, shape);

    /// <summary>A tensor whose bytes are made while it is written, twice: once for the checksum.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">How its elements are stored.</param>
    /// <param name="shape">Length of each axis.</param>
    /// <param name="emit">Gives all its bytes, block after block, the same at each call.</param>
    internal static TensorToWrite Made(string name, ElementType type, long[] shape, Action<TakeBlock> emit) =>
        new(name, type, shape, new TensorInfo(name, type, shape).Count, emit);

    /// <summary>Gives the content, block after block.</summary>
    internal void Emit(TakeBlock take) => emit(take);

    private static void Halves(string name, long row, ReadOnlySpan<float> values, TakeBlock take)
    {
        Half[] halves = ArrayPool<Half>.Shared.Rent(Math.Min(values.Length, Block));
        for (int done = 0; done < values.Length;)
        {
            int count = Math.Min(values.Length - done, Block);
            Span<Half> block = halves.AsSpan(0, count);
            if (!ElementConversion.ToHalf(values.Slice(done, count), block))
                throw new InputException(
                    $"tensor '{name}', row {row}: a value is past ±65504, the largest half; write it in 32-bit floats.");
            take(MemoryMarshal.AsBytes(block));
            done += count;
        }

        ArrayPool<Half>.Shared.Return(halves);
    }

    private static long[] Shape(Matrix matrix)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        return [matrix.Rows, matrix.Columns];
    }

    private static TensorToWrite FromArray<T>(string name, ElementType type, T[] values, IReadOnlyList<long>? shape)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(values);
        return new TensorToWrite(name, type, shape ?? [values.Length], values.Length, take =>
        {
            // Blocks of elements, as the bytes of a long array would pass the longest span.
            for (int done = 0; done < values.Length; done += 1 << 24)
                take(MemoryMarshal.AsBytes(values.AsSpan(done, Math.Min(values.Length - done, 1 << 24))));
        });
    }
}
