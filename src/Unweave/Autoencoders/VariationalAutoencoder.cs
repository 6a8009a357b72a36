using System.ComponentModel;
using System.Diagnostics;
using System.Numerics.Tensors;
using System.Text.Json.Serialization;
using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>What a variational decoder's output means: the distribution p(x|z) of each element.</summary>
[JsonConverter(typeof(CamelCaseEnum<Likelihood>))]
public enum Likelihood
{
    /// <summary>A normal distribution around the output, of a fixed standard deviation.</summary>
    Gaussian,

    /// <summary>A probability whose logit is the output, for elements from 0 to 1; those between are taken as shares of 0 and 1.</summary>
    Bernoulli,
}

/// <summary>A variational autoencoder (Kingma and Welling 2014); with a weight on the divergence, a β-VAE (Higgins et al. 2017).</summary>
public sealed record VariationalOptions : LayeredOptions
{
    /// <summary>What the decoder's output means. Default Gaussian; Bernoulli needs values from 0 to 1 and inputScaling none.</summary>
    [Description("Distribution of an element given the code: gaussian, or bernoulli for values from 0 to 1 (with inputScaling none).")]
    public Likelihood Likelihood { get; init; } = Likelihood.Gaussian;

    /// <summary>
    /// Standard deviation of the Gaussian likelihood, in units of the scaled input; ignored when it is Bernoulli. Default 1.
    /// </summary>
    [JsonPropertyName("deviation")]
    [Description("Standard deviation of the Gaussian likelihood, in units of the scaled input; ignored when likelihood is bernoulli.")]
    public double StandardDeviation { get; init; } = 1;

    /// <summary>Weight β of the divergence to N(0, I). Default 1, the evidence lower bound itself.</summary>
    [JsonPropertyName("divergenceCoefficient")]
    [Description("Weight of the divergence of codes to the standard normal distribution; 1 is the evidence lower bound itself.")]
    public double KlCoefficient { get; init; } = 1;

    /// <inheritdoc/>
    internal override string Title => "variational";

    /// <inheritdoc/>
    internal override string? RefusesScaling => Likelihood == Likelihood.Bernoulli
        ? "likelihood is bernoulli, which takes values from 0 to 1: set inputScaling to none, or likelihood to gaussian"
        : null;

    /// <inheritdoc/>
    internal override int CodeWidth => 2 * Bottleneck;

    /// <inheritdoc/>
    public override string Describe() => Invariant($"{Title}, {Bottleneck:N0} latents");

    /// <inheritdoc/>
    public override void Validate(int inputWidth, int outputWidth)
    {
        base.Validate(inputWidth, outputWidth);
        if (StandardDeviation is not (> 0 and < double.PositiveInfinity))
            throw new InputException($"deviation is {StandardDeviation}; a standard deviation is above 0.");
        if (KlCoefficient is not (>= 0 and < double.PositiveInfinity))
            throw new InputException($"divergenceCoefficient is {KlCoefficient}; it must be 0 or more.");
    }

    /// <inheritdoc/>
    public override Autoencoder Build(int inputWidth, int outputWidth, Rng? rng) => new VariationalAutoencoder(this, inputWidth, rng);
}

/// <summary>
/// A variational autoencoder (Kingma and Welling 2014): the encoder gives a distribution of codes q(z|x) = N(μ, diag σ²), the decoder a
/// distribution of inputs p(x|z), and codes are drawn from N(0, I) before anything is seen. Training raises the evidence lower bound (ELBO)
/// E_q[ln p(x|z)] − β·KL(q(z|x)‖N(0, I)), with z = μ + σ·ε for one ε of each row and step, so that gradients pass through the draw.
/// </summary>
/// <remarks>
/// Its loss is −ELBO, in nats a row: <see cref="LossTerms.Reconstruction"/> is −ln p(x|z), <see cref="LossTerms.Sparsity"/> is β·KL.
/// </remarks>
public sealed class VariationalAutoencoder : Autoencoder
{
    private readonly Perceptron encoder, decoder;

