using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Unweave.Numerics;

namespace Unweave.Retrieval.Vectors;

/// <summary>
/// The signs of the rotated residual r of a code, and the factor ‖r‖²/‖r‖₁ with which they estimate q·r without bias (Gao and Long 2024,
/// RaBitQ, section 3.2), so that the score is q·x̂/‖x̂‖ + q·r.
/// </summary>
internal sealed unsafe class SignVectors(int width, ulong seed) : StoredVectors
{
    private readonly Rotation rotation = new(width, seed);

    public override int RowBytes => (width + 7) / 8;

    public override float Keep(ReadOnlySpan<float> x, Span<float> residual, Span<byte> row)
    {
        rotation.Apply(residual);
        row.Clear();
        for (int i = 0; i < residual.Length; i++)
            if (residual[i] > 0) row[i >> 3] |= (byte)(1 << (i & 7));
        double sum = Norms.L1(residual), length = Norms.L2(residual);
        return sum == 0 ? 0 : (float)(length * length / sum);
    }

    public override float[] Prepare(ReadOnlySpan<float> query)
    {
        // Room to whole bytes: the bits past the width are 0 and their query too.
        float[] rotated = new float[8 * RowBytes];
        query.CopyTo(rotated);
        rotation.Apply(rotated.AsSpan(0, width));
        return rotated;
    }

    public override double Score(ReadOnlySpan<float> query, ReadOnlySpan<byte> row, float scale, double code)
    {
        ref float q = ref MemoryMarshal.GetReference(query);
        var bits = Vector256.Create(1u, 2, 4, 8, 16, 32, 64, 128);
        Vector256<float> negative = Vector256.Create(-0f), a = default, b = default;
        int i = 0;
        for (; i + 2 <= row.Length; i += 2)
        {
            a += Signed(row[i], 8 * i, ref q);
            b += Signed(row[i + 1], 8 * (i + 1), ref q);
        }

        if (i < row.Length) a += Signed(row[i], 8 * i, ref q);
        return code + (scale * Vector256.Sum(a + b));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        Vector256<float> Signed(byte signs, int at, ref float from)
        {
            Vector256<uint> off = Vector256.Equals(Vector256.Create((uint)signs) & bits, Vector256<uint>.Zero);
            return Vector256.LoadUnsafe(ref from, (nuint)at) ^ (off.AsSingle() & negative);
        }
    }

    public override bool TryRead(ReadOnlySpan<byte> row, float scale, Span<float> x) => false;
}
