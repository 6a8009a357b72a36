using Unweave.Numerics;

namespace Unweave.Benchmarks.Search;

/// <summary>A rotation of vectors: an orthogonal matrix whose row j says where coordinate j goes.</summary>
internal sealed class Rotation : IDisposable
{
    private readonly Matrix matrix;

    /// <summary>Takes a matrix, which must be orthogonal.</summary>
    public Rotation(Matrix matrix) => this.matrix = matrix;

    public int Width => matrix.Rows;

    /// <summary>A random rotation.</summary>
    public static Rotation Random(int width, ulong seed)
    {
        var rows = new Matrix(width, width);
        new Rng(seed, 2).FillNormal(rows.AsSpan());
        for (int i = 0; i < width; i++)
        {
            // Twice, so that rounding leaves nothing.
            for (int pass = 0; pass < 2; pass++)
                for (int j = 0; j < i; j++) Dots.Add(rows.Row(j), -Dots.Float(rows.Row(i), rows.Row(j)), rows.Row(i));
            float length = MathF.Sqrt(Dots.Float(rows.Row(i), rows.Row(i)));
            foreach (ref float value in rows.Row(i)) value /= length;
        }

        return new Rotation(rows);
    }

    /// <summary>
    /// The rotation nearest to a square matrix (its polar factor), which solves the orthogonal Procrustes problem: Newton–Schulz steps
    /// X ← 1.5·X − 0.5·X·Xᵀ·X, which double correct digits once singular values are near 1.
    /// </summary>
    public static Rotation Nearest(Matrix square)
    {
        const int Steps = 60;
        int width = square.Rows;
        var x = square.Clone();
        double norm = Math.Sqrt(SquaredNorm(x));
        foreach (ref float value in x.AsSpan()) value = (float)(value / norm);
        using Matrix gram = new(width, width), next = new(width, width);
        for (int step = 0; step < Steps; step++)
        {
            double error = 0;
            for (int i = 0; i < width; i++)
            {
                for (int j = 0; j < width; j++)
                {
                    gram[i, j] = Dots.Float(x.Row(i), x.Row(j));
                    error = Math.Max(error, Math.Abs(gram[i, j] - (i == j ? 1 : 0)));
                }
            }

            if (error < 1e-5) break;
            for (int i = 0; i < width; i++)
            {
                Span<float> row = next.Row(i);
                row.Clear();
                Dots.Add(x.Row(i), 1.5f, row);
                for (int j = 0; j < width; j++) Dots.Add(x.Row(j), -0.5f * gram[i, j], row);
            }

            next.CopyTo(x);
        }

        return new Rotation(x);
    }

    /// <summary>Rotates a vector.</summary>
    public void Apply(ReadOnlySpan<float> vector, Span<float> rotated)
    {
        rotated.Clear();
        for (int j = 0; j < vector.Length; j++) Dots.Add(matrix.Row(j), vector[j], rotated);
    }

    /// <summary>Rotates rows.</summary>
    public Matrix Apply(Matrix rows)
    {
        var rotated = new Matrix(rows.Rows, rows.Columns);
        for (int row = 0; row < rows.Rows; row++) Apply(rows.Row(row), rotated.Row(row));
        return rotated;
    }

    /// <inheritdoc/>
    public void Dispose() => matrix.Dispose();

    private static double SquaredNorm(Matrix rows)
    {
        double sum = 0;
        foreach (float value in rows.AsSpan()) sum += (double)value * value;
        return sum;
    }
}
