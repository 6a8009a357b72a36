using System.Diagnostics;
using System.Numerics.Tensors;
using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>
/// An undercomplete autoencoder: a multi-layer perceptron to a bottleneck and back (Hinton and Salakhutdinov 2006). Loss ‖x − x̂‖²;
/// with noise or masking, the input is corrupted and the clean one is the target (Vincent et al. 2008). With linear layers and one
/// bottleneck, the optimum spans the PCA subspace (Baldi and Hornik 1989).
/// </summary>
public sealed class UndercompleteAutoencoder : Autoencoder
{
    private readonly Layer[] layers;

    // y = f(x·Wᵀ + b), W [outputs, inputs].
    private sealed record Layer(Matrix Weights, Matrix Bias, Activation Activation);

    /// <summary>Makes one with fresh weights (Glorot and Bengio 2010), biases 0.</summary>
    public UndercompleteAutoencoder(UndercompleteOptions options, int inputWidth, Rng rng)
        : base(options, inputWidth)
    {
        Options = options;
        int[] widths = [inputWidth, .. options.Hidden, options.Bottleneck, .. options.Hidden.Reverse(), inputWidth];
        layers = new Layer[widths.Length - 1];
        for (int i = 0; i < layers.Length; i++)
        {
            var weights = new Matrix(widths[i + 1], widths[i]);
            rng.FillNormal(weights.AsSpan(), Math.Sqrt(2.0 / (widths[i] + widths[i + 1])));
            bool linear = i == options.Hidden.Count || i == layers.Length - 1;
            layers[i] = new Layer(weights, new Matrix(1, widths[i + 1]), linear ? Activation.Linear : options.Activation);
        }

        Parameters = [.. layers.SelectMany((layer, i) => new Parameter[] { new($"W_{i + 1}", layer.Weights), new($"b_{i + 1}", layer.Bias) })];
    }

