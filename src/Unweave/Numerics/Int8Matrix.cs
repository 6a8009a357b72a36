using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Unweave.Numerics.Kernels;

namespace Unweave.Numerics;

/// <summary>
/// A copy of a matrix's rows in 8 bits, a quarter of their size, for products with one vector at a time: such a product takes as long as
/// its rows take to read. Bounds say how far such a product may be from the
/// exact one.
/// </summary>
/// <remarks>Sums are of integers, so that a product is the same bytes on every processor. May be read by several threads at once.</remarks>
internal sealed unsafe class Int8Matrix : IDisposable
{
    /// <summary>The most columns whose sums a 32-bit integer holds.</summary>
    public const int MostColumns = 1 << 16;

    private const int PartPanels = 16, Block = 512, BlockPanels = Block / ByteKernels.PanelRows;
    private const float Largest = 1e30f; // below it, bounds do not overflow
    private const float Smallest = 1e-30f; // numbers below have no step of their own: they are 0 in 8 bits
    private const double RoundUp = 1 + 1e-6; // more than rounding to a float takes from a length

    private readonly ByteKernels kernels;
    private readonly NativeBuffer<byte> bytes = new();
    private readonly float[] steps, norms, losses; // of each row: its step, its norm, and the norm of what it lost
    private readonly float largestNorm;
    private readonly int panels, quads, panelBytes;
    private bool backwards; // products go through the rows in turns from either end: the end read last is still in the cache

    /// <summary>Copies rows.</summary>
    /// <param name="rows">The rows, <c>[n, d]</c>, finite.</param>
    /// <param name="workers">Who computes.</param>
    /// <param name="kernelSet">The kernels; null for the fastest.</param>
    public Int8Matrix(Matrix rows, Workers workers, ByteKernels? kernelSet = null)
    {
        if (rows.Columns > MostColumns)
            throw new ArgumentException($"Rows of 8 bits have at most {MostColumns} columns; these have {rows.Columns}.", nameof(rows));
        (Rows, Columns) = (rows.Rows, rows.Columns);
        kernels = kernelSet ?? ByteKernels.Current;
        panels = (Rows + ByteKernels.PanelRows - 1) / ByteKernels.PanelRows;
        quads = (Columns + 3) / 4;
        panelBytes = quads * 4 * ByteKernels.PanelRows;
        (steps, norms, losses) = (new float[Rows], new float[Rows], new float[Rows]);
        byte* target = bytes.Ensure((long)panels * panelBytes);
        workers.Run((panels + PartPanels - 1) / PartPanels, part =>
        {
            sbyte[] row = new sbyte[4 * quads];
            for (int panel = part * PartPanels; panel < Math.Min(panels, (part + 1) * PartPanels); panel++)
            {
                for (int r = 0; r < ByteKernels.PanelRows; r++)
                {
                    int number = (panel * ByteKernels.PanelRows) + r;
                    if (number < Rows) (steps[number], norms[number], _, losses[number]) = Quantize(rows.Row(number), row);
                    else Array.Clear(row);
                    byte* at = target + ((nint)panel * panelBytes) + (4 * r);
                    for (int i = 0; i < row.Length; i++)
                        at[(i / 4 * 4 * ByteKernels.PanelRows) + (i % 4)] = (byte)(row[i] + ByteKernels.Raise);
                }
            }
        });
        foreach (float norm in norms) largestNorm = MathF.Max(largestNorm, norm);
    }

    /// <summary>Number of rows.</summary>
    public int Rows { get; }

    /// <summary>Length of a row.</summary>
    public int Columns { get; }

