using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Autoencoders;

/// <summary>
/// The penalty on decoder rows that are alike (Korznikov et al. 2025, "OrtSAE: orthogonal sparse autoencoders", section 3): rows are drawn
/// into chunks, and the mean over rows of max over the others of the chunk of cos² is added to the loss. Rows have unit norm.
/// </summary>
internal sealed unsafe class Orthogonality(Matrix decoder, SparseOptions options, Workers workers) : IDisposable
{
    private readonly KernelSet kernels = KernelSet.Current;
    private readonly DenseProduct product = new(workers);
    private readonly int[] order = new int[decoder.Rows], starts = new int[decoder.Rows + 1];
    private readonly List<(int Row, int Other, float Slope)> pairs = [];
    private (int Other, float Slope)[] byRow = [];

    /// <summary>The penalty of a step, 0 on those that have none.</summary>
    public double Compute(in StepSettings settings)
    {
        pairs.Clear();
        Array.Clear(starts);
        if (settings.Step % options.OrthogonalityEvery != 0 || decoder.Rows < 2) return 0;
        var rng = new Rng(settings.NoiseSeed, stream: 1);
        for (int i = 0; i < order.Length; i++) order[i] = i;
        for (int i = order.Length - 1; i > 0; i--)
        {
            int other = (int)rng.NextBelow((uint)(i + 1));
            (order[i], order[other]) = (order[other], order[i]);
        }

        int n = decoder.Rows, chunks = Math.Max(1, n / options.OrthogonalityChunk);
        double weight = options.OrthogonalityCoefficient * options.OrthogonalityEvery / n, total = 0;
        for (int chunk = 0; chunk < chunks; chunk++)
        {
            int first = (int)((long)n * chunk / chunks), count = (int)((long)n * (chunk + 1) / chunks) - first;
            total += Compare(order.AsSpan(first, count), weight);
        }

        foreach ((int row, _, _) in pairs) starts[row + 1]++;
        for (int row = 0; row < n; row++) starts[row + 1] += starts[row];
        byRow = new (int, float)[pairs.Count];
        int[] next = starts[..n];
        foreach ((int row, int other, float slope) in pairs) byRow[next[row]++] = (other, slope);
        return total;
    }

    /// <summary>Adds the gradient of rows of W_dec.</summary>
    public void Add(int firstRow, int rowCount, Span<float> destination)
    {
        int width = decoder.Columns;
        fixed (float* target = destination)
        {
            for (int r = 0; r < rowCount; r++)
            {
                for (int j = starts[firstRow + r]; j < starts[firstRow + r + 1]; j++)
                    kernels.AddScaled(
                        target + ((nint)r * width), decoder.Pointer + ((nint)byRow[j].Other * width), byRow[j].Slope, width);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => product.Dispose();

    private double Compare(ReadOnlySpan<int> rows, double weight)
    {
        using Matrix chunk = new(rows.Length, decoder.Columns), cosines = new(rows.Length, rows.Length);
        for (int i = 0; i < rows.Length; i++) decoder.Row(rows[i]).CopyTo(chunk.Row(i));
        product.PackRight(chunk, transposed: true);
        product.Multiply(chunk, transposed: false, cosines);
        double total = 0;
        for (int i = 0; i < rows.Length; i++)
        {
            ReadOnlySpan<float> row = cosines.Row(i);
            int closest = i == 0 ? 1 : 0;
            for (int j = 0; j < row.Length; j++)
                if (j != i && MathF.Abs(row[j]) > MathF.Abs(row[closest])) closest = j;
            double cosine = row[closest];
            total += weight * cosine * cosine;
            pairs.Add((rows[i], rows[closest], (float)(2 * weight * cosine)));
            pairs.Add((rows[closest], rows[i], (float)(2 * weight * cosine)));
        }

        return total;
    }
}
