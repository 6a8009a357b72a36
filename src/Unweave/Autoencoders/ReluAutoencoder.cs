using System.Diagnostics;
using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Autoencoders;

/// <summary>
/// ReLU with an L1 penalty: z = relu(W_enc(x − b_dec) + b_enc),  x̂ = W_decᵀz + b_dec.
/// </summary>
/// <remarks>
/// Loss ‖x − x̂‖² + λ‖z‖₁ with unit decoder rows (Bricken et al. 2023, "Towards monosemanticity"), or
/// ‖x − x̂‖² + λ Σ zᵢ‖W_dec,i‖ with free ones (Anthropic's April 2024 update), where growing the decoder to shrink z gains nothing.
/// </remarks>
public sealed class ReluAutoencoder : SparseAutoencoder
{
    // Above this share of active entries, dense products cost less than walking the entries.
    private const double DenseShare = 1.0 / 8;

    private readonly DictionaryWeights weights;

    /// <summary>Makes one with fresh weights: random unit decoder rows, W_enc = W_dec, biases 0.</summary>
    public ReluAutoencoder(ReluOptions options, int inputWidth, Rng rng)
        : base(options, inputWidth)
    {
        Options = options;
        weights = new DictionaryWeights(options.Latents, inputWidth, options.UnitDecoder, rng);
    }

