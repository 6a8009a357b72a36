using Unweave.Numerics;

namespace Unweave.Learn.Numerics;

/// <summary>Making vectors sparser or shorter: what penalties on, and limits to, their norms do to them.</summary>
public static class Shrinkage
{
    /// <summary>
    /// Soft threshold: a number moved towards 0 by λ, and 0 where it is no farther than that. It makes ½(z − x)² + λ|z| smallest.
    /// </summary>
    /// <param name="x">The number.</param>
    /// <param name="threshold">λ, not negative.</param>
    /// <exception cref="ArgumentException">The threshold is negative or not a number.</exception>
    public static double Soft(double x, double threshold)
    {
        if (!(threshold >= 0)) throw new ArgumentException($"A threshold is not negative; this one is {threshold}.", nameof(threshold));
        return x > threshold ? x - threshold : x < -threshold ? x + threshold : double.IsNaN(x) ? x : 0;
    }

    /// <summary>The soft threshold of each element: it makes ½‖z − x‖² + λ‖z‖₁ smallest.</summary>
    /// <inheritdoc cref="Soft(double, double)"/>
    public static double[] Soft(ReadOnlySpan<double> x, double threshold)
    {
        double[] kept = new double[x.Length];
        for (int i = 0; i < kept.Length; i++) kept[i] = Soft(x[i], threshold);
        return kept;
    }

    /// <summary>
    /// The k elements of largest magnitude as they are, and 0 for the others: the nearest vector with no more than k. Of equal ones, the
    /// first stay.
    /// </summary>
    /// <param name="x">The vector.</param>
    /// <param name="k">How many, from 0.</param>
    /// <exception cref="ArgumentException">k is negative.</exception>
    public static double[] KeepLargest(ReadOnlySpan<double> x, int k)
    {
        if (k < 0) throw new ArgumentException($"The number of elements to keep is not negative; this one is {k}.", nameof(k));
        double[] all = x.ToArray(), kept = new double[x.Length];
        foreach (int i in Enumerable.Range(0, all.Length).OrderByDescending(i => Math.Abs(all[i])).Take(k)) kept[i] = all[i];
        return kept;
    }

    /// <summary>The nearest point with ‖z‖₁ ≤ radius: the soft threshold that just gets there (Duchi et al. 2008).</summary>
    /// <param name="x">The vector.</param>
    /// <param name="radius">Radius of the ball, not negative.</param>
    /// <exception cref="ArgumentException">The radius is negative or not a number.</exception>
    public static double[] OntoL1Ball(ReadOnlySpan<double> x, double radius)
    {
        CheckRadius(radius);
        if (Norms.L1(x) <= radius) return x.ToArray();
        if (radius == 0) return new double[x.Length];

        // With the j largest left above 0, λ = (their sum − radius)/j; the right j is the last whose smallest is above its λ.
        double[] falling = x.ToArray();
        for (int i = 0; i < falling.Length; i++) falling[i] = Math.Abs(falling[i]);
        Array.Sort(falling, (a, b) => b.CompareTo(a));
        double sum = 0, threshold = 0;
        for (int j = 0; j < falling.Length; j++)
        {
            sum += falling[j];
            double candidate = (sum - radius) / (j + 1);
            if (j > 0 && falling[j] <= candidate) break;
            threshold = candidate;
        }

        return Soft(x, threshold);
    }

    /// <summary>The nearest point with ‖z‖ ≤ radius: x itself, or x scaled down.</summary>
    /// <inheritdoc cref="OntoL1Ball"/>
    public static double[] OntoL2Ball(ReadOnlySpan<double> x, double radius)
    {
        CheckRadius(radius);
        double length = Norms.L2(x);
        double[] scaled = x.ToArray();
        if (length <= radius) return scaled;
        for (int i = 0; i < scaled.Length; i++) scaled[i] *= radius / length;
        return scaled;
    }

    private static void CheckRadius(double radius)
    {
        if (!(radius >= 0)) throw new ArgumentException($"The radius of a ball is not negative; this one is {radius}.", nameof(radius));
    }
}
