using Unweave.Numerics;

namespace Unweave.Learn.Numerics;

/// <summary>Densities of Gaussians, what they hold between two points, and the divergence that has no closed form.</summary>
internal static class GaussianDensity
{
    /// <summary>Standard deviations from the mean beyond which the density is 0 in double precision.</summary>
    private const double Reach = 39;

    /// <summary>Standard deviations from the mean beyond which a Gaussian's mass (below 1e-32) adds nothing to a divergence.</summary>
    private const double DivergenceReach = 12;

    private const double HalfLn2Pi = 0.91893853320467274178;

    /// <summary>The density at x: exp(−(x−μ)²/2σ²)/(σ√2π).</summary>
    /// <param name="g">The distribution.</param>
    /// <param name="x">Where.</param>
    public static double Density(this Gaussian g, double x) => Math.Exp(g.LogDensity(x));

    /// <summary>Natural logarithm of the density at x: finite where the density itself is too small for a double.</summary>
    /// <param name="g">The distribution.</param>
    /// <param name="x">Where.</param>
    public static double LogDensity(this Gaussian g, double x)
    {
        double z = (x - g.Mean) / g.StandardDeviation;
        return (-z * z / 2) - HalfLn2Pi - Math.Log(g.StandardDeviation);
    }

    /// <summary>p(x)·ln(p(x)/q(x)): the function whose integral over x is KL(p‖q), in nats.</summary>
    /// <param name="p">The distribution averaged over.</param>
    /// <param name="q">The distribution compared with.</param>
    /// <param name="x">Where.</param>
    public static double KlTerm(Gaussian p, Gaussian q, double x) => p.Density(x) * (p.LogDensity(x) - q.LogDensity(x));

    /// <summary>
    /// The probability of a value between two others, by Gauss-Legendre quadrature: right to about 14 digits, in the tails too.
    /// </summary>
    /// <param name="g">The distribution.</param>
    /// <param name="from">Lower end; may be −∞.</param>
    /// <param name="to">Upper end, not below the lower one; may be +∞.</param>
    /// <exception cref="ArgumentException">The ends are not in order, or one is not a number.</exception>
    public static double Mass(this Gaussian g, double from, double to)
    {
        if (!(from <= to))
            throw new ArgumentException($"A piece of the line runs from its lower end to its upper one; these are {from} and {to}.");
        double a = Math.Clamp((from - g.Mean) / g.StandardDeviation, -Reach, Reach),
            b = Math.Clamp((to - g.Mean) / g.StandardDeviation, -Reach, Reach);

        // Pieces of at most half a standard deviation, on which the density is as good as a polynomial.
        int pieces = (int)Math.Ceiling(2 * (b - a));
        double[] edges = new double[pieces + 1];
        for (int i = 0; i <= pieces; i++) edges[i] = pieces == 0 ? a : a + ((b - a) * i / pieces);
        return Math.Min(1, GaussLegendre.Integrate(Standard, edges));
    }

    /// <summary>
    /// Jensen-Shannon divergence of two Gaussians, which has no closed form, by composite Gauss-Legendre quadrature with an error
    /// below 1e-10: between 0 and ln 2 (1 bit), its limit for distant pairs.
    /// </summary>
    /// <param name="p">One distribution.</param>
    /// <param name="q">The other.</param>
    /// <param name="unit">Nats or bits.</param>
    public static double Js(Gaussian p, Gaussian q, LogBase unit = LogBase.Nats)
    {
        (Gaussian narrow, Gaussian wide) = p.StandardDeviation <= q.StandardDeviation ? (p, q) : (q, p);

        // The variable is u = (x − μ)/σ of the narrow one, exact where it is steepest; the wide one is at z = offset + ratio·u.
        double ratio = narrow.StandardDeviation / wide.StandardDeviation;
        double offset = (narrow.Mean / wide.StandardDeviation) - (wide.Mean / wide.StandardDeviation);
        bool apart = !(Math.Abs(offset) <= DivergenceReach * (1 + ratio)), needle = ratio < 1e-15;
        if (apart || needle) return Divergence.In(unit, Divergence.Ln2);

        // Steps of half a standard deviation of each: everything that bends in the integrand bends on one of those two scales.
        const int StepsEachSide = (int)(2 * DivergenceReach);
        var edges = new List<double>(4 * StepsEachSide + 2);
        for (int i = -StepsEachSide; i <= StepsEachSide; i++)
        {
            edges.Add(i / 2.0);
            edges.Add(((i / 2.0) - offset) / ratio);
        }

        edges.Sort();
        double sum = GaussLegendre.Integrate(u => Divergence.HalfwayExcess(Standard(u), ratio * Standard(offset + (ratio * u))), edges);
        return Divergence.In(unit, Math.Min(sum, Divergence.Ln2));
    }

    /// <summary>Density of the standard normal distribution.</summary>
    private static double Standard(double z) => Math.Exp((-z * z / 2) - HalfLn2Pi);
}
