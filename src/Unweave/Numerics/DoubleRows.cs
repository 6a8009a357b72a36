using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace Unweave.Numerics;

/// <summary>Sums over rows of doubles in a fixed order, so that the same numbers give the same bytes wherever they lie in memory.</summary>
internal static class DoubleRows
{
    /// <summary>Σ a_i·b_i.</summary>
    public static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        Vector256<double> even = default, odd = default;
        int i = 0;
        for (; i + 8 <= a.Length; i += 8)
        {
            even += Vector256.Create(a[i..]) * Vector256.Create(b[i..]);
            odd += Vector256.Create(a[(i + 4)..]) * Vector256.Create(b[(i + 4)..]);
        }

        double sum = Vector256.Sum(even + odd);
        for (; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }

    /// <summary>target += scale·row.</summary>
    public static void AddScaled(double[] target, double[] row, double scale) =>
        TensorPrimitives.MultiplyAdd<double>(row, scale, target, target);

    /// <summary>
    /// Makes rows orthonormal, in order, by modified Gram–Schmidt, twice for accuracy; a row that depends on earlier ones becomes 0.
    /// </summary>
    public static void Orthonormalize(double[][] rows)
    {
        for (int i = 0; i < rows.Length; i++)
        {
            for (int pass = 0; pass < 2; pass++)
            {
                double before = Math.Sqrt(Dot(rows[i], rows[i]));
                for (int j = 0; j < i; j++) AddScaled(rows[i], rows[j], -Dot(rows[i], rows[j]));
                double after = Math.Sqrt(Dot(rows[i], rows[i])), factor = after > 1e-13 * before ? 1 / after : 0;
                for (int c = 0; c < rows[i].Length; c++) rows[i][c] *= factor;
            }
        }
    }

    /// <summary>Linear combinations of rows: result_i = Σ_j factors_ij·row_j.</summary>
    public static double[][] Combine(double[][] factors, double[][] rows)
    {
        double[][] result = [.. factors.Select(_ => new double[rows[0].Length])];
        for (int i = 0; i < factors.Length; i++)
            for (int j = 0; j < rows.Length; j++) AddScaled(result[i], rows[j], factors[i][j]);
        return result;
    }
}
