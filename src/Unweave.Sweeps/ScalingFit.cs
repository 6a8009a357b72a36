using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Optimization;
using Unweave.Runs;

namespace Unweave.Sweeps;

/// <summary>Fits <see cref="ScalingLaw"/> to points of n, k and loss.</summary>
internal static class ScalingFit
{
    /// <summary>Fewest sizes and fewest sparsities that separate the two terms of the law.</summary>
    public const int Fewest = 3;

    private const int Exponents = 6;
    private const double Singular = 1e-12; // of the scaled normal matrix: below this its inverse is noise

    /// <summary>Fits a law to each architecture of a sweep that has points enough: finished ones, of each n and L0 the best.</summary>
    public static IReadOnlyList<ScalingLaw> Of(SweepRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        var laws = new List<ScalingLaw>();
        foreach (IGrouping<string, SweepEntry> kind in record.Points.GroupBy(point => point.Architecture, StringComparer.Ordinal))
        {
            (double N, double K, double Loss)[] points =
            [
                .. kind.Where(point => point is { Status: SweepStatus.Finished, Latents: not null, L0: > 0, Fvu: > 0 })
                    .GroupBy(point => (point.Latents, Math.Round(point.L0!.Value, 2)))
                    .Select(same => same.MinBy(point => point.Fvu)!)
                    .Select(point => ((double)point.Latents!, point.L0!.Value, point.Fvu!.Value)),
            ];
            if (Fit(kind.Key, points) is { } law) laws.Add(law);
        }

        return laws;
    }

    /// <summary>
    /// Least squares of ln L, from several starts, by Levenberg and Marquardt's method; the errors are those of the linearized fit.
    /// </summary>
    /// <param name="architecture">What the points are of.</param>
    /// <param name="points">Latents, active latents and loss, each above 0.</param>
    /// <returns>The law; null of fewer points than it needs, which is seven, of three sizes and three sparsities.</returns>
    public static ScalingLaw? Fit(string architecture, IReadOnlyList<(double N, double K, double Loss)> points)
    {
        ArgumentNullException.ThrowIfNull(points);
        int sizes = points.Select(point => point.N).Distinct().Count(),
            sparsities = points.Select(point => Math.Round(Math.Log2(point.K), 1)).Distinct().Count();
        if (points.Count <= Exponents || sizes < Fewest || sparsities < Fewest) return null;

        // Logarithms are centered, so that the exponents of the fit are nearly independent; those of the law follow by a linear map.
        double meanX = points.Average(point => Math.Log(point.K)), meanY = points.Average(point => Math.Log(point.N));
        double[] x = [.. points.Select(point => Math.Log(point.K) - meanX)], y = [.. points.Select(point => Math.Log(point.N) - meanY)];
        var observed = Vector<double>.Build.DenseOfEnumerable(points.Select(point => Math.Log(point.Loss)));
        var index = Vector<double>.Build.Dense(points.Count, i => i);
        IObjectiveModel objective = ObjectiveFunction.NonlinearModel(
            (Vector<double> at, Vector<double> _) => Vector<double>.Build.Dense(points.Count, i => LogLoss(at, x[i], y[i], out double _)),
            (Vector<double> at, Vector<double> _) => Matrix<double>.Build.DenseOfRowArrays(
                Enumerable.Range(0, points.Count).Select(i => Slope(at, x[i], y[i]))),
            index, observed);
        NonlinearMinimizationResult? best = null;
        double squares = double.PositiveInfinity;
        foreach (double[] start in Starts(observed.Average()))
        {
            NonlinearMinimizationResult found = new LevenbergMarquardtMinimizer(
                gradientTolerance: 1e-15, stepTolerance: 1e-15, functionTolerance: 1e-15, maximumIterations: 500)
                .FindMinimum(objective, Vector<double>.Build.DenseOfArray(start));
            double sum = points.Select((_, i) => Math.Pow(LogLoss(found.MinimizingPoint, x[i], y[i], out double _) - observed[i], 2)).Sum();
            if (double.IsFinite(sum) && sum < squares) (best, squares) = (found, sum);
        }

        if (best is null) return null;
        Matrix<double> back = Back(meanX, meanY);
        Vector<double> exponents = back * best.MinimizingPoint;
        return new ScalingLaw(
            architecture, points.Count, exponents[0], exponents[1], exponents[2], exponents[3], exponents[4], exponents[5],
            Errors(best.MinimizingPoint, x, y, squares, back), Math.Sqrt(squares / points.Count));
    }

    private static double LogLoss(Vector<double> at, double x, double y, out double share)
    {
        double reducible = at[0] + (at[1] * x) + (at[2] * y) + (at[3] * x * y), rest = at[4] + (at[5] * x);
        double most = Math.Max(reducible, rest);
        double sum = most + Math.Log(Math.Exp(reducible - most) + Math.Exp(rest - most));
        share = Math.Exp(reducible - sum);
        return sum;
    }

    private static double[] Slope(Vector<double> at, double x, double y)
    {
        LogLoss(at, x, y, out double share);
        return [share, share * x, share * y, share * x * y, 1 - share, (1 - share) * x];
    }

    // The share that does not fall with n, and the slopes, are what the problem has several minima in.
    private static IEnumerable<double[]> Starts(double level) =>
        from share in (double[])[0.1, 0.4, 0.8]
        from size in (double[])[-0.05, -0.4]
        from sparsity in (double[])[-0.5, 0, 0.3]
        select new[] { level + Math.Log(1 - share), -0.3, size, 0, level + Math.Log(share), sparsity };

    // From exponents of centered logarithms to those of the logarithms themselves.
    private static Matrix<double> Back(double meanX, double meanY) => Matrix<double>.Build.DenseOfRowArrays(
        [1, -meanX, -meanY, meanX * meanY, 0, 0],
        [0, 1, 0, -meanY, 0, 0],
        [0, 0, 1, -meanX, 0, 0],
        [0, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 1, -meanX],
        [0, 0, 0, 0, 0, 1]);

    private static double[] Errors(Vector<double> at, double[] x, double[] y, double squares, Matrix<double> back)
    {
        Matrix<double> slopes = Matrix<double>.Build.DenseOfRowArrays(x.Select((_, i) => Slope(at, x[i], y[i])));
        Matrix<double> normal = slopes.TransposeThisAndMultiply(slopes);
        double[] scale = [.. normal.Diagonal().Select(Math.Sqrt)];
        if (scale.Any(value => !(value > 0))) return [];
        Matrix<double> scaled = normal.MapIndexed((i, j, value) => value / (scale[i] * scale[j]));
        if (!(scaled.Evd(Symmetricity.Symmetric).EigenValues.Min(value => value.Real) > Singular)) return [];
        Matrix<double> covariance = scaled.Inverse().MapIndexed((i, j, value) => value / (scale[i] * scale[j]))
            * (squares / (x.Length - Exponents));
        return [.. (back * covariance).TransposeAndMultiply(back).Diagonal().Select(Math.Sqrt)];
    }
}
