using System.ComponentModel;
using System.Diagnostics;
using System.Numerics.Tensors;
using System.Text.Json.Serialization;
using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>How the mean activation ρ̂ of a latent is estimated.</summary>
[JsonConverter(typeof(CamelCaseEnum<MeanEstimate>))]
public enum MeanEstimate
{
    /// <summary>Over the batch.</summary>
    Batch,

    /// <summary>An exponential running mean over batches.</summary>
    Running,
}

/// <summary>Sigmoid latents held to a mean activation ρ by a KL penalty (Ng, CS294A lecture notes).</summary>
public sealed record KlOptions : DictionaryOptions
{
    /// <summary>Target mean activation ρ of each latent, in (0, 1). Default 0.05.</summary>
    [Description("Target mean activation of each latent.")]
    public double TargetActivation { get; init; } = 0.05;

    /// <summary>Weight β of the KL penalty. Default 3.</summary>
    [Description("Weight of the KL penalty.")]
    public double KlCoefficient { get; init; } = 3;

    /// <summary>How the mean activation is estimated. Default over the batch.</summary>
    [Description("How the mean activation is estimated: over the batch, or as a running mean.")]
    public MeanEstimate MeanEstimate { get; init; } = MeanEstimate.Batch;

    /// <summary>Share of the running mean kept at each step; ignored unless <see cref="MeanEstimate"/> is running. Default 0.9.</summary>
    [Description("Share of the running mean kept at each step; ignored unless meanEstimate is running.")]
    public double MeanDecay { get; init; } = 0.9;

    /// <summary>
    /// True: decoder rows have unit norm, so that a latent has to come near 1 to count. False: norms are free, and what a latent near ρ
    /// lacks in strength its row can make up for. Default false.
    /// </summary>
    [Description("Decoder rows of unit norm (true), so that a latent has to come near 1 to count, or of any norm (false).")]
    public bool UnitDecoder { get; init; }

    /// <inheritdoc/>
    internal override string Title => "KL";

    /// <inheritdoc/>
    public override string Describe() =>
        Invariant($"{Title} sparsity over sigmoids, {Latents:N0} latents, target {TargetActivation:G6}, penalty {KlCoefficient:G6}");

    /// <inheritdoc/>
    public override void Validate(int inputWidth, int outputWidth)
    {
        base.Validate(inputWidth, outputWidth);
        NotNegative(KlCoefficient);
        if (TargetActivation is not (> 0 and < 1))
            throw new InputException($"targetActivation is {TargetActivation}; a mean of sigmoids lies between 0 and 1.");
        if (MeanDecay is not (>= 0 and < 1)) throw new InputException($"meanDecay is {MeanDecay}; it must lie in [0, 1).");
    }

    /// <inheritdoc/>
    public override Autoencoder Build(int inputWidth, int outputWidth, Rng? rng) => new KlAutoencoder(this, inputWidth, rng);
}

/// <summary>
/// Sigmoid latents held sparse by a Kullback-Leibler penalty (Ng, CS294A lecture notes "Sparse autoencoder"):
/// z = σ(W_enc x + b_enc),  x̂ = W_decᵀz + b_dec.
/// </summary>
/// <remarks>
/// Loss ‖x − x̂‖² + β Σⱼ KL(ρ‖ρ̂ⱼ), KL(ρ‖ρ̂) = ρ ln(ρ/ρ̂) + (1−ρ) ln((1−ρ)/(1−ρ̂)), with ρ̂ⱼ the latent's mean activation over the
/// batch, or a running mean of it. The codes are dense by nature: memory is a few times batch × n, and every latent is an entry of
/// <see cref="SparseCodes"/>; one counts as firing above 0.5.
/// </remarks>
internal sealed class KlAutoencoder : SparseAutoencoder
{
    // ρ̂ is held this far from 0 and 1, where the penalty's slope is infinite.
    private const double Margin = 1e-6;

