using Unweave.Numerics;

namespace Unweave.Projection;

/// <summary>A step of t-SNE.</summary>
/// <param name="Iteration">Number of the step, from 1.</param>
/// <param name="Iterations">Steps of the whole.</param>
/// <param name="Loss">KL(P‖Q) of the points before the step, in nats, without exaggeration.</param>
/// <param name="Points">The points after the step, <c>[n, 2]</c>; valid until the next step.</param>
public readonly record struct TSneStep(int Iteration, int Iterations, double Loss, Matrix Points);

/// <summary>
/// t-SNE (van der Maaten &amp; Hinton 2008): lays points out in the plane so that the Kullback–Leibler divergence between their affinities P
/// (near is likely) and those in the plane, q_ij ∝ 1/(1 + ‖y_i − y_j‖²), is small.
/// </summary>
/// <remarks>
/// The gradient is 4 Σ_j (p_ij − q_ij)(y_i − y_j)/(1 + ‖y_i − y_j‖²): attraction over the nearest neighbours, repulsion over all points, exactly or by
/// Barnes–Hut (van der Maaten 2014). The start is the first two principal components, small (Kobak &amp; Berens 2019). The same input gives the same points
/// on any number of threads.
/// </remarks>
public static class TSne
{
    private const int PointsOfPart = 64;
    private const double StartDeviation = 1e-4, EarlyMomentum = 0.5, LateMomentum = 0.8, LeastGain = 0.01;

    /// <summary>Lays points out, a step at a time.</summary>
    /// <param name="x">Points, <c>[n, d]</c>; Euclidean distances count, so rows of unit length are compared by their angle.</param>
    /// <param name="options">Settings.</param>
    /// <param name="cancellation">Ends it between steps.</param>
    /// <returns>Its steps; none for no points, one with the points at the origin for a single one.</returns>
    /// <exception cref="InputException">A setting has no meaning, or a number of the points is not finite.</exception>
    public static IEnumerable<TSneStep> Run(Matrix x, TSneOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(x);
        options ??= new TSneOptions();
        options.Validate();
        for (int i = 0; i < x.Rows; i++)
        {
            foreach (float value in x.Row(i))
                if (!float.IsFinite(value)) throw new InputException($"Point {i} has a value that is {value}; t-SNE needs finite numbers.");
        }

        return Steps();

        IEnumerable<TSneStep> Steps()
        {
            if (x.Rows == 0) yield break;
            using var points = new Matrix(x.Rows, 2);
            if (x.Rows == 1)
            {
                yield return new TSneStep(1, 1, 0, points);
                yield break;
            }

            Affinities affinities = Affinities.Of(x, Math.Max(1, Math.Min(options.Perplexity, (x.Rows - 1) / 3.0)), cancellation);
            double[] y = Start(x, options.Seed), velocity = new double[y.Length], gradient = new double[y.Length], gains = new double[y.Length];
            Array.Fill(gains, 1);
            double rate = options.LearningRate ?? Math.Max(x.Rows / options.Exaggeration / 4, 50);
            var tree = new QuadTree(x.Rows);
            for (int step = 1; step <= options.Iterations; step++)
            {
                cancellation.ThrowIfCancellationRequested();
                bool early = step <= options.ExaggeratedIterations;
                double loss = Gradient(affinities, y, options.Theta, early ? options.Exaggeration : 1, tree, gradient);
                double momentum = early ? EarlyMomentum : LateMomentum, centreX = 0, centreY = 0;
                for (int i = 0; i < y.Length; i++)
                {
                    // Jacobs (1988), as in the reference implementation: a coordinate that keeps its way goes faster.
                    gains[i] = Math.Max(LeastGain, (gradient[i] > 0) == (velocity[i] > 0) ? gains[i] * 0.8 : gains[i] + 0.2);
                    velocity[i] = (momentum * velocity[i]) - (rate * gains[i] * gradient[i]);
                    y[i] += velocity[i];
                    if (i % 2 == 0) centreX += y[i];
                    else centreY += y[i];
                }

                for (int i = 0; i < x.Rows; i++)
                {
                    y[2 * i] -= centreX / x.Rows;
                    y[(2 * i) + 1] -= centreY / x.Rows;
                    (points[i, 0], points[i, 1]) = ((float)y[2 * i], (float)y[(2 * i) + 1]);
                }

                yield return new TSneStep(step, options.Iterations, loss, points);
            }
        }
    }