    /// <summary>y_i = row_i · x, with x in 8 bits too.</summary>
    /// <param name="x">A vector of <see cref="Columns"/> finite numbers.</param>
    /// <param name="y">Overwritten, <see cref="Rows"/> numbers.</param>
    public void Multiply(ReadOnlySpan<float> x, Span<float> y)
    {
        CheckLengths(x.Length, y.Length);
        int* sums = stackalloc int[Block];
        Span<sbyte> vector = stackalloc sbyte[4 * quads];
        float scale = ToBytes(x, vector);
        bool down = backwards = !backwards;
        fixed (float* step = steps, result = y)
        fixed (sbyte* query = vector)
        {
            for (int block = 0; block < Blocks; block++)
            {
                (int first, int end) = Sum(block, down, query, sums);
                int i = first;
                for (; i + Vector<float>.Count <= end; i += Vector<float>.Count)
                    (Vector.ConvertToSingle(Vector.Load(sums + (i - first))) * (Vector.Load(step + i) * scale)).Store(result + i);
                for (; i < end; i++) result[i] = sums[i - first] * (step[i] * scale);
            }
        }
    }

    /// <summary>What row_i · x + bias_i is at least and at most, as floats sum it up in any order.</summary>
    /// <param name="x">A vector of <see cref="Columns"/> numbers.</param>
    /// <param name="bias">What is added, <see cref="Rows"/> numbers.</param>
    /// <param name="lower">Overwritten, <see cref="Rows"/> numbers.</param>
    /// <param name="upper">Overwritten likewise.</param>
    /// <returns>False where numbers are not finite, or so large that sums may not be: the bounds then hold for nothing.</returns>
    /// <remarks>
    /// By Cauchy and Schwarz, |w·x − ŵ·x̂| ≤ ‖w‖·‖x − x̂‖ + ‖w − ŵ‖·‖x̂‖ for a row w and the numbers ŵ and x̂ that the bytes stand for; a
    /// sum of d products rounds at most 2d + 1 times, each time by at most 2⁻²⁴ of ‖w‖·‖x‖.
    /// </remarks>
    public bool TryBound(ReadOnlySpan<float> x, ReadOnlySpan<float> bias, Span<float> lower, Span<float> upper)
    {
        const float Rounding = 1f / (1 << 24), Larger = 1.00001f; // the second for the rounding of the bounds themselves
        CheckLengths(x.Length, bias.Length);
        CheckLengths(x.Length, Math.Min(lower.Length, upper.Length));
        int* sums = stackalloc int[Block];
        Span<sbyte> vector = stackalloc sbyte[4 * quads];
        (float scale, _, float used, float lost) = Quantize(x, vector);
        if (!(largestNorm * (used + lost) < Largest)) return false;
        float ofNorm = Larger * (lost + (((2 * Columns) + 16) * Rounding * (used + lost))), ofLoss = Larger * used, largest = 0;
        Vector<float> largests = default;
        bool down = backwards = !backwards;
        fixed (float* step = steps, norm = norms, loss = losses, added = bias, low = lower, high = upper)
        fixed (sbyte* query = vector)
        {
            for (int block = 0; block < Blocks; block++)
            {
                (int first, int end) = Sum(block, down, query, sums);
                int i = first;
                for (; i + Vector<float>.Count <= end; i += Vector<float>.Count)
                {
                    Vector<float> b = Vector.Load(added + i), size = Vector.Abs(b);
                    Vector<float> sum = (Vector.ConvertToSingle(Vector.Load(sums + (i - first))) * (Vector.Load(step + i) * scale)) + b;
                    Vector<float> error = (Vector.Load(norm + i) * ofNorm) + (Vector.Load(loss + i) * ofLoss) + (size * (4 * Rounding));
                    largests = Vector.Max(largests, size);
                    (sum - error).Store(low + i);
                    (sum + error).Store(high + i);
                }

                for (; i < end; i++)
                {
                    float size = MathF.Abs(added[i]), sum = (sums[i - first] * (step[i] * scale)) + added[i];
                    float error = (norm[i] * ofNorm) + (loss[i] * ofLoss) + (size * (4 * Rounding));
                    largest = MathF.Max(largest, size);
                    (low[i], high[i]) = (sum - error, sum + error);
                }
            }
        }

        for (int lane = 0; lane < Vector<float>.Count; lane++) largest = MathF.Max(largest, largests[lane]);
        return largest < Largest;
    }

