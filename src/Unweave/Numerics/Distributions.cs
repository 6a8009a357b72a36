namespace Unweave.Numerics;

/// <summary>A normal distribution N(μ, σ²).</summary>
public readonly record struct Gaussian
{
    /// <summary>Makes N(μ, σ²).</summary>
    /// <param name="mean">Mean μ, finite.</param>
    /// <param name="standardDeviation">Standard deviation σ (not the variance), positive and finite.</param>
    /// <exception cref="ArgumentException">A value is outside those limits.</exception>
    public Gaussian(double mean, double standardDeviation)
    {
        if (!double.IsFinite(mean)) throw new ArgumentException($"The mean of a Gaussian must be finite; it is {mean}.", nameof(mean));
        if (standardDeviation is not (> 0 and < double.PositiveInfinity)) throw new ArgumentException($"The standard deviation of a Gaussian must be positive and finite; it is {standardDeviation}.", nameof(standardDeviation));
        Mean = mean;
        StandardDeviation = standardDeviation;
    }

    /// <summary>Mean μ.</summary>
    public double Mean { get; }

    /// <summary>Standard deviation σ.</summary>
    public double StandardDeviation { get; }

    /// <summary>The density at x: exp(−(x−μ)²/2σ²)/(σ√2π).</summary>
    /// <param name="x">Where.</param>
    public double Density(double x) => Math.Exp(LogDensity(x));

    /// <summary>Natural logarithm of the density at x: finite where the density itself is too small for a double.</summary>
    /// <param name="x">Where.</param>
    public double LogDensity(double x)
    {
        double z = (x - Mean) / StandardDeviation;
        return (-z * z / 2) - HalfLn2Pi - Math.Log(StandardDeviation);
    }

    /// <summary>The probability of a value between two others, by Gauss-Legendre quadrature: right to about 14 digits, in the tails too.</summary>
    /// <param name="from">Lower end; may be −∞.</param>
    /// <param name="to">Upper end, not below the lower one; may be +∞.</param>
    /// <exception cref="ArgumentException">The ends are not in order, or one is not a number.</exception>
    public double Mass(double from, double to)
    {
        if (!(from <= to)) throw new ArgumentException($"A piece of the line runs from its lower end to its upper one; these are {from} and {to}.");
        double a = Math.Clamp((from - Mean) / StandardDeviation, -Reach, Reach), b = Math.Clamp((to - Mean) / StandardDeviation, -Reach, Reach);

        // Pieces of at most half a standard deviation, on which the density is as good as a polynomial.
        int pieces = (int)Math.Ceiling(2 * (b - a));
        double[] edges = new double[pieces + 1];
        for (int i = 0; i <= pieces; i++) edges[i] = pieces == 0 ? a : a + ((b - a) * i / pieces);
        return Math.Min(1, GaussLegendre.Integrate(z => Math.Exp((-z * z / 2) - HalfLn2Pi), edges));
    }

    /// <summary>Standard deviations from the mean beyond which the density is 0 in double precision.</summary>
    private const double Reach = 39;

    private const double HalfLn2Pi = 0.91893853320467274178;
}

/// <summary>A distribution over two outcomes: 1 with probability p, else 0.</summary>
public readonly record struct Bernoulli
{
    /// <summary>Makes a Bernoulli distribution.</summary>
    /// <param name="probability">Probability p of the outcome 1, in [0, 1].</param>
    /// <exception cref="ArgumentException">The probability is outside [0, 1].</exception>
    public Bernoulli(double probability)
    {
        if (probability is not (>= 0 and <= 1)) throw new ArgumentException($"A probability lies in [0, 1]; this one is {probability}.", nameof(probability));
        Probability = probability;
    }

    /// <summary>Probability p of the outcome 1.</summary>
    public double Probability { get; }
}
