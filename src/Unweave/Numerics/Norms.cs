namespace Unweave.Numerics;

/// <summary>Lengths of vectors, summed in double precision.</summary>
public static class Norms
{
    /// <summary>
    /// How many elements are not 0, which is called the L0 norm though it is none: doubling x does not double it. NaN counts.
    /// </summary>
    public static int L0(ReadOnlySpan<float> x)
    {
        int count = 0;
        foreach (float value in x) count += value == 0 ? 0 : 1;
        return count;
    }

    /// <inheritdoc cref="L0(ReadOnlySpan{float})"/>
    public static int L0(ReadOnlySpan<double> x)
    {
        int count = 0;
        foreach (double value in x) count += value == 0 ? 0 : 1;
        return count;
    }

    /// <summary>(Σ|x_i|^p)^(1/p): L1 at p = 1, L2 at p = 2, the largest magnitude at p = ∞; a norm from p = 1 on.</summary>
    /// <param name="x">The vector.</param>
    /// <param name="p">The power, above 0.</param>
    /// <exception cref="ArgumentException">p is not above 0.</exception>
    public static double Lp(ReadOnlySpan<double> x, double p)
    {
        if (!(p > 0)) throw new ArgumentException($"The power of a norm is above 0; this one is {p}.", nameof(p));

        // In units of the largest, so that no power is too large or too small for a double.
        double most = 0, sum = 0;
        foreach (double value in x) most = Math.Max(most, Math.Abs(value));
        if (most == 0 || double.IsPositiveInfinity(p) || !double.IsFinite(most)) return most;
        foreach (double value in x) sum += Math.Pow(Math.Abs(value) / most, p);
        return most * Math.Pow(sum, 1 / p);
    }

    /// <summary>L1 norm ‖x‖₁ = Σ|x_i|; 0 for an empty vector, NaN when an element is NaN.</summary>
    public static double L1(ReadOnlySpan<float> x)
    {
        double sum = 0;
        foreach (float value in x) sum += Math.Abs(value);
        return sum;
    }

    /// <inheritdoc cref="L1(ReadOnlySpan{float})"/>
    public static double L1(ReadOnlySpan<double> x)
    {
        double sum = 0;
        foreach (double value in x) sum += Math.Abs(value);
        return sum;
    }

    /// <summary>L2 norm ‖x‖ = √Σx_i²; 0 for an empty vector, NaN when an element is NaN.</summary>
    public static double L2(ReadOnlySpan<float> x)
    {
        double sum = 0;
        foreach (float value in x) sum += (double)value * value;
        return Math.Sqrt(sum);
    }

    /// <inheritdoc cref="L2(ReadOnlySpan{float})"/>
    /// <remarks>Summed in the same order wherever the vector lies in memory, as seeded runs need.</remarks>
    public static double L2(ReadOnlySpan<double> x)
    {
        double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        int i = 0;
        for (; i + 4 <= x.Length; i += 4)
        {
            s0 += x[i] * x[i];
            s1 += x[i + 1] * x[i + 1];
            s2 += x[i + 2] * x[i + 2];
            s3 += x[i + 3] * x[i + 3];
        }

        for (; i < x.Length; i++) s0 += x[i] * x[i];
        return Math.Sqrt(s0 + s1 + (s2 + s3));
    }
}
