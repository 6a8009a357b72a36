using System.ComponentModel;
using System.Diagnostics;
using System.Numerics.Tensors;
using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>Gated (Rajamanoharan et al. 2024a): one path decides which latents are active, another how strongly.</summary>
public sealed record GatedOptions : SparseOptions
{
    /// <summary>Weight λ of the L1 penalty on the gates. Default 5, for inputs scaled to norm √d.</summary>
    [Description("Weight of the L1 penalty on the gates, for inputs scaled to norm sqrt(d).")]
    public double L1Coefficient { get; init; } = 5;

    /// <summary>
    /// Active latents of a row, on average, that the weight of the penalty is moved to during the run; null leaves it as it is. Default
    /// null.
    /// </summary>
    [Description("Active latents of a row that the weight of the penalty is moved to during the run; null leaves it as it is.")]
    public double? TargetL0 { get; init; }

    /// <inheritdoc/>
    internal override string Title => "Gated";

    /// <inheritdoc/>
    public override string Describe() => TargetL0 is { } target
        ? Invariant($"{Title}, {Latents:N0} latents, towards {target:G6} active{Mapping}")
        : Invariant($"{Title}, {Latents:N0} latents, penalty {L1Coefficient:G6}{Mapping}");

    /// <inheritdoc/>
    public override double ParameterCount(int inputWidth, int outputWidth) =>
        base.ParameterCount(inputWidth, outputWidth) + (2.0 * Latents);

    /// <inheritdoc/>
    public override void Validate(int inputWidth, int outputWidth)
    {
        base.Validate(inputWidth, outputWidth);
        NotNegative(L1Coefficient);
        if (TargetL0 is not null and not > 0) throw new InputException($"targetL0 is {TargetL0}; it must be above 0, or null for none.");
        if (TargetL0 > Latents) throw new InputException($"targetL0 is {TargetL0} but latents is {Latents}; lower targetL0.");
    }

    /// <inheritdoc/>
    public override Autoencoder Build(int inputWidth, int outputWidth, Rng? rng) =>
        new GatedAutoencoder(this, inputWidth, outputWidth, rng);
}

/// <summary>
/// The gated autoencoder (Rajamanoharan et al. 2024a, "Improving dictionary learning with gated sparse autoencoders"): with
/// p = W_enc(x − b_dec), a latent is active where π = p + b_enc &gt; 0, and is then relu(exp(r_mag)·p + b_mag); x̂ = W_decᵀz + b_dec,
/// decoder rows of unit norm.
/// </summary>
/// <remarks>
/// Loss ‖x − x̂‖² + λ Σ relu(π_i) + ‖x − x̂(relu(π))‖², the last with the decoder held fixed: gates learn from a reconstruction of their
/// own, and the penalty never shrinks z.
/// </remarks>
internal sealed class GatedAutoencoder : TrainedAutoencoder
{
    /// <summary>Makes one with fresh weights; without a generator, all zero.</summary>
    public GatedAutoencoder(GatedOptions options, int inputWidth, int outputWidth, Rng? rng)
        : base(options, inputWidth, outputWidth, rng)
    {
        Options = options;
        AddParameter(new Parameter("b_mag", MagnitudeBias = new Matrix(1, options.Latents), PerLatent: true));
        AddParameter(new Parameter("r_mag", LogMagnitude = new Matrix(1, options.Latents), PerLatent: true));
    }

    /// <inheritdoc/>
    public override GatedOptions Options { get; }

    /// <summary>b_mag of each latent.</summary>
    public Matrix MagnitudeBias { get; }

    /// <summary>r_mag of each latent.</summary>
    public Matrix LogMagnitude { get; }

    /// <inheritdoc/>
    public override void Encode(Matrix x, SparseCodes codes)
    {
        using Matrix input = EncoderInput(x);
        SelectAbove(input, 0, codes);
        NarrowedCodes.Map(codes, (latent, gate) => MathF.Max(Magnitude(latent, gate), 0));
    }

    /// <inheritdoc/>
    internal override void Resample(int latent, ReadOnlySpan<float> direction, ReadOnlySpan<float> encoder)
    {
        base.Resample(latent, direction, encoder);
        (MagnitudeBias[0, latent], LogMagnitude[0, latent]) = (0, 0);
    }

    /// <inheritdoc/>
    internal override LossAndGradients CreateGradients(Workers workers) => new Gradients(this, workers);

    private float Magnitude(int latent, float gate) =>
        (MathF.Exp(LogMagnitude[0, latent]) * (gate - Weights.EncoderBias[0, latent])) + MagnitudeBias[0, latent];

    private sealed unsafe class Gradients : SparseGradients
    {
        private readonly GatedAutoencoder model;
        private readonly FusedEncoder encoder;
        private readonly SparseCodes gates, codes;
        private readonly double[] gateGradient, biasGradient, logGradient;
        private readonly int biasIndex, logIndex;
        private readonly SparsityControl? control;
        private double[] gateErrors = [];
        private long active;