    /// <inheritdoc/>
    public void Dispose() => bytes.Dispose();

    private int Blocks => (panels + BlockPanels - 1) / BlockPanels;

    // The sums of a block's rows, from either end.
    private (int First, int End) Sum(int block, bool down, sbyte* query, int* sums)
    {
        int panel = BlockPanels * (down ? Blocks - 1 - block : block), first = panel * ByteKernels.PanelRows;
        kernels.Multiply(bytes.Pointer + ((nint)panel * panelBytes), Math.Min(BlockPanels, panels - panel), quads, query, sums);
        return (first, Math.Min(first + Block, Rows));
    }

    private void CheckLengths(int x, int y)
    {
        if (x == Columns && y == Rows) return;
        throw new ArgumentException($"A [{Rows}, {Columns}] matrix takes a vector of {Columns} and gives {Rows} numbers; it was given {x} "
            + $"and room for {y}.");
    }

    /// <summary>Puts numbers in steps of their largest / 127; what is beyond their end is 0.</summary>
    /// <returns>A step.</returns>
    internal static float ToBytes(ReadOnlySpan<float> numbers, Span<sbyte> target)
    {
        float most = 0;
        int i = 0;
        ref float first = ref MemoryMarshal.GetReference(numbers);
        Vector256<float> mosts = default;
        for (; i + Vector256<float>.Count <= numbers.Length; i += Vector256<float>.Count)
            mosts = Vector256.Max(mosts, Vector256.Abs(Vector256.LoadUnsafe(ref first, (nuint)i)));
        for (int lane = 0; lane < Vector256<float>.Count; lane++) most = MathF.Max(most, mosts[lane]);
        for (; i < numbers.Length; i++) most = MathF.Max(most, MathF.Abs(numbers[i]));
        float step = most >= Smallest ? most / 127 : 0, inverse = step > 0 ? 1 / step : 0;
        target.Clear();
        ref sbyte result = ref MemoryMarshal.GetReference(target);
        for (i = 0; i + Vector256<sbyte>.Count <= numbers.Length; i += Vector256<sbyte>.Count)
        {
            Vector256<short> low = Vector256.Narrow(Rounded(ref first, i, inverse), Rounded(ref first, i + 8, inverse));
            Vector256<short> high = Vector256.Narrow(Rounded(ref first, i + 16, inverse), Rounded(ref first, i + 24, inverse));
            Vector256.Narrow(low, high).StoreUnsafe(ref result, (nuint)i);
        }

        for (; i < numbers.Length; i++) target[i] = (sbyte)Math.Clamp(MathF.Round(numbers[i] * inverse), -127, 127);
        return step;

        static Vector256<int> Rounded(ref float first, int at, float inverse)
        {
            Vector256<float> whole = Vector256.Round(Vector256.LoadUnsafe(ref first, (nuint)at) * inverse);
            return Vector256.ConvertToInt32(Vector256.Clamp(whole, Vector256.Create(-127f), Vector256.Create(127f)));
        }
    }

    // The same, with the norms of the numbers, of what the bytes stand for and of what is lost.
    private static (float Step, float Norm, float Used, float Lost) Quantize(ReadOnlySpan<float> numbers, Span<sbyte> target)
    {
        float step = ToBytes(numbers, target);
        double all = 0, used = 0, lost = 0;
        for (int i = 0; i < numbers.Length; i++)
        {
            double as8Bits = (double)target[i] * step, gone = numbers[i] - as8Bits;
            all += (double)numbers[i] * numbers[i];
            used += as8Bits * as8Bits;
            lost += gone * gone;
        }

        return (step, Length(all), Length(used), Length(lost));
    }

    private static float Length(double squares) => (float)(Math.Sqrt(squares) * RoundUp);
}
