namespace Unweave.Numerics;

/// <summary>Lengths of vectors, summed in double precision.</summary>
public static class Norms
{
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