    /// <summary>
    /// Makes one with fresh weights: random unit decoder rows, W_enc = W_dec, b_enc at the logit of ρ, so that latents start near the
    /// target; without a generator, all zero.
    /// </summary>
    public KlAutoencoder(KlOptions options, int inputWidth, Rng? rng)
        : base(options, new DictionaryWeights(options.Latents, inputWidth, rng, options.UnitDecoder, centersInput: false))
    {
        Options = options;
        Weights.EncoderBias.AsSpan().Fill(TargetLogit);
    }

    /// <inheritdoc/>
    public override KlOptions Options { get; }

    /// <inheritdoc/>
    public override float FiringThreshold => 0.5f;

    private float TargetLogit => (float)Math.Log(Options.TargetActivation / (1 - Options.TargetActivation));

    /// <inheritdoc/>
    internal override void Resample(int latent, ReadOnlySpan<float> direction, ReadOnlySpan<float> encoder)
    {
        base.Resample(latent, direction, encoder);
        Weights.EncoderBias[0, latent] = TargetLogit;
    }

    /// <inheritdoc/>
    public override void Encode(Matrix x, SparseCodes codes)
    {
        ArgumentNullException.ThrowIfNull(codes);
        CheckWidth(x);
        int[] lengths = new int[x.Rows];
        Array.Fill(lengths, Latents);
        codes.Layout(lengths); // refuses more entries than codes hold, before the activations are computed
        using Matrix z = Activate(x);
        z.AsSpan().CopyTo(codes.ValuesForWriting);
        Span<int> latents = codes.LatentsForWriting;
        for (int j = 0; j < latents.Length; j++) latents[j] = j % Latents;
    }

    /// <inheritdoc/>
    public override void Reconstruct(Matrix x, Matrix reconstruction)
    {
        ArgumentNullException.ThrowIfNull(reconstruction);
        CheckWidth(x);
        using Matrix z = Activate(x);
        using var product = new DenseProduct(Workers.Shared);
        product.PackRight(Weights.Decoder, transposed: false);
        product.Multiply(z, transposed: false, reconstruction);
        for (int r = 0; r < x.Rows; r++)
        {
            Span<float> row = reconstruction.Row(r);
            TensorPrimitives.Add(row, Weights.DecoderBias.Row(0), row);
            TensorPrimitives.Multiply(row, 1 / OutputScale, row);
        }
    }

    /// <inheritdoc/>
    internal override LossAndGradients CreateGradients(Workers workers) => new Gradients(this, workers);

    private Matrix Activate(Matrix x)
    {
        using Matrix scaled = x.Clone();
        TensorPrimitives.Multiply(scaled.AsSpan(), InputScale, scaled.AsSpan());
        var z = new Matrix(x.Rows, Latents);
        using var product = new DenseProduct(Workers.Shared);
        Activate(scaled, z, product, Workers.Shared);
        return z;
    }

    private void Activate(Matrix scaled, Matrix z, DenseProduct product, Workers workers)
    {
        product.PackRight(Weights.Encoder, transposed: true);
        product.Multiply(scaled, transposed: false, z);
        workers.Run(RowParts.Count(z.Rows), part =>
        {
            (int first, int end) = RowParts.Range(part, z.Rows);
            for (int r = first; r < end; r++)
            {
                Span<float> row = z.Row(r);
                TensorPrimitives.Add(row, Weights.EncoderBias.Row(0), row);
                TensorPrimitives.Sigmoid(row, row);
            }
        });
    }

    private sealed class Gradients : DictionaryGradients
    {
        private readonly KlAutoencoder model;
        private readonly DenseProduct product;
        private readonly DenseBackward backward;
        private readonly Matrix slopes, running;
        private readonly double[] means;
        private Matrix? codes;