        public Gradients(GatedAutoencoder model, Workers workers)
            : base(model, model.Options, workers)
        {
            this.model = model;
            encoder = new FusedEncoder(workers);
            (gates, codes) = (new SparseCodes(model.Latents), new SparseCodes(model.Latents));
            (gateGradient, biasGradient) = (new double[model.Latents], new double[model.Latents]);
            logGradient = new double[model.Latents];
            if (model.Options.TargetL0 is { } target) control = new SparsityControl(target);
            List<Parameter> parameters = [.. model.Parameters];
            biasIndex = parameters.FindIndex(parameter => ReferenceEquals(parameter.Value, model.MagnitudeBias));
            logIndex = parameters.FindIndex(parameter => ReferenceEquals(parameter.Value, model.LogMagnitude));
        }

        public override long Entries => active;

        public override IReadOnlyList<Parameter> State => control is null ? [] : [control.State];

        public override LossTerms Compute(Batch batch, in StepSettings settings)
        {
            double lambda = model.Options.L1Coefficient * settings.SparsityWarmup * (control?.Factor ?? 1), tilt = model.Options.Tilt;
            long start = Stopwatch.GetTimestamp();
            Load(batch);
            encoder.Load(Input);
            encoder.Above(Weights.Encoder, Weights.EncoderBias.Pointer, 0, gates);
            Activate();
            long encoded = Stopwatch.GetTimestamp();
            if (gateErrors.Length != batch.Rows) gateErrors = new double[batch.Rows];
            Backward.Begin(Input);
            SparseBackward.Term magnitudes = Backward.Reconstruct(codes, Target, Errors, tilt: tilt, mayBeDense: true);
            SparseBackward.Term gated = Backward.Reconstruct(
                gates, Target, gateErrors, tilt: tilt, hasBias: false, mayBeDense: true);
            gated.MovesDecoder = false;
            Divide(magnitudes.Deltas, gated.Deltas, (float)(lambda / batch.Rows));
            double sparsity = lambda * TensorPrimitives.Sum(gates.AllValues) / batch.Rows;
            long decoded = Stopwatch.GetTimestamp();
            sparsity += FinishBackward(settings);
            control?.Observe((double)active / batch.Rows, settings.SparsityWarmup >= 1);
            Times = new PhaseTimes(
                Stopwatch.GetElapsedTime(start, encoded), Stopwatch.GetElapsedTime(encoded, decoded), Stopwatch.GetElapsedTime(decoded));
            return new LossTerms(RowWeights.Loss(Errors, tilt), sparsity, RowWeights.Loss(gateErrors, tilt));
        }

        public override void Read(int parameter, int firstRow, int rowCount, Span<float> destination)
        {
            double[]? own = parameter == DictionaryWeights.EncoderBiasIndex ? gateGradient
                : parameter == biasIndex ? biasGradient
                : parameter == logIndex ? logGradient : null;
            if (own is null) base.Read(parameter, firstRow, rowCount, destination);
            else for (int i = 0; i < destination.Length; i++) destination[i] = (float)own[i];
        }

        public override void Dispose()
        {
            base.Dispose();
            encoder.Dispose();
            control?.Dispose();
        }

        private void Activate()
        {
            int[] lengths = [.. Enumerable.Range(0, gates.Rows).Select(gates.RowCount)];
            codes.Layout(lengths);
            gates.AllLatents.CopyTo(codes.LatentsForWriting);
            ReadOnlySpan<int> latents = gates.AllLatents;
            ReadOnlySpan<float> values = gates.AllValues;
            Array.Clear(FiredCounts);
            active = 0;
            for (int j = 0; j < latents.Length; j++)
            {
                float magnitude = MathF.Max(model.Magnitude(latents[j], values[j]), 0);
                codes.ValuesForWriting[j] = magnitude;
                if (magnitude == 0) continue;
                active++;
                FiredCounts[latents[j]]++;
            }
        }

        // ∂L/∂z and ∂L/∂relu(π) become slopes in p, after what they say of the biases and scales is summed.
        private void Divide(Span<float> ofMagnitudes, Span<float> ofGates, float penalty)
        {
            foreach (double[] gradient in (double[][])[gateGradient, biasGradient, logGradient]) Array.Clear(gradient);
            ReadOnlySpan<int> latents = gates.AllLatents;
            for (int j = 0; j < latents.Length; j++)
            {
                int latent = latents[j];
                ofGates[j] += penalty;
                gateGradient[latent] += ofGates[j];
                if (codes.AllValues[j] == 0)
                {
                    ofMagnitudes[j] = 0;
                    continue;
                }

                float scale = MathF.Exp(model.LogMagnitude[0, latent]), product = gates.AllValues[j] - Weights.EncoderBias[0, latent];
                biasGradient[latent] += ofMagnitudes[j];
                logGradient[latent] += ofMagnitudes[j] * scale * product;
                ofMagnitudes[j] *= scale;
            }
        }
    }
}
