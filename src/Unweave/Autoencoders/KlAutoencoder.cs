using System.Diagnostics;
using System.Numerics.Tensors;
using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>
/// Sigmoid latents held sparse by a Kullback-Leibler penalty (Ng, CS294A lecture notes "Sparse autoencoder"):
/// z = σ(W_enc x + b_enc),  x̂ = W_decᵀz + b_dec.
/// </summary>
/// <remarks>
/// Loss ‖x − x̂‖² + β Σⱼ KL(ρ‖ρ̂ⱼ), KL(ρ‖ρ̂) = ρ ln(ρ/ρ̂) + (1−ρ) ln((1−ρ)/(1−ρ̂)), with ρ̂ⱼ the latent's mean activation over the
/// batch, or a running mean of it. The codes are dense by nature: memory is a few times batch × n, and every latent is an entry of
/// <see cref="SparseCodes"/>; one counts as firing above 0.5.
/// </remarks>
public sealed class KlAutoencoder : SparseAutoencoder
{
    // ρ̂ is held this far from 0 and 1, where the penalty's slope is infinite.
    private const double Margin = 1e-6;

    private readonly DictionaryWeights weights;

    /// <summary>Makes one with fresh weights: random unit decoder rows, W_enc = W_dec, b_enc at the logit of ρ, so that latents start near the target.</summary>
    public KlAutoencoder(KlOptions options, int inputWidth, Rng rng)
        : base(options, inputWidth)
    {
        Options = options;
        weights = new DictionaryWeights(options.Latents, inputWidth, options.UnitDecoder, rng);
        weights.EncoderBias.AsSpan().Fill((float)Math.Log(options.TargetActivation / (1 - options.TargetActivation)));
    }

    /// <inheritdoc/>
    public override KlOptions Options { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => weights.Parameters;

    /// <inheritdoc/>
    public override Matrix Decoder => weights.Decoder;

    /// <inheritdoc/>
    public override float FiringThreshold => 0.5f;

    /// <inheritdoc/>
    public override void StartAt(ReadOnlySpan<float> centre) => centre.CopyTo(weights.DecoderBias.Row(0));

    /// <inheritdoc/>
    public override void Replace(int latent, ReadOnlySpan<float> direction, float encoderNorm)
    {
        weights.Replace(latent, direction, encoderNorm);
        weights.EncoderBias[0, latent] = (float)Math.Log(Options.TargetActivation / (1 - Options.TargetActivation));
    }

    /// <inheritdoc/>
    public override void Encode(Matrix x, SparseCodes codes)
    {
        CheckWidth(x);
        ArgumentNullException.ThrowIfNull(codes);
        using Matrix z = Activate(x);
        int[] lengths = new int[x.Rows];
        Array.Fill(lengths, Latents);
        codes.Layout(lengths);
        z.AsSpan().CopyTo(codes.ValuesForWriting);
        Span<int> latents = codes.LatentsForWriting;
        for (int j = 0; j < latents.Length; j++) latents[j] = j % Latents;
    }

    /// <inheritdoc/>
    public override void Decode(SparseCodes codes, Matrix reconstruction)
    {
        CheckDecode(codes, reconstruction);
        weights.Decode(codes, InputScale, Workers.Shared, reconstruction);
    }

    /// <inheritdoc/>
    public override void Reconstruct(Matrix x, Matrix reconstruction)
    {
        CheckWidth(x);
        ArgumentNullException.ThrowIfNull(reconstruction);
        using Matrix z = Activate(x);
        using var product = new DenseProduct(Workers.Shared);
        product.PackRight(weights.Decoder, transposed: false);
        product.Multiply(z, transposed: false, reconstruction);
        for (int r = 0; r < x.Rows; r++)
        {
            Span<float> row = reconstruction.Row(r);
            TensorPrimitives.Add(row, weights.DecoderBias.Row(0), row);
            TensorPrimitives.Multiply(row, 1 / InputScale, row);
        }
    }

    /// <inheritdoc/>
    public override Gradients CreateGradients(Workers workers) => new KlGradients(this, workers);

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
        product.PackRight(weights.Encoder, transposed: true);
        product.Multiply(scaled, transposed: false, z);
        workers.Run(RowParts.Count(z.Rows), part =>
        {
            (int first, int end) = RowParts.Range(part, z.Rows);
            for (int r = first; r < end; r++)
            {
                Span<float> row = z.Row(r);
                TensorPrimitives.Add(row, weights.EncoderBias.Row(0), row);
                TensorPrimitives.Sigmoid(row, row);
            }
        });
    }

