using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Unweave.Retrieval.Vectors;

/// <summary>Vectors in 8 bits, with a scale a row.</summary>
internal sealed unsafe class Int8Vectors(int width) : StoredVectors
{
    public override int RowBytes => width;

    public override float Keep(ReadOnlySpan<float> x, Span<float> residual, Span<byte> row)
    {
        float largest = 0;
        foreach (float value in x) largest = MathF.Max(largest, MathF.Abs(value));
        if (largest == 0)
        {
            row.Clear();
            return 0;
        }

        float scale = largest / 127;
        Span<sbyte> levels = MemoryMarshal.Cast<byte, sbyte>(row);
        for (int i = 0; i < x.Length; i++) levels[i] = (sbyte)MathF.Round(x[i] / scale);
        return scale;
    }

    public override float[] Prepare(ReadOnlySpan<float> query) => query.ToArray();

    public override double Score(ReadOnlySpan<float> query, ReadOnlySpan<byte> row, float scale, double code) =>
        scale * Dot(query, row);

    public override bool TryRead(ReadOnlySpan<byte> row, float scale, Span<float> x)
    {
        for (int i = 0; i < x.Length; i++) x[i] = scale * (sbyte)row[i];
        return true;
    }

    private static float Dot(ReadOnlySpan<float> query, ReadOnlySpan<byte> row)
    {
        ref float q = ref MemoryMarshal.GetReference(query);
        ref sbyte r = ref Unsafe.As<byte, sbyte>(ref MemoryMarshal.GetReference(row));
        Vector256<float> s0 = default, s1 = default, s2 = default, s3 = default;
        int i = 0;
        for (; i + 32 <= query.Length; i += 32)
        {
            (Vector256<short> low, Vector256<short> high) = Vector256.Widen(Vector256.LoadUnsafe(ref r, (nuint)i));
            (Vector256<int> a, Vector256<int> b) = Vector256.Widen(low);
            (Vector256<int> c, Vector256<int> d) = Vector256.Widen(high);
            s0 += Vector256.ConvertToSingle(a) * Vector256.LoadUnsafe(ref q, (nuint)i);
            s1 += Vector256.ConvertToSingle(b) * Vector256.LoadUnsafe(ref q, (nuint)i + 8);
            s2 += Vector256.ConvertToSingle(c) * Vector256.LoadUnsafe(ref q, (nuint)i + 16);
            s3 += Vector256.ConvertToSingle(d) * Vector256.LoadUnsafe(ref q, (nuint)i + 24);
        }

        float sum = Vector256.Sum(s0 + s1 + (s2 + s3));
        for (; i < query.Length; i++) sum += query[i] * (sbyte)row[i];
        return sum;
    }
}
