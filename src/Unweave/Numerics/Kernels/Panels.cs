using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Unweave.Numerics.Kernels;

/// <summary>
/// Packs matrices into panels: a few rows (or columns) side by side, depth by depth, in the order in which a tile reads them.
/// Only moves data, so it is the same for every set of kernels.
/// </summary>
internal static unsafe class Panels
{
    /// <summary>
    /// Interleaves rows: <c>panel[p][r] = rows[r][p]</c>, zero for r from <paramref name="count"/> to <paramref name="width"/>.
    /// </summary>
    public static void FromRows(float** rows, int count, int width, nint depth, float* panel)
    {
        if (count < width) NativeMemory.Clear(panel, (nuint)(depth * width) * sizeof(float));
        Transpose(rows, count, depth, panel, width);
    }

    /// <summary>
    /// Copies columns: <c>panel[p][c] = source[p·stride + c]</c>, zero for c from <paramref name="count"/> to <paramref name="width"/>.
    /// </summary>
    public static void FromColumns(float* source, nint stride, int count, int width, nint depth, float* panel)
    {
        for (nint p = 0; p < depth; p++)
        {
            float* from = source + (p * stride);
            float* to = panel + (p * width);
            new ReadOnlySpan<float>(from, count).CopyTo(new Span<float>(to, count));
            new Span<float>(to + count, width - count).Clear();
        }
    }

    /// <summary>Transposes rows: <c>destination[p·stride + r] = rows[r][p]</c>.</summary>
    public static void Transpose(float** rows, int count, nint depth, float* destination, int stride)
    {
        int r = 0;
        if (Avx.IsSupported)
        {
            for (; r + 8 <= count; r += 8)
            {
                nint p = 0;
                for (; p + 8 <= depth; p += 8) Transpose8x8(rows + r, p, destination + (p * stride) + r, stride);
                Scalar(rows + r, 8, p, depth, stride, destination + r);
            }
        }

        Scalar(rows + r, count - r, 0, depth, stride, destination + r);
    }

    private static void Scalar(float** rows, int count, nint from, nint to, int width, float* panel)
    {
        for (int r = 0; r < count; r++)
        {
            float* row = rows[r];
            for (nint p = from; p < to; p++) panel[(p * width) + r] = row[p];
        }
    }

    // Three rounds of exchanges: neighbors, pairs, halves.
    private static void Transpose8x8(float** rows, nint p, float* destination, nint stride)
    {
        Vector256<float> r0 = Vector256.Load(rows[0] + p), r1 = Vector256.Load(rows[1] + p), r2 = Vector256
            .Load(rows[2] + p), r3 = Vector256.Load(rows[3] + p);
        Vector256<float> r4 = Vector256.Load(rows[4] + p), r5 = Vector256.Load(rows[5] + p), r6 = Vector256
            .Load(rows[6] + p), r7 = Vector256.Load(rows[7] + p);
        Vector256<float> a0 = Avx.UnpackLow(r0, r1), a1 = Avx.UnpackHigh(r0, r1), a2 = Avx.UnpackLow(r2, r3), a3 = Avx.UnpackHigh(r2, r3);
        Vector256<float> a4 = Avx.UnpackLow(r4, r5), a5 = Avx.UnpackHigh(r4, r5), a6 = Avx.UnpackLow(r6, r7), a7 = Avx.UnpackHigh(r6, r7);
        Vector256<float> b0 = Avx.Shuffle(a0, a2, 0x44), b1 = Avx.Shuffle(a0, a2, 0xEE), b2 = Avx.Shuffle(a1, a3, 0x44), b3 = Avx
            .Shuffle(a1, a3, 0xEE);
        Vector256<float> b4 = Avx.Shuffle(a4, a6, 0x44), b5 = Avx.Shuffle(a4, a6, 0xEE), b6 = Avx.Shuffle(a5, a7, 0x44), b7 = Avx
            .Shuffle(a5, a7, 0xEE);
        Avx.Permute2x128(b0, b4, 0x20).Store(destination);
        Avx.Permute2x128(b1, b5, 0x20).Store(destination + stride);
        Avx.Permute2x128(b2, b6, 0x20).Store(destination + (2 * stride));
        Avx.Permute2x128(b3, b7, 0x20).Store(destination + (3 * stride));
        Avx.Permute2x128(b0, b4, 0x31).Store(destination + (4 * stride));
        Avx.Permute2x128(b1, b5, 0x31).Store(destination + (5 * stride));
        Avx.Permute2x128(b2, b6, 0x31).Store(destination + (6 * stride));
        Avx.Permute2x128(b3, b7, 0x31).Store(destination + (7 * stride));
    }
}