    private sealed class KlGradients : Gradients
    {
        private readonly KlAutoencoder model;
        private readonly Workers workers;
        private readonly DictionaryWeights weights;
        private readonly DenseProduct product;
        private readonly DenseBackward backward;
        private readonly Matrix slopes, running;
        private readonly double[] means;
        private readonly int[] fired;
        private Matrix z = new(0, 0), target = new(0, 0);
        private double[] errors = [];

        public KlGradients(KlAutoencoder model, Workers workers)
        {
            (this.model, this.workers, weights) = (model, workers, model.weights);
            product = new DenseProduct(workers);
            backward = new DenseBackward(weights, workers);
            slopes = new Matrix(1, model.Latents);
            running = new Matrix(1, model.Latents);
            running.AsSpan().Fill(-1); // not yet seen: the first batch sets it
            means = new double[model.Latents];
            fired = new int[model.Latents];
            State = model.Options.MeanEstimate == MeanEstimate.Running ? [new("mean_activation", running)] : [];
        }

        public override ReadOnlySpan<int> Fired => fired;

        public override ReadOnlySpan<double> RowErrors => errors;

        public override IReadOnlyList<Parameter> State { get; }

        public override LossTerms Compute(Matrix x, in StepSettings settings)
        {
            int batch = x.Rows;
            long start = Stopwatch.GetTimestamp();
            if (z.Rows != batch)
            {
                z.Dispose();
                target.Dispose();
                z = new Matrix(batch, model.Latents);
                target = new Matrix(batch, model.InputWidth);
            }

            model.Activate(x, z, product, workers);
            double sparsity = Penalise(model.Options.KlCoefficient * settings.SparsityWarmup, batch);
            long encoded = Stopwatch.GetTimestamp();
            weights.Centre(x, 1, workers, target); // x − b_dec: what the dictionary's part of the reconstruction should be
            errors = backward.Reconstruct(z, target);
            long decoded = Stopwatch.GetTimestamp();
            workers.Run(RowParts.Count(batch), part =>
            {
                (int first, int end) = RowParts.Range(part, batch);
                for (int r = first; r < end; r++)
                {
                    // ∂L/∂pre = (∂L/∂z + KL's slope) · z(1 − z)
                    Span<float> delta = backward.Delta.Row(r), active = z.Row(r);
                    TensorPrimitives.Add(delta, slopes.Row(0), delta);
                    TensorPrimitives.Multiply(delta, active, delta);
                    for (int latent = 0; latent < delta.Length; latent++) delta[latent] *= 1 - active[latent];
                }
            });
            backward.Finish(x, centred: false);
            Times = new PhaseTimes(Stopwatch.GetElapsedTime(start, encoded), Stopwatch.GetElapsedTime(encoded, decoded), Stopwatch.GetElapsedTime(decoded));
            return new LossTerms(Mean(errors), sparsity, 0);
        }

        public override void Read(int parameter, int firstRow, int rowCount, Span<float> destination) => backward.Read(parameter, firstRow, rowCount, destination);

        protected override void Dispose(bool disposing)
        {
            foreach (IDisposable part in (IDisposable[])[product, backward, slopes, running, z, target]) part.Dispose();
        }

        // The penalty's value and its slope in each z: β · (−ρ/ρ̂ + (1−ρ)/(1−ρ̂)) · ∂ρ̂/∂z.
        private double Penalise(double beta, int batch)
        {
            Array.Clear(means);
            Array.Clear(fired);
            for (int r = 0; r < batch; r++)
            {
                ReadOnlySpan<float> row = z.Row(r);
                for (int latent = 0; latent < row.Length; latent++)
                {
                    means[latent] += row[latent];
                    if (row[latent] > 0.5f) fired[latent]++;
                }
            }

            KlOptions options = model.Options;
            bool keep = options.MeanEstimate == MeanEstimate.Running;
            double rho = options.TargetActivation, total = 0;
            for (int latent = 0; latent < means.Length; latent++)
            {
                double mean = means[latent] / batch, slope = 1.0 / batch;
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
