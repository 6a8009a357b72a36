using System.Numerics.Tensors;
using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Evaluation;

/// <summary>
/// Orthogonal matching pursuit over a dictionary, batch form (Rubinstein, Zibulevsky and Elad 2008): products with the residual are
/// carried along by the Gram matrix, so that a row costs one product with the dictionary and about k²/2 additions of Gram rows.
/// </summary>
internal sealed unsafe class OrthogonalMatchingPursuit : IDisposable
{
    private const int BlockRows = 256;

    private readonly Matrix gram;
    private readonly DenseProduct product = new(Workers.Shared);
    private readonly int atoms;

    /// <summary>Prepares a dictionary.</summary>
    /// <param name="dictionary">Unit rows, <c>[n, d]</c>; it stays the caller's.</param>
    public OrthogonalMatchingPursuit(Matrix dictionary)
    {
        atoms = dictionary.Rows;
        gram = new Matrix(atoms, atoms);
        product.PackRight(dictionary, transposed: true);
        product.Multiply(dictionary, transposed: false, gram);
    }

    /// <summary>Codes rows.</summary>
    /// <param name="rows">The rows, <c>[rows, d]</c>.</param>
    /// <param name="k">Atoms of a row, at most.</param>
    /// <returns>A code a row: atoms ascending.</returns>
    public List<(int Latent, float Value)>[] Code(Matrix rows, int k)
    {
        var codes = new List<(int Latent, float Value)>[rows.Rows];
        using var products = new Matrix(Math.Min(BlockRows, rows.Rows), atoms);
        for (int first = 0; first < rows.Rows; first += BlockRows)
        {
            int count = Math.Min(BlockRows, rows.Rows - first), from = first;
            using Matrix block = rows.CopyRows(first, count), own = new(count, atoms);
            product.Multiply(block, transposed: false, own);
            Workers.Shared.Run(count, r => codes[from + r] = CodeRow(own.Row(r), k));
        }

        return codes;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        gram.Dispose();
        product.Dispose();
    }

    private List<(int Latent, float Value)> CodeRow(ReadOnlySpan<float> products, int k)
    {
        float[] left = products.ToArray();
        int[] chosen = new int[k];
        float[] taken = new float[k];
        double[,] factor = new double[k, k]; // of the chosen atoms' Gram matrix
        double[] values = new double[k], half = new double[k];
        int count = 0;
        while (count < k)
        {
            int best = TensorPrimitives.IndexOfMaxMagnitude<float>(left);
            if (left[best] == 0 || chosen.AsSpan(0, count).Contains(best)) break;

            // The new row of the Cholesky factor; an atom that the others span already brings nothing.
            double rest = gram[best, best];
            for (int i = 0; i < count; i++)
            {
                double sum = gram[chosen[i], best];
                for (int p = 0; p < i; p++) sum -= factor[i, p] * factor[count, p];
                factor[count, i] = sum / factor[i, i];
                rest -= factor[count, i] * factor[count, i];
            }

            if (rest <= 1e-6) break;
            factor[count, count] = Math.Sqrt(rest);
            chosen[count] = best;
            double target = products[best];
            for (int p = 0; p < count; p++) target -= factor[count, p] * half[p];
            half[count] = target / factor[count, count];
            count++;
            for (int i = count - 1; i >= 0; i--)
            {
                double sum = half[i];
                for (int p = i + 1; p < count; p++) sum -= factor[p, i] * values[p];
                values[i] = sum / factor[i, i];
            }

            if (count == k) break;
            products.CopyTo(left);
            for (int i = 0; i < count; i++) taken[i] = (float)-values[i];
            fixed (float* sum = left, weights = taken)
            fixed (int* rows = chosen) KernelSet.Current.WeightedSum(sum, gram.Pointer, atoms, rows, weights, count);
        }

        var code = new List<(int Latent, float Value)>(count);
        for (int i = 0; i < count; i++) code.Add((chosen[i], (float)values[i]));
        code.Sort((a, b) => a.Latent.CompareTo(b.Latent));
        return code;
    }
}
