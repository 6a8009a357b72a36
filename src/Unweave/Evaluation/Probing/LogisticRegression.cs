using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Evaluation;

/// <summary>
/// Logistic regression with two classes, L2 penalty and a free intercept: the minimum of
/// ½‖w‖² + C·Σᵢ sᵢ·log(1 + exp(−yᵢ(w·xᵢ + b))), which is scikit-learn's, by L-BFGS (Liu and Nocedal 1989).
/// </summary>
/// <param name="Weights">w, one a feature, for features as they were given.</param>
/// <param name="Intercept">b.</param>
internal sealed record LogisticRegression(double[] Weights, double Intercept)
{
    private const int Memory = 10, MaxRounds = 300;

    /// <summary>Fits.</summary>
    /// <param name="x">Features, <c>[rows, p]</c>.</param>
    /// <param name="positive">The class of each row.</param>
    /// <param name="c">C: how much errors count against the penalty.</param>
    /// <param name="balanced">
    /// Whether rows weigh inversely to how many their class has (rows/(2·count), as scikit-learn's <c>class_weight="balanced"</c>).
    /// </param>
    /// <param name="tolerance">Ends when no element of the gradient is larger than this share of C times the rows.</param>
    public static LogisticRegression Fit(Matrix x, ReadOnlySpan<bool> positive, double c = 1, bool balanced = false,
        double tolerance = 1e-6)
    {
        if (positive.Length != x.Rows) throw new ArgumentException($"{x.Rows} rows have {positive.Length} classes.", nameof(positive));
        int count = 0;
        foreach (bool one in positive) count += one ? 1 : 0;
        double[] weights = new double[x.Rows];
        for (int r = 0; r < weights.Length; r++)
            weights[r] = c * (balanced ? x.Rows / (2.0 * (positive[r] ? count : x.Rows - count)) : 1);
        bool[] classes = positive.ToArray();
        double[] solution = Minimize(
            x.Columns + 1, (at, gradient) => Loss(x, classes, weights, at, gradient), tolerance * c * Math.Max(1, x.Rows));
        return new LogisticRegression(solution[..^1], solution[^1]);
    }

    /// <summary>
    /// Fits to features brought to mean 0 and variance 1, and gives the weights for the features as they are: the penalty is then the same
    /// for features of any scale. Features that do not vary get the weight 0.
    /// </summary>
    public static LogisticRegression FitStandardized(Matrix x, ReadOnlySpan<bool> positive, double c = 1, bool balanced = false)
    {
        int width = x.Columns;
        double[] mean = new double[width], deviation = new double[width];
        for (int r = 0; r < x.Rows; r++)
            for (int i = 0; i < width; i++) mean[i] += x[r, i] / (double)x.Rows;
        for (int r = 0; r < x.Rows; r++)
            for (int i = 0; i < width; i++) deviation[i] += Math.Pow(x[r, i] - mean[i], 2) / x.Rows;
        for (int i = 0; i < width; i++) deviation[i] = Math.Sqrt(deviation[i]);
        using var standard = new Matrix(x.Rows, width);
        for (int r = 0; r < x.Rows; r++)
        {
            for (int i = 0; i < width; i++)
                standard[r, i] = deviation[i] > 1e-12 * Math.Abs(mean[i]) ? (float)((x[r, i] - mean[i]) / deviation[i]) : 0;
        }

        LogisticRegression fitted = Fit(standard, positive, c, balanced);
        double[] weights = new double[width];
        double intercept = fitted.Intercept;
        for (int i = 0; i < width; i++)
        {
            if (!(deviation[i] > 1e-12 * Math.Abs(mean[i]))) continue;
            weights[i] = fitted.Weights[i] / deviation[i];
            intercept -= weights[i] * mean[i];
        }

        return new LogisticRegression(weights, intercept);
    }

    /// <summary>w·x + b, above 0 for the positive class.</summary>
    public double Score(ReadOnlySpan<float> x)
    {
        double sum = Intercept;
        for (int i = 0; i < x.Length; i++) sum += Weights[i] * x[i];
        return sum;
    }

