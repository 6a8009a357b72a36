using Unweave.Numerics;

namespace Unweave.Projection;

/// <summary>The nearest rows of each row, by comparing all with all.</summary>
internal static class NearestRows
{
    private const int Block = 512, PartRows = 16, Spare = 16;

    /// <summary>Finds them.</summary>
    /// <param name="rows">The points, around 0, <c>[N, d]</c>.</param>
    /// <param name="count">Neighbors of each, 1 to N − 1.</param>
    /// <param name="workers">Who computes.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <returns>Numbers of the neighbors and their squared distances, <c>[N, count]</c>, nearest first.</returns>
    public static (int[] Neighbors, double[] Distances) Of(Matrix rows, int count, Workers workers, CancellationToken cancellationToken)
    {
        int points = rows.Rows, d = rows.Columns;
        int[] neighbors = new int[checked(points * count)];
        double[] distances = new double[neighbors.Length];

        // The nearest to x is the y of largest 2x·y − |y|²; raised by 4 max|y|² it is above 0, and a TopK encoder finds the largest.
        using var bias = new Matrix(1, points);
        double largest = 0;
        for (int i = 0; i < points; i++) largest = Math.Max(largest, Squares(rows.Row(i)));
        double raise = largest > 0 ? 4 * largest : 1;
        for (int i = 0; i < points; i++) bias[0, i] = (float)(raise - Squares(rows.Row(i)));
        using var encoder = new FusedEncoder(workers);
        var codes = new SparseCodes(points);
        for (int first = 0; first < points; first += Block)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int here = Math.Min(Block, points - first), from = first;
            using var doubled = new Matrix(here, d);
            for (int r = 0; r < here; r++)
                for (int c = 0; c < d; c++) doubled[r, c] = 2 * rows[first + r, c];
            encoder.Load(doubled);
            unsafe
            {
                encoder.TopK(rows, bias.Pointer, Math.Min(count + 1 + Spare, points), default, codes);
            }

            workers.Run((here + PartRows - 1) / PartRows, part =>
            {
                for (int r = part * PartRows; r < Math.Min(here, (part + 1) * PartRows); r++)
                    Keep(
                        rows,
                        from + r,
                        codes.Latents(r),
                        neighbors.AsSpan((from + r) * count, count),
                        distances.AsSpan((from + r) * count, count));
            });
        }

        return (neighbors, distances);
    }

    // The product is rounded, so distances are taken again from the rows, of a few more than are kept.
    private static void Keep(Matrix rows, int row, ReadOnlySpan<int> found, Span<int> neighbors, Span<double> distances)
    {
        int[] others = new int[found.Length];
        double[] far = new double[found.Length];
        int count = 0;
        foreach (int other in found)
        {
            if (other == row) continue;
            others[count] = other;
            far[count++] = Distance(rows.Row(row), rows.Row(other));
        }

        Array.Sort(far, others, 0, count);
        others.AsSpan(0, neighbors.Length).CopyTo(neighbors);
        far.AsSpan(0, distances.Length).CopyTo(distances);
    }

    private static double Distance(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (int c = 0; c < a.Length; c++)
        {
            double gap = (double)a[c] - b[c];
            sum += gap * gap;
        }

        return sum;
    }

    private static double Squares(ReadOnlySpan<float> row)
    {
        double sum = 0;
        foreach (float value in row) sum += (double)value * value;
        return sum;
    }
}
