using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Tests.Formats;

public sealed class Crc32Tests
{
    [Fact]
    public void It_is_the_remainder_of_long_division_whatever_the_length()
    {
        byte[] bytes = new byte[1000];
        var rng = new Rng(5);
        for (int i = 0; i < bytes.Length; i++) bytes[i] = (byte)rng.NextBelow(256);
        Assert.Equal(0xCBF43926u, Crc32.Append(0, "123456789"u8)); // the checksum's published value
        for (int length = 0; length < 400; length++)
        {
            ReadOnlySpan<byte> part = bytes.AsSpan(length, length);
            Assert.Equal(Divided(part), Crc32.Append(0, part));
            Assert.Equal(Divided(part), Crc32.Append(Crc32.Append(0, part[..(length / 3)]), part[(length / 3)..]));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1 << 22)]
    [InlineData((1 << 22) + 1)]
    [InlineData((3 << 22) + 12345)]
    public void Parts_put_together_are_the_whole(int length)
    {
        byte[] content = new byte[length];
        var rng = new Rng(6);
        for (int i = 0; i < length; i++) content[i] = (byte)rng.NextBelow(256);
        using FileBytes bytes = FileBytes.Fill(length, stream => stream.Write(content));
        Assert.Equal(Crc32.Append(0, content), Crc32.Compute(bytes));
    }

    private static uint Divided(ReadOnlySpan<byte> bytes)
    {
        uint remainder = uint.MaxValue;
        foreach (byte b in bytes)
        {
            remainder ^= b;
            for (int bit = 0; bit < 8; bit++) remainder = (remainder >> 1) ^ ((remainder & 1) * 0xEDB88320);
        }

        return ~remainder;
    }
}
