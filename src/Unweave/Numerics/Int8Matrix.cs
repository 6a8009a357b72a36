using System.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Numerics;

/// <summary>
/// A copy of a matrix's rows in 8 bits, a quarter of their size, for products with one vector at a time: such a product takes as long as
/// its rows take to read. How far a product may be from the exact one is known.
/// </summary>
/// <remarks>Sums are of integers, so that a product is the same bytes on every processor. May be read by several threads at once.</remarks>
internal sealed unsafe class Int8Matrix : IDisposable
{
    /// <summary>The most columns whose sums a 32-bit integer holds.</summary>
    public const int MostColumns = 1 << 16;

    private const int PartPanels = 16, Block = 512;
    private const float Smallest = 1e-30f; // numbers below have no step of their own: they are 0 in 8 bits
    private const double RoundUp = 1 + 1e-6; // more than rounding to a float takes from a length

    private readonly ByteKernels kernels;
    private readonly NativeBuffer<byte> bytes = new();
    private readonly float[] steps, norms, losses;
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
    }

    /// <summary>Number of rows.</summary>
    public int Rows { get; }

    /// <summary>Length of a row.</summary>
    public int Columns { get; }

    /// <summary>The norm of each row, rounded up.</summary>
    public ReadOnlySpan<float> Norms => norms;

    /// <summary>The norm of what each row lost in 8 bits, rounded up.</summary>
    public ReadOnlySpan<float> Losses => losses;

    /// <summary>y_i = row_i · x, with x in 8 bits too.</summary>
    /// <param name="x">A vector of <see cref="Columns"/> finite numbers.</param>
    /// <param name="y">Overwritten, <see cref="Rows"/> numbers.</param>
    /// <returns>
    /// The norms of x as it was used and of what it lost, rounded up. A y_i is at most <c>Norms[i] · Lost + Losses[i] · Used</c> from the
    /// exact product, and what rounding one float takes.
    /// </returns>
    public (float Used, float Lost) Multiply(ReadOnlySpan<float> x, Span<float> y)
    {
        if (x.Length != Columns || y.Length != Rows)
        {
            throw new ArgumentException($"A [{Rows}, {Columns}] matrix takes a vector of {Columns} and gives {Rows} numbers; it was given "
                + $"{x.Length} and room for {y.Length}.");
        }

        const int Step = Block / ByteKernels.PanelRows;
        int* sums = stackalloc int[Block];
        Span<sbyte> vector = stackalloc sbyte[4 * quads];
        (float scale, _, float used, float lost) = Quantize(x, vector);
        byte* source = bytes.Pointer;
        fixed (sbyte* query = vector)
        {
            int blocks = (panels + Step - 1) / Step;
            bool down = backwards = !backwards;
            for (int block = 0; block < blocks; block++)
            {
                int panel = Step * (down ? blocks - 1 - block : block);
                kernels.Multiply(source + ((nint)panel * panelBytes), Math.Min(Step, panels - panel), quads, query, sums);
                int first = panel * ByteKernels.PanelRows;
                Scale(sums, steps.AsSpan(first, Math.Min(Block, Rows - first)), scale, y[first..]);
            }
        }

        return (used, lost);
    }

    /// <inheritdoc/>
    public void Dispose() => bytes.Dispose();

    // y_i = sum_i · (step_i · scale).
    private static void Scale(int* sums, ReadOnlySpan<float> steps, float scale, Span<float> y)
    {
        int i = 0;
        for (; i + Vector<float>.Count <= steps.Length; i += Vector<float>.Count)
            (Vector.ConvertToSingle(Vector.Load(sums + i)) * (new Vector<float>(steps[i..]) * scale)).CopyTo(y[i..]);
        for (; i < steps.Length; i++) y[i] = sums[i] * (steps[i] * scale);
    }

    // The numbers in steps of their largest / 127; what is beyond their end is 0.
    private static (float Step, float Norm, float Used, float Lost) Quantize(ReadOnlySpan<float> numbers, Span<sbyte> target)
    {
        float most = 0;
        foreach (float number in numbers) most = MathF.Max(most, MathF.Abs(number));
        float step = most >= Smallest ? most / 127 : 0, inverse = step > 0 ? 1 / step : 0;
        double all = 0, used = 0, lost = 0;
        target.Clear();
        for (int i = 0; i < numbers.Length; i++)
        {
            target[i] = (sbyte)Math.Clamp(MathF.Round(numbers[i] * inverse), -127, 127);
            double as8Bits = (double)target[i] * step, gone = numbers[i] - as8Bits;
            all += (double)numbers[i] * numbers[i];
            used += as8Bits * as8Bits;
            lost += gone * gone;
        }

        return (step, Length(all), Length(used), Length(lost));
    }

    private static float Length(double squares) => (float)(Math.Sqrt(squares) * RoundUp);
}
