using System.Numerics.Tensors;
using Unweave.Numerics;

namespace Unweave.Interpretation;

/// <summary>Draws tokens from logits: temperature, then the likeliest k alone (Fan, Lewis and Dauphin 2018).</summary>
internal sealed class TokenSampler(double temperature, int topK, ulong seed)
{
    private readonly Rng rng = new(seed);

    /// <summary>Draws the next token.</summary>
    /// <param name="logits">Logits, none of them NaN.</param>
    public int Next(ReadOnlySpan<float> logits)
    {
        if (temperature == 0 || topK == 1) return TensorPrimitives.IndexOfMax(logits);
        float least = topK == 0 || topK >= logits.Length ? float.NegativeInfinity : Selection.KthLargest(logits.ToArray(), topK);

        // Equals of the k-th likeliest take part too, so that no token's place decides.
        double most = TensorPrimitives.Max(logits), sum = 0;
        double[] weights = new double[logits.Length];
        for (int i = 0; i < weights.Length; i++)
        {
            if (logits[i] < least) continue;
            weights[i] = Math.Exp((logits[i] - most) / temperature);
            sum += weights[i];
        }

        double left = rng.NextDouble() * sum;
        int last = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            if (weights[i] == 0) continue;
            last = i;
            left -= weights[i];
            if (left < 0) break;
        }

        return last;
    }
}
