using System.Numerics.Tensors;

namespace Unweave.Numerics;

/// <summary>The unit of information.</summary>
public enum LogBase
{
    /// <summary>Natural logarithms.</summary>
    Nats,

    /// <summary>Logarithms to base 2: 1 bit is ln 2 nats.</summary>
    Bits,
}

/// <summary>
/// How far one probability distribution is from another: Kullback-Leibler (KL) divergences of discrete, Bernoulli and Gaussian
/// distributions, Jensen-Shannon (JS) divergences of discrete and Bernoulli ones. Never negative; 0·ln 0 is 0, and KL is +∞ where q is 0
/// and p is not.
/// </summary>
/// <remarks>
/// Everything is a sum of e(p, q) = p·ln(p/q) − p + q, which is 0 when p = q and positive otherwise: over two distributions the
/// −p + q cancel, and no term is the small difference of large ones. The derivations are in <c>docs/maths/divergences.md</c>.
/// </remarks>
public static class Divergence
{
    internal const double Ln2 = 0.69314718055994530942;

    /// <summary>
    /// How far from 1 the sum of a discrete distribution may be: single-precision softmax outputs pass, and are normalized.
    /// </summary>
    private const double SumTolerance = 1e-5;

    /// <summary>KL(p‖q) = Σ p_i·ln(p_i/q_i) of two discrete distributions.</summary>
    /// <param name="p">Probabilities: not negative, of sum 1 within 1e-5.</param>
    /// <param name="q">As many probabilities.</param>
    /// <param name="unit">Nats or bits.</param>
    /// <exception cref="ArgumentException">The lengths differ, an element is negative or not finite, or a sum is not 1.</exception>
    public static double Kl(ReadOnlySpan<double> p, ReadOnlySpan<double> q, LogBase unit = LogBase.Nats)
    {
        (double sumP, double sumQ) = CheckDistributions(p, q);
        double sum = 0;
        for (int i = 0; i < p.Length; i++) sum += Excess(p[i] / sumP, q[i] / sumQ);
        return In(unit, sum);
    }

    /// <summary>JS(p, q) = ½·KL(p‖m) + ½·KL(q‖m) with m = (p + q)/2, of two discrete distributions: between 0 and ln 2 (1 bit).</summary>
    /// <inheritdoc cref="Kl(ReadOnlySpan{double}, ReadOnlySpan{double}, LogBase)"/>
    public static double Js(ReadOnlySpan<double> p, ReadOnlySpan<double> q, LogBase unit = LogBase.Nats)
    {
        (double sumP, double sumQ) = CheckDistributions(p, q);
        double sum = 0;
        for (int i = 0; i < p.Length; i++) sum += HalfwayExcess(p[i] / sumP, q[i] / sumQ);
        return In(unit, Math.Min(sum, Ln2));
    }

    /// <summary>KL(p‖q) = p·ln(p/q) + (1−p)·ln((1−p)/(1−q)) of two Bernoulli distributions.</summary>
    /// <param name="p">The distribution averaged over.</param>
    /// <param name="q">The distribution compared with.</param>
    /// <param name="unit">Nats or bits.</param>
    public static double Kl(Bernoulli p, Bernoulli q, LogBase unit = LogBase.Nats) =>
        In(unit, Excess(p.Probability, q.Probability) + Excess(1 - p.Probability, 1 - q.Probability));

    /// <summary>Jensen-Shannon divergence of two Bernoulli distributions: between 0 and ln 2 (1 bit).</summary>
    /// <inheritdoc cref="Kl(Bernoulli, Bernoulli, LogBase)"/>
    public static double Js(Bernoulli p, Bernoulli q, LogBase unit = LogBase.Nats) =>
        In(unit, Math.Min(HalfwayExcess(p.Probability, q.Probability) + HalfwayExcess(1 - p.Probability, 1 - q.Probability), Ln2));

    /// <summary>KL(p‖q) = ln(σ_q/σ_p) + (σ_p² + (μ_p − μ_q)²)/(2σ_q²) − ½ of two Gaussians, in closed form.</summary>
    /// <param name="p">The distribution averaged over.</param>
    /// <param name="q">The distribution compared with.</param>
    /// <param name="unit">Nats or bits.</param>
    public static double Kl(Gaussian p, Gaussian q, LogBase unit = LogBase.Nats)
    {
        // ½(r² − 1 − ln r²) = ½(r − 1)² + (r − 1 − ln r): the same, without a difference of near-equal numbers at r ≈ 1.
        double ratio = p.StandardDeviation / q.StandardDeviation;
        double distance = (p.Mean - q.Mean) / q.StandardDeviation;
        return In(unit, (((ratio - 1) * (ratio - 1)) + (distance * distance)) / 2 + Excess(1, ratio));
    }

    /// <summary>e(p, q) = p·ln(p/q) − p + q for p, q ≥ 0: exact at its edges, and to full relative precision where p ≈ q.</summary>
    private static double Excess(double p, double q)
    {
        if (p == 0) return q;
        if (q == 0) return double.PositiveInfinity;
        double difference = q - p;
        if (Math.Abs(difference) >= p / 4) return difference - (p * (Math.Log(q) - Math.Log(p)));

        // ln(q/p) = 2·artanh(s), s = (q − p)/(q + p), and p·2s = (q − p)·(1 − s): the first-order terms cancel on paper.
        double s = difference / (q + p), square = s * s, power = s * square, tail = 0;
        for (int k = 3; k <= 19; k += 2)
        {
            tail += power / k;
            power *= square;
        }

        return (difference * s) - (2 * p * tail);
    }

    /// <summary>½·e(p, m) + ½·e(q, m) with m = (p + q)/2; e(2p, 2m) = 2·e(p, m) spares the halving of the smallest numbers.</summary>
    internal static double HalfwayExcess(double p, double q) => (Excess(2 * p, p + q) + Excess(2 * q, p + q)) / 4;

    /// <summary>A divergence in the unit asked for.</summary>
    internal static double In(LogBase unit, double nats) => unit == LogBase.Bits ? nats / Ln2 : nats;

    private static (double SumP, double SumQ) CheckDistributions(ReadOnlySpan<double> p, ReadOnlySpan<double> q)
    {
        if (p.Length != q.Length)
        {
            throw new ArgumentException($"p has {p.Length} probabilities and q has {q.Length}; a divergence compares distributions over "
                + $"the same outcomes.");
        }

        return (CheckDistribution(p, nameof(p)), CheckDistribution(q, nameof(q)));
    }

    private static double CheckDistribution(ReadOnlySpan<double> probabilities, string name)
    {
        for (int i = 0; i < probabilities.Length; i++)
        {
            if (!(probabilities[i] >= 0))
                throw new ArgumentException($"{name}[{i}] is {probabilities[i]}; a probability is not negative.", name);
        }

        double sum = TensorPrimitives.Sum(probabilities);
        return Math.Abs(sum - 1) <= SumTolerance
            ? sum
            : throw new ArgumentException($"{name} sums to {sum}; probabilities sum to 1: divide them by their sum.", name);
    }
}
