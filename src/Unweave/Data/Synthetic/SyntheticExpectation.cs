using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>How often features of a synthetic model are active, from its definition and without drawing a row.</summary>
internal static class SyntheticExpectation
{
    private const int Draws = 2048, Intervals = 32;

    /// <summary>Probability that a feature without a parent is active.</summary>
    public static double Alone(SyntheticModel model, int feature) => model.DrawnProbabilities[feature] * Positive(model, feature);

    /// <summary>
    /// Probability that two features without parents are active together: that of two normal numbers with correlation ρ = a·b, which is
    /// Φ(−s)Φ(−t) + (1/2π)·∫ exp(−(s² + t² − 2·s·t·sin θ)/(2·cos² θ)) dθ from 0 to asin ρ (Plackett 1954).
    /// </summary>
    public static double Together(SyntheticModel model, int first, int second)
    {
        double s = -StandardNormal.Quantile(model.DrawnProbabilities[first]);
        double t = -StandardNormal.Quantile(model.DrawnProbabilities[second]);
        double end = Math.Asin(model.Firing.Correlation(first, second)), sum = 0;
        for (int i = 0; i <= Intervals; i++)
        {
            double angle = end * i / Intervals, cosine = Math.Cos(angle);
            double value = Math.Exp(-((s * s) + (t * t) - (2 * s * t * Math.Sin(angle))) / (2 * cosine * cosine));
            sum += value * (i is 0 or Intervals ? 1 : i % 2 == 1 ? 4 : 2); // Simpson's rule
        }

        double independent = model.DrawnProbabilities[first] * model.DrawnProbabilities[second];
        double both = independent + (sum * end / Intervals / 3 / (2 * Math.PI));
        return both * Positive(model, first) * Positive(model, second);
    }

    /// <summary>
    /// Probability that each feature is active. Given a row's factors it is a product down the tree, of a feature's own probability and of
    /// its chance among the siblings that compete with it; the mean over factors is taken over draws of them.
    /// </summary>
    /// <returns>The probabilities and their standard errors, which are 0 where the mean is known.</returns>
    public static (double[] Probability, double[] Error) Firing(SyntheticModel model)
    {
        int n = model.Directions.Rows, rank = model.Firing.Rank;
        double[] sum = new double[n], squares = new double[n];
        double[] positive = [.. Enumerable.Range(0, n).Select(feature => Positive(model, feature))];
        const int DrawsOfPart = 64;
        double[][] sums = new double[Draws / DrawsOfPart][], squaresOfParts = new double[Draws / DrawsOfPart][];
        Workers.Shared.Run(Draws / DrawsOfPart, part =>
        {
            double[] own = sums[part] = new double[n], ownSquares = squaresOfParts[part] = new double[n], p = new double[n];
            var rng = new Rng(model.Options.Seed + 1, (ulong)part);
            float[] factors = new float[model.Firing.Loadings.Columns];
            factors[rank] = 1;
            for (int draw = 0; draw < DrawsOfPart; draw++)
            {
                // in pairs of u and −u, whose errors partly cancel
                for (int k = 0; k < rank; k++) factors[k] = draw % 2 == 0 ? (float)rng.NextNormal() : -factors[k];
                for (int i = 0; i < n; i++) p[i] = StandardNormal.Cumulative(model.Firing.Score(i, factors)) * positive[i];
                Compete(model.Options, p);
                for (int i = 0; i < n; i++)
                {
                    own[i] += p[i];
                    ownSquares[i] += p[i] * p[i];
                }
            }
        });
        for (int part = 0; part < sums.Length; part++)
        {
            for (int i = 0; i < n; i++)
            {
                sum[i] += sums[part][i];
                squares[i] += squaresOfParts[part][i];
            }
        }

        double[] mean = new double[n], error = new double[n];
        for (int i = 0; i < n; i++)
        {
            mean[i] = sum[i] / Draws;
            if (model.Parent(i) < 0) mean[i] = Alone(model, i);
            else error[i] = Math.Sqrt(Math.Max(0, (squares[i] / Draws) - (mean[i] * mean[i])) / Draws);
        }

        return (mean, error);
    }

    // From the probabilities of being drawn to those of being active, for fixed factors.
    private static void Compete(SyntheticModelOptions options, double[] p)
    {
        int branching = options.Branching;
        double[] rivals = new double[branching], drawn = new double[branching];
        for (int first = options.Roots; first < options.TreeFeatures; first += branching)
        {
            double parent = p[(first - options.Roots) / branching];
            p.AsSpan(first, branching).CopyTo(drawn);
            for (int c = 0; c < branching; c++)
            {
                // chance of k rivals, one sibling after another
                Array.Clear(rivals);
                rivals[0] = 1;
                for (int other = 0; other < branching; other++)
                {
                    if (other == c) continue;
                    for (int k = branching - 1; k > 0; k--) rivals[k] = (rivals[k] * (1 - drawn[other])) + (rivals[k - 1] * drawn[other]);
                    rivals[0] *= 1 - drawn[other];
                }

                double wins = 0;
                for (int k = 0; k < branching; k++) wins += rivals[k] / (k + 1);
                p[first + c] = parent * drawn[c] * wins;
            }
        }
    }

    private static double Positive(SyntheticModel model, int feature) =>
        model.Deviations[feature] > 0 ? StandardNormal.Cumulative(model.Means[feature] / model.Deviations[feature]) : 1;
}
