namespace Unweave.Numerics;

/// <summary>
/// The leading principal components of centered rows: eigenvectors of the covariance C = XᵀX/rows, by subspace iteration of a block of
/// slightly more vectors with a Rayleigh–Ritz step each round and a Chebyshev filter between (Rutishauser 1970; Zhou and Saad 2006).
/// </summary>
internal sealed class PrincipalComponents : IDisposable
{
    private const int GuardVectors = 10, MaxRounds = 300, MaxDegree = 16;

    // Where the iteration ends: the variance that the components may still miss, of what they leave over and of the whole.
    private const double OfRest = 1e-5, OfTotal = 1e-8;

    // The largest amplification of the leading direction: single precision keeps the others beside it.
    private const double MaxGrowth = 1e6;

    // Applications of the covariance that a fit is expected to take; decides whether it is worth computing.
    private const int ExpectedProducts = 40;

    private readonly Matrix rows;
    private readonly Matrix? covariance;
    private readonly DenseProduct product;

    private PrincipalComponents(Matrix rows, int block, Workers workers)
    {
        (this.rows, product) = (rows, new DenseProduct(workers));
        double products = (double)ExpectedProducts * block, width = rows.Columns;
        if (2 * products * rows.Rows >= width * (rows.Rows + products)) covariance = Covariance();
    }

    /// <summary>Computes the leading components.</summary>
    /// <param name="rows">Rows whose mean is 0, of magnitudes whose squares are safe in single precision.</param>
    /// <param name="k">How many components, from 1 to the number of columns.</param>
    /// <param name="seed">Seed of the first block.</param>
    /// <param name="workers">Who computes; any number of threads gives the same bytes.</param>
    /// <returns>The components, k rows, and the variance along each, both in order of descending variance.</returns>
    public static (double[][] Axes, double[] Variances) Compute(Matrix rows, int k, ulong seed, Workers workers)
    {
        // A block that is a large part of the space costs more than the whole.
        int d = rows.Columns, block = (k + GuardVectors) * 4 > d ? d : k + GuardVectors;
        using var components = new PrincipalComponents(rows, block, workers);
        return components.Iterate(k, block, seed);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        covariance?.Dispose();
        product.Dispose();
    }

    private (double[][] Axes, double[] Variances) Iterate(int k, int block, ulong seed)
    {
        double total = 0;
        for (int r = 0; r < rows.Rows; r++)
            foreach (float value in rows.Row(r)) total += (double)value * value / rows.Rows;

        var rng = new Rng(seed);
        double[][] basis = [.. Enumerable.Range(0, block).Select(_ => new double[rows.Columns])];
        foreach (double[] vector in basis)
            for (int c = 0; c < vector.Length; c++) vector[c] = rng.NextNormal();
        DoubleRows.Orthonormalize(basis);
        for (int round = 1; ; round++)
        {
            // Rayleigh–Ritz: the eigenvectors of C within the space that the block spans.
            double[][] images = Apply(basis), projected = [.. basis.Select(_ => new double[block])];
            for (int i = 0; i < block; i++)
                for (int j = 0; j <= i; j++)
                    projected[i][j] = projected[j][i] = (DoubleRows.Dot(basis[i], images[j]) + DoubleRows.Dot(basis[j], images[i])) / 2;
            (double[] values, double[][] turn) = JacobiEigen.Solve(projected);
            (basis, images) = (DoubleRows.Combine(turn, basis), DoubleRows.Combine(turn, images));
            if (block == rows.Columns || round == MaxRounds || Missing(basis, images, values, k) <= Allowed(values.AsSpan(0, k), total))
                return (basis[..k], [.. values[..k].Select(value => Math.Max(0, value))]);
            basis = Filter(basis, images, values);
            DoubleRows.Orthonormalize(basis);
        }
    }

