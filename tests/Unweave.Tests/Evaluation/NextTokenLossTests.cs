using Unweave.Evaluation;
using Unweave.Numerics;

namespace Unweave.Tests.Evaluation;

/// <summary>Losses of predictions against their definitions, in double precision.</summary>
public sealed class NextTokenLossTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(4096)]
    public void Losses_follow_their_definitions(int vocabulary)
    {
        float[] p = Logits(vocabulary, 1), q = Logits(vocabulary, 2);
        double[] softP = Softmax(p), softQ = Softmax(q);
        Assert.Equal(-Math.Log(softP[vocabulary / 2]), NextTokenLoss.CrossEntropy(p, vocabulary / 2), 5);
        Assert.Equal(softP.Zip(softQ, (a, b) => a * Math.Log(a / b)).Sum(), NextTokenLoss.Divergence(p, q), 5);
        Assert.Equal(0, NextTokenLoss.Divergence(p, p), 9);
        Assert.Equal(Array.IndexOf(softP, softP.Max()), NextTokenLoss.Top(p));
    }

    [Fact]
    public void Two_tokens_by_hand()
    {
        // softmax(ln 3, 0) = (3/4, 1/4); softmax(0, 0) = (1/2, 1/2).
        float[] p = [(float)Math.Log(3), 0], q = [0, 0];
        Assert.Equal(Math.Log(4.0 / 3), NextTokenLoss.CrossEntropy(p, 0), 6);
        Assert.Equal((0.75 * Math.Log(1.5)) + (0.25 * Math.Log(0.5)), NextTokenLoss.Divergence(p, q), 6);
    }

    [Fact]
    public void Large_logits_do_not_overflow() => Assert.Equal(2000, NextTokenLoss.CrossEntropy([1000f, -1000f], 1), 3);

    private static float[] Logits(int count, ulong seed)
    {
        float[] logits = new float[count];
        new Rng(seed).FillNormal(logits, 3);
        return logits;
    }

    private static double[] Softmax(float[] logits)
    {
        double sum = logits.Sum(logit => Math.Exp(logit));
        return [.. logits.Select(logit => Math.Exp(logit) / sum)];
    }
}
