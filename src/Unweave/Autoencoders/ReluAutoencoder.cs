using System.ComponentModel;
using System.Diagnostics;
using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Autoencoders;

/// <summary>ReLU with an L1 penalty (Bricken et al. 2023; with free decoder norms, Anthropic's April 2024 update).</summary>
public sealed record ReluOptions : SparseOptions
{
    /// <summary>Weight λ of the L1 penalty. Default 5, for inputs scaled to norm √d.</summary>
    [Description("Weight of the L1 penalty, for inputs scaled to norm sqrt(d).")]
    public double L1Coefficient { get; init; } = 5;

    /// <summary>
    /// True: decoder rows have unit norm and the penalty is λ‖z‖₁. False: norms are free and the penalty is λ Σ zᵢ‖W_dec,i‖. Default false.
    /// </summary>
    [Description("Decoder rows of unit norm (true), or of any norm (false): the L1 penalty then weighs each latent by its row's norm.")]
    public bool UnitDecoder { get; init; }

    /// <summary>
    /// Norm of each row of W_enc at the start, and of W_dec where its norms are free. Default 0.1 (Anthropic's April 2024 update: 0.05 to
    /// 1, mostly 0.1): half of all latents are active at first, and from rows of norm 1 the sum of so many ends in a worse optimum.
    /// </summary>
    [Description("Norm of each encoder row at the start, and of each decoder row where its norm is free.")]
    public double DecoderInitNorm { get; init; } = 0.1;

    /// <summary>
    /// Active latents of a row, on average, that the weight of the penalty is moved to during the run; null leaves it as it is. Default
    /// null.
    /// </summary>
    [Description("Active latents of a row that the weight of the penalty is moved to during the run; null leaves it as it is.")]
    public double? TargetL0 { get; init; }

    /// <inheritdoc/>
    internal override string Title => "ReLU";

    /// <inheritdoc/>
    public override string Describe() => TargetL0 is { } target
        ? Invariant($"{Title} with L1, {Latents:N0} latents, towards {target:G6} active{Mapping}")
        : Invariant($"{Title} with L1, {Latents:N0} latents, penalty {L1Coefficient:G6}{Mapping}");

    /// <inheritdoc/>
    public override void Validate(int inputWidth, int outputWidth)
    {
        base.Validate(inputWidth, outputWidth);
        NotNegative(L1Coefficient);
        if (TargetL0 is not null and not > 0) throw new InputException($"targetL0 is {TargetL0}; it must be above 0, or null for none.");
        if (TargetL0 > Latents) throw new InputException($"targetL0 is {TargetL0} but latents is {Latents}; lower targetL0.");
        if (OrthogonalityCoefficient > 0 && !UnitDecoder)
        {
            throw new InputException($"orthogonalityCoefficient is {OrthogonalityCoefficient} but unitDecoder is false: the penalty "
                + "compares rows of unit norm; set unitDecoder to true.");
        }

        if (DecoderInitNorm is not (> 0 and < double.PositiveInfinity))
            throw new InputException($"decoderInitNorm is {DecoderInitNorm}; a norm to start from is above 0.");
    }

    /// <inheritdoc/>
    public override Autoencoder Build(int inputWidth, int outputWidth, Rng? rng) =>
        new ReluAutoencoder(this, inputWidth, outputWidth, rng);
}