    /// <inheritdoc/>
    public override ReluOptions Options { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => weights.Parameters;

    /// <inheritdoc/>
    public override Matrix Decoder => weights.Decoder;

    /// <inheritdoc/>
    public override void StartAt(ReadOnlySpan<float> centre) => centre.CopyTo(weights.DecoderBias.Row(0));

    /// <inheritdoc/>
    public override void Replace(int latent, ReadOnlySpan<float> direction, float encoderNorm) => weights.Replace(latent, direction, encoderNorm);

    /// <inheritdoc/>
    public override unsafe void Encode(Matrix x, SparseCodes codes)
    {
        CheckWidth(x);
        ArgumentNullException.ThrowIfNull(codes);
        using Matrix centred = weights.Centre(x, InputScale, Workers.Shared);
        using var encoder = new FusedEncoder(Workers.Shared);
        encoder.Load(centred);
        encoder.Positive(weights.Encoder, weights.EncoderBias.Pointer, codes);
    }

    /// <inheritdoc/>
    public override void Decode(SparseCodes codes, Matrix reconstruction)
    {
        CheckDecode(codes, reconstruction);
        weights.Decode(codes, InputScale, Workers.Shared, reconstruction);
    }

    /// <inheritdoc/>
    public override void Reconstruct(Matrix x, Matrix reconstruction) => Decode(Encode(x), reconstruction);

    /// <inheritdoc/>
    public override Gradients CreateGradients(Workers workers) => new ReluGradients(this, workers);

    private sealed unsafe class ReluGradients(ReluAutoencoder model, Workers workers) : Gradients
    {
        private readonly DictionaryWeights weights = model.weights;
        private readonly KernelSet kernels = KernelSet.Current;
        private readonly FusedEncoder encoder = new(workers);
        private readonly SparseBackward sparse = new(model.weights, workers);
        private readonly SparseCodes codes = new(model.Latents);
        private readonly int[] fired = new int[model.Latents];
        private readonly Matrix penalty = new(1, model.Latents), pull = new(1, model.Latents);
        private readonly double[] sums = new double[model.Latents];
        private DenseBackward? dense;
        private Matrix centred = new(0, 0), z = new(0, 0);
        private double[] errors = [];
        private bool isDense;

        public override ReadOnlySpan<int> Fired => fired;

        public override ReadOnlySpan<double> RowErrors => errors;

        public override LossTerms Compute(Matrix x, in StepSettings settings)
        {
            int batch = x.Rows;
            long start = Stopwatch.GetTimestamp();
            if (centred.Rows != batch)
            {
                centred.Dispose();
                centred = new Matrix(batch, model.InputWidth);
            }

            weights.Centre(x, 1, workers, centred);
            encoder.Load(centred);
            encoder.Positive(weights.Encoder, weights.EncoderBias.Pointer, codes);
            isDense = codes.Count > (long)(DenseShare * batch * model.Latents);
            double lambda = model.Options.L1Coefficient * settings.SparsityWarmup;
            double sparsity = Penalise(lambda, batch);
            long encoded = Stopwatch.GetTimestamp();
            if (isDense) ReconstructDense(batch);
            else ReconstructSparse();
            long decoded = Stopwatch.GetTimestamp();
            if (isDense) dense!.Finish(centred, centred: true);
            else sparse.Finish();
            Times = new PhaseTimes(Stopwatch.GetElapsedTime(start, encoded), Stopwatch.GetElapsedTime(encoded, decoded), Stopwatch.GetElapsedTime(decoded));
            return new LossTerms(Mean(errors), sparsity, 0);
        }

        public override void Read(int parameter, int firstRow, int rowCount, Span<float> destination)
        {
            if (isDense) dense!.Read(parameter, firstRow, rowCount, destination);
            else sparse.Read(parameter, firstRow, rowCount, destination);
            if (parameter != DictionaryWeights.DecoderIndex || model.Options.UnitDecoder) return;
            fixed (float* target = destination)
            {
                int width = model.InputWidth;
                for (int r = 0; r < rowCount; r++)
                    kernels.AddScaled(target + ((nint)r * width), weights.Decoder.Pointer + ((nint)(firstRow + r) * width), pull[0, firstRow + r], width);
            }
        }

        protected override void Dispose(bool disposing)
        {
            encoder.Dispose();
            sparse.Dispose();
            dense?.Dispose();
            foreach (Matrix matrix in (Matrix[])[centred, z, penalty, pull]) matrix.Dispose();
        }

        // The penalty's value, its slope in z (λ‖W_dec,i‖/B) and, for free norms, its slope in W_dec,i (along W_dec,i).
        private double Penalise(double lambda, int batch)
        {
            Array.Clear(sums);
            Array.Clear(fired);
            ReadOnlySpan<int> latents = codes.AllLatents;
            ReadOnlySpan<float> values = codes.AllValues;
            for (int j = 0; j < latents.Length; j++)
            {
                sums[latents[j]] += values[j];
                fired[latents[j]]++;
            }

            double total = 0;
            int width = model.InputWidth;
            for (int latent = 0; latent < model.Latents; latent++)
            {
                float* row = weights.Decoder.Pointer + ((nint)latent * width);
                double norm = model.Options.UnitDecoder ? 1 : Math.Sqrt(kernels.Dot(row, row, width));
                total += sums[latent] * norm;
                penalty[0, latent] = (float)(lambda * norm / batch);
                pull[0, latent] = norm > 0 ? (float)(lambda * sums[latent] / batch / norm) : 0;
            }

            return lambda * total / batch;
        }

        private void ReconstructSparse()
        {
            sparse.Begin(centred);
            errors = sparse.Reconstruct(codes, centred, 1, 1, centred: true, penalty.Pointer);
        }

        private void ReconstructDense(int batch)
        {
            dense ??= new DenseBackward(weights, workers);
            if (z.Rows != batch)
            {
                z.Dispose();
                z = new Matrix(batch, model.Latents);
            }

            workers.Run(RowParts.Count(batch), part =>
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
            errors = dense.Reconstruct(z, centred);
            workers.Run(RowParts.Count(batch), part =>
            {
                (int first, int end) = RowParts.Range(part, batch);
                ReadOnlySpan<float> slopes = penalty.Row(0);
                for (int r = first; r < end; r++)
                {
                    ReadOnlySpan<float> active = z.Row(r);
                    Span<float> delta = dense.Delta.Row(r);
                    for (int latent = 0; latent < delta.Length; latent++) delta[latent] = active[latent] > 0 ? delta[latent] + slopes[latent] : 0;
                }
            });
        }
    }
}