    /// <summary>The gradient at some points, and the loss there.</summary>
    /// <param name="affinities">P.</param>
    /// <param name="y">Points, x and y in turn.</param>
    /// <param name="theta">Barnes–Hut's θ.</param>
    /// <param name="exaggeration">Factor on P in the gradient.</param>
    /// <param name="tree">Scratch.</param>
    /// <param name="gradient">Overwritten.</param>
    /// <returns>KL(P‖Q) without exaggeration.</returns>
    internal static double Gradient(Affinities affinities, double[] y, double theta, double exaggeration, QuadTree tree, double[] gradient)
    {
        int points = y.Length / 2, parts = (points + PointsOfPart - 1) / PointsOfPart;
        double[] weights = new double[parts], losses = new double[parts], repulsion = new double[y.Length];
        tree.Build(y);
        Workers.Shared.Run(parts, part =>
        {
            for (int i = part * PointsOfPart; i < Math.Min(points, (part + 1) * PointsOfPart); i++)
            {
                (double rx, double ry, double weight) = tree.Repulsion(y, i, theta);
                (repulsion[2 * i], repulsion[(2 * i) + 1]) = (rx, ry);
                weights[part] += weight;
                double ax = 0, ay = 0;
                for (long e = affinities.Starts[i]; e < affinities.Starts[i + 1]; e++)
                {
                    int j = affinities.Columns[e];
                    double p = affinities.Values[e], dx = y[2 * i] - y[2 * j], dy = y[(2 * i) + 1] - y[(2 * j) + 1], q = 1 / (1 + (dx * dx) + (dy * dy));
                    ax += p * q * dx;
                    ay += p * q * dy;

                    // p ln(p/q) with q = q̃/Z: the part with Z is added at the end, as Σp = 1.
                    if (p > 0) losses[part] += p * Math.Log(p / q);
                }

                (gradient[2 * i], gradient[(2 * i) + 1]) = (4 * exaggeration * ax, 4 * exaggeration * ay);
            }
        });
        double z = weights.Sum();
        for (int i = 0; i < gradient.Length; i++) gradient[i] -= 4 * repulsion[i] / z;
        return losses.Sum() + Math.Log(z);
    }

    // The first two principal components by power iteration, with a deviation of 1e-4; seeded noise where the data have none.
    private static double[] Start(Matrix x, ulong seed)
    {
        const int iterations = 60;
        int points = x.Rows, width = x.Columns;
        var rng = new Rng(seed);
        double[] mean = new double[width], y = new double[2 * points];
        for (int i = 0; i < points; i++)
            for (int c = 0; c < width; c++) mean[c] += x[i, c] / (double)points;
        double[][] directions = [new double[width], new double[width]];
        for (int component = 0; component < 2; component++)
        {
            double[] v = directions[component], scores = new double[points];
            for (int c = 0; c < width; c++) v[c] = rng.NextNormal();
            for (int iteration = 0; iteration < iterations; iteration++)
            {
                if (component == 1) Subtract(v, directions[0]);
                double norm = Math.Sqrt(v.Sum(value => value * value));
                if (norm < 1e-30) break;
                for (int c = 0; c < width; c++) v[c] /= norm;
                Scores(v, scores);
                if (iteration + 1 == iterations) break;
                double[] next = new double[width];
                for (int i = 0; i < points; i++)
                {
                    ReadOnlySpan<float> row = x.Row(i);
                    for (int c = 0; c < width; c++) next[c] += scores[i] * (row[c] - mean[c]);
                }

                next.CopyTo(v, 0);
            }

            double deviation = Math.Sqrt(scores.Sum(score => score * score) / points);
            for (int i = 0; i < points; i++) y[(2 * i) + component] = StartDeviation * (deviation > 1e-12 ? scores[i] / deviation : rng.NextNormal());
        }

        return y;

        void Scores(double[] v, double[] scores)
        {
            for (int i = 0; i < points; i++)
            {
                ReadOnlySpan<float> row = x.Row(i);
                double sum = 0;
                for (int c = 0; c < width; c++) sum += v[c] * (row[c] - mean[c]);
                scores[i] = sum;
            }
        }

        static void Subtract(double[] v, double[] along)
        {
            double dot = v.Zip(along, (a, b) => a * b).Sum();
            for (int c = 0; c < v.Length; c++) v[c] -= dot * along[c];
        }
    }
}
