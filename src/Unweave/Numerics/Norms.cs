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
}