    /// <summary>Makes one with fresh weights (Glorot and Bengio 2010), biases 0; without a generator, all zero.</summary>
    public VariationalAutoencoder(VariationalOptions options, int inputWidth, Rng? rng)
        : base(options, inputWidth, inputWidth)
    {
        Options = options;
        int hidden = options.Hidden.Count;
        Activation ActivationOf(int layer) => layer == hidden ? Activation.Linear : options.Activation;
        encoder = new Perceptron([inputWidth, .. options.Hidden, options.CodeWidth], ActivationOf, rng);
        decoder = new Perceptron([options.Bottleneck, .. options.Hidden.Reverse(), inputWidth], ActivationOf, rng);
        Parameters = [.. encoder.Parameters(), .. decoder.Parameters(first: hidden + 2)];
    }

    /// <inheritdoc/>
    public override VariationalOptions Options { get; }

    /// <summary>Width of a code z.</summary>
    public int Latents => Options.Bottleneck;

    /// <inheritdoc/>
    internal override IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    internal override void InitializeDecoderBias(ReadOnlySpan<float> center)
    {
        const float Margin = 1e-3f; // a pixel that is always 0 would need a logit of −∞
        Span<float> bias = decoder.Layers[^1].Bias.Row(0);
        center.CopyTo(bias);
        if (Options.Likelihood == Likelihood.Gaussian) return;
        foreach (ref float value in bias)
        {
            float probability = Math.Clamp(value, Margin, 1 - Margin);
            value = MathF.Log(probability / (1 - probability));
        }
    }

    /// <summary>Encodes to the mean of the code's distribution, and decodes that.</summary>
    /// <inheritdoc/>
    public override void Reconstruct(Matrix x, Matrix reconstruction)
    {
        ArgumentNullException.ThrowIfNull(reconstruction);
        (Matrix means, Matrix logVariances) = Encode(x);
        using (means)
        using (logVariances)
        {
            using Matrix decoded = Decode(means);
            decoded.CopyTo(reconstruction);
        }
    }

    /// <summary>Encodes vectors into distributions of codes, N(μ, diag σ²).</summary>
    /// <param name="x">Vectors, <c>[batch, d]</c>.</param>
    /// <returns>μ and ln σ², <c>[batch, latents]</c> each; the caller's to dispose.</returns>
    public (Matrix Means, Matrix LogVariances) Encode(Matrix x)
    {
        CheckWidth(x);
        using Matrix scaled = x.Clone();
        TensorPrimitives.Multiply(scaled.AsSpan(), InputScale, scaled.AsSpan());
        using Matrix code = encoder.Run(scaled, encoder.Layers.Count);
        Matrix means = new(x.Rows, Latents), logVariances = new(x.Rows, Latents);
        for (int r = 0; r < x.Rows; r++)
        {
            code.Row(r)[..Latents].CopyTo(means.Row(r));
            code.Row(r)[Latents..].CopyTo(logVariances.Row(r));
        }

        return (means, logVariances);
    }

    /// <summary>Decodes codes: drawn from N(0, I), they give new vectors.</summary>
    /// <param name="z">Codes, <c>[batch, latents]</c>.</param>
    /// <returns>The mean of p(x|z) of each, <c>[batch, d]</c>, at the scale of the user's data; the caller's to dispose.</returns>
    public Matrix Decode(Matrix z)
    {
        ArgumentNullException.ThrowIfNull(z);
        if (z.Columns != Latents)
            throw new ArgumentException($"The codes have width {z.Columns}, but this autoencoder has {Latents} latents.", nameof(z));
        Matrix output = decoder.Run(z, decoder.Layers.Count);
        if (Options.Likelihood == Likelihood.Bernoulli) TensorPrimitives.Sigmoid(output.AsSpan(), output.AsSpan());
        TensorPrimitives.Multiply(output.AsSpan(), 1 / OutputScale, output.AsSpan());
        return output;
    }