    private static unsafe double Loss(Matrix x, bool[] positive, double[] weights, double[] at, double[] gradient)
    {
        int width = x.Columns;
        KernelSet kernels = KernelSet.Current;
        float[] w = new float[width], slope = new float[width];
        double loss = 0, intercept = at[^1], interceptSlope = 0;
        for (int i = 0; i < width; i++)
        {
            w[i] = (float)at[i];
            loss += at[i] * at[i] / 2;
        }

        fixed (float* own = w, sum = slope)
        {
            // Sums of a block in single precision are added in double, so that long sums keep their digits.
            const int block = 64;
            at.CopyTo(gradient, 0);
            for (int first = 0; first < x.Rows; first += block)
            {
                Array.Clear(slope);
                for (int r = first; r < Math.Min(x.Rows, first + block); r++)
                {
                    float* row = x.Pointer + ((nint)r * width);
                    double margin = (kernels.Dot(own, row, width) + intercept) * (positive[r] ? 1 : -1);
                    loss += weights[r] * (margin > 0 ? double.LogP1(Math.Exp(-margin)) : double.LogP1(Math.Exp(margin)) - margin);
                    double pull = weights[r] / (1 + Math.Exp(margin)) * (positive[r] ? -1 : 1);
                    interceptSlope += pull;
                    kernels.AddScaled(sum, row, (float)pull, width);
                }

                for (int i = 0; i < width; i++) gradient[i] += slope[i];
            }
        }

        gradient[^1] = interceptSlope;
        return loss;
    }

    // L-BFGS with the two-loop recursion and a backtracking line search; the function is convex.
    private static double[] Minimize(int size, Func<double[], double[], double> function, double tolerance)
    {
        double[] at = new double[size], gradient = new double[size];
        double value = function(at, gradient);
        var steps = new List<(double[] Step, double[] Change, double Curvature)>();
        for (int round = 0; round < MaxRounds && gradient.Max(Math.Abs) > tolerance; round++)
        {
            double[] direction = Direction(gradient, steps);
            double slope = DoubleRows.Dot(direction, gradient);
            if (!(slope < 0)) break;
            double length = steps.Count == 0 ? Math.Min(1, 1 / Math.Sqrt(DoubleRows.Dot(gradient, gradient))) : 1;
            double[] next = new double[size], nextGradient = new double[size];
            double nextValue;
            while (true)
            {
                for (int i = 0; i < size; i++) next[i] = at[i] + (length * direction[i]);
                nextValue = function(next, nextGradient);
                if (nextValue <= value + (1e-4 * length * slope) || length < 1e-10) break;
                length /= 2;
            }

            if (!(nextValue < value)) break; // as far as the precision goes
            double[] step = new double[size], change = new double[size];
            for (int i = 0; i < size; i++) (step[i], change[i]) = (next[i] - at[i], nextGradient[i] - gradient[i]);
            double curvature = DoubleRows.Dot(step, change);
            if (curvature > 0) steps.Add((step, change, curvature));
            if (steps.Count > Memory) steps.RemoveAt(0);
            (at, gradient, value) = (next, nextGradient, nextValue);
        }

        return at;
    }

    private static double[] Direction(double[] gradient, List<(double[] Step, double[] Change, double Curvature)> steps)
    {
        double[] direction = [.. gradient.Select(value => -value)];
        double[] shares = new double[steps.Count];
        for (int i = steps.Count - 1; i >= 0; i--)
        {
            shares[i] = DoubleRows.Dot(steps[i].Step, direction) / steps[i].Curvature;
            DoubleRows.AddScaled(direction, steps[i].Change, -shares[i]);
        }

        if (steps.Count > 0)
        {
            double scale = steps[^1].Curvature / DoubleRows.Dot(steps[^1].Change, steps[^1].Change);
            for (int i = 0; i < direction.Length; i++) direction[i] *= scale;
        }

        for (int i = 0; i < steps.Count; i++)
        {
            double back = DoubleRows.Dot(steps[i].Change, direction) / steps[i].Curvature;
            DoubleRows.AddScaled(direction, steps[i].Step, shares[i] - back);
        }

        return direction;
    }
}
