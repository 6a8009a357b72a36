using Unweave.Numerics;

namespace Unweave.Projection;

/// <summary>
/// The affinities P of t-SNE (van der Maaten &amp; Hinton 2008, section 2): p(j|i) ∝ exp(−β_i ‖x_i − x_j‖²) over the nearest neighbours of i, β_i such that
/// the perplexity 2^H is the one asked for; then p_ij = (p(j|i) + p(i|j)) / 2N. In compressed rows.
/// </summary>
internal sealed class Affinities
{
    private const int Block = 64, Bisections = 100;

    private Affinities(long[] starts, int[] columns, double[] values, double[] perplexities)
    {
        Starts = starts;
        Columns = columns;
        Values = values;
        Perplexities = perplexities;
    }

    /// <summary>Offsets of the rows.</summary>
    public long[] Starts { get; }

    /// <summary>Column of each entry, ascending in a row.</summary>
    public int[] Columns { get; }

    /// <summary>Value of each entry; all together are 1.</summary>
    public double[] Values { get; }

    /// <summary>The perplexity that each point reached.</summary>
    public double[] Perplexities { get; }

    /// <summary>The affinities of points.</summary>
    /// <param name="x">Points, <c>[n, d]</c>, two or more.</param>
    /// <param name="perplexity">Perplexity.</param>
    /// <param name="cancellation">Ends it.</param>
    public static Affinities Of(Matrix x, double perplexity, CancellationToken cancellation)
    {
        int points = x.Rows, neighbours = Math.Min(points - 1, (int)Math.Ceiling(3 * perplexity));
        int[] near = new int[points * neighbours];
        double[] conditional = new double[points * neighbours], reached = new double[points];
        double[] lengths = new double[points];
        for (int i = 0; i < points; i++) lengths[i] = SquaredLength(x.Row(i));
        using var product = new DenseProduct(Workers.Shared);
        product.PackRight(x, transposed: true);
        Workers.Shared.Run((points + Block - 1) / Block, part =>
        {
            if (cancellation.IsCancellationRequested) return;
            int first = part * Block, count = Math.Min(Block, points - first);
            using var dots = new Matrix(count, points);
            unsafe
            {
                product.MultiplyRows(x, transposed: false, first, count, dots.Pointer);
            }

            float[] keys = new float[points], ordered = new float[points];
            for (int row = 0; row < count; row++)
            {
                int own = first + row;

                // Nearer is larger: −‖x_i − x_j‖² without the part that is the same for all j.
                for (int j = 0; j < points; j++) keys[j] = (float)((2.0 * dots[row, j]) - lengths[j]);
                keys[own] = float.NegativeInfinity;
                keys.CopyTo(ordered, 0);
                float least = Selection.KthLargest(ordered, neighbours);
                Span<int> chosen = near.AsSpan(own * neighbours, neighbours);
                int kept = 0;
                for (int j = 0; j < points && kept < neighbours; j++)
                    if (keys[j] > least) chosen[kept++] = j;
                for (int j = 0; j < points && kept < neighbours; j++)
                    if (keys[j] == least && j != own) chosen[kept++] = j;
                chosen.Sort();
                Span<double> distances = conditional.AsSpan(own * neighbours, neighbours);
                for (int j = 0; j < neighbours; j++) distances[j] = SquaredDistance(x.Row(own), x.Row(chosen[j]));
                reached[own] = Calibrate(distances, Math.Min(perplexity, neighbours));
            }
        });
        cancellation.ThrowIfCancellationRequested();
        return Symmetric(points, neighbours, near, conditional, reached);
    }

    // Turns squared distances into probabilities of the perplexity asked for, by bisection on the precision.
    private static double Calibrate(Span<double> distances, double perplexity)
    {
        double target = Math.Log(perplexity), low = 0, high = double.PositiveInfinity, beta = 1, entropy = 0, nearest = double.PositiveInfinity, mean = 0;
        foreach (double distance in distances)
        {
            nearest = Math.Min(nearest, distance);
            mean += distance / distances.Length;
        }

        if (mean > nearest) beta = 1 / (mean - nearest);
        double[] weights = new double[distances.Length];
        for (int step = 0; step < Bisections; step++)
        {
            double sum = 0, weighted = 0;
            for (int j = 0; j < weights.Length; j++)
            {
                double above = distances[j] - nearest;
                weights[j] = Math.Exp(-beta * above);
                sum += weights[j];
                weighted += weights[j] * above;
            }

            entropy = Math.Log(sum) + (beta * weighted / sum);
            for (int j = 0; j < weights.Length; j++) weights[j] /= sum;
            if (Math.Abs(entropy - target) < 1e-7) break;
            if (entropy > target) low = beta;
            else high = beta;
            beta = double.IsPositiveInfinity(high) ? beta * 2 : (low + high) / 2;

            // Points that coincide cannot be told apart by any precision.
            if (!double.IsFinite(beta)) break;
        }

        weights.CopyTo(distances);
        return Math.Exp(entropy);
    }

    private static Affinities Symmetric(int points, int neighbours, int[] near, double[] conditional, double[] reached)
    {
        // Each directed edge lands in both rows; edges that go both ways are joined.
        int[] counts = new int[points + 1];
        for (int e = 0; e < near.Length; e++)
        {
            counts[(e / neighbours) + 1]++;
            counts[near[e] + 1]++;
        }

        for (int i = 0; i < points; i++) counts[i + 1] += counts[i];
        int[] next = counts[..points], columns = new int[2 * near.Length];
        double[] values = new double[2 * near.Length];
        for (int e = 0; e < near.Length; e++)
        {
            int i = e / neighbours, j = near[e];
            (columns[next[i]], values[next[i]++]) = (j, conditional[e]);
            (columns[next[j]], values[next[j]++]) = (i, conditional[e]);
        }

        long[] starts = new long[points + 1];
        int at = 0;
        for (int i = 0; i < points; i++)
        {
            Array.Sort(columns, values, counts[i], counts[i + 1] - counts[i]);
            int first = at;
            for (int e = counts[i]; e < counts[i + 1]; e++)
            {
                double share = values[e] / (2.0 * points);
                if (at > first && columns[at - 1] == columns[e]) values[at - 1] += share;
                else (columns[at], values[at++]) = (columns[e], share);
            }

            starts[i + 1] = at;
        }

        return new Affinities(starts, columns[..at], values[..at], reached);
    }

    private static double SquaredLength(ReadOnlySpan<float> row)
    {
        double sum = 0;
        foreach (float value in row) sum += (double)value * value;
        return sum;
    }

    private static double SquaredDistance(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
        {
            double difference = a[i] - b[i];
            sum += difference * difference;
        }

        return sum;
    }
}
