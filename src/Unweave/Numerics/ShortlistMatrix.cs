using System.Numerics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Unweave.Numerics.Kernels;

namespace Unweave.Numerics;

/// <summary>
/// A copy of a matrix's rows in 4 bits, which tells the rows that have the largest products with a vector in half the time that 8 bits
/// take to read, and one in 8 bits for the products of these few.
/// </summary>
/// <remarks>Sums are of integers, so that they are the same on every processor. May be read by several threads at once.</remarks>
internal sealed unsafe class ShortlistMatrix : IDisposable
{
    private const int PartPanels = 16, Block = 512, BlockPanels = Block / ByteKernels.PanelRows, Largest = 7,
        Ahead = 6, CacheLine = 64;

    private readonly ByteKernels kernels;
    private readonly NativeBuffer<byte> nibbles = new();
    private readonly NativeBuffer<sbyte> bytes = new();
    private readonly float[] nibbleSteps, steps; // of each row
    private readonly int rows, columns, panels, eights;
    private bool backwards; // products go through the rows in turns from either end: the end read last is still in the cache

    /// <summary>Copies rows.</summary>
    /// <param name="matrix">The rows, <c>[n, d]</c>, finite; d at most <see cref="Int8Matrix.MostColumns"/>.</param>
    /// <param name="workers">Who computes.</param>
    /// <param name="kernelSet">The kernels; null for the fastest.</param>
    public ShortlistMatrix(Matrix matrix, Workers workers, ByteKernels? kernelSet = null)
    {
        kernels = kernelSet ?? ByteKernels.Current;
        (rows, columns) = (matrix.Rows, matrix.Columns);
        panels = (rows + ByteKernels.PanelRows - 1) / ByteKernels.PanelRows;
        eights = (columns + 7) / 8;
        (nibbleSteps, steps) = (new float[rows], new float[rows]);
        int panelBytes = 64 * eights;
        byte* packed = nibbles.Ensure((long)panels * panelBytes);
        sbyte* whole = bytes.Ensure((long)rows * columns);
        workers.Run((panels + PartPanels - 1) / PartPanels, part =>
        {
            for (int panel = part * PartPanels; panel < Math.Min(panels, (part + 1) * PartPanels); panel++)
            {
                byte* target = packed + ((nint)panel * panelBytes);
                new Span<byte>(target, panelBytes).Fill(ByteKernels.NibbleRaise * 17);
                for (int r = 0; r < ByteKernels.PanelRows; r++)
                {
                    int row = (panel * ByteKernels.PanelRows) + r;
                    if (row >= rows) break;
                    steps[row] = Int8Matrix.ToBytes(matrix.Row(row), new Span<sbyte>(whole + ((nint)row * columns), columns));
                    nibbleSteps[row] = Pack(matrix.Row(row), target + (4 * r));
                }
            }
        });
    }

    /// <summary>A vector in 8 bits, for products with rows.</summary>
    /// <param name="Bytes">Its numbers, d rounded up to a multiple of 8.</param>
    /// <param name="Step">What 1 of them is worth.</param>
    internal sealed record Vector8(sbyte[] Bytes, float Step);

    /// <summary>Puts a vector in 8 bits.</summary>
    /// <param name="x">A vector of d finite numbers.</param>
    public Vector8 Quantize(ReadOnlySpan<float> x)
    {
        sbyte[] vector = new sbyte[8 * eights];
        return new Vector8(vector, Int8Matrix.ToBytes(x, vector));
    }

    /// <summary>About y_i = row_i · x, from rows in 4 bits.</summary>
    /// <param name="x">From <see cref="Quantize"/>.</param>
    /// <param name="y">Overwritten, n numbers.</param>
    public void Estimate(Vector8 x, Span<float> y)
    {
        int* sums = stackalloc int[Block];
        int blocks = (rows + Block - 1) / Block;
        bool down = backwards = !backwards;
        fixed (float* step = nibbleSteps, result = y[..rows])
        fixed (sbyte* query = x.Bytes)
        {
            float scale = x.Step;
            for (int block = 0; block < blocks; block++)
            {
                int first = Block * (down ? blocks - 1 - block : block);
                int panel = first / ByteKernels.PanelRows, i = first, end = Math.Min(first + Block, rows);
                kernels.MultiplyNibbles(
                    nibbles.Pointer + (64 * (nint)eights * panel), Math.Min(BlockPanels, panels - panel), eights, query, sums);
                for (; i + Vector<float>.Count <= end; i += Vector<float>.Count)
                    (Vector.ConvertToSingle(Vector.Load(sums + (i - first))) * (Vector.Load(step + i) * scale)).Store(result + i);
                for (; i < end; i++) result[i] = sums[i - first] * (step[i] * scale);
            }
        }
    }

    /// <summary>y_i = row_i · x of some rows, both in 8 bits: the numbers that <see cref="Int8Matrix.Multiply"/> gives.</summary>
    /// <param name="x">From <see cref="Quantize"/>.</param>
    /// <param name="which">Numbers of the rows.</param>
    /// <param name="y">Overwritten at the places of these rows, of n numbers.</param>
    public void Multiply(Vector8 x, ReadOnlySpan<int> which, Span<float> y)
    {
        fixed (sbyte* query = x.Bytes)
        {
            for (int i = 0; i < which.Length; i++)
            {
                if (i + Ahead < which.Length && Sse.IsSupported) Fetch(which[i + Ahead]);
                int row = which[i];
                ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)rows, nameof(which));
                y[row] = Dot(query, bytes.Pointer + ((nint)row * columns), columns) * (steps[row] * x.Step);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        nibbles.Dispose();
        bytes.Dispose();
    }

    // Rows lie anywhere: each would be waited for.
    private void Fetch(int row)
    {
        sbyte* own = bytes.Pointer + ((nint)row * columns);
        for (int at = 0; at < columns; at += CacheLine) Sse.Prefetch0(own + at);
    }

    private static float Pack(ReadOnlySpan<float> row, byte* target)
    {
        float most = 0;
        foreach (float number in row) most = MathF.Max(most, MathF.Abs(number));
        float step = most / Largest;
        if (step == 0 || !float.IsFinite(1 / step)) return 0;
        for (int i = 0; i < row.Length; i++)
        {
            byte* at = target + (64 * (i / 8)) + (i % 4);
            int level = (int)MathF.Round(row[i] / step) + ByteKernels.NibbleRaise;
            *at = i % 8 < 4 ? (byte)((*at & 0xF0) | level) : (byte)((*at & 0x0F) | (level << 4));
        }

        return step;
    }

    private static int Dot(sbyte* x, sbyte* y, int count)
    {
        Vector256<int> sum = default;
        int i = 0;
        for (; i + Vector256<sbyte>.Count <= count; i += Vector256<sbyte>.Count)
        {
            (Vector256<short> x0, Vector256<short> x1) = Vector256.Widen(Vector256.Load(x + i));
            (Vector256<short> y0, Vector256<short> y1) = Vector256.Widen(Vector256.Load(y + i));
            (Vector256<int> p0, Vector256<int> p1) = Vector256.Widen(x0 * y0);
            (Vector256<int> p2, Vector256<int> p3) = Vector256.Widen(x1 * y1);
            sum += p0 + p1 + (p2 + p3);
        }

        int total = Vector256.Sum(sum);
        for (; i < count; i++) total += x[i] * y[i];
        return total;
    }
}