    /// <summary>
    /// The two terms of the ELBO, averaged over vectors, with one draw of z for each; densities are at the scale of the weights.
    /// </summary>
    /// <param name="x">Vectors at the scale of the user's data, <c>[batch, d]</c>.</param>
    /// <param name="seed">Seed of the draws.</param>
    public Elbo Bound(Matrix x, ulong seed)
    {
        (Matrix means, Matrix logVariances) = Encode(x);
        using (means)
        using (logVariances)
        {
            using Matrix scaled = x.Clone(), z = new(x.Rows, Latents);
            TensorPrimitives.Multiply(scaled.AsSpan(), InputScale, scaled.AsSpan());
            double kl = 0, likelihood = 0;
            for (int r = 0; r < x.Rows; r++)
            {
                kl += KlToPrior(means.Row(r), logVariances.Row(r));
                Draw(means.Row(r), logVariances.Row(r), seed, r, z.Row(r), z.Row(r));
            }

            using Matrix output = decoder.Run(z, decoder.Layers.Count);
            float[] scratch = new float[InputWidth];
            for (int r = 0; r < x.Rows; r++) likelihood -= Surprise(scaled.Row(r), output.Row(r), scratch, r).Nats;
            return new Elbo(likelihood / Math.Max(x.Rows, 1), kl / Math.Max(x.Rows, 1));
        }
    }

    /// <summary>KL(N(μ, diag σ²)‖N(0, I)) = ½·Σ(μ² + σ² − ln σ² − 1) in nats (Kingma and Welling 2014, appendix B).</summary>
    /// <param name="means">μ.</param>
    /// <param name="logVariances">ln σ², as many.</param>
    public static double KlToPrior(ReadOnlySpan<float> means, ReadOnlySpan<float> logVariances)
    {
        if (means.Length != logVariances.Length)
            throw new ArgumentException($"There are {means.Length} means and {logVariances.Length} variances.", nameof(logVariances));
        double sum = 0;
        for (int i = 0; i < means.Length; i++)
        {
            double mean = means[i], logVariance = logVariances[i];
            sum += (mean * mean) + Math.Exp(logVariance) - logVariance - 1;
        }

        return sum / 2;
    }

    /// <inheritdoc/>
    internal override LossAndGradients CreateGradients(Workers workers) => new Gradients(this, workers);

    // z = μ + σ·ε. A stream of its own for each row, so that the noise does not depend on the division of the work.
    private static void Draw(
        ReadOnlySpan<float> means, ReadOnlySpan<float> logVariances, ulong seed, int row, Span<float> noise, Span<float> z)
    {
        new Rng(seed, (ulong)row).FillNormal(noise);
        for (int i = 0; i < z.Length; i++) z[i] = means[i] + (MathF.Exp(logVariances[i] / 2) * noise[i]);
    }

    // −ln p(x|z) from the decoder's output, and ‖x̂ − x‖²; the output becomes x̂ − x. Sums run in order, in double.
    private (double Nats, double Error) Surprise(ReadOnlySpan<float> x, Span<float> output, Span<float> scratch, int row)
    {
        double nats = 0, error = 0;
        if (Options.Likelihood == Likelihood.Bernoulli)
        {
            // With logit y: ln(1 + e^y) − x·y, and ln(1 + e^y) = max(y, 0) + ln(1 + e^−|y|), which no y overflows.
            TensorPrimitives.Abs(output, scratch);
            TensorPrimitives.Negate(scratch, scratch);
            TensorPrimitives.Exp(scratch, scratch);
            TensorPrimitives.LogP1(scratch, scratch);
            for (int i = 0; i < output.Length; i++)
            {
                if (x[i] is not (>= 0 and <= 1))
                {
                    throw new InputException($"row {row} of a batch has the value {x[i]}, but likelihood bernoulli takes values from 0 "
                        + $"to 1; "
                        + $"scale the data to that range, or set likelihood to gaussian.");
                }

                nats += Math.Max(output[i], 0) - ((double)x[i] * output[i]) + scratch[i];
            }

            TensorPrimitives.Sigmoid(output, output);
        }

        TensorPrimitives.Subtract(output, x, output);
        foreach (float difference in output) error += (double)difference * difference;
        double variance = Options.StandardDeviation * Options.StandardDeviation;
        if (Options.Likelihood == Likelihood.Gaussian) nats = ((error / variance) + (output.Length * Math.Log(2 * Math.PI * variance))) / 2;
        return (nats, error);
    }

    private sealed class Gradients(VariationalAutoencoder model, Workers workers) : LossAndGradients
    {
        private readonly PerceptronPass encoder = new(model.encoder, workers), decoder = new(model.decoder, workers);
        private Matrix noise = new(0, 0);
        private double[] errors = [], surprises = [];

