namespace Unweave.Learn.Numerics;

/// <summary>Adam (Kingma and Ba 2015) over a few weights in double precision.</summary>
/// <param name="count">Number of weights.</param>
/// <param name="beta1">Decay of the mean of the gradient.</param>
/// <param name="beta2">Decay of the mean of its square.</param>
internal sealed class SmallAdam(int count, double beta1, double beta2)
{
    private const double Epsilon = 1e-8;

    private readonly double[] first = new double[count], second = new double[count];
    private int steps;

    /// <summary>Takes one step against the gradient.</summary>
    /// <param name="weights">The weights, changed.</param>
    /// <param name="gradient">The loss's slope in each.</param>
    /// <param name="rate">Learning rate.</param>
    public void Step(Span<double> weights, ReadOnlySpan<double> gradient, double rate)
    {
        steps++;
        double scale1 = 1 / (1 - Math.Pow(beta1, steps)), scale2 = 1 / (1 - Math.Pow(beta2, steps));
        for (int i = 0; i < weights.Length; i++)
        {
            first[i] = (beta1 * first[i]) + ((1 - beta1) * gradient[i]);
            second[i] = (beta2 * second[i]) + ((1 - beta2) * gradient[i] * gradient[i]);
            weights[i] -= rate * first[i] * scale1 / (Math.Sqrt(second[i] * scale2) + Epsilon);
        }
    }
}
