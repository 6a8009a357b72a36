using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Unweave.Numerics;

namespace Unweave.Benchmarks.Search;

/// <summary>Rows in 8 bits with one scale for all, filled up with zeros to a multiple of 32.</summary>
internal sealed class ByteRows
{
    private readonly sbyte[] values;
    private readonly int stride;
    private readonly sbyte[] query;

    public ByteRows(Matrix rows)
    {
        Rows = rows.Rows;
        stride = (rows.Columns + 31) / 32 * 32;
        values = new sbyte[(long)Rows * stride];
        query = new sbyte[stride];
        float largest = Largest(rows.AsSpan());
        for (int row = 0; row < Rows; row++) Quantize(rows.Row(row), largest, values.AsSpan(row * stride, stride));
    }

    public int Rows { get; }

    public int BytesPerRow => stride;

    /// <summary>Takes a query, by a scale of its own.</summary>
    public void Take(ReadOnlySpan<float> vector) => Quantize(vector, Largest(vector), query);

    /// <summary>The dot product of the query and a row, in a unit that depends on the query alone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Dot(int row) => Dots.Int8(ref MemoryMarshal.GetArrayDataReference(query),
        ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(values), (nint)row * stride), stride);

    /// <summary>Scores all rows.</summary>
    /// <returns>How many were found.</returns>
    public int Scan(Best best, Span<int> found)
    {
        best.Clear(found.Length);
        for (int row = 0; row < Rows; row++)
        {
            float score = Dot(row);
            if (score > best.Threshold) best.Offer(score, row);
        }

        return best.Take(found);
    }

    private static float Largest(ReadOnlySpan<float> vector) => System.Numerics.Tensors.TensorPrimitives.MaxMagnitude(vector) is var largest
        && largest != 0 ? Math.Abs(largest) : 1;

    private static void Quantize(ReadOnlySpan<float> vector, float largest, Span<sbyte> bytes)
    {
        float scale = 127 / largest;
        for (int i = 0; i < vector.Length; i++) bytes[i] = (sbyte)Math.Clamp(MathF.Round(vector[i] * scale), -127, 127);
    }
}
