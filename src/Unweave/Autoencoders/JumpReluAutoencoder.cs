using System.ComponentModel;
using System.Diagnostics;
using System.Numerics.Tensors;
using System.Text.Json.Serialization;
using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>What a JumpReLU pays for each active latent.</summary>
[JsonConverter(typeof(CamelCaseEnum<SparsityLoss>))]
public enum SparsityLoss
{
    /// <summary>λ·L0, whose slope reaches the thresholds alone (Rajamanoharan et al. 2024b).</summary>
    Step,

    /// <summary>λ Σ tanh(4·z_i), whose slope reaches the activations (Anthropic, January 2025 update).</summary>
    Tanh,

    /// <summary>λ·((L0/L0*)−1)², towards a number of active latents (Rajamanoharan et al. 2024b, appendix; Gemma Scope 2).</summary>
    Quadratic,
}

/// <summary>JumpReLU (Rajamanoharan et al. 2024b): each latent has a threshold of its own, learned by straight-through gradients.</summary>
public sealed record JumpReluOptions : SparseOptions
{
    /// <summary>What is paid for active latents. Default quadratic: L0 is then chosen, not found.</summary>
    [Description("What is paid for active latents: step (lambda times L0), tanh, or quadratic (towards targetL0).")]
    public SparsityLoss Sparsity { get; init; } = SparsityLoss.Quadratic;

    /// <summary>Weight λ of what is paid for active latents, for inputs scaled to norm √d. Default 20.</summary>
    [Description("Weight of what is paid for active latents, for inputs scaled to norm sqrt(d).")]
    public double SparsityCoefficient { get; init; } = 20;

    /// <summary>L0*, active latents of a row on average: what the quadratic loss aims at, and any loss starts from. Default 32.</summary>
    [Description("Active latents of a row, on average: what the quadratic loss aims at, and any loss starts from.")]
    public double TargetL0 { get; init; } = 32;

    /// <summary>
    /// Threshold of each latent at the start; null takes the one at which <see cref="TargetL0"/> latents of a row are active then. Default
    /// null.
    /// </summary>
    [Description("Threshold of each latent at the start; null takes the one at which targetL0 latents of a row are active then.")]
    public double? InitialThreshold { get; init; }

    /// <summary>Width ε of the window around a threshold in which pre-activations move it. Default 0.1, for inputs of norm √d.</summary>
    [Description("Width of the window around a threshold in which pre-activations move it, for inputs scaled to norm sqrt(d).")]
    public double Bandwidth { get; init; } = 0.1;

    /// <summary>
    /// Weight of Σ relu(θ_i − pre_i) over dead latents, which lifts them back towards their thresholds (Anthropic, January 2025 update).
    /// Default 3e-3.
    /// </summary>
    [Description("Weight of how far pre-activations of dead latents are below their thresholds, which revives them; 0 for none.")]
    public double PreActivationCoefficient { get; init; } = 3e-3;

    /// <summary>
    /// True moves <see cref="SparsityCoefficient"/> of the step and tanh losses during the run until <see cref="TargetL0"/> latents are
    /// active; the quadratic loss aims at it by itself. Default true.
    /// </summary>
    [Description("Moves sparsityCoefficient of the step and tanh losses until targetL0 latents are active.")]
    public bool HoldL0 { get; init; } = true;

    /// <inheritdoc/>
    internal override string Title => "JumpReLU";

    /// <inheritdoc/>
    internal override bool RevivesDead => PreActivationCoefficient > 0;

    /// <inheritdoc/>
    public override string Describe() => Sparsity == SparsityLoss.Quadratic || HoldL0
        ? Invariant($"{Title}, {Latents:N0} latents, towards {TargetL0:G6} active{Mapping}")
        : Invariant($"{Title}, {Latents:N0} latents, penalty {SparsityCoefficient:G6}{Mapping}");

    /// <inheritdoc/>
    public override double ParameterCount(int inputWidth, int outputWidth) => base.ParameterCount(inputWidth, outputWidth) + Latents;

    /// <inheritdoc/>
    public override void Validate(int inputWidth, int outputWidth)
    {
        base.Validate(inputWidth, outputWidth);
        NotNegative(SparsityCoefficient);
        if (InitialThreshold is { } threshold) NotNegative(threshold, nameof(InitialThreshold));
        NotNegative(PreActivationCoefficient);
        if (Bandwidth is not (> 0 and < double.PositiveInfinity))
            throw new InputException($"bandwidth is {Bandwidth}; it must be above 0.");
        if (TargetL0 is not > 0) throw new InputException($"targetL0 is {TargetL0}; it must be above 0.");
        if (TargetL0 > Latents) throw new InputException($"targetL0 is {TargetL0} but latents is {Latents}; lower targetL0.");
    }

    /// <inheritdoc/>
    public override Autoencoder Build(int inputWidth, int outputWidth, Rng? rng) =>
        new JumpReluAutoencoder(this, inputWidth, outputWidth, rng);
}

