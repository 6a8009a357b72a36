using System.Runtime.InteropServices;
using CsCheck;
using Unweave.Formats;

namespace Unweave.Tests.Formats;

public sealed class ElementConversionTests
{
    private static readonly ushort[] All16 = [.. Enumerable.Range(0, 65_536).Select(bits => (ushort)bits)];

    // Sign, exponent and fraction of IEEE 754 half precision, computed in doubles.
    private static double HalfByDefinition(ushort bits)
    {
        int sign = bits >> 15, exponent = (bits >> 10) & 31, fraction = bits & 1023;
        double magnitude = exponent switch
        {
            0 => fraction * Math.Pow(2, -24),
            31 => fraction == 0 ? double.PositiveInfinity : double.NaN,
            _ => (1024 + fraction) * Math.Pow(2, exponent - 25),
        };
        return sign == 0 ? magnitude : -magnitude;
    }

    [Fact]
    public void Every_half_is_the_float_of_its_definition()
    {
        float[] floats = new float[65_536];
        ElementConversion.ToSingle(ElementType.Float16, MemoryMarshal.AsBytes<ushort>(All16), floats);
        for (int bits = 0; bits < floats.Length; bits++) Assert.Equal((float)HalfByDefinition((ushort)bits), floats[bits]);
        Assert.True(float.IsNegative(floats[0x8000]));
    }

    [Fact]
    public void Every_bfloat16_is_the_float_whose_upper_half_it_is()
    {
        float[] floats = new float[65_536];
        ElementConversion.ToSingle(ElementType.BFloat16, MemoryMarshal.AsBytes<ushort>(All16), floats);
        for (int bits = 0; bits < floats.Length; bits++) Assert.Equal((uint)bits << 16, BitConverter.SingleToUInt32Bits(floats[bits]));
    }

    [Fact]
    public void Every_finite_half_survives_the_way_to_float_and_back()
    {
        float[] floats = new float[65_536];
        Half[] halves = new Half[65_536];
        ElementConversion.ToSingle(ElementType.Float16, MemoryMarshal.AsBytes<ushort>(All16), floats);
        Assert.True(ElementConversion.ToHalf(floats, halves));
        for (int bits = 0; bits < floats.Length; bits++)
        {
            if (float.IsNaN(floats[bits])) Assert.True(Half.IsNaN(halves[bits]));
            else Assert.Equal((ushort)bits, BitConverter.HalfToUInt16Bits(halves[bits]));
        }
    }

    [Theory]
    [InlineData(65_519f, true)]
    [InlineData(65_520f, false)]
    [InlineData(-1e30f, false)]
    [InlineData(float.PositiveInfinity, true)]
    public void A_finite_float_past_the_largest_half_is_told(float value, bool fits) =>
        Assert.Equal(fits, ElementConversion.ToHalf([1, value], new Half[2]));

    [Fact]
    public void Floats_round_to_the_nearest_half_with_ties_to_even() =>
        Gen.Float.Array[0, 40].Sample(values =>
        {
            Half[] halves = new Half[values.Length];
            ElementConversion.ToHalf(values, halves);
            for (int i = 0; i < values.Length; i++) Assert.Equal((Half)values[i], halves[i]);
        });

    [Fact]
    public void Numbers_of_every_other_type_are_rounded_to_the_nearest_float()
    {
        Check(Gen.Double, ElementType.Float64, value => (float)value);
        Check(Gen.Float, ElementType.Float32, value => value);
        Check(Gen.Long, ElementType.Int64, value => (float)value);
        Check(Gen.Int, ElementType.Int32, value => (float)value);
        Check(Gen.Short, ElementType.Int16, value => value);
        Check(Gen.SByte, ElementType.Int8, value => value);
        Check(Gen.ULong, ElementType.UInt64, value => (float)value);
        Check(Gen.UInt, ElementType.UInt32, value => (float)value);
        Check(Gen.UShort, ElementType.UInt16, value => value);
        Check(Gen.Byte, ElementType.UInt8, value => value);
        Check(Gen.Byte, ElementType.Bool, value => value == 0 ? 0 : 1);
    }

    // Lengths from 0 past the widest vector, at an odd address.
    private static void Check<T>(Gen<T> values, ElementType type, Func<T, float> expected)
        where T : unmanaged =>
        values.Array[0, 150].Sample(source =>
        {
            byte[] bytes = [0, .. MemoryMarshal.AsBytes<T>(source)];
            float[] floats = new float[source.Length];
            ElementConversion.ToSingle(type, bytes.AsSpan(1), floats);
            Assert.Equal(source.Select(expected), floats);
            Assert.Equal(type.Size() * source.Length, bytes.Length - 1);
        });

    [Fact]
    public void Lengths_that_differ_are_refused() =>
        Assert.Throws<ArgumentException>(() => ElementConversion.ToSingle(ElementType.Int64, new byte[15], new float[2]));
}
