using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Unweave.Formats;

/// <summary>
/// What an <see cref="ElementType"/> means in bytes: its size, and its conversion to 32-bit floats. Bytes are little-endian.
/// </summary>
internal static class ElementConversion
{
    /// <summary>Bytes of one element.</summary>
    public static int Size(this ElementType type) => type switch
    {
        ElementType.Float64 or ElementType.Int64 or ElementType.UInt64 => 8,
        ElementType.Float32 or ElementType.Int32 or ElementType.UInt32 => 4,
        ElementType.Float16 or ElementType.BFloat16 or ElementType.Int16 or ElementType.UInt16 => 2,
        ElementType.Int8 or ElementType.UInt8 or ElementType.Bool => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Not an element type."),
    };

    /// <summary>True for the floating-point types.</summary>
    public static bool IsFloat(this ElementType type) =>
        type is ElementType.Float64 or ElementType.Float32 or ElementType.Float16 or ElementType.BFloat16;

    /// <summary>Converts stored elements to 32-bit floats: exact for the narrower types, rounded to nearest for the wider ones.</summary>
    /// <param name="type">How <paramref name="source"/> is stored.</param>
    /// <param name="source">Exactly as many elements as <paramref name="destination"/> has; no alignment is needed.</param>
    /// <param name="destination">Filled whole.</param>
    public static void ToSingle(ElementType type, ReadOnlySpan<byte> source, Span<float> destination)
    {
        if (source.Length != (long)destination.Length * type.Size())
            throw new ArgumentException($"{destination.Length} elements of {type} take {(long)destination.Length * type.Size()} bytes; "
                + $"{source.Length} were given.", nameof(source));
        switch (type)
        {
            case ElementType.Float32: source.CopyTo(MemoryMarshal.AsBytes(destination)); break;
            case ElementType.Float16: TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(source), destination); break;
            case ElementType.BFloat16: FromBFloat16(MemoryMarshal.Cast<byte, ushort>(source), destination); break;
            case ElementType.Float64: TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, double>(source), destination); break;
            case ElementType.Int64: TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, long>(source), destination); break;
            case ElementType.Int32: TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, int>(source), destination); break;
            case ElementType.Int16: TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, short>(source), destination); break;
            case ElementType.Int8: TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, sbyte>(source), destination); break;
            case ElementType.UInt64: TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, ulong>(source), destination); break;
            case ElementType.UInt32: TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, uint>(source), destination); break;
            case ElementType.UInt16: TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, ushort>(source), destination); break;
            case ElementType.UInt8: TensorPrimitives.ConvertTruncating(source, destination); break;
            case ElementType.Bool: FromBool(source, destination); break;
            default: throw new ArgumentOutOfRangeException(nameof(type), type, "Not an element type.");
        }
    }

    /// <summary>Rounds 32-bit floats to half precision, to nearest, ties to even.</summary>
    /// <param name="source">The floats.</param>
    /// <param name="destination">As long as <paramref name="source"/>.</param>
    /// <returns>Whether every finite value stayed finite: halves end at ±65,504.</returns>
    public static bool ToHalf(ReadOnlySpan<float> source, Span<Half> destination)
    {
        TensorPrimitives.ConvertToHalf(source, destination);
        for (int i = 0; i < source.Length; i++)
        {
            if (Half.IsInfinity(destination[i]) && float.IsFinite(source[i])) return false;
        }

        return true;
    }

    // A bfloat16 is the upper half of a float, so widening is a shift.
    private static void FromBFloat16(ReadOnlySpan<ushort> source, Span<float> destination)
    {
        Span<uint> bits = MemoryMarshal.Cast<float, uint>(destination);
        TensorPrimitives.ConvertTruncating(source, bits);
        TensorPrimitives.ShiftLeft<uint>(bits, 16, bits);
    }

    // Any byte but 0 is true, as in C and NumPy.
    private static void FromBool(ReadOnlySpan<byte> source, Span<float> destination)
    {
        for (int i = 0; i < source.Length; i++) destination[i] = source[i] == 0 ? 0f : 1f;
    }
}
