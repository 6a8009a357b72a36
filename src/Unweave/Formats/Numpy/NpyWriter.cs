using System.Text;
using Unweave.Numerics;

namespace Unweave.Formats;

/// <summary>Writes npy files that <c>numpy.load</c> reads: whole or not at all, and the same bytes for the same array.</summary>
public static class NpyWriter
{
    private const int Alignment = 64;

    /// <summary>Writes a matrix as an array <c>[rows, columns]</c> of 32-bit floats.</summary>
    public static void Write(string path, Matrix matrix) => Write(path, TensorToWrite.From("", matrix));

    /// <summary>Writes 32-bit floats as an array <c>[length]</c>.</summary>
    public static void Write(string path, float[] values) => Write(path, TensorToWrite.From("", values));

    /// <summary>Writes 64-bit integers as an array <c>[length]</c>.</summary>
    public static void Write(string path, long[] values) => Write(path, TensorToWrite.From("", values));

    /// <summary>Writes 32-bit integers as an array <c>[length]</c>.</summary>
    public static void Write(string path, int[] values) => Write(path, TensorToWrite.From("", values));

    /// <summary>Writes a tensor; its name is not kept.</summary>
    /// <exception cref="InputException">The disk is full or the target may not be written; an earlier file is unchanged.</exception>
    public static void Write(string path, TensorToWrite tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        AtomicFile.Write(path, file => Write(file, tensor));
    }

    /// <summary>Writes header and elements to a stream.</summary>
    internal static void Write(Stream stream, TensorToWrite tensor)
    {
        stream.Write(Header(tensor.Info.Type, tensor.Info.Shape));
        tensor.Emit(stream.Write);
    }

    /// <summary>The header of an array of numbers.</summary>
    internal static byte[] Header(ElementType type, IReadOnlyList<long> shape) => Header(TypeName(type), shape);

    /// <summary>The header of a single text of this many bytes, an array without axes.</summary>
    internal static byte[] TextHeader(int length) => Header($"|S{length}", []);

    // Version 1.0, padded so that the elements are aligned.
    private static byte[] Header(string type, IReadOnlyList<long> shape)
    {
        string axes = shape.Count == 1 ? $"{shape[0]}," : string.Join(", ", shape);
        string literal = $"{{'descr': '{type}', 'fortran_order': False, 'shape': ({axes}), }}";
        int length = (10 + literal.Length + 1 + Alignment - 1) / Alignment * Alignment;
        byte[] header = new byte[length];
        (
            (ReadOnlySpan<byte>)[0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0, (byte)(length - 10),
                (byte)((length - 10) >> 8)]).CopyTo(header);
        header.AsSpan(10).Fill((byte)' ');
        Encoding.ASCII.GetBytes(literal, header.AsSpan(10));
        header[^1] = (byte)'\n';
        return header;
    }

    private static string TypeName(ElementType type) => type switch
    {
        ElementType.Float64 => "<f8",
        ElementType.Float32 => "<f4",
        ElementType.Float16 => "<f2",
        ElementType.Int64 => "<i8",
        ElementType.Int32 => "<i4",
        ElementType.Int16 => "<i2",
        ElementType.Int8 => "|i1",
        ElementType.UInt64 => "<u8",
        ElementType.UInt32 => "<u4",
        ElementType.UInt16 => "<u2",
        ElementType.UInt8 => "|u1",
        ElementType.Bool => "|b1",
        _ => throw new ArgumentException($"An npy array cannot hold {type}; write safetensors, or 32-bit floats.", nameof(type)),
    };
}
