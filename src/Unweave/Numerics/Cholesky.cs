namespace Unweave.Numerics;

/// <summary>Systems with a symmetric positive definite matrix, A = LLᵀ, in double precision.</summary>
internal static class Cholesky
{
    /// <summary>Factors a matrix in place.</summary>
    /// <param name="matrix">A on and below the diagonal; overwritten with L.</param>
    /// <param name="floor">The least that a pivot may be, for matrices that are singular within rounding.</param>
    public static void Factor(double[,] matrix, double floor = 1e-12)
    {
        for (int i = 0; i < matrix.GetLength(0); i++)
        {
            for (int j = 0; j <= i; j++)
            {
                double sum = matrix[i, j];
                for (int p = 0; p < j; p++) sum -= matrix[i, p] * matrix[j, p];
                matrix[i, j] = i == j ? Math.Sqrt(Math.Max(sum, floor)) : sum / matrix[j, j];
            }
        }
    }

    /// <summary>Solves LLᵀz = b.</summary>
    /// <param name="factor">L, from <see cref="Factor"/>.</param>
    /// <param name="values">b; overwritten with z.</param>
    public static void Solve(double[,] factor, Span<double> values)
    {
        int n = factor.GetLength(0);
        for (int i = 0; i < n; i++)
        {
            for (int p = 0; p < i; p++) values[i] -= factor[i, p] * values[p];
            values[i] /= factor[i, i];
        }

        for (int i = n - 1; i >= 0; i--)
        {
            for (int p = i + 1; p < n; p++) values[i] -= factor[p, i] * values[p];
            values[i] /= factor[i, i];
        }
    }
}
