using System.Buffers;
using Unweave.Numerics.Kernels;

namespace Unweave.Numerics;

/// <summary>
/// Dense products op(A)·op(B), for models whose codes are not sparse: B is packed once, then any rows of the product are computed,
/// in parallel or on the calling thread.
/// </summary>
/// <remarks>Each element is a sum over blocks of the depth in order, whatever rows are asked for and however they are divided.</remarks>
internal sealed unsafe class DenseProduct(Workers workers, KernelSet? kernelSet = null) : IDisposable
{
    private const int DepthBlock = 512, RowsOfPart = 64;

    private readonly KernelSet kernels = kernelSet ?? KernelSet.Current;
    private readonly NativeBuffer<float> packed = new();
    private int depth, columns;

    private int ColumnPanels => (columns + kernels.TileColumns - 1) / kernels.TileColumns;

    /// <summary>Packs the right operand, <c>[depth, columns]</c>.</summary>
    /// <param name="b">The matrix.</param>
    /// <param name="transposed">True when <paramref name="b"/> holds it as <c>[columns, depth]</c>.</param>
    public void PackRight(Matrix b, bool transposed)
    {
        (depth, columns) = transposed ? (b.Columns, b.Rows) : (b.Rows, b.Columns);
        int width = kernels.TileColumns, panels = ColumnPanels;
        float* target = packed.Ensure((long)panels * width * depth), source = b.Pointer;
        nint stride = b.Columns;
        (int k, int n) = (depth, columns);
        workers.Run(panels, panel =>
        {
            int first = panel * width, count = Math.Min(width, n - first);
            float** rows = stackalloc float*[width];
            for (int from = 0; from < k; from += DepthBlock)
            {
                int length = Math.Min(DepthBlock, k - from);
                float* block = target + ((nint)panel * width * k) + ((nint)from * width);
                if (transposed)
                {
                    for (int c = 0; c < count; c++) rows[c] = source + ((first + c) * stride) + from;
                    Panels.FromRows(rows, count, width, length, block);
                }
                else
                {
                    Panels.FromColumns(source + (from * stride) + first, stride, count, width, length, block);
                }
            }
        });
    }

    /// <summary>c = op(a)·B, on the whole team.</summary>
    /// <param name="a">The left operand, <c>[rows, depth]</c>.</param>
    /// <param name="transposed">True when <paramref name="a"/> holds it as <c>[depth, rows]</c>.</param>
    /// <param name="c">Overwritten, <c>[rows, columns]</c>.</param>
    public void Multiply(Matrix a, bool transposed, Matrix c)
    {
        int rows = transposed ? a.Columns : a.Rows;
        if (c.Rows != rows || c.Columns != columns)
            throw new ArgumentException($"The product is [{rows}, {columns}], but the destination is [{c.Rows}, {c.Columns}].", nameof(c));
        float* target = c.Pointer;
        workers.Run((rows + RowsOfPart - 1) / RowsOfPart, part =>
        {
            int first = part * RowsOfPart;
            MultiplyRows(a, transposed, first, Math.Min(RowsOfPart, rows - first), target + ((nint)first * columns));
        });
    }

    /// <summary>Rows of op(a)·B, on the calling thread.</summary>
    /// <param name="a">The left operand.</param>
    /// <param name="transposed">True when <paramref name="a"/> holds it as <c>[depth, rows]</c>.</param>
    /// <param name="first">First row of the product.</param>
    /// <param name="count">Number of rows.</param>
    /// <param name="c">Overwritten, <c>[count, columns]</c>.</param>
    public void MultiplyRows(Matrix a, bool transposed, int first, int count, float* c)
    {
        if ((transposed ? a.Rows : a.Columns) != depth)
            throw new ArgumentException($"The left operand is [{a.Rows}, {a.Columns}], but the right one has depth {depth}.", nameof(a));
        int tileRows = kernels.TileRows, tileColumns = kernels.TileColumns;
        int panels = (count + tileRows - 1) / tileRows;
        nint stride = a.Columns;
        float[] rented = ArrayPool<float>.Shared.Rent(panels * tileRows * Math.Min(DepthBlock, Math.Max(depth, 1)));
        float* tile = stackalloc float[tileRows * tileColumns];
        float** rows = stackalloc float*[tileRows];
        new Span<float>(c, checked(count * columns)).Clear();
        fixed (float* left = rented)
        {
            for (int from = 0; from < depth; from += DepthBlock)
            {
                int length = Math.Min(DepthBlock, depth - from);
                for (int panel = 0; panel < panels; panel++)
                {
                    int row = first + (panel * tileRows), here = Math.Min(tileRows, first + count - row);
                    float* block = left + ((nint)panel * tileRows * length);
                    if (transposed)
                    {
                        Panels.FromColumns(a.Pointer + (from * stride) + row, stride, here, tileRows, length, block);
                    }
                    else
                    {
                        for (int r = 0; r < here; r++) rows[r] = a.Pointer + ((row + r) * stride) + from;
                        Panels.FromRows(rows, here, tileRows, length, block);
                    }
                }

                for (int column = 0; column < ColumnPanels; column++)
                {
                    float* right = packed.Pointer + ((nint)column * tileColumns * depth) + ((nint)from * tileColumns);
                    int columnCount = Math.Min(tileColumns, columns - (column * tileColumns));
                    for (int panel = 0; panel < panels; panel++)
                    {
                        kernels.Multiply(left + ((nint)panel * tileRows * length), right, length, tile);
                        int here = Math.Min(tileRows, count - (panel * tileRows));
                        for (int r = 0; r < here; r++)
                            kernels.AddScaled(
                                c + ((((nint)panel * tileRows) + r) * columns) + (column * tileColumns),
                                tile + (r * tileColumns),
                                1,
                                columnCount);
                    }
                }
            }
        }

        ArrayPool<float>.Shared.Return(rented);
    }

    /// <inheritdoc/>
    public void Dispose() => packed.Dispose();
}
