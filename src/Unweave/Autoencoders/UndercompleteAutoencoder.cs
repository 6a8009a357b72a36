using System.ComponentModel;
using System.Diagnostics;
using System.Numerics.Tensors;
using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>
/// An undercomplete autoencoder: a multi-layer perceptron down to a bottleneck and back (Hinton and Salakhutdinov 2006), denoising
/// when its input is corrupted (Vincent et al. 2008). With targets of another space it is a map through a bottleneck.
/// </summary>
public sealed record UndercompleteOptions : LayeredOptions
{
    /// <summary>Standard deviation of Gaussian noise added to the input in training, in units of the scaled input. Default 0.</summary>
    [Description("Standard deviation of the Gaussian noise added to the input in training.")]
    public double Noise { get; init; }

    /// <summary>Share of input elements set to zero in training. Default 0.</summary>
    [Description("Share of the input elements set to zero in training.")]
    public double Masking { get; init; }

    /// <inheritdoc/>
    internal override string Title => "undercomplete";

    /// <inheritdoc/>
    internal override bool MapsBetweenSpaces => true;

    /// <inheritdoc/>
    public override string Describe() => Invariant($"{Title}, bottleneck of {Bottleneck:N0}");

    /// <inheritdoc/>
    public override void Validate(int inputWidth, int outputWidth)
    {
        base.Validate(inputWidth, outputWidth);
        NotNegative(Noise);
        if (Masking is not (>= 0 and < 1)) throw new InputException($"masking is {Masking}; it must lie in [0, 1).");
        if (Bottleneck < inputWidth || inputWidth != outputWidth) return; // a map to another space learns something through any width
        throw new InputException($"bottleneck is {Bottleneck} but the vectors have width {inputWidth}; "
            + $"an undercomplete autoencoder needs a narrower bottleneck.");
    }

    /// <inheritdoc/>
    public override Autoencoder Build(int inputWidth, int outputWidth, Rng? rng) =>
        new UndercompleteAutoencoder(this, inputWidth, outputWidth, rng);
}

/// <summary>
/// An undercomplete autoencoder: a multi-layer perceptron to a bottleneck and back (Hinton and Salakhutdinov 2006). Loss ‖x − x̂‖²;
/// with noise or masking, the input is corrupted and the clean one is the target (Vincent et al. 2008). With linear layers and one
/// bottleneck, the optimum spans the PCA subspace (Baldi and Hornik 1989).
/// </summary>
public sealed class UndercompleteAutoencoder : Autoencoder
{
    private readonly Perceptron perceptron;

    /// <summary>Makes one with fresh weights (Glorot and Bengio 2010), biases 0; without a generator, all zero.</summary>
    public UndercompleteAutoencoder(UndercompleteOptions options, int inputWidth, int outputWidth, Rng? rng)
        : base(options, inputWidth, outputWidth)
    {
        Options = options;
        int[] widths = [inputWidth, .. options.Hidden, options.Bottleneck, .. options.Hidden.Reverse(), outputWidth];
        bool IsLinear(int layer) => layer == options.Hidden.Count || layer == widths.Length - 2;
        perceptron = new Perceptron(widths, layer => IsLinear(layer) ? Activation.Linear : options.Activation, rng);
        Parameters = [.. perceptron.Parameters()];
    }

    /// <inheritdoc/>
    public override UndercompleteOptions Options { get; }

    /// <inheritdoc/>
    internal override IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    internal override void InitializeDecoderBias(ReadOnlySpan<float> center) => center.CopyTo(perceptron.Layers[^1].Bias.Row(0));

    /// <inheritdoc/>
    public override void Reconstruct(Matrix x, Matrix reconstruction)
    {
        ArgumentNullException.ThrowIfNull(reconstruction);
        using Matrix output = Run(x, perceptron.Layers.Count);
        TensorPrimitives.Multiply(output.AsSpan(), 1 / OutputScale, output.AsSpan());
        output.CopyTo(reconstruction);
    }

    /// <summary>Encodes to the bottleneck.</summary>
    /// <param name="x">Vectors, <c>[batch, d]</c>.</param>
    /// <returns>Their codes, <c>[batch, bottleneck]</c>, at the scale of the weights.</returns>
    public Matrix Encode(Matrix x)
    {
        ArgumentNullException.ThrowIfNull(x);
        return Run(x, Options.Hidden.Count + 1);
    }

    /// <inheritdoc/>
    internal override LossAndGradients CreateGradients(Workers workers) => new Gradients(this, workers);

    private Matrix Run(Matrix x, int depth)
    {
        CheckWidth(x);
        using Matrix scaled = x.Clone();
        TensorPrimitives.Multiply(scaled.AsSpan(), InputScale, scaled.AsSpan());
        return perceptron.Run(scaled, depth);
    }

    private sealed class Gradients(UndercompleteAutoencoder model, Workers workers) : LossAndGradients
    {
        private readonly PerceptronPass pass = new(model.perceptron, workers);
        private double[] errors = [];

        public override ReadOnlySpan<double> RowErrors => errors;

        public override LossTerms Compute(Batch rows, in StepSettings settings)
        {
            int batch = rows.Rows;
            long start = Stopwatch.GetTimestamp();
            pass.Resize(batch);
            if (errors.Length != batch) errors = new double[batch];
            rows.Input.CopyTo(pass.Input);
            Corrupt(pass.Input, settings.NoiseSeed);
            int bottleneck = model.Options.Hidden.Count + 1;
            pass.Forward(0, bottleneck);
            long encoded = Stopwatch.GetTimestamp();
            pass.Forward(bottleneck, model.perceptron.Layers.Count);
            for (int r = 0; r < batch; r++)
            {
                Span<float> row = pass.OutputDelta.Row(r);
                TensorPrimitives.Subtract(pass.Output.Row(r), rows.Target.Row(r), row);
                errors[r] = TensorPrimitives.SumOfSquares<float>(row);
                TensorPrimitives.Multiply(row, 2f / batch, row);
            }

            long decoded = Stopwatch.GetTimestamp();
            pass.Backward();
            Times = new PhaseTimes(
                Stopwatch.GetElapsedTime(start, encoded), Stopwatch.GetElapsedTime(encoded, decoded), Stopwatch.GetElapsedTime(decoded));
            return new LossTerms(Mean(errors), 0, 0);
        }

        public override void Read(int parameter, int firstRow, int rowCount, Span<float> destination) =>
            pass.Read(parameter, firstRow, rowCount, destination);

        public override void Dispose() => pass.Dispose();

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
    }
}
