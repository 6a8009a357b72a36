using Unweave.Learn.Numerics;
using Unweave.Numerics;

namespace Unweave.Learn.Adversarial;

/// <summary>
/// A network from one number to one number: two hidden layers of tanh, in double precision, small enough to follow every number through it.
/// It keeps what a pass over a batch leaves for the way back, the gradient, and the state of its optimizer.
/// </summary>
/// <param name="width">Units of each hidden layer.</param>
/// <param name="rng">Source of the weights.</param>
/// <param name="detail">Scale of the first layer's fresh weights: how fine the bends are that it starts with.</param>
internal sealed class SmallNetwork(int width, Rng rng, double detail = 1)
{
    private readonly double[] weights = Start(width, rng, detail);
    private readonly double[] gradient = new double[(width * width) + (4 * width) + 1];
    private readonly SmallAdam adam = new((width * width) + (4 * width) + 1, beta1: 0, beta2: 0.99);
    private double[] inputs = [], hidden1 = [], hidden2 = [];

    /// <summary>
    /// All weights: those from the input, biases, those between the hidden layers, biases, those to the output, its bias.
    /// </summary>
    public Span<double> Weights => weights;

    /// <summary>The loss's slope in each weight, summed since <see cref="Step"/> or <see cref="Forget"/>.</summary>
    public ReadOnlySpan<double> Gradient => gradient;

    private int Second => 2 * width;

    private int Third => Second + (width * width) + width;

    /// <summary>Runs a batch.</summary>
    /// <param name="x">Its inputs.</param>
    /// <param name="y">Its outputs, overwritten.</param>
    public void Forward(ReadOnlySpan<double> x, Span<double> y)
    {
        if (inputs.Length != x.Length)
            (inputs, hidden1, hidden2) = (new double[x.Length], new double[x.Length * width], new double[x.Length * width]);
        x.CopyTo(inputs);
        for (int r = 0; r < x.Length; r++)
        {
            Span<double> one = hidden1.AsSpan(r * width, width), two = hidden2.AsSpan(r * width, width);
            double sum = weights[^1];
            for (int i = 0; i < width; i++) one[i] = Math.Tanh((weights[i] * x[r]) + weights[width + i]);
            for (int j = 0; j < width; j++)
            {
                ReadOnlySpan<double> row = weights.AsSpan(Second + (j * width), width);
                double pre = weights[Second + (width * width) + j];
                for (int i = 0; i < width; i++) pre += row[i] * one[i];
                two[j] = Math.Tanh(pre);
                sum += weights[Third + j] * two[j];
            }

            y[r] = sum;
        }
    }

    /// <summary>Carries slopes back through the last batch, and adds to the gradient.</summary>
    /// <param name="slopes">∂L/∂y of each output.</param>
    /// <param name="inputSlopes">∂L/∂x of each input, overwritten; empty when nobody asks.</param>
    public void Backward(ReadOnlySpan<double> slopes, Span<double> inputSlopes = default)
    {
        Span<double> back1 = stackalloc double[width];
        for (int r = 0; r < slopes.Length; r++)
        {
            ReadOnlySpan<double> one = hidden1.AsSpan(r * width, width), two = hidden2.AsSpan(r * width, width);
            back1.Clear();
            gradient[^1] += slopes[r];
            for (int j = 0; j < width; j++)
            {
                gradient[Third + j] += slopes[r] * two[j];
                double back = slopes[r] * weights[Third + j] * (1 - (two[j] * two[j]));
                gradient[Second + (width * width) + j] += back;
                int row = Second + (j * width);
                for (int i = 0; i < width; i++)
                {
                    gradient[row + i] += back * one[i];
                    back1[i] += back * weights[row + i];
                }
            }

            double input = 0;
            for (int i = 0; i < width; i++)
            {
                double back = back1[i] * (1 - (one[i] * one[i]));
                gradient[i] += back * inputs[r];
                gradient[width + i] += back;
                input += back * weights[i];
            }

            if (!inputSlopes.IsEmpty) inputSlopes[r] = input;
        }
    }

    /// <summary>Takes one step of Adam against the gradient, and forgets it.</summary>
    /// <param name="rate">Learning rate.</param>
    public void Step(double rate)
    {
        adam.Step(weights, gradient, rate);
        Forget();
    }

    /// <summary>Forgets the gradient.</summary>
    public void Forget() => Array.Clear(gradient);

    private static double[] Start(int width, Rng rng, double detail)
    {
        double[] fresh = new double[(width * width) + (4 * width) + 1];
        int between = 2 * width, output = between + (width * width) + width;
        for (int i = 0; i < between; i++) fresh[i] = detail * rng.NextNormal();
        for (int i = between; i < between + (width * width); i++) fresh[i] = rng.NextNormal() / Math.Sqrt(width);
        for (int i = output; i < output + width; i++) fresh[i] = rng.NextNormal() / Math.Sqrt(width);
        return fresh;
    }
}
