using System.Buffers.Binary;

namespace Unweave.Formats;

/// <summary>The checksum of zip entries: CRC-32 of IEEE 802.3, eight bytes a step over eight tables ("slicing by 8").</summary>
internal static class Crc32
{
    private const uint Polynomial = 0xEDB88320;

    private static readonly uint[][] Tables = MakeTables();

    /// <summary>The checksum of bytes.</summary>
    public static uint Compute(FileBytes bytes)
    {
        uint crc = 0;
        using FileBytes.View view = bytes.Hold();
        for (long at = 0; at < bytes.Length;)
        {
            int count = (int)Math.Min(bytes.Length - at, 1 << 24);
            crc = Append(crc, view.Span(at, count));
            at += count;
        }

        return crc;
    }

    /// <summary>Continues a checksum; the first is 0.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        uint state = ~crc;
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            uint low = BinaryPrimitives.ReadUInt32LittleEndian(bytes) ^ state, high = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
            state = Tables[7][low & 0xFF] ^ Tables[6][(low >> 8) & 0xFF] ^ Tables[5][(low >> 16) & 0xFF] ^ Tables[4][low >> 24]
                ^ Tables[3][high & 0xFF] ^ Tables[2][(high >> 8) & 0xFF] ^ Tables[1][(high >> 16) & 0xFF] ^ Tables[0][high >> 24];
        }

        foreach (byte b in bytes) state = Tables[0][(state ^ b) & 0xFF] ^ (state >> 8);
        return ~state;
    }

    private static uint[][] MakeTables()
    {
        uint[][] tables = new uint[8][];
        for (int slice = 0; slice < 8; slice++)
        {
            tables[slice] = new uint[256];
            for (uint b = 0; b < 256; b++)
            {
                uint value = slice == 0 ? b : tables[slice - 1][b];
                for (int bit = 0; bit < 8; bit++) value = (value & 1) != 0 ? (value >> 1) ^ Polynomial : value >> 1;
                tables[slice][b] = value;
            }
        }

        return tables;
    }
}
