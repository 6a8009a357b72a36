using System.Numerics.Tensors;

namespace Unweave.Evaluation;

/// <summary>Losses of next-token predictions, from logits. All in nats.</summary>
public static class NextTokenLoss
{
    /// <summary>Cross-entropy −ln softmax(logits)[target].</summary>
    /// <param name="logits">Logits of one prediction.</param>
    /// <param name="target">The token that came.</param>
    public static double CrossEntropy(ReadOnlySpan<float> logits, int target) => LogSumExp(logits) - logits[target];

    /// <summary>KL(softmax(p) ‖ softmax(q)) of two predictions of one token.</summary>
    /// <param name="p">Logits of the clean model.</param>
    /// <param name="q">Logits of the changed one.</param>
    public static double Divergence(ReadOnlySpan<float> p, ReadOnlySpan<float> q)
    {
        double logP = LogSumExp(p), logQ = LogSumExp(q), sum = 0;
        for (int i = 0; i < p.Length; i++)
        {
            double log = p[i] - logP;
            sum += Math.Exp(log) * (log - (q[i] - logQ));
        }

        return Math.Max(0, sum);
    }

    /// <summary>The largest logit's index; of equal ones, the first.</summary>
    /// <param name="logits">Logits of one prediction.</param>
    public static int Top(ReadOnlySpan<float> logits) => TensorPrimitives.IndexOfMax(logits);

    private static double LogSumExp(ReadOnlySpan<float> logits)
    {
        float most = TensorPrimitives.Max(logits);
        double sum = 0;
        foreach (float logit in logits) sum += Math.Exp(logit - most);
        return most + Math.Log(sum);
    }
}