    private static double Allowed(ReadOnlySpan<double> values, double total)
    {
        double rest = total;
        foreach (double value in values) rest -= value;
        return (OfRest * Math.Max(0, rest)) + (OfTotal * total);
    }

    // How far the values are from eigenvalues, by their residuals r = ‖Cv − λv‖: at most r, and r²/gap where the rest of the
    // spectrum is a gap away.
    private static double Missing(double[][] basis, double[][] images, double[] values, int k)
    {
        double sum = 0;
        for (int i = 0; i < k; i++)
        {
            double[] residual = [.. images[i]];
            DoubleRows.AddScaled(residual, basis[i], -values[i]);
            double length = Math.Sqrt(DoubleRows.Dot(residual, residual)), gap = values[i] - values[^1];
            sum += length < gap ? length * length / gap : length;
        }

        return sum;
    }

    // The Chebyshev polynomial that stays small on [0, the block's least value] and grows fastest above it.
    private double[][] Filter(double[][] basis, double[][] images, double[] values)
    {
        if (values[0] <= 0) return basis;
        double half = Math.Max(values[^1], 1e-7 * values[0]) / 2;
        int degree = (int)Math.Clamp(Math.Acosh(MaxGrowth) / Math.Acosh((values[0] / half) - 1), 1, MaxDegree);
        double[][] before = basis, now = Shifted(images, basis, 1 / half);
        for (int i = 2; i <= degree; i++)
        {
            double[][] next = Shifted(Apply(now), now, 2 / half);
            for (int j = 0; j < next.Length; j++) DoubleRows.AddScaled(next[j], before[j], -1);
            (before, now) = (now, next);
        }

        return now;

        // scale·(C − half·1)·y
        double[][] Shifted(double[][] images, double[][] y, double scale)
        {
            double[][] result = [.. y.Select(row => new double[row.Length])];
            for (int j = 0; j < y.Length; j++)
            {
                DoubleRows.AddScaled(result[j], images[j], scale);
                DoubleRows.AddScaled(result[j], y[j], -half * scale);
            }

            return result;
        }
    }

    // C·v of every vector, in single precision.
    private double[][] Apply(double[][] vectors)
    {
        using Matrix right = new(vectors.Length, rows.Columns), result = new(rows.Columns, vectors.Length);
        for (int i = 0; i < vectors.Length; i++)
            for (int c = 0; c < rows.Columns; c++) right[i, c] = (float)vectors[i][c];
        product.PackRight(right, transposed: true);
        if (covariance is not null)
        {
            product.Multiply(covariance, transposed: false, result);
        }
        else
        {
            using var scores = new Matrix(rows.Rows, vectors.Length);
            product.Multiply(rows, transposed: false, scores);
            product.PackRight(scores, transposed: false);
            product.Multiply(rows, transposed: true, result);
        }

        double scale = covariance is null ? 1.0 / rows.Rows : 1;
        double[][] images = [.. vectors.Select(vector => new double[vector.Length])];
        for (int c = 0; c < rows.Columns; c++)
            for (int i = 0; i < images.Length; i++) images[i][c] = result[c, i] * scale;
        return images;
    }

    // XᵀX/rows, by blocks of rows so that not all of them are packed at once.
    private Matrix Covariance()
    {
        const int Block = 4096;
        int d = rows.Columns;
        var sum = new Matrix(d, d);
        using var partial = new Matrix(d, d);
        for (int first = 0; first < rows.Rows; first += Block)
        {
            int count = Math.Min(Block, rows.Rows - first);
            using var block = new Matrix(count, d);
            for (int r = 0; r < count; r++) rows.Row(first + r).CopyTo(block.Row(r));
            product.PackRight(block, transposed: false);
            product.Multiply(block, transposed: true, partial);
            for (int i = 0; i < d; i++)
            {
                Span<float> row = sum.Row(i), added = partial.Row(i);
                for (int j = 0; j < d; j++) row[j] += added[j] / rows.Rows;
            }
        }

        return sum;
    }
}
