using System.Numerics.Tensors;
using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>
/// How the rows of a decoder lie to known features by the absolute value of their cosines, as SynthSAEBench and MCC count;
/// <see cref="FeatureRecovery"/> counts signed ones.
/// </summary>
/// <param name="Nearest">The feature of largest cosine of each latent.</param>
/// <param name="Mmcs">Mean over latents of that cosine.</param>
/// <param name="Mcc">
/// Mean cosine over the best one-to-one matching of latents and features, of as many pairs as the smaller set has.
/// </param>
internal sealed record DictionaryMatch(int[] Nearest, double Mmcs, double Mcc)
{
    /// <summary>Number of features that are the nearest of some latent, over the number of latents.</summary>
    public double Uniqueness => (double)Nearest.Distinct().Count() / Nearest.Length;

    /// <summary>Compares a decoder with the features.</summary>
    /// <param name="decoder">Decoder rows, <c>[n, d]</c>; one of length 0 has cosine 0 to all.</param>
    /// <param name="features">Features, <c>[m, d]</c>, none of length 0.</param>
    public static DictionaryMatch Of(Matrix decoder, Matrix features)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        ArgumentNullException.ThrowIfNull(features);
        using Matrix cosines = Cosines(decoder, features);
        int[] nearest = new int[decoder.Rows];
        double closest = 0;
        for (int latent = 0; latent < nearest.Length; latent++)
        {
            nearest[latent] = TensorPrimitives.IndexOfMax<float>(cosines.Row(latent));
            closest += cosines[latent, nearest[latent]];
        }

        return new DictionaryMatch(nearest, closest / nearest.Length, MatchedCosine(cosines));
    }

    private static Matrix Cosines(Matrix decoder, Matrix features)
    {
        var cosines = new Matrix(decoder.Rows, features.Rows);
        using var product = new DenseProduct(Workers.Shared);
        product.PackRight(features, transposed: true);
        product.Multiply(decoder, transposed: false, cosines);
        float[] lengths = [.. Enumerable.Range(0, features.Rows).Select(i => (float)Norms.L2(features.Row(i)))];
        for (int latent = 0; latent < decoder.Rows; latent++)
        {
            double length = Norms.L2(decoder.Row(latent));
            if (length == 0) continue; // all products are 0
            Span<float> row = cosines.Row(latent);
            TensorPrimitives.Divide(row, lengths, row);
            TensorPrimitives.Multiply(row, (float)(1 / length), row);
            TensorPrimitives.Abs(row, row);
        }

        return cosines;
    }

    private static double MatchedCosine(Matrix cosines)
    {
        int[] match = Assignment.Maximize(cosines);
        double sum = 0;
        for (int i = 0; i < match.Length; i++)
            if (match[i] >= 0) sum += cosines[i, match[i]];
        return sum / Math.Min(cosines.Rows, cosines.Columns);
    }
}
