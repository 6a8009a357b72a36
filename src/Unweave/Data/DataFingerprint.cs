using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>
/// Tells rows from others of the same shape, whatever file they are in: SHA-256 of the shape and of rows. Of small data every row counts,
/// of large ones 1,024 rows, spread over all, so that it takes no time.
/// </summary>
internal static class DataFingerprint
{
    private const int MostRows = 1024, Small = 1 << 20, Block = 64;

    /// <summary>The fingerprint, 64 hexadecimal digits.</summary>
    public static string Compute(IActivationSource source)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (IActivationSource? one = source; one is not null; one = one.Target) Append(hash, one);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Append(IncrementalHash hash, IActivationSource source)
    {
        long count = source.Rows * source.Width <= Small ? source.Rows : Math.Min(MostRows, source.Rows);
        byte[] shape = new byte[16];
        BinaryPrimitives.WriteInt64LittleEndian(shape, source.Rows);
        BinaryPrimitives.WriteInt64LittleEndian(shape.AsSpan(8), source.Width);
        hash.AppendData(shape);
        using var rows = new Matrix(Block, source.Width);
        foreach (long[] positions in Positions(source.Rows, count).Chunk(Block))
        {
            source.Read(positions, rows);
            hash.AppendData(MemoryMarshal.AsBytes(rows.AsSpan()[..(positions.Length * source.Width)]));
        }
    }

    // The first row, the last one, and those between at equal distances.
    private static IEnumerable<long> Positions(long rows, long count)
    {
        for (long i = 0; i < count; i++) yield return count == 1 ? 0 : (long)((Int128)i * (rows - 1) / (count - 1));
    }
}