/// <summary>
/// The JumpReLU autoencoder (Rajamanoharan et al. 2024b, "Jumping ahead: improving reconstruction fidelity with JumpReLU sparse
/// autoencoders"): with pre = W_enc(x − b_dec) + b_enc and θ⁺ = max(θ, 0), z_i = pre_i where pre_i &gt; θ⁺_i, else 0; x̂ = W_decᵀz + b_dec,
/// decoder rows of unit norm.
/// </summary>
/// <remarks>
/// Loss ‖x − x̂‖² + sparsity. A step has no slope, so that θ takes that of a window of width ε around it (section 4 there):
/// ∂z_i/∂θ_i = −θ⁺_i/ε and ∂H/∂θ_i = −1/ε where |pre_i − θ⁺_i| &lt; ε/2. θ itself is trained, not its logarithm, which moves too little
/// from small values; its slope is that of θ⁺ also where it is below 0, so that it can come back.
/// </remarks>
internal sealed class JumpReluAutoencoder : TrainedAutoencoder
{
    private Matrix? selectionBias; // b_enc − θ⁺, made when it is first used

    /// <summary>Makes one with fresh weights; without a generator, all zero.</summary>
    public JumpReluAutoencoder(JumpReluOptions options, int inputWidth, int outputWidth, Rng? rng)
        : base(options, inputWidth, outputWidth, rng)
    {
        Options = options;
        Threshold = new Matrix(1, options.Latents);
        if (rng is not null) Threshold.AsSpan().Fill((float)(options.InitialThreshold ?? 0));
        AddParameter(new Parameter("threshold", Threshold, PerLatent: true));
    }

    /// <inheritdoc/>
    public override JumpReluOptions Options { get; }

    /// <summary>θ of each latent; a negative one counts as 0.</summary>
    public Matrix Threshold { get; }

    /// <inheritdoc/>
    public override void Encode(Matrix x, SparseCodes codes)
    {
        using Matrix input = EncoderInput(x);
        SelectAbove(input, 0, SelectionBias(), scales: null, codes);
        NarrowedCodes.Map(codes, (latent, above) => above + Bound(latent));
    }

    /// <inheritdoc/>
    internal override void Resample(int latent, ReadOnlySpan<float> direction, ReadOnlySpan<float> encoder)
    {
        base.Resample(latent, direction, encoder);
        Threshold[0, latent] = (float)(Options.InitialThreshold ?? TensorPrimitives.Average<float>(Threshold.Row(0)));
    }

    /// <inheritdoc/>
    internal override void InitializeThresholds(Matrix sample)
    {
        if (Options.InitialThreshold is null) Threshold.AsSpan().Fill(Weights.ThresholdOf(Options.TargetL0, sample));
    }

    /// <inheritdoc/>
    internal override LossAndGradients CreateGradients(Workers workers) => new Gradients(this, workers);

    /// <inheritdoc/>
    internal override void WeightsChanged()
    {
        base.WeightsChanged();
        Interlocked.Exchange(ref selectionBias, null)?.Dispose();
    }

    private float Bound(int latent) => MathF.Max(Threshold[0, latent], 0);

    private Matrix SelectionBias()
    {
        if (selectionBias is { } made) return made;
        Matrix bias = Weights.EncoderBias.Clone();
        for (int i = 0; i < Latents; i++) bias[0, i] -= Bound(i);
        if (Interlocked.CompareExchange(ref selectionBias, bias, null) is not { } other) return bias;
        bias.Dispose();
        return other;
    }

    private sealed unsafe class Gradients : SparseGradients
    {
        private const float TanhScale = 4; // Anthropic's

        private readonly JumpReluAutoencoder model;
        private readonly JumpReluOptions options;
        private readonly FusedEncoder encoder;
        private readonly SparseCodes codes; // those of the window below their thresholds too, with the value 0
        private readonly Matrix bias, everyRow;
        private readonly double[] thresholdGradient;
        private readonly float[] bound;
        private readonly int thresholdIndex;
        private readonly SparsityControl? control;
        private float[] above = []; // pre − θ⁺ of each entry
        private long active;

        public Gradients(JumpReluAutoencoder model, Workers workers)
            : base(model, model.Options, workers)
        {
            (this.model, options) = (model, model.Options);
            encoder = new FusedEncoder(workers);
            codes = new SparseCodes(model.Latents);
            (bias, everyRow) = (new Matrix(1, model.Latents), new Matrix(1, model.Latents));
            (thresholdGradient, bound) = (new double[model.Latents], new float[model.Latents]);
            if (options.HoldL0 && options.Sparsity != SparsityLoss.Quadratic) control = new SparsityControl(options.TargetL0);
            thresholdIndex = model.Parameters.ToList().FindIndex(parameter => ReferenceEquals(parameter.Value, model.Threshold));
        }

        public override long Entries => active;

        public override IReadOnlyList<Parameter> State => control is null ? [] : [control.State];