/// <summary>
/// ReLU with an L1 penalty: z = relu(W_enc(x − b_dec) + b_enc),  x̂ = W_decᵀz + b_dec.
/// </summary>
/// <remarks>
/// Loss ‖x − x̂‖² + λ‖z‖₁ with unit decoder rows (Bricken et al. 2023, "Towards monosemanticity"), or
/// ‖x − x̂‖² + λ Σ zᵢ‖W_dec,i‖ with free ones (Anthropic's April 2024 update), where growing the decoder to shrink z gains nothing.
/// </remarks>
internal sealed class ReluAutoencoder(ReluOptions options, int inputWidth, int outputWidth, Rng? rng)
    : TrainedAutoencoder(options, inputWidth, outputWidth, rng, options.UnitDecoder, options.DecoderInitNorm)
{
    /// <inheritdoc/>
    public override ReluOptions Options { get; } = options;

    /// <inheritdoc/>
    public override void Encode(Matrix x, SparseCodes codes)
    {
        using Matrix input = EncoderInput(x);
        SelectAbove(input, 0, codes);
    }

    /// <inheritdoc/>
    internal override LossAndGradients CreateGradients(Workers workers) => new Gradients(this, workers);

    private sealed unsafe class Gradients(ReluAutoencoder model, Workers workers) : SparseGradients(model, model.Options, workers)
    {
        private readonly KernelSet kernels = KernelSet.Current;
        private readonly FusedEncoder encoder = new(workers);
        private readonly SparseCodes codes = new(model.Latents);
        private readonly Matrix penalty = new(1, model.Latents), pull = new(1, model.Latents);
        private readonly double[] sums = new double[model.Latents];
        private readonly SparsityControl? control = model.Options.TargetL0 is { } target ? new SparsityControl(target) : null;

        public override long Entries => codes.Count;

        public override IReadOnlyList<Parameter> State => control is null ? [] : [control.State];

        public override LossTerms Compute(Batch batch, in StepSettings settings)
        {
            long start = Stopwatch.GetTimestamp();
            Load(batch);
            encoder.Load(Input);
            encoder.Above(Weights.Encoder, Weights.EncoderBias.Pointer, 0, codes);
            double lambda = model.Options.L1Coefficient * settings.SparsityWarmup * (control?.Factor ?? 1), tilt = model.Options.Tilt;
            double sparsity = Penalize(lambda, batch.Rows);
            long encoded = Stopwatch.GetTimestamp();
            Backward.Begin(Input);
            Backward.Reconstruct(codes, Target, Errors, tilt: tilt, mayBeDense: true);
            Backward.AddToDeltas(0, penalty.Row(0));
            long decoded = Stopwatch.GetTimestamp();
            sparsity += FinishBackward(settings);
            control?.Observe((double)codes.Count / batch.Rows, settings.SparsityWarmup >= 1);
            Times = new PhaseTimes(
                Stopwatch.GetElapsedTime(start, encoded), Stopwatch.GetElapsedTime(encoded, decoded), Stopwatch.GetElapsedTime(decoded));
            return new LossTerms(RowWeights.Loss(Errors, tilt), sparsity, 0);
        }

        public override void Read(int parameter, int firstRow, int rowCount, Span<float> destination)
        {
            base.Read(parameter, firstRow, rowCount, destination);
            if (parameter != DictionaryWeights.DecoderIndex || model.Options.UnitDecoder) return;
            fixed (float* target = destination)
            {
                int width = model.OutputWidth;
                float* decoder = Weights.Decoder.Pointer + ((nint)firstRow * width);
                for (int r = 0; r < rowCount; r++)
                    kernels.AddScaled(target + ((nint)r * width), decoder + ((nint)r * width), pull[0, firstRow + r], width);
            }
        }

        public override void Dispose()
        {
            base.Dispose();
            foreach (IDisposable? part in (IDisposable?[])[encoder, penalty, pull, control]) part?.Dispose();
        }

        // The penalty's value, its slope in z (λ‖W_dec,i‖/B) and, for free norms, its slope in W_dec,i (along W_dec,i).
        private double Penalize(double lambda, int batch)
        {
            Array.Clear(sums);
            Array.Clear(FiredCounts);
            ReadOnlySpan<int> latents = codes.AllLatents;
            ReadOnlySpan<float> values = codes.AllValues;
            for (int j = 0; j < latents.Length; j++)
            {
                sums[latents[j]] += values[j];
                FiredCounts[latents[j]]++;
            }

            double total = 0;
            int width = model.OutputWidth;
            for (int latent = 0; latent < model.Latents; latent++)
            {
                float* row = Weights.Decoder.Pointer + ((nint)latent * width);
                double norm = model.Options.UnitDecoder ? 1 : Math.Sqrt(kernels.Dot(row, row, width));
                total += sums[latent] * norm;
                penalty[0, latent] = (float)(lambda * norm / batch);
                pull[0, latent] = norm > 0 ? (float)(lambda * sums[latent] / batch / norm) : 0;
            }

            return lambda * total / batch;
        }
    }
}
