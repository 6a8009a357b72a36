using Unweave.Numerics;

namespace Unweave.Web.Learn.Divergences;

/// <summary>Two distributions over a few outcomes, given by weights that readers drag: probabilities are weights over their sum.</summary>
internal sealed class Outcomes
{
    /// <summary>Number of outcomes.</summary>
    public const int Count = 8;

    private readonly double[][] weights;

    /// <summary>Takes weights.</summary>
    /// <param name="p">Weights of p, from 0 to 1.</param>
    /// <param name="q">Weights of q.</param>
    public Outcomes(double[] p, double[] q) => weights = [[.. p], [.. q]];

    /// <summary>The probabilities of p.</summary>
    public double[] P => Probabilities(0);

    /// <summary>The probabilities of q.</summary>
    public double[] Q => Probabilities(1);

    /// <summary>Outcomes that p gives and q does not: with any, KL(p‖q) is infinite. With <paramref name="reversed"/>, those that q gives and p does not.</summary>
    public IReadOnlyList<int> Missing(bool reversed) => [.. Enumerable.Range(0, Count).Where(i => weights[reversed ? 1 : 0][i] > 0 && weights[reversed ? 0 : 1][i] == 0)];

    /// <summary>The weight of an outcome.</summary>
    /// <param name="of">0 for p, 1 for q.</param>
    /// <param name="outcome">Which, from 0.</param>
    public double Weight(int of, int outcome) => weights[of][outcome];

    /// <summary>Changes a weight. The last one above 0 stays above it: something has to happen.</summary>
    /// <returns>Whether anything changed.</returns>
    public bool Set(int of, int outcome, double weight)
    {
        weight = Math.Clamp(Math.Round(weight, 2), 0, 1);
        if (weights[of][outcome].Equals(weight)) return false;
        if (weight == 0 && weights[of].Where((other, i) => i != outcome).All(other => other == 0)) return false;
        weights[of][outcome] = weight;
        return true;
    }

    /// <summary>KL(p‖q), or KL(q‖p).</summary>
    public double Kl(bool reversed, LogBase unit) => reversed ? Divergence.Kl(Q, P, unit) : Divergence.Kl(P, Q, unit);

    /// <summary>JS(p, q).</summary>
    public double Js(LogBase unit) => Divergence.Js(P, Q, unit);

    private double[] Probabilities(int of)
    {
        double sum = weights[of].Sum();
        return [.. weights[of].Select(weight => weight / sum)];
    }
}
