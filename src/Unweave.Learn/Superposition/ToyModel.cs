using Unweave.Learn.Numerics;
using Unweave.Numerics;

namespace Unweave.Learn.Superposition;

/// <summary>
/// The toy model of superposition (Elhage et al. 2022): features x from 0 to 1, each present with some probability, pass through fewer
/// dimensions, h = Wx, and come out as ReLU(Wᵀh + b). The loss is the squared error, weighted by each feature's importance.
/// </summary>
internal sealed class ToyModel
{
    /// <summary>Number of features.</summary>
    public const int Features = 5;

    /// <summary>Dimensions that they pass through.</summary>
    public const int Dimensions = 2;

    /// <summary>Steps of a whole training.</summary>
    public const int Steps = 3000;

    private const int Batch = 512;
    private const double Rate = 1e-2,
        Settling = 0.3, // the rate falls to 0 over the last part: the arrows come to rest
        Importance = 0.9; // of a feature, as a share of the importance of the one before it

    private readonly Rng data;
    private readonly double[] weights, gradient;
    private readonly SmallAdam adam;

    /// <summary>Starts one.</summary>
    /// <param name="presence">Probability with which each feature is present: 1 for all of them, always.</param>
    /// <param name="seed">Seed of the first weights and of the data.</param>
    public ToyModel(double presence, ulong seed)
    {
        (Presence, data) = (presence, new Rng(seed, stream: 1));
        var start = new Rng(seed, stream: 2);
        weights = new double[(Features * Dimensions) + Features];
        for (int i = 0; i < Features * Dimensions; i++) weights[i] = 0.3 * start.NextNormal();
        (gradient, adam) = (new double[weights.Length], new SmallAdam(weights.Length, beta1: 0.9, beta2: 0.999));
    }

    /// <summary>Probability with which each feature is present.</summary>
    public double Presence { get; }

    /// <summary>Steps done.</summary>
    public int Step { get; private set; }

    /// <summary>Whether all steps are done.</summary>
    public bool Finished => Step >= Steps;

    /// <summary>Both coordinates of each feature's direction in turn, then the biases.</summary>
    public Span<double> Weights => weights;

    /// <summary>The loss's slope in each weight, since the last step.</summary>
    public ReadOnlySpan<double> Gradient => gradient;

    /// <summary>The direction in which each feature is stored: a column of W.</summary>
    public IReadOnlyList<(double X, double Y)> Directions =>
        [.. Enumerable.Range(0, Features).Select(i => (weights[Dimensions * i], weights[(Dimensions * i) + 1]))];

    /// <summary>Whether a feature is stored: the length of its direction is above a half.</summary>
    /// <param name="direction">Its direction.</param>
    public static bool Stored((double X, double Y) direction) => Math.Sqrt((direction.X * direction.X) + (direction.Y * direction.Y)) > 0.5;

    /// <summary>Does a step.</summary>
    public void Next()
    {
        double rate = Rate * Math.Min(1, (1 - ((double)Step / Steps)) / Settling);
        Step++;
        Learn(Draw(data, Batch));
        adam.Step(weights, gradient, rate);
    }

    /// <summary>Where the rows of a sample lie between the two halves, h = Wx; the sample is always the same.</summary>
    /// <param name="rows">How many rows.</param>
    public IReadOnlyList<(double X, double Y)> Points(int rows)
    {
        double[] x = Draw(new Rng(5, stream: 3), rows);
        return [.. Enumerable.Range(0, rows).Select(row => Hidden(x.AsSpan(row * Features, Features)))];
    }

    /// <summary>What comes out where one feature goes in at 1 and the others at 0.</summary>
    /// <param name="feature">Which.</param>
    public double[] Response(int feature)
    {
        double[] x = new double[Features];
        x[feature] = 1;
        (double h0, double h1) = Hidden(x);
        return [.. Enumerable.Range(0, Features).Select(i => Math.Max(0, Before(i, h0, h1)))];
    }

    /// <summary>The loss of a batch, a mean over rows and features; sets the gradient.</summary>
    /// <param name="x">The batch, a row of <see cref="Features"/> numbers after another.</param>
    internal double Learn(ReadOnlySpan<double> x)
    {
        Array.Clear(gradient);
        int rows = x.Length / Features;
        double loss = 0;
        Span<double> slope = stackalloc double[Features];
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<double> one = x.Slice(row * Features, Features);
            (double h0, double h1) = Hidden(one);
            double back0 = 0, back1 = 0, importance = 1;
            for (int i = 0; i < Features; i++)
            {
                double pre = Before(i, h0, h1), error = Math.Max(0, pre) - one[i];
                loss += importance * error * error / x.Length;
                slope[i] = pre > 0 ? 2 * importance * error / x.Length : 0;
                importance *= Importance;
                back0 += slope[i] * weights[Dimensions * i];
                back1 += slope[i] * weights[(Dimensions * i) + 1];
            }

            for (int i = 0; i < Features; i++)
            {
                gradient[Dimensions * i] += (slope[i] * h0) + (back0 * one[i]);
                gradient[(Dimensions * i) + 1] += (slope[i] * h1) + (back1 * one[i]);
                gradient[(Features * Dimensions) + i] += slope[i];
            }
        }

        return loss;
    }

    private double[] Draw(Rng from, int rows)
    {
        double[] x = new double[rows * Features];
        for (int i = 0; i < x.Length; i++)
        {
            bool present = from.NextDouble() < Presence;
            double value = from.NextDouble(); // drawn either way: two samples differ only in what is present
            x[i] = present ? value : 0;
        }

        return x;
    }

    private (double H0, double H1) Hidden(ReadOnlySpan<double> x)
    {
        double h0 = 0, h1 = 0;
        for (int i = 0; i < Features; i++)
        {
            h0 += weights[Dimensions * i] * x[i];
            h1 += weights[(Dimensions * i) + 1] * x[i];
        }

        return (h0, h1);
    }

    private double Before(int feature, double h0, double h1) =>
        (weights[Dimensions * feature] * h0) + (weights[(Dimensions * feature) + 1] * h1) + weights[(Features * Dimensions) + feature];
}
