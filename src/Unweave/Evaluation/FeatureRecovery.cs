using Unweave.Numerics;

namespace Unweave.Evaluation;

/// <summary>
/// How well a dictionary has found known features. Cosines are signed: a latent that points away from a feature has not found it.
/// </summary>
/// <param name="Mmcs">Mean over learned directions of the largest cosine to a true one (Sharkey et al. 2022).</param>
/// <param name="Mcc">
/// Mean cosine over the best one-to-one matching of learned and true directions, of as many pairs as the smaller set has.
/// </param>
/// <param name="Recovered">Share of true directions with a learned one at a cosine above 0.9.</param>
public sealed record FeatureRecovery(double Mmcs, double Mcc, double Recovered)
{
    private const double RecoveredCosine = 0.9;

    /// <summary>Compares.</summary>
    /// <param name="learned">Learned directions, <c>[n, d]</c>: a decoder. Rows of length 0 have cosine 0 to all.</param>
    /// <param name="known">True directions, <c>[m, d]</c>.</param>
    public static FeatureRecovery Measure(Matrix learned, Matrix known)
    {
        double[,] cosine = Cosines(learned, known);
        double closest = 0;
        for (int i = 0; i < learned.Rows; i++) closest += Enumerable.Range(0, known.Rows).Max(j => cosine[i, j]);
        int[] match = Assignment.Maximize(cosine);
        double matched = Enumerable.Range(0, learned.Rows).Where(i => match[i] >= 0).Sum(i => cosine[i, match[i]]);
        int recovered = Enumerable.Range(0, known.Rows).Count(
            j => Enumerable.Range(0, learned.Rows).Any(i => cosine[i, j] > RecoveredCosine));
        return new FeatureRecovery(closest / learned.Rows, matched / Math.Min(learned.Rows, known.Rows), (double)recovered / known.Rows);
    }

    /// <summary>The cosine of each learned direction with each true one, <c>[n, m]</c>: 0 for rows of length 0.</summary>
    /// <param name="learned">Learned directions, <c>[n, d]</c>.</param>
    /// <param name="known">True directions, <c>[m, d]</c>.</param>
    public static double[,] Cosines(Matrix learned, Matrix known)
    {
        ArgumentNullException.ThrowIfNull(learned);
        ArgumentNullException.ThrowIfNull(known);
        if (learned.Columns != known.Columns || learned.Rows == 0 || known.Rows == 0)
            throw new ArgumentException($"Learned directions are [{learned.Rows}, {learned.Columns}], true ones [{known.Rows}, "
                + $"{known.Columns}]; both need rows, of one width.");
        double[,] cosine = new double[learned.Rows, known.Rows];
        using (var product = new DenseProduct(Workers.Shared))
        using (var dots = new Matrix(learned.Rows, known.Rows))
        {
            product.PackRight(known, transposed: true);
            product.Multiply(learned, transposed: false, dots);
            double[] knownNorms = [.. Enumerable.Range(0, known.Rows).Select(r => Norms.L2(known.Row(r)))];
            for (int i = 0; i < learned.Rows; i++)
            {
                double norm = Norms.L2(learned.Row(i));
                for (int j = 0; j < known.Rows; j++) cosine[i, j] = norm * knownNorms[j] > 0 ? dots[i, j] / (norm * knownNorms[j]) : 0;
            }
        }

        return cosine;
    }
}
