using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Unweave.Benchmarks.Search;

/// <summary>Dot products of single-precision and of 8-bit vectors, by the widest registers there are.</summary>
internal static class Dots
{
    /// <summary>The dot product of two vectors of one width.</summary>
    public static float Float(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        ref float left = ref MemoryMarshal.GetReference(a), right = ref MemoryMarshal.GetReference(b);
        int i = 0;
        float sum = 0;
        if (Vector512.IsHardwareAccelerated && a.Length >= 64)
        {
            Vector512<float> s0 = default, s1 = default, s2 = default, s3 = default;
            for (; i <= a.Length - 64; i += 64)
            {
                s0 = Fused(ref left, ref right, i, s0);
                s1 = Fused(ref left, ref right, i + 16, s1);
                s2 = Fused(ref left, ref right, i + 32, s2);
                s3 = Fused(ref left, ref right, i + 48, s3);
            }

            sum = Vector512.Sum(s0 + s1 + (s2 + s3));
        }
        else if (a.Length >= 32)
        {
            Vector256<float> s0 = default, s1 = default, s2 = default, s3 = default;
            for (; i <= a.Length - 32; i += 32)
            {
                s0 = Narrow(ref left, ref right, i, s0);
                s1 = Narrow(ref left, ref right, i + 8, s1);
                s2 = Narrow(ref left, ref right, i + 16, s2);
                s3 = Narrow(ref left, ref right, i + 24, s3);
            }

            sum = Vector256.Sum(s0 + s1 + (s2 + s3));
        }

        for (; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }

    /// <summary>Adds a vector times a weight to another.</summary>
    public static void Add(ReadOnlySpan<float> vector, float weight, Span<float> sum)
    {
        ref float from = ref MemoryMarshal.GetReference(vector), to = ref MemoryMarshal.GetReference(sum);
        int i = 0;
        var weights = Vector512.Create(weight);
        for (; i <= vector.Length - 16; i += 16)
        {
            Vector512.FusedMultiplyAdd(weights, Vector512.LoadUnsafe(ref from, (nuint)i), Vector512.LoadUnsafe(ref to, (nuint)i))
                .StoreUnsafe(ref to, (nuint)i);
        }

        for (; i < vector.Length; i++) sum[i] += weight * vector[i];
    }

    /// <summary>
    /// The dot product of two vectors of numbers from −127 to 127, of one width that is a multiple of 32. With AVX-VNNI four products are
    /// summed by an instruction, of |b| and of a with b's signs; without it, 8 bits are widened to 16 first.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Int8(ref sbyte a, ref sbyte b, int width)
    {
        Vector256<int> s0 = default, s1 = default;
        if (AvxVnni.IsSupported)
        {
            int i = 0;
            for (; i <= width - 64; i += 64)
            {
                s0 = Vnni(ref a, ref b, i, s0);
                s1 = Vnni(ref a, ref b, i + 32, s1);
            }

            if (i < width) s0 = Vnni(ref a, ref b, i, s0);
            return Vector256.Sum(s0 + s1);
        }

        if (Avx2.IsSupported)
        {
            for (int i = 0; i < width; i += 32)
            {
                s0 = Widened(ref a, ref b, i, s0);
                s1 = Widened(ref a, ref b, i + 16, s1);
            }

            return Vector256.Sum(s0 + s1);
        }

        int sum = 0;
        for (int i = 0; i < width; i++) sum += Unsafe.Add(ref a, i) * Unsafe.Add(ref b, i);
        return sum;
    }

    private static Vector512<float> Fused(ref float a, ref float b, int i, Vector512<float> sum) =>
        Vector512.FusedMultiplyAdd(Vector512.LoadUnsafe(ref a, (nuint)i), Vector512.LoadUnsafe(ref b, (nuint)i), sum);

    private static Vector256<float> Narrow(ref float a, ref float b, int i, Vector256<float> sum) =>
        Vector256.FusedMultiplyAdd(Vector256.LoadUnsafe(ref a, (nuint)i), Vector256.LoadUnsafe(ref b, (nuint)i), sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Vnni(ref sbyte a, ref sbyte b, int i, Vector256<int> sum)
    {
        Vector256<sbyte> left = Vector256.LoadUnsafe(ref a, (nuint)i), right = Vector256.LoadUnsafe(ref b, (nuint)i);
        return AvxVnni.MultiplyWideningAndAdd(sum, Avx2.Abs(right), Avx2.Sign(left, right));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Widened(ref sbyte a, ref sbyte b, int i, Vector256<int> sum) => sum + Avx2.MultiplyAddAdjacent(
        Avx2.ConvertToVector256Int16(Vector128.LoadUnsafe(ref a, (nuint)i)),
        Avx2.ConvertToVector256Int16(Vector128.LoadUnsafe(ref b, (nuint)i)));
}
