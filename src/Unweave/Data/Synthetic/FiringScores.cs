using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>
/// When features fire: given a row's factors u, feature i fires with probability Φ(wᵢ), wᵢ = (aᵢ·u − tᵢ)/sᵢ, independently of the others.
/// </summary>
internal sealed class FiringScores : IDisposable
{
    private const int Lanes = 16;

    /// <summary>Draws the loadings.</summary>
    /// <param name="probabilities">Probability of each feature, in (0, 1].</param>
    /// <param name="rank">Number of factors R.</param>
    /// <param name="scale">
    /// Standard deviation of the loadings. Where ‖a‖² of a feature would reach 1, all are scaled so that the largest is 0.99.
    /// </param>
    /// <param name="rng">Draws them.</param>
    public FiringScores(ReadOnlySpan<double> probabilities, int rank, double scale, Rng rng)
    {
        Rank = rank;
        Loadings = new Matrix(probabilities.Length, (rank + Lanes) / Lanes * Lanes);
        double[,] loadings = new double[probabilities.Length, rank];
        double[] squares = new double[probabilities.Length];
        for (int i = 0; i < probabilities.Length; i++)
        {
            for (int k = 0; k < rank; k++)
            {
                loadings[i, k] = rng.NextNormal() * scale;
                squares[i] += loadings[i, k] * loadings[i, k];
            }
        }

        double shrink = squares.Max() is >= 1 and var largest ? Math.Sqrt(0.99 / largest) : 1;
        for (int i = 0; i < probabilities.Length; i++)
        {
            double own = Math.Sqrt(1 - (squares[i] * shrink * shrink));
            for (int k = 0; k < rank; k++) Loadings[i, k] = (float)(loadings[i, k] * shrink / own);
            Loadings[i, rank] = (float)(StandardNormal.Quantile(probabilities[i]) / own);
        }
    }

    /// <summary>Number of factors R.</summary>
    public int Rank { get; }

    /// <summary>
    /// aᵢ/sᵢ, then −tᵢ/sᵢ in column R, then zeros, <c>[n, R + 1 rounded up]</c>: w is the product with (u, 1, 0 …).
    /// </summary>
    public Matrix Loadings { get; }

    /// <summary>w of a feature.</summary>
    /// <param name="feature">The feature.</param>
    /// <param name="factors">u, then 1, then zeros, as long as a row of <see cref="Loadings"/>.</param>
    public double Score(int feature, ReadOnlySpan<float> factors)
    {
        ReadOnlySpan<float> loadings = Loadings.Row(feature);
        double sum = 0;
        for (int k = 0; k <= Rank; k++) sum += (double)loadings[k] * factors[k];
        return sum;
    }

    /// <summary>Correlation a·b of the normal numbers that decide when two features fire.</summary>
    public double Correlation(int first, int second)
    {
        (double dot, double a, double b) = (0, 1, 1);
        for (int k = 0; k < Rank; k++)
        {
            double u = Loadings[first, k], v = Loadings[second, k];
            dot += u * v;
            a += u * u;
            b += v * v;
        }

        return dot / Math.Sqrt(a * b); // 1/s² = 1 + ‖a/s‖²
    }

    /// <inheritdoc/>
    public void Dispose() => Loadings.Dispose();
}
