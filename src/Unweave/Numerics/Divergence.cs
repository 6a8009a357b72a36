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
/// How far one probability distribution is from another: Kullback-Leibler (KL) and Jensen-Shannon (JS) divergences of discrete,
/// Bernoulli and Gaussian distributions. Never negative; 0·ln 0 is 0, and KL is +∞ where q is 0 and p is not.
/// </summary>
/// <remarks>
/// Everything is a sum of e(p, q) = p·ln(p/q) − p + q, which is 0 when p = q and positive otherwise: over two distributions the
/// −p + q cancel, and no term is the small difference of large ones. The derivations are in <c>docs/maths/divergences.md</c>.
/// </remarks>
public static class Divergence
{
    private const double Ln2 = 0.69314718055994530942;

    /// <summary>How far from 1 the sum of a discrete distribution may be: single-precision softmax outputs pass, and are normalised.</summary>
    private const double SumTolerance = 1e-5;

    /// <summary>Standard deviations from the mean beyond which a Gaussian's mass (below 1e-32) is ignored.</summary>
    private const double Reach = 12;

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

    /// <summary>p·ln(p/q): what one outcome adds to KL(p‖q). Below 0 where q is the larger; 0 where p is 0; +∞ where only q is 0.</summary>
    /// <param name="p">Probability of the outcome under p.</param>
    /// <param name="q">Its probability under q.</param>
    /// <param name="unit">Nats or bits.</param>
    /// <exception cref="ArgumentException">A probability is negative or not a number.</exception>
    public static double KlTerm(double p, double q, LogBase unit = LogBase.Nats)
    {
        if (!(p >= 0 && q >= 0)) throw new ArgumentException($"Probabilities are not negative; these are {p} and {q}.");
        return p == 0 ? 0 : q == 0 ? double.PositiveInfinity : In(unit, p * (Math.Log(p) - Math.Log(q)));
    }

    /// <summary>p(x)·ln(p(x)/q(x)): the function whose integral over x is KL(p‖q).</summary>
    /// <param name="p">The distribution averaged over.</param>
    /// <param name="q">The distribution compared with.</param>
    /// <param name="x">Where.</param>
    /// <param name="unit">Nats or bits.</param>
    public static double KlTerm(Gaussian p, Gaussian q, double x, LogBase unit = LogBase.Nats) => In(unit, p.Density(x) * (p.LogDensity(x) - q.LogDensity(x)));

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

    /// <summary>
    /// Jensen-Shannon divergence of two Gaussians, which has no closed form, by composite Gauss-Legendre quadrature with an error
    /// below 1e-10: between 0 and ln 2 (1 bit), its limit for distant pairs.
    /// </summary>
    /// <inheritdoc cref="Kl(Gaussian, Gaussian, LogBase)"/>
    public static double Js(Gaussian p, Gaussian q, LogBase unit = LogBase.Nats)
    {
        (Gaussian narrow, Gaussian wide) = p.StandardDeviation <= q.StandardDeviation ? (p, q) : (q, p);

        // The variable is u = (x − μ)/σ of the narrow one, exact where it is steepest; the wide one is at z = offset + ratio·u.
        double ratio = narrow.StandardDeviation / wide.StandardDeviation;
        double offset = (narrow.Mean / wide.StandardDeviation) - (wide.Mean / wide.StandardDeviation);
        bool apart = !(Math.Abs(offset) <= Reach * (1 + ratio)), needle = ratio < 1e-15;
        if (apart || needle) return In(unit, Ln2);

        // Steps of half a standard deviation of each: everything that bends in the integrand bends on one of those two scales.
        const int StepsEachSide = (int)(2 * Reach);
        var edges = new List<double>(4 * StepsEachSide + 2);
        for (int i = -StepsEachSide; i <= StepsEachSide; i++)
        {
            edges.Add(i / 2.0);
            edges.Add(((i / 2.0) - offset) / ratio);
        }

        edges.Sort();
        double sum = GaussLegendre.Integrate(u => HalfwayExcess(Density(u), ratio * Density(offset + (ratio * u))), edges);
        return In(unit, Math.Min(sum, Ln2));
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
    private static double HalfwayExcess(double p, double q) => (Excess(2 * p, p + q) + Excess(2 * q, p + q)) / 4;

    /// <summary>Density of the standard normal distribution.</summary>
    private static double Density(double z) => Math.Exp(-z * z / 2) * 0.39894228040143267794;

    private static double In(LogBase unit, double nats) => unit == LogBase.Bits ? nats / Ln2 : nats;

    private static (double SumP, double SumQ) CheckDistributions(ReadOnlySpan<double> p, ReadOnlySpan<double> q)
    {
        if (p.Length != q.Length) throw new ArgumentException($"p has {p.Length} probabilities and q has {q.Length}; a divergence compares distributions over the same outcomes.");
        return (CheckDistribution(p, nameof(p)), CheckDistribution(q, nameof(q)));
    }

    private static double CheckDistribution(ReadOnlySpan<double> probabilities, string name)
    {
        for (int i = 0; i < probabilities.Length; i++)
        {
            if (!(probabilities[i] >= 0)) throw new ArgumentException($"{name}[{i}] is {probabilities[i]}; a probability is not negative.", name);
        }

        double sum = TensorPrimitives.Sum(probabilities);
        return Math.Abs(sum - 1) <= SumTolerance ? sum : throw new ArgumentException($"{name} sums to {sum}; probabilities sum to 1: divide them by their sum.", name);
    }
}