        public override ReadOnlySpan<double> RowErrors => errors;

        public override LossTerms Compute(Batch rows, in StepSettings settings)
        {
            Matrix x = rows.Input;
            int batch = x.Rows, latents = model.Latents;
            long start = Stopwatch.GetTimestamp();
            encoder.Resize(batch);
            decoder.Resize(batch);
            if (noise.Rows != batch)
            {
                noise.Dispose();
                noise = new Matrix(batch, latents);
                (errors, surprises) = (new double[batch], new double[batch]);
            }

            x.CopyTo(encoder.Input);
            encoder.Forward(0, model.encoder.Layers.Count);
            double kl = 0;
            for (int r = 0; r < batch; r++)
            {
                ReadOnlySpan<float> code = encoder.Output.Row(r);
                kl += KlToPrior(code[..latents], code[latents..]);
                Draw(code[..latents], code[latents..], settings.NoiseSeed, r, noise.Row(r), decoder.Input.Row(r));
            }

            long encoded = Stopwatch.GetTimestamp();
            decoder.Forward(0, model.decoder.Layers.Count);
            double slope = 1.0 / batch;
            if (model.Options.Likelihood == Likelihood.Gaussian) slope /= model.Options.StandardDeviation * model.Options.StandardDeviation;
            workers.Run(RowParts.Count(batch), part =>
            {
                float[] scratch = new float[model.InputWidth];
                (int first, int end) = RowParts.Range(part, batch);
                for (int r = first; r < end; r++)
                {
                    Span<float> output = decoder.Output.Row(r);
                    (surprises[r], errors[r]) = model.Surprise(x.Row(r), output, scratch, r);
                    TensorPrimitives.Multiply(output, (float)slope, decoder.OutputDelta.Row(r));
                }
            });
            long decoded = Stopwatch.GetTimestamp();
            decoder.Backward();
            double beta = model.Options.KlCoefficient * settings.SparsityWarmup;
            BackThroughDraw(decoder.InputDelta(), (float)(beta / batch));
            encoder.Backward();
            Times = new PhaseTimes(
                Stopwatch.GetElapsedTime(start, encoded), Stopwatch.GetElapsedTime(encoded, decoded), Stopwatch.GetElapsedTime(decoded));
            return new LossTerms(Mean(surprises), beta * kl / Math.Max(batch, 1), 0);
        }

        public override void Read(int parameter, int firstRow, int rowCount, Span<float> destination)
        {
            int encoders = 2 * model.encoder.Layers.Count;
            if (parameter < encoders) encoder.Read(parameter, firstRow, rowCount, destination);
            else decoder.Read(parameter - encoders, firstRow, rowCount, destination);
        }

        public override void Dispose()
        {
            encoder.Dispose();
            decoder.Dispose();
            noise.Dispose();
        }

        // ∂L/∂μ = ∂L/∂z + (β/B)·μ, and with v = ln σ²: ∂L/∂v = ∂L/∂z·ε·σ/2 + (β/B)·(σ² − 1)/2.
        private void BackThroughDraw(Matrix slopes, float weight)
        {
            int latents = model.Latents;
            for (int r = 0; r < slopes.Rows; r++)
            {
                ReadOnlySpan<float> code = encoder.Output.Row(r), slope = slopes.Row(r), drawn = noise.Row(r);
                Span<float> delta = encoder.OutputDelta.Row(r);
                for (int i = 0; i < latents; i++)
                {
                    float deviation = MathF.Exp(code[latents + i] / 2);
                    delta[i] = slope[i] + (weight * code[i]);
                    delta[latents + i] = ((slope[i] * drawn[i] * deviation) + (weight * ((deviation * deviation) - 1))) / 2;
                }
            }
        }
    }
}

/// <summary>The evidence lower bound of a variational autoencoder: what ln p(x) is at least, in nats, averaged over vectors.</summary>
/// <param name="LogLikelihood">E_q[ln p(x|z)]: how well codes give back what they were made from.</param>
/// <param name="Kl">KL(q(z|x)‖N(0, I)): how much a code says.</param>
public readonly record struct Elbo(double LogLikelihood, double Kl)
{
    /// <summary>The bound: likelihood less divergence.</summary>
    public double Total => LogLikelihood - Kl;
}
