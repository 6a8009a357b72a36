namespace Unweave.Numerics.Kernels;

/// <summary>
/// The same operations as plain loops in double precision: what every set of kernels is tested against.
/// </summary>
internal static class ReferenceKernels
{
    /// <summary>x·wᵀ, <c>[rows, columns]</c>, from x <c>[rows, depth]</c> and w <c>[columns, depth]</c>.</summary>
    public static double[,] Product(Matrix x, Matrix w)
    {
        double[,] product = new double[x.Rows, w.Rows];
        for (int r = 0; r < x.Rows; r++)
            for (int c = 0; c < w.Rows; c++) product[r, c] = Dot(x.Row(r), w.Row(c));
        return product;
    }

    /// <summary>Σ aᵢ·bᵢ.</summary>
    public static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += (double)a[i] * b[i];
        return sum;
    }

    /// <summary>The k largest positive values of a row, ascending by position; of equal values the first is kept.</summary>
    public static List<(int Latent, float Value)> TopK(ReadOnlySpan<float> row, int k)
    {
        var entries = new List<(int Latent, float Value)>();
        for (int i = 0; i < row.Length; i++)
            if (row[i] > 0) entries.Add((i, row[i]));
        return [.. entries.OrderByDescending(entry => entry.Value).ThenBy(entry => entry.Latent).Take(k).OrderBy(entry => entry.Latent)];
    }

    /// <summary>destination + Σⱼ weights[j] · matrix[rows[j]].</summary>
    public static double[] WeightedSum(ReadOnlySpan<float> destination, Matrix matrix, ReadOnlySpan<int> rows, ReadOnlySpan<float> weights)
    {
        double[] sum = new double[matrix.Columns];
        for (int c = 0; c < sum.Length; c++)
        {
            sum[c] = destination[c];
            for (int j = 0; j < rows.Length; j++) sum[c] += (double)weights[j] * matrix[rows[j], c];
        }

        return sum;
    }

    /// <summary>One Adam step on one weight; returns the new weight, first and second moment.</summary>
    public static (double Weight, double First, double Second) Adam(
        double weight, double first, double second, double gradient, double rate, double beta1, double beta2, double epsilon, int step)
    {
        first = (beta1 * first) + ((1 - beta1) * gradient);
        second = (beta2 * second) + ((1 - beta2) * gradient * gradient);
        double firstHat = first / (1 - Math.Pow(beta1, step)), secondHat = second / (1 - Math.Pow(beta2, step));
        return (weight - (rate * firstHat / (Math.Sqrt(secondHat) + epsilon)), first, second);
    }
}
