using Unweave.Numerics;

namespace Unweave.Projection;

/// <summary>
/// How near the points are to each other in their own space: p_ij, symmetric, of sum 1, kept for the nearest 3·perplexity neighbors of
/// each point and for the points whose neighbor it is (van der Maaten 2014).
/// </summary>
internal sealed class Affinities
{
    private const int PartRows = 64, Halvings = 100;

    private Affinities(int[] starts, int[] columns, double[] values, double perplexity)
    {
        (Starts, Columns, Values, Perplexity) = (starts, columns, values, perplexity);
        foreach (double value in values)
            if (value > 0) NegativeEntropy += value * Math.Log(value);
    }

    /// <summary>Number of points.</summary>
    public int Count => Starts.Length - 1;

    /// <summary>Where each row's entries begin, and the number of all.</summary>
    public int[] Starts { get; }

    /// <summary>The other point of each entry, ascending within a row.</summary>
    public int[] Columns { get; }

    /// <summary>p of each entry.</summary>
    public double[] Values { get; }

    /// <summary>The perplexity that was used: the one asked for, or less where there are too few points.</summary>
    public double Perplexity { get; }

    /// <summary>Σ p ln p.</summary>
    public double NegativeEntropy { get; }

    /// <summary>Computes them for two points or more.</summary>
    public static Affinities Compute(Matrix centered, double perplexity, Workers workers, CancellationToken cancellationToken)
    {
        int points = centered.Rows, kept = (int)Math.Min(points - 1, Math.Ceiling(3 * perplexity));
        double used = Math.Min(perplexity, Math.Max(1, (points - 1) / 3.0));
        (int[] neighbors, double[] distances) = NearestRows.Of(centered, kept, workers, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        double[] conditional = new double[distances.Length];
        workers.Run((points + PartRows - 1) / PartRows, part =>
        {
            for (int i = part * PartRows; i < Math.Min(points, (part + 1) * PartRows); i++)
                Fit(distances.AsSpan(i * kept, kept), used, conditional.AsSpan(i * kept, kept));
        });
        return Symmetrise(points, kept, neighbors, conditional, used);
    }

    /// <summary>Those of points whose neighbors are known: p_j|i is the weight's share of all that point's weights.</summary>
    /// <param name="neighbors">Of each point its neighbors, each once and none itself, with weights above 0; a point may have none.</param>
    public static Affinities From(IReadOnlyList<IReadOnlyList<(int Other, double Weight)>> neighbors)
    {
        int points = neighbors.Count;
        var rows = new SortedDictionary<int, double>[points];
        for (int i = 0; i < points; i++) rows[i] = [];
        int holding = Math.Max(1, neighbors.Count(near => near.Count > 0));
        for (int i = 0; i < points; i++)
        {
            double sum = neighbors[i].Sum(near => near.Weight);
            foreach ((int other, double weight) in neighbors[i])
            {
                double half = weight / sum / (2.0 * holding);
                rows[i][other] = rows[i].GetValueOrDefault(other) + half;
                rows[other][i] = rows[other].GetValueOrDefault(i) + half;
            }
        }

        int[] starts = new int[points + 1];
        for (int i = 0; i < points; i++) starts[i + 1] = starts[i] + rows[i].Count;
        return new Affinities(
            starts, [.. rows.SelectMany(row => row.Keys)], [.. rows.SelectMany(row => row.Values)], neighbors.Average(near => near.Count));
    }

    /// <summary>p_j|i ∝ exp(−β d_ij) with the precision β at which the entropy is ln(perplexity), found by halving.</summary>
    /// <param name="distances">Squared distances of the neighbors, ascending.</param>
    /// <param name="perplexity">The perplexity, 1 or more.</param>
    /// <param name="shares">Overwritten; of sum 1.</param>
    internal static void Fit(ReadOnlySpan<double> distances, double perplexity, Span<double> shares)
    {
        double target = Math.Log(perplexity), mean = 0, low = 0, high = double.PositiveInfinity;
        foreach (double distance in distances) mean += (distance - distances[0]) / distances.Length;
        if (mean <= 0)
        {
            // All equally far: no precision tells them apart.
            shares.Fill(1.0 / shares.Length);
            return;
        }

        double precision = 1 / mean;
        for (int round = 0; round < Halvings; round++)
        {
            double sum = 0, moment = 0;
            for (int j = 0; j < shares.Length; j++)
            {
                double gap = distances[j] - distances[0];
                shares[j] = Math.Exp(-precision * gap);
                sum += shares[j];
                moment += shares[j] * gap;
            }

            double excess = Math.Log(sum) + (precision * moment / sum) - target;
            for (int j = 0; j < shares.Length; j++) shares[j] /= sum;
            if (Math.Abs(excess) < 1e-10) return;
            if (excess > 0) low = precision;
            else high = precision;
            precision = double.IsPositiveInfinity(high) ? precision * 2 : (low + high) / 2;
        }
    }

    // p_ij = (p_j|i + p_i|j) / 2N: a merge of each row's own neighbors with the points that have it as theirs, both ascending.
    private static Affinities Symmetrise(int points, int kept, int[] neighbors, double[] conditional, double perplexity)
    {
        int[] begins = new int[points + 1], sources = new int[neighbors.Length], starts = new int[points + 1];
        double[] given = new double[neighbors.Length];
        foreach (int j in neighbors) begins[j + 1]++;
        for (int i = 0; i < points; i++) begins[i + 1] += begins[i];
        int[] next = begins[..points];
        for (int i = 0; i < points; i++)
        {
            neighbors.AsSpan(i * kept, kept).Sort(conditional.AsSpan(i * kept, kept));
            for (int at = i * kept; at < (i + 1) * kept; at++)
            {
                int to = next[neighbors[at]]++;
                (sources[to], given[to]) = (i, conditional[at]);
            }
        }

        var columns = new List<int>(2 * neighbors.Length);
        var values = new List<double>(2 * neighbors.Length);
        for (int i = 0; i < points; i++)
        {
            int own = i * kept, ownEnd = own + kept, other = begins[i], otherEnd = begins[i + 1];
            while (own < ownEnd || other < otherEnd)
            {
                int mine = own < ownEnd ? neighbors[own] : int.MaxValue, theirs = other < otherEnd ? sources[other] : int.MaxValue;
                double value = 0;
                if (mine <= theirs) value += conditional[own++];
                if (theirs <= mine) value += given[other++];
                columns.Add(Math.Min(mine, theirs));
                values.Add(value / (2.0 * points));
            }

            starts[i + 1] = columns.Count;
        }

        return new Affinities(starts, [.. columns], [.. values], perplexity);
    }
}