    /// <inheritdoc/>
    public override UndercompleteOptions Options { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    public override void StartAt(ReadOnlySpan<float> centre) => centre.CopyTo(layers[^1].Bias.Row(0));

    /// <inheritdoc/>
    public override void Reconstruct(Matrix x, Matrix reconstruction) => Run(x, layers.Length, reconstruction);

    /// <summary>Encodes to the bottleneck.</summary>
    /// <param name="x">Vectors, <c>[batch, d]</c>.</param>
    /// <returns>Their codes, <c>[batch, bottleneck]</c>, at the scale of the weights.</returns>
    public Matrix Encode(Matrix x)
    {
        ArgumentNullException.ThrowIfNull(x);
        var code = new Matrix(x.Rows, Options.Bottleneck);
        Run(x, Options.Hidden.Count + 1, code);
        return code;
    }

    /// <inheritdoc/>
    public override Gradients CreateGradients(Workers workers) => new UndercompleteGradients(this, workers);

    private void Run(Matrix x, int depth, Matrix output)
    {
        CheckWidth(x);
        ArgumentNullException.ThrowIfNull(output);
        using var product = new DenseProduct(Workers.Shared);
        Matrix current = x.Clone();
        TensorPrimitives.Multiply(current.AsSpan(), InputScale, current.AsSpan());
        for (int i = 0; i < depth; i++)
        {
            var next = new Matrix(x.Rows, layers[i].Weights.Rows);
            Forward(layers[i], current, next, product);
            current.Dispose();
            current = next;
        }

        if (depth == layers.Length) TensorPrimitives.Multiply(current.AsSpan(), 1 / InputScale, current.AsSpan());
        current.CopyTo(output);
        current.Dispose();
    }

    private static void Forward(Layer layer, Matrix input, Matrix output, DenseProduct product)
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

    private sealed class UndercompleteGradients(UndercompleteAutoencoder model, Workers workers) : Gradients
    {
        private readonly Layer[] layers = model.layers;
        private readonly DenseProduct product = new(workers);
        private readonly DenseProduct[] inputs = [.. model.layers.Select(_ => new DenseProduct(workers))];
        private Matrix[] outputs = [], deltas = []; // outputs[0] is the corrupted input, [batch, width]; deltas[i] is ∂L/∂pre of layer i
        private double[] errors = [];

        public override ReadOnlySpan<int> Fired => [];

        public override ReadOnlySpan<double> RowErrors => errors;

        public override unsafe LossTerms Compute(Matrix x, in StepSettings settings)
        {
            int batch = x.Rows;
            long start = Stopwatch.GetTimestamp();
            if (errors.Length != batch)
            {
                Free();
                outputs = [new Matrix(batch, model.InputWidth), .. layers.Select(layer => new Matrix(batch, layer.Weights.Rows))];
                deltas = [.. layers.Select(layer => new Matrix(batch, layer.Weights.Rows))];
                errors = new double[batch];
            }

            x.CopyTo(outputs[0]);
            Corrupt(outputs[0], settings.NoiseSeed);
            int bottleneck = model.Options.Hidden.Count + 1;
            for (int i = 0; i < bottleneck; i++) Forward(layers[i], outputs[i], outputs[i + 1], product);
            long encoded = Stopwatch.GetTimestamp();
            for (int i = bottleneck; i < layers.Length; i++) Forward(layers[i], outputs[i], outputs[i + 1], product);
            Matrix delta = deltas[^1];
            for (int r = 0; r < batch; r++)
            {
                Span<float> row = delta.Row(r);
                TensorPrimitives.Subtract(outputs[^1].Row(r), x.Row(r), row);
                errors[r] = TensorPrimitives.SumOfSquares<float>(row);
                TensorPrimitives.Multiply(row, 2f / batch, row);
            }

            long decoded = Stopwatch.GetTimestamp();
            for (int i = layers.Length - 1; i > 0; i--)
            {
                product.PackRight(layers[i].Weights, transposed: false);
                product.Multiply(deltas[i], transposed: false, deltas[i - 1]);
                Slope(layers[i - 1].Activation, outputs[i], deltas[i - 1]);
            }

            for (int i = 0; i < layers.Length; i++) inputs[i].PackRight(outputs[i], transposed: false);
            Times = new PhaseTimes(Stopwatch.GetElapsedTime(start, encoded), Stopwatch.GetElapsedTime(encoded, decoded), Stopwatch.GetElapsedTime(decoded));
            return new LossTerms(Mean(errors), 0, 0);
        }

        public override unsafe void Read(int parameter, int firstRow, int rowCount, Span<float> destination)
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

        protected override void Dispose(bool disposing)
        {
            Free();
            product.Dispose();
            foreach (DenseProduct input in inputs) input.Dispose();
        }

        private void Free()
        {
            foreach (Matrix matrix in outputs.Concat(deltas)) matrix.Dispose();
        }

        // A stream of its own for each row, so that the noise does not depend on the division of the work.
        private void Corrupt(Matrix input, ulong seed)
        {
            UndercompleteOptions options = model.Options;
            if (options is { Noise: 0, Masking: 0 }) return;
            workers.Run(RowParts.Count(input.Rows), part =>
            {
                (int first, int end) = RowParts.Range(part, input.Rows);
                for (int r = first; r < end; r++)
                {
                    var rng = new Rng(seed, (ulong)r);
                    foreach (ref float value in input.Row(r))
                    {
                        if (options.Noise > 0) value += (float)(options.Noise * rng.NextNormal());
                        if (options.Masking > 0 && rng.NextDouble() < options.Masking) value = 0;
                    }
                }
            });
        }

        // Both slopes follow from the output alone: 1 − y² for tanh, y > 0 for ReLU.
        private static void Slope(Activation activation, Matrix output, Matrix delta)
        {
            if (activation == Activation.Linear) return;
            Span<float> slope = delta.AsSpan(), y = output.AsSpan();
            for (int i = 0; i < slope.Length; i++) slope[i] *= activation == Activation.Tanh ? 1 - (y[i] * y[i]) : (y[i] > 0 ? 1 : 0);
        }
    }
}
