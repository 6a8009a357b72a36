using System.Buffers;
using System.Numerics.Tensors;

namespace Unweave.Evaluation;

/// <summary>Losses of next-token predictions, from logits. All in nats.</summary>
internal static class NextTokenLoss
{
    /// <summary>Cross-entropy −ln softmax(logits)[target].</summary>
    /// <param name="logits">Logits of one prediction.</param>
    /// <param name="target">The token that came.</param>
    public static double CrossEntropy(ReadOnlySpan<float> logits, int target)
    {
        float[] exponentials = ArrayPool<float>.Shared.Rent(logits.Length);
        double loss = LogSumExp(logits, exponentials.AsSpan(0, logits.Length), out _) - logits[target];
        ArrayPool<float>.Shared.Return(exponentials);
        return loss;
    }

    /// <summary>KL(softmax(p) ‖ softmax(q)) of two predictions of one token.</summary>
    /// <param name="p">Logits of the clean model.</param>
    /// <param name="q">Logits of the changed one.</param>
    public static double Divergence(ReadOnlySpan<float> p, ReadOnlySpan<float> q)
    {
        // Σ p (ln p − ln q) = Σ p (logit p − logit q) − (ln Z_p − ln Z_q)
        float[] rented = ArrayPool<float>.Shared.Rent(p.Length);
        Span<float> exponentials = rented.AsSpan(0, p.Length);
        double logQ = LogSumExp(q, exponentials, out _);
        double logP = LogSumExp(p, exponentials, out double sum);
        double even = 0, odd = 0;
        int i = 0;
        for (; i + 1 < p.Length; i += 2)
        {
            even += exponentials[i] * ((double)p[i] - q[i]);
            odd += exponentials[i + 1] * ((double)p[i + 1] - q[i + 1]);
        }

        if (i < p.Length) even += exponentials[i] * ((double)p[i] - q[i]);
        ArrayPool<float>.Shared.Return(rented);
        return Math.Max(0, ((even + odd) / sum) - (logP - logQ));
    }

    /// <summary>The largest logit's index; of equal ones, the first.</summary>
    /// <param name="logits">Logits of one prediction.</param>
    public static int Top(ReadOnlySpan<float> logits) => TensorPrimitives.IndexOfMax(logits);

    // The exponentials of the logits less the largest, and their sum, added in four fixed strands: reductions of the platform depend on
    // where memory lies.
    private static double LogSumExp(ReadOnlySpan<float> logits, Span<float> exponentials, out double sum)
    {
        float most = TensorPrimitives.Max(logits);
        TensorPrimitives.Subtract(logits, most, exponentials);
        TensorPrimitives.Exp(exponentials, exponentials);
        double a = 0, b = 0, c = 0, d = 0;
        int i = 0;
        for (; i + 3 < exponentials.Length; i += 4)
        {
            a += exponentials[i];
            b += exponentials[i + 1];
            c += exponentials[i + 2];
            d += exponentials[i + 3];
        }

        for (; i < exponentials.Length; i++) a += exponentials[i];
        sum = a + b + (c + d);
        return most + Math.Log(sum);
    }
}
