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
        if (standardDeviation is not (> 0 and < double.PositiveInfinity))
        {
            throw new ArgumentException(
                $"The standard deviation of a Gaussian must be positive and finite; it is {standardDeviation}.", nameof(standardDeviation));
        }

        Mean = mean;
        StandardDeviation = standardDeviation;
    }

    /// <summary>Mean μ.</summary>
    public double Mean { get; }

    /// <summary>Standard deviation σ.</summary>
    public double StandardDeviation { get; }
}

/// <summary>A distribution over two outcomes: 1 with probability p, else 0.</summary>
public readonly record struct Bernoulli
{
    /// <summary>Makes a Bernoulli distribution.</summary>
    /// <param name="probability">Probability p of the outcome 1, in [0, 1].</param>
    /// <exception cref="ArgumentException">The probability is outside [0, 1].</exception>
    public Bernoulli(double probability)
    {
        if (probability is not (>= 0 and <= 1))
            throw new ArgumentException($"A probability lies in [0, 1]; this one is {probability}.", nameof(probability));
        Probability = probability;
    }

    /// <summary>Probability p of the outcome 1.</summary>
    public double Probability { get; }
}
