using System.ComponentModel;
using System.Diagnostics;
using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Autoencoders;

/// <summary>ReLU with an L1 penalty (Bricken et al. 2023; with free decoder norms, Anthropic's April 2024 update).</summary>
public sealed record ReluOptions : DictionaryOptions
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

    /// <inheritdoc/>
    internal override string Title => "ReLU";

    /// <inheritdoc/>
    public override string Describe() => Invariant($"{Title} with L1, {Latents:N0} latents, penalty {L1Coefficient:G6}");

    /// <inheritdoc/>
    public override void Validate(int inputWidth, int outputWidth)
    {
        base.Validate(inputWidth, outputWidth);
        NotNegative(L1Coefficient);
        if (DecoderInitNorm is not (> 0 and < double.PositiveInfinity))
            throw new InputException($"decoderInitNorm is {DecoderInitNorm}; a norm to start from is above 0.");
    }

    /// <inheritdoc/>
    public override Autoencoder Build(int inputWidth, int outputWidth, Rng? rng) => new ReluAutoencoder(this, inputWidth, rng);
}

/// <summary>
/// ReLU with an L1 penalty: z = relu(W_enc(x − b_dec) + b_enc),  x̂ = W_decᵀz + b_dec.
/// </summary>
/// <remarks>
/// Loss ‖x − x̂‖² + λ‖z‖₁ with unit decoder rows (Bricken et al. 2023, "Towards monosemanticity"), or
/// ‖x − x̂‖² + λ Σ zᵢ‖W_dec,i‖ with free ones (Anthropic's April 2024 update), where growing the decoder to shrink z gains nothing.
/// </remarks>
internal sealed class ReluAutoencoder : SparseAutoencoder
{
    // Above this share of active entries, dense products cost less than walking the entries.
    private const double DenseShare = 1.0 / 8;

    /// <summary>
    /// Makes one with fresh weights: random directions of norm <see cref="ReluOptions.DecoderInitNorm"/>, biases 0; without a generator,
    /// all zero.
    /// </summary>
    public ReluAutoencoder(ReluOptions options, int inputWidth, Rng? rng)
        : base(options, new DictionaryWeights(options.Latents, inputWidth, rng, options.UnitDecoder, options.DecoderInitNorm)) =>
            Options = options;

    /// <inheritdoc/>
    public override ReluOptions Options { get; }

    /// <inheritdoc/>
    public override void Encode(Matrix x, SparseCodes codes) => SelectAbove(x, 0, codes);

    /// <inheritdoc/>
    internal override LossAndGradients CreateGradients(Workers workers) => new Gradients(this, workers);

    private sealed unsafe class Gradients(ReluAutoencoder model, Workers workers) : DictionaryGradients(model, workers)
    {
        private readonly KernelSet kernels = KernelSet.Current;
        private readonly FusedEncoder encoder = new(workers);
        private readonly SparseBackward sparse = new(model.Weights, workers);
        private readonly SparseCodes codes = new(model.Latents);
        private readonly Matrix penalty = new(1, model.Latents), pull = new(1, model.Latents);
        private readonly double[] sums = new double[model.Latents];
        private DenseBackward? dense;
        private Matrix? denseCodes;
        private bool isDense;

        public override long Entries => codes.Count;

        public override LossTerms Compute(Batch batch, in StepSettings settings)
        {
            long start = Stopwatch.GetTimestamp();
            Load(batch);
            encoder.Load(Input);
            encoder.Above(Weights.Encoder, Weights.EncoderBias.Pointer, 0, codes);
            isDense = codes.Count > (long)(DenseShare * batch.Rows * model.Latents);
            double lambda = model.Options.L1Coefficient * settings.SparsityWarmup;
            double sparsity = Penalize(lambda, batch.Rows);
            long encoded = Stopwatch.GetTimestamp();
            if (isDense) ReconstructDense(batch.Rows);
            else ReconstructSparse();
            long decoded = Stopwatch.GetTimestamp();
            if (isDense) dense!.Finish(Input);
            else sparse.Finish();
            Times = new PhaseTimes(
                Stopwatch.GetElapsedTime(start, encoded), Stopwatch.GetElapsedTime(encoded, decoded), Stopwatch.GetElapsedTime(decoded));
            return new LossTerms(Mean(Errors), sparsity, 0);
        }

        public override void Read(int parameter, int firstRow, int rowCount, Span<float> destination)
        {
            if (isDense) dense!.Read(parameter, firstRow, rowCount, destination);
            else sparse.Read(parameter, firstRow, rowCount, destination);
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
            foreach (IDisposable? part in (IDisposable?[])[encoder, sparse, dense, denseCodes, penalty, pull]) part?.Dispose();
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

        private void ReconstructSparse()
        {
            sparse.Begin(Input);
            Errors = sparse.Reconstruct(codes, Target, 1, 1, hasBias: true, penalty.Pointer);
        }

        private void ReconstructDense(int batch)
        {
            dense ??= new DenseBackward(Weights, Workers);
            Matrix z = Resized(ref denseCodes, batch, model.Latents);
            Workers.Run(RowParts.Count(batch), part =>
            {
                (int first, int end) = RowParts.Range(part, batch);
                for (int r = first; r < end; r++)
                {
                    Span<float> row = z.Row(r);
                    row.Clear();
                    ReadOnlySpan<int> latents = codes.Latents(r);
                    ReadOnlySpan<float> values = codes.Values(r);
                    for (int j = 0; j < latents.Length; j++) row[latents[j]] = values[j];
                }
            });
            Errors = dense.Reconstruct(z, Target);
            Workers.Run(RowParts.Count(batch), part =>
            {
                (int first, int end) = RowParts.Range(part, batch);
                ReadOnlySpan<float> slopes = penalty.Row(0);
                for (int r = first; r < end; r++)
                {
                    ReadOnlySpan<float> active = z.Row(r);
                    Span<float> delta = dense.Delta.Row(r);
                    for (int latent = 0; latent < delta.Length; latent++)
                        delta[latent] = active[latent] > 0 ? delta[latent] + slopes[latent] : 0;
                }
            });
        }
    }
}
