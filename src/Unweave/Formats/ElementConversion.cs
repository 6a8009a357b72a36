using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Unweave.Formats;

/// <summary>Sizes of stored elements and their conversion to 32-bit floats.</summary>
public static class ElementConversion
{
    extension(ElementType type)
    {
        /// <summary>Bytes of one element.</summary>
        public int Size => type switch
        {
            ElementType.Float64 or ElementType.Int64 or ElementType.UInt64 => 8,
            ElementType.Float32 or ElementType.Int32 or ElementType.UInt32 => 4,
            ElementType.Float16 or ElementType.BFloat16 or ElementType.Int16 or ElementType.UInt16 => 2,
            _ => 1,
        };

        /// <summary>True for the floating-point types.</summary>
        public bool IsFloat => type is ElementType.Float64 or ElementType.Float32 or ElementType.Float16 or ElementType.BFloat16;
    }

    /// <summary>Converts little-endian elements to floats; doubles and wide integers are rounded to the nearest float.</summary>
    /// <param name="source">destination.Length elements.</param>
    /// <param name="type">Their type.</param>
    /// <param name="destination">Filled whole.</param>
    public static void ToSingle(ReadOnlySpan<byte> source, ElementType type, Span<float> destination)
    {
        switch (type)
        {
            case ElementType.Float32: source.CopyTo(MemoryMarshal.AsBytes(destination)); break;
            case ElementType.Float16: TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(source), destination); break;
            case ElementType.BFloat16: FromBFloat16(MemoryMarshal.Cast<byte, ushort>(source), destination); break;
            case ElementType.Float64: From<double>(source, destination); break;
            case ElementType.Int64: From<long>(source, destination); break;
            case ElementType.Int32: From<int>(source, destination); break;
            case ElementType.Int16: From<short>(source, destination); break;
            case ElementType.Int8: From<sbyte>(source, destination); break;
            case ElementType.UInt64: From<ulong>(source, destination); break;
            case ElementType.UInt32: From<uint>(source, destination); break;
            case ElementType.UInt16: From<ushort>(source, destination); break;
            default: From<byte>(source, destination); break;
        }
    }

    private static void From<T>(ReadOnlySpan<byte> source, Span<float> destination)
        where T : unmanaged, System.Numerics.INumberBase<T> =>
        TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, T>(source), destination);

    private static void FromBFloat16(ReadOnlySpan<ushort> source, Span<float> destination)
    {
        for (int i = 0; i < destination.Length; i++) destination[i] = BitConverter.UInt32BitsToSingle((uint)source[i] << 16);
    }
}