        public Gradients(KlAutoencoder model, Workers workers)
            : base(model, workers)
        {
            this.model = model;
            product = new DenseProduct(workers);
            backward = new DenseBackward(Weights, workers);
            slopes = new Matrix(1, model.Latents);
            running = new Matrix(1, model.Latents);
            running.AsSpan().Fill(-1); // not yet seen: the first batch sets it
            means = new double[model.Latents];
            State = model.Options.MeanEstimate == MeanEstimate.Running ? [new("mean_activation", running)] : [];
        }

        public override IReadOnlyList<Parameter> State { get; }

        public override long Entries => codes?.Count ?? 0;

        public override LossTerms Compute(Batch batch, in StepSettings settings)
        {
            long start = Stopwatch.GetTimestamp();
            Load(batch);
            Matrix z = Resized(ref codes, batch.Rows, model.Latents);
            model.Activate(Input, z, product, Workers);
            double sparsity = Penalize(z, model.Options.KlCoefficient * settings.SparsityWarmup);
            long encoded = Stopwatch.GetTimestamp();
            backward.Reconstruct(z, Target, 1, Errors, () => RowWeights.Slopes(Errors, 1, 0));
            long decoded = Stopwatch.GetTimestamp();
            Workers.Run(RowParts.Count(batch.Rows), part =>
            {
                (int first, int end) = RowParts.Range(part, batch.Rows);
                for (int r = first; r < end; r++)
                {
                    // ∂L/∂pre = (∂L/∂z + KL's slope) · z(1 − z)
                    Span<float> delta = backward.Delta.Row(r), active = z.Row(r);
                    TensorPrimitives.Add(delta, slopes.Row(0), delta);
                    TensorPrimitives.Multiply(delta, active, delta);
                    for (int latent = 0; latent < delta.Length; latent++) delta[latent] *= 1 - active[latent];
                }
            });
            backward.Finish(Input);
            Times = new PhaseTimes(
                Stopwatch.GetElapsedTime(start, encoded), Stopwatch.GetElapsedTime(encoded, decoded), Stopwatch.GetElapsedTime(decoded));
            return new LossTerms(Mean(Errors), sparsity, 0);
        }

        public override void Read(int parameter, int firstRow, int rowCount, Span<float> destination) =>
            backward.Read(parameter, firstRow, rowCount, destination);

        public override void Dispose()
        {
            base.Dispose();
            foreach (IDisposable? part in (IDisposable?[])[product, backward, slopes, running, codes]) part?.Dispose();
        }

        // The penalty's value and its slope in each z: β · (−ρ/ρ̂ + (1−ρ)/(1−ρ̂)) · ∂ρ̂/∂z.
        private double Penalize(Matrix z, double beta)
        {
            Array.Clear(means);
            Array.Clear(FiredCounts);
            for (int r = 0; r < z.Rows; r++)
            {
                ReadOnlySpan<float> row = z.Row(r);
                for (int latent = 0; latent < row.Length; latent++)
                {
                    means[latent] += row[latent];
                    if (row[latent] > 0.5f) FiredCounts[latent]++;
                }
            }

            KlOptions options = model.Options;
            bool keep = options.MeanEstimate == MeanEstimate.Running;
            double rho = options.TargetActivation, total = 0;
            for (int latent = 0; latent < means.Length; latent++)
            {
                double mean = means[latent] / z.Rows, slope = 1.0 / z.Rows;
                if (keep && running[0, latent] >= 0)
                {
                    mean = (options.MeanDecay * running[0, latent]) + ((1 - options.MeanDecay) * mean);
                    slope *= 1 - options.MeanDecay;
                }

                if (keep) running[0, latent] = (float)mean;
                mean = Math.Clamp(mean, Margin, 1 - Margin);
                total += Divergence.Kl(new Bernoulli(rho), new Bernoulli(mean));
                slopes[0, latent] = (float)(beta * slope * ((-rho / mean) + ((1 - rho) / (1 - mean))));
            }

            return beta * total;
        }
    }
}
