using System.Numerics.Tensors;
using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>Dense layers in a row (a multi-layer perceptron): y = f(x·Wᵀ + b), W <c>[outputs, inputs]</c>.</summary>
internal sealed class Perceptron
{
    /// <summary>Makes layers with fresh weights (Glorot and Bengio 2010), biases 0.</summary>
    /// <param name="widths">Widths from the input to the output.</param>
    /// <param name="activation">The non-linearity of the layer of each index.</param>
    /// <param name="rng">Source of the weights; null leaves them zero.</param>
    public Perceptron(IReadOnlyList<int> widths, Func<int, Activation> activation, Rng? rng)
    {
        var layers = new Layer[widths.Count - 1];
        for (int i = 0; i < layers.Length; i++)
        {
            var weights = new Matrix(widths[i + 1], widths[i]);
            rng?.FillNormal(weights.AsSpan(), Math.Sqrt(2.0 / (widths[i] + widths[i + 1])));
            layers[i] = new Layer(weights, new Matrix(1, widths[i + 1]), activation(i));
        }

        Layers = layers;
    }

    /// <summary>A layer.</summary>
    public sealed record Layer(Matrix Weights, Matrix Bias, Activation Activation);

    /// <summary>The layers, from the input on.</summary>
    public IReadOnlyList<Layer> Layers { get; }

    /// <summary>Weights and bias of each layer in turn: <c>W_i</c> and <c>b_i</c>.</summary>
    /// <param name="first">The number i of the first layer.</param>
    public IEnumerable<Parameter> Parameters(int first = 1) =>
        Layers.SelectMany((layer, i) => new Parameter[] { new($"W_{first + i}", layer.Weights), new($"b_{first + i}", layer.Bias) });

    /// <summary>Runs the first layers.</summary>
    /// <param name="x">The inputs, <c>[batch, inputs]</c>.</param>
    /// <param name="depth">How many layers, 1 or more.</param>
    /// <returns>Their outputs; the caller's to dispose.</returns>
    public Matrix Run(Matrix x, int depth)
    {
        using var product = new DenseProduct(Workers.Shared);
        Matrix current = x;
        for (int i = 0; i < depth; i++)
        {
            var next = new Matrix(x.Rows, Layers[i].Weights.Rows);
            Forward(Layers[i], current, next, product);
            if (i > 0) current.Dispose();
            current = next;
        }

        return current;
    }

    /// <summary>Runs one layer.</summary>
    public static void Forward(Layer layer, Matrix input, Matrix output, DenseProduct product)
    {
        product.PackRight(layer.Weights, transposed: true);
        product.Multiply(input, transposed: false, output);
        for (int r = 0; r < output.Rows; r++)
        {
            Span<float> row = output.Row(r);
            TensorPrimitives.Add(row, layer.Bias.Row(0), row);
            if (layer.Activation == Activation.Relu) TensorPrimitives.Max(row, 0, row);
            else if (layer.Activation == Activation.Tanh) TensorPrimitives.Tanh(row, row);
        }
    }
}

/// <summary>
/// The forward and backward pass of a <see cref="Perceptron"/> over a batch: write <see cref="Input"/>, run <see cref="Forward"/>, write
/// the loss's slope in the output to <see cref="OutputDelta"/>, run <see cref="Backward"/>, and read gradients.
/// </summary>
internal sealed class PerceptronPass(Perceptron perceptron, Workers workers) : IDisposable
{
    private readonly IReadOnlyList<Perceptron.Layer> layers = perceptron.Layers;
    private readonly DenseProduct product = new(workers);
    private readonly DenseProduct[] inputs = [.. perceptron.Layers.Select(_ => new DenseProduct(workers))];
    private Matrix[] outputs = [], deltas = []; // outputs[0] is the input, [batch, width]; deltas[i] is ∂L/∂pre of layer i
    private Matrix? inputDelta;

    /// <summary>The input, <c>[batch, inputs]</c>.</summary>
    public Matrix Input => outputs[0];

    /// <summary>The last layer's output, <c>[batch, outputs]</c>.</summary>
    public Matrix Output => outputs[^1];

    /// <summary>∂L/∂ of the last layer's output, before its non-linearity.</summary>
    public Matrix OutputDelta => deltas[^1];

    /// <summary>Makes room for a batch.</summary>
    public void Resize(int batch)
    {
        if (outputs.Length > 0 && Input.Rows == batch) return;
        Free();
        outputs = [new Matrix(batch, layers[0].Weights.Columns), .. layers.Select(layer => new Matrix(batch, layer.Weights.Rows))];
        deltas = [.. layers.Select(layer => new Matrix(batch, layer.Weights.Rows))];
    }

    /// <summary>Runs layers of an index from <paramref name="from"/> to before <paramref name="to"/>.</summary>
    public void Forward(int from, int to)
    {
        for (int i = from; i < to; i++) Perceptron.Forward(layers[i], outputs[i], outputs[i + 1], product);
    }

    /// <summary>Carries <see cref="OutputDelta"/> back to the first layer and makes gradients ready to be read.</summary>
    public void Backward()
    {
        for (int i = layers.Count - 1; i > 0; i--)
        {
            product.PackRight(layers[i].Weights, transposed: false);
            product.Multiply(deltas[i], transposed: false, deltas[i - 1]);
            Slope(layers[i - 1].Activation, outputs[i], deltas[i - 1]);
        }

        for (int i = 0; i < inputs.Length; i++) inputs[i].PackRight(outputs[i], transposed: false);
    }

    /// <summary>After <see cref="Backward"/>: ∂L/∂input, <c>[batch, inputs]</c>, valid until the next batch.</summary>
    public Matrix InputDelta()
    {
        inputDelta ??= new Matrix(Input.Rows, Input.Columns);
        product.PackRight(layers[0].Weights, transposed: false);
        product.Multiply(deltas[0], transposed: false, inputDelta);
        return inputDelta;
    }

    /// <summary>Writes the gradient of rows of a parameter, by its index in <see cref="Perceptron.Parameters"/>.</summary>
    public unsafe void Read(int parameter, int firstRow, int rowCount, Span<float> destination)
    {
        (int layer, bool isBias) = (parameter / 2, parameter % 2 == 1);
        if (!isBias)
        {
            fixed (float* target = destination) inputs[layer].MultiplyRows(deltas[layer], transposed: true, firstRow, rowCount, target);
            return;
        }

        destination.Clear();
        for (int r = 0; r < deltas[layer].Rows; r++) TensorPrimitives.Add(destination, deltas[layer].Row(r), destination);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        product.Dispose();
        foreach (DenseProduct input in inputs) input.Dispose();
    }

    private void Free()
    {
        foreach (Matrix matrix in outputs.Concat(deltas)) matrix.Dispose();
        inputDelta?.Dispose();
        inputDelta = null;
    }

    // Both slopes follow from the output alone: 1 − y² for tanh, y > 0 for ReLU.
    private static void Slope(Activation activation, Matrix output, Matrix delta)
    {
        if (activation == Activation.Linear) return;
        Span<float> slope = delta.AsSpan(), y = output.AsSpan();
        for (int i = 0; i < slope.Length; i++) slope[i] *= activation == Activation.Tanh ? 1 - (y[i] * y[i]) : (y[i] > 0 ? 1 : 0);
    }
}
