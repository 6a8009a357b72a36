using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Evaluation;

/// <summary>The values of a code when its directions are chosen already.</summary>
internal static unsafe class SupportFit
{
    // Added to the diagonal of the normal equations: rows of a large dictionary can be nearly parallel.
    private const double Ridge = 1e-6;

    /// <summary>The k places of largest magnitude, ascending; of equal ones the first.</summary>
    /// <param name="values">The values.</param>
    /// <param name="k">How many, at most.</param>
    public static int[] Largest(ReadOnlySpan<float> values, int k)
    {
        if (k >= values.Length) return [.. Enumerable.Range(0, values.Length)];
        float[] magnitudes = new float[values.Length];
        for (int i = 0; i < magnitudes.Length; i++) magnitudes[i] = Math.Abs(values[i]);
        float[] scratch = [.. magnitudes];
        float least = Selection.KthLargest(scratch, k);
        int ties = k - magnitudes.Count(value => value > least);
        var kept = new List<int>(k);
        for (int i = 0; i < magnitudes.Length; i++)
            if (magnitudes[i] > least || (magnitudes[i] == least && ties-- > 0)) kept.Add(i);
        return [.. kept];
    }

    /// <summary>Least squares on the chosen rows: (DDᵀ + 1e-6·I) z = Dx, by Cholesky in double precision.</summary>
    /// <param name="dictionary">D, unit rows, <c>[n, d]</c>.</param>
    /// <param name="chosen">The rows that take part.</param>
    /// <param name="x">The vector, d values.</param>
    /// <returns>A coefficient for each chosen row, in their order.</returns>
    public static List<(int Latent, float Value)> LeastSquares(Matrix dictionary, ReadOnlySpan<int> chosen, ReadOnlySpan<float> x)
    {
        KernelSet kernels = KernelSet.Current;
        int k = chosen.Length, width = dictionary.Columns;
        double[,] gram = new double[k, k];
        double[] solution = new double[k];
        fixed (float* vector = x)
        {
            for (int i = 0; i < k; i++)
            {
                float* row = dictionary.Pointer + ((nint)chosen[i] * width);
                solution[i] = kernels.Dot(row, vector, width);
                for (int j = 0; j <= i; j++)
                {
                    double dot = kernels.Dot(row, dictionary.Pointer + ((nint)chosen[j] * width), width);
                    gram[i, j] = dot + (i == j ? Ridge : 0);
                }
            }
        }

        Cholesky.Factor(gram, Ridge);
        Cholesky.Solve(gram, solution);
        var code = new List<(int, float)>(k);
        for (int i = 0; i < k; i++) code.Add((chosen[i], (float)solution[i]));
        return code;
    }
}
