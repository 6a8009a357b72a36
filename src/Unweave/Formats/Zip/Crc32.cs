using System.Buffers.Binary;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Unweave.Numerics;

namespace Unweave.Formats;

/// <summary>The checksum of zip entries: CRC-32 of IEEE 802.3, 64 bytes a step by carry-less multiplication, or eight over eight
/// tables.</summary>
internal static class Crc32
{
    private const uint Polynomial = 0xEDB88320;

    private static readonly uint[][] Tables = MakeTables();

    /// <summary>The checksum of bytes, in parts on all threads.</summary>
    public static uint Compute(FileBytes bytes)
    {
        const int PartBytes = 1 << 22;
        uint[] crcs = new uint[(bytes.Length + PartBytes - 1) / PartBytes];
        Workers.Shared.Run(crcs.Length, part =>
        {
            using FileBytes.View view = bytes.Hold();
            long at = (long)part * PartBytes;
            crcs[part] = Append(0, view.Span(at, (int)Math.Min(PartBytes, bytes.Length - at)));
        });
        uint crc = 0, shift = PowerOfX(8L * PartBytes);
        for (int part = 0; part < crcs.Length; part++)
            crc = Product(crc, part < crcs.Length - 1 ? shift : PowerOfX(8 * (bytes.Length - ((long)part * PartBytes)))) ^ crcs[part];
        return crc;
    }

    // A checksum is a polynomial modulo the checksum's own, its highest power first: bytes that follow multiply what was before them by x
    // as often as they have bits.
    private static uint PowerOfX(long exponent)
    {
        uint power = 1u << 31; // x⁰
        for (uint square = 1u << 30; exponent > 0; exponent >>= 1, square = Product(square, square))
            if ((exponent & 1) != 0) power = Product(power, square);
        return power;
    }

    private static uint Product(uint a, uint b)
    {
        uint product = 0;
        for (uint bit = 1u << 31; bit != 0; bit >>= 1)
        {
            if ((a & bit) != 0) product ^= b;
            b = (b & 1) != 0 ? (b >> 1) ^ Polynomial : b >> 1;
        }

        return product;
    }

    /// <summary>Continues a checksum; the first is 0.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        uint state = ~crc;
        if (Pclmulqdq.IsSupported && Sse41.IsSupported && bytes.Length >= 64)
        {
            int folded = bytes.Length & ~15;
            state = Fold(state, bytes[..folded]);
            bytes = bytes[folded..];
        }

        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            uint low = BinaryPrimitives.ReadUInt32LittleEndian(bytes) ^ state, high = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
            state = Tables[7][low & 0xFF] ^ Tables[6][(low >> 8) & 0xFF] ^ Tables[5][(low >> 16) & 0xFF] ^ Tables[4][low >> 24]
                ^ Tables[3][high & 0xFF] ^ Tables[2][(high >> 8) & 0xFF] ^ Tables[1][(high >> 16) & 0xFF] ^ Tables[0][high >> 24];
        }

        foreach (byte b in bytes) state = Tables[0][(state ^ b) & 0xFF] ^ (state >> 8);
        return ~state;
    }

    // Carry-less multiplication: 64 bytes a step are folded onto the next 64, then onto 16, then reduced modulo the polynomial
    // (Gopal et al., "Fast CRC computation for generic polynomials using PCLMULQDQ instruction", Intel 2009; constants for the reflected
    // polynomial).
    private static uint Fold(uint state, ReadOnlySpan<byte> bytes)
    {
        Vector128<ulong> by64 = Vector128.Create(0x0154442bd4UL, 0x01c6e41596UL), by16 = Vector128.Create(0x01751997d0UL, 0x00ccaa009eUL);
        Vector128<ulong> x0 = Read(bytes, 0) ^ Vector128.CreateScalar((ulong)state), x1 = Read(bytes, 16), x2 = Read(bytes, 32),
            x3 = Read(bytes, 48);
        int at = 64;
        for (; at + 64 <= bytes.Length; at += 64)
        {
            x0 = Step(x0, by64) ^ Read(bytes, at);
            x1 = Step(x1, by64) ^ Read(bytes, at + 16);
            x2 = Step(x2, by64) ^ Read(bytes, at + 32);
            x3 = Step(x3, by64) ^ Read(bytes, at + 48);
        }

        x0 = Step(x0, by16) ^ x1;
        x0 = Step(x0, by16) ^ x2;
        x0 = Step(x0, by16) ^ x3;
        for (; at + 16 <= bytes.Length; at += 16) x0 = Step(x0, by16) ^ Read(bytes, at);

        // 128 bits to 64, to 32, then Barrett's reduction.
        Vector128<ulong> low32 = Vector128.Create(0xFFFFFFFFUL, 0UL), to32 = Vector128.Create(0x0163cd6124UL, 0UL);
        Vector128<ulong> polynomial = Vector128.Create(0x01db710641UL, 0x01f7011641UL);
        x0 = Pclmulqdq.CarrylessMultiply(x0, by16, 0x10) ^ Sse2.ShiftRightLogical128BitLane(x0, 8);
        x0 = Pclmulqdq.CarrylessMultiply(x0 & low32, to32, 0x00) ^ Sse2.ShiftRightLogical128BitLane(x0, 4);
        Vector128<ulong> quotient = Pclmulqdq.CarrylessMultiply(x0 & low32, polynomial, 0x10) & low32;
        return (Pclmulqdq.CarrylessMultiply(quotient, polynomial, 0x00) ^ x0).AsUInt32().GetElement(1);

        static Vector128<ulong> Read(ReadOnlySpan<byte> from, int start) => Vector128.Create(from.Slice(start, 16)).AsUInt64();

        static Vector128<ulong> Step(Vector128<ulong> x, Vector128<ulong> by) =>
            Pclmulqdq.CarrylessMultiply(x, by, 0x00) ^ Pclmulqdq.CarrylessMultiply(x, by, 0x11);
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
