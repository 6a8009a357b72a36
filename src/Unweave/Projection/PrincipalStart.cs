using Unweave.Numerics;

namespace Unweave.Projection;

/// <summary>The start of a map: the first two principal components, small (Kobak and Berens 2019).</summary>
internal static class PrincipalStart
{
    private const double Spread = 1e-4, Noise = 0.01;
    private const int PartRows = 256, MostRounds = 100;
    private const double Converged = 1e-7;

    /// <summary>The points around their mean, scaled by one number so that nothing overflows: t-SNE does not see scale.</summary>
    public static Matrix Center(Matrix rows)
    {
        int d = rows.Columns;
        double[] mean = new double[d];
        for (int r = 0; r < rows.Rows; r++)
        {
            ReadOnlySpan<float> row = rows.Row(r);
            for (int c = 0; c < d; c++) mean[c] += row[c] / (double)rows.Rows;
        }

        double largest = 0;
        for (int r = 0; r < rows.Rows; r++)
        {
            ReadOnlySpan<float> row = rows.Row(r);
            for (int c = 0; c < d; c++) largest = Math.Max(largest, Math.Abs(row[c] - mean[c]));
        }

        // Of equal rows, what is left of the mean's rounding is no structure.
        double magnitude = 0;
        foreach (double value in mean) magnitude = Math.Max(magnitude, Math.Abs(value));
        var centered = new Matrix(rows.Rows, d);
        if (largest <= magnitude * 1e-12) return centered;
        for (int r = 0; r < rows.Rows; r++)
        {
            ReadOnlySpan<float> row = rows.Row(r);
            Span<float> target = centered.Row(r);
            for (int c = 0; c < d; c++) target[c] = (float)((row[c] - mean[c]) / largest);
        }

        return centered;
    }

    /// <summary>Where the points start, x and y in turn.</summary>
    /// <param name="centered">The points around their mean.</param>
    /// <param name="seed">Seed of the noise.</param>
    /// <param name="workers">Who computes.</param>
    public static double[] Compute(Matrix centered, ulong seed, Workers workers)
    {
        int points = centered.Rows;
        double[] places = Components(centered, workers), start = new double[2 * points];
        double variance = 0;
        for (int i = 0; i < points; i++) variance += places[2 * i] * places[2 * i] / points;
        double scale = variance > 0 ? Spread / Math.Sqrt(variance) : 0, flat = 0;
        for (int i = 0; i < points; i++) flat += places[(2 * i) + 1] * scale * places[(2 * i) + 1] * scale / points;

        // An axis without extent starts as noise alone, or the map would stay on a line.
        double acrossNoise = scale > 0 ? Noise * Spread : Spread, downNoise = flat > 1e-12 * Spread * Spread ? Noise * Spread : Spread;
        var rng = new Rng(seed);
        for (int i = 0; i < points; i++)
        {
            start[2 * i] = (places[2 * i] * scale) + (rng.NextNormal() * acrossNoise);
            start[(2 * i) + 1] = (places[(2 * i) + 1] * scale) + (rng.NextNormal() * downNoise);
        }

        return start;
    }

    /// <summary>
    /// Projections on the first two principal axes by orthogonal iteration, which needs no covariance; where the spectrum is flat they are
    /// near enough for a start.
    /// </summary>
    private static double[] Components(Matrix centered, Workers workers)
    {
        int points = centered.Rows, d = centered.Columns, parts = (points + PartRows - 1) / PartRows;
        double[] places = new double[2 * points];
        if (d == 0) return places;
        var rng = new Rng(0, 1);
        double[] first = new double[d], second = new double[d];
        for (int c = 0; c < d; c++) (first[c], second[c]) = (rng.NextNormal(), rng.NextNormal());
        Orthonormalize(first, second);
        double[][] sums = [.. Enumerable.Range(0, parts).Select(_ => new double[2 * d])];
        for (int round = 0; round < MostRounds; round++)
        {
            double[] firstWas = [.. first], secondWas = [.. second];
            Project(first, second);
            Array.Clear(first);
            Array.Clear(second);
            foreach (double[] sum in sums)
            {
                for (int c = 0; c < d; c++) first[c] += sum[c];
                for (int c = 0; c < d; c++) second[c] += sum[d + c];
            }

            Orthonormalize(first, second);
            if (Turned(first, firstWas) < Converged && Turned(second, secondWas) < Converged) break;
        }

        // Which end of an axis is positive must not depend on rounding.
        Orient(first);
        Orient(second);
        Project(first, second);
        return places;

        void Project(double[] across, double[] down) => workers.Run(parts, part =>
        {
            double[] sum = sums[part];
            Array.Clear(sum);
            for (int r = part * PartRows; r < Math.Min(points, (part + 1) * PartRows); r++)
            {
                ReadOnlySpan<float> row = centered.Row(r);
                double x = 0, y = 0;
                for (int c = 0; c < row.Length; c++)
                {
                    x += row[c] * across[c];
                    y += row[c] * down[c];
                }

                (places[2 * r], places[(2 * r) + 1]) = (x, y);
                for (int c = 0; c < row.Length; c++)
                {
                    sum[c] += x * row[c];
                    sum[row.Length + c] += y * row[c];
                }
            }
        });
    }

    private static void Orthonormalize(double[] first, double[] second)
    {
        Normalize(first);
        double along = 0, before = 0, after = 0;
        for (int c = 0; c < first.Length; c++) (along, before) = (along + (first[c] * second[c]), before + (second[c] * second[c]));
        for (int c = 0; c < first.Length; c++)
        {
            second[c] -= along * first[c];
            after += second[c] * second[c];
        }

        // Where all is along the first axis, the rest is rounding.
        if (after <= 1e-20 * before) Array.Clear(second);
        Normalize(second);
    }

    // Of an axis without extent, too, nothing turns.
    private static double Turned(double[] axis, double[] was)
    {
        double along = 0, length = 0;
        for (int c = 0; c < axis.Length; c++) (along, length) = (along + (axis[c] * was[c]), length + (axis[c] * axis[c]));
        return length - Math.Abs(along);
    }

    private static void Normalize(double[] axis)
    {
        double squares = 0;
        foreach (double value in axis) squares += value * value;
        double scale = squares > 0 ? 1 / Math.Sqrt(squares) : 0;
        for (int c = 0; c < axis.Length; c++) axis[c] *= scale;
    }

    private static void Orient(double[] axis)
    {
        int at = 0;
        for (int c = 1; c < axis.Length; c++)
            if (Math.Abs(axis[c]) > Math.Abs(axis[at])) at = c;
        if (axis[at] >= 0) return;
        for (int c = 0; c < axis.Length; c++) axis[c] = -axis[c];
    }
}