        public override LossTerms Compute(Batch batch, in StepSettings settings)
        {
            long start = Stopwatch.GetTimestamp();
            Load(batch);
            for (int i = 0; i < bound.Length; i++)
            {
                bound[i] = model.Bound(i);
                bias[0, i] = Weights.EncoderBias[0, i] - bound[i];
            }

            encoder.Load(Input);
            encoder.Above(Weights.Encoder, bias.Pointer, (float)(-options.Bandwidth / 2), codes);
            Activate();
            long encoded = Stopwatch.GetTimestamp();
            Backward.Begin(Input);
            SparseBackward.Term term = Backward.Reconstruct(codes, Target, Errors, tilt: options.Tilt, mayBeDense: true);
            long decoded = Stopwatch.GetTimestamp();
            double sparsity = Pay(term.Deltas, settings.SparsityWarmup * (control?.Factor ?? 1), batch.Rows);
            control?.Observe((double)active / batch.Rows, settings.SparsityWarmup >= 1);
            double lifted = Lift(term.Deltas, settings.Dead.Span, batch.Rows);
            sparsity += FinishBackward(settings);
            Times = new PhaseTimes(
                Stopwatch.GetElapsedTime(start, encoded), Stopwatch.GetElapsedTime(encoded, decoded), Stopwatch.GetElapsedTime(decoded));
            return new LossTerms(RowWeights.Loss(Errors, options.Tilt), sparsity, lifted);
        }

        public override void Read(int parameter, int firstRow, int rowCount, Span<float> destination)
        {
            if (parameter != thresholdIndex) base.Read(parameter, firstRow, rowCount, destination);
            else for (int i = 0; i < destination.Length; i++) destination[i] = (float)thresholdGradient[i];
        }

        public override void Dispose()
        {
            base.Dispose();
            foreach (IDisposable? part in (IDisposable?[])[encoder, bias, everyRow, control]) part?.Dispose();
        }

        private void Activate()
        {
            ReadOnlySpan<int> latents = codes.AllLatents;
            Span<float> values = codes.ValuesForWriting[..latents.Length];
            if (above.Length < values.Length) above = new float[values.Length];
            values.CopyTo(above);
            Array.Clear(FiredCounts);
            active = 0;
            for (int j = 0; j < values.Length; j++)
            {
                bool fires = values[j] > 0;
                values[j] = fires ? values[j] + bound[latents[j]] : 0;
                if (!fires) continue;
                active++;
                FiredCounts[latents[j]]++;
            }
        }

        // The sparsity loss and its slopes in z and θ; ∂L/∂z becomes ∂L/∂pre.
        private double Pay(Span<float> deltas, double factor, int batch)
        {
            double lambda = options.SparsityCoefficient * factor, l0 = (double)active / batch, off = (l0 / options.TargetL0) - 1, paid = 0;
            double ofL0 = options.Sparsity switch
            {
                SparsityLoss.Step => lambda / batch,
                SparsityLoss.Quadratic => 2 * lambda * off / options.TargetL0 / batch,
                _ => 0,
            };
            float bandwidth = (float)options.Bandwidth, tanhSlope = (float)(lambda / batch);
            bool tanh = options.Sparsity == SparsityLoss.Tanh;
            ReadOnlySpan<int> latents = codes.AllLatents;
            ReadOnlySpan<float> values = codes.AllValues;
            Array.Clear(thresholdGradient);
            for (int j = 0; j < deltas.Length; j++)
            {
                int latent = latents[j];
                if (tanh)
                {
                    float tanhOfValue = MathF.Tanh(TanhScale * values[j]);
                    paid += tanhOfValue;
                    deltas[j] += tanhSlope * TanhScale * (1 - (tanhOfValue * tanhOfValue));
                }

                if (MathF.Abs(above[j]) < bandwidth / 2)
                    thresholdGradient[latent] -= ((bound[latent] * deltas[j]) + ofL0) / bandwidth;
                if (above[j] <= 0) deltas[j] = 0;
            }

            return options.Sparsity switch
            {
                SparsityLoss.Step => lambda * l0,
                SparsityLoss.Quadratic => lambda * off * off,
                _ => lambda * paid / batch,
            };
        }

        // Dead latents pay for how far they are below their thresholds: the same slope in all rows but those where they fire.
        private double Lift(Span<float> deltas, ReadOnlySpan<int> dead, int batch)
        {
            if (options.PreActivationCoefficient == 0 || dead.IsEmpty) return 0;
            float slope = (float)(options.PreActivationCoefficient / batch);
            everyRow.Clear();
            double paid = 0;
            ReadOnlySpan<float> sum = Backward.SumOfInputs();
            foreach (int latent in dead)
            {
                everyRow[0, latent] = -slope;
                double pre = TensorPrimitives.Dot(sum, Weights.Encoder.Row(latent));
                paid -= slope * (pre + ((double)batch * bias[0, latent]));
                thresholdGradient[latent] += slope * (batch - FiredCounts[latent]);
            }

            ReadOnlySpan<int> latents = codes.AllLatents;
            for (int j = 0; j < deltas.Length; j++)
            {
                if (above[j] <= 0 || everyRow[0, latents[j]] == 0) continue;
                deltas[j] += slope;
                paid += slope * above[j];
            }

            Backward.AddToEveryRow(everyRow);
            return paid;
        }
    }
}
