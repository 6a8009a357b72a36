namespace Unweave.Learn.Adversarial;

/// <summary>Shares of numbers in bins of equal width; what lies outside is counted at the ends, so that shares sum to 1.</summary>
internal static class Histogram
{
    /// <summary>The ends of the line that is shown.</summary>
    public const double Least = -5, Most = 5;

    /// <summary>Number of bins.</summary>
    public const int Bins = 50;

    /// <summary>Middle of each bin.</summary>
    public static IReadOnlyList<double> Middles { get; } =
        [.. Enumerable.Range(0, Bins).Select(bin => Least + ((bin + 0.5) * (Most - Least) / Bins))];

    /// <summary>Share of the numbers in each bin.</summary>
    /// <param name="numbers">The numbers, at least one.</param>
    public static double[] Count(ReadOnlySpan<double> numbers)
    {
        double[] shares = new double[Bins];
        foreach (double number in numbers)
            shares[Math.Clamp((int)Math.Floor((number - Least) / (Most - Least) * Bins), 0, Bins - 1)] += 1.0 / numbers.Length;
        return shares;
    }
}
