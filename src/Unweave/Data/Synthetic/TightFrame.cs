using System.Numerics.Tensors;
using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>
/// Unit vectors that are as close to orthogonal as their number allows: of least Σᵢⱼ (vᵢ·vⱼ)², which is n²/d for n ≥ d (Welch 1974),
/// reached where VᵀV = (n/d)·I.
/// </summary>
internal static class TightFrame
{
    private const int Rounds = 6;

    /// <summary>
    /// Draws random vectors and brings them there: V ← V·(1.5·I − 0.5·VᵀV·d/n), the step of Newton and Schulz towards V·(VᵀV)^−½, then
    /// all to length 1 again. Random vectors are so near that six rounds leave nothing to do.
    /// </summary>
    /// <param name="count">Number of vectors n.</param>
    /// <param name="width">Width d.</param>
    /// <param name="rng">Draws the vectors.</param>
    /// <returns><c>[n, d]</c>; where n &lt; d, orthogonal vectors.</returns>
    public static Matrix Create(int count, int width, Rng rng)
    {
        var vectors = new Matrix(count, width);
        for (int i = 0; i < count; i++)
        {
            rng.FillNormal(vectors.Row(i));
            Normalize(vectors.Row(i));
        }

        using var gram = new Matrix(width, width);
        using var product = new DenseProduct(Workers.Shared);
        float scale = Math.Min(1, (float)width / count);
        for (int round = 0; round < Rounds; round++)
        {
            product.PackRight(vectors, transposed: false);
            product.Multiply(vectors, transposed: true, gram);
            TensorPrimitives.Multiply(gram.AsSpan(), -0.5f * scale, gram.AsSpan());
            for (int i = 0; i < width; i++) gram[i, i] += 1.5f;
            product.PackRight(gram, transposed: false);
            using var moved = new Matrix(count, width);
            product.Multiply(vectors, transposed: false, moved);
            moved.CopyTo(vectors);
            for (int i = 0; i < count; i++) Normalize(vectors.Row(i));
        }

        return vectors;
    }

    private static void Normalize(Span<float> vector) => TensorPrimitives.Multiply(vector, (float)(1 / Norms.L2(vector)), vector);
}
