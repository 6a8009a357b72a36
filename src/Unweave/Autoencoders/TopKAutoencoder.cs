using System.Diagnostics;
using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>
/// The TopK autoencoder (Gao et al. 2024, "Scaling and evaluating sparse autoencoders"):
/// z = TopK(relu(W_enc(x − b_dec) + b_enc)),  x̂ = W_decᵀz + b_dec, decoder rows of unit norm.
/// </summary>
/// <remarks>
/// Loss ‖x − x̂‖² + α‖e − ê‖² + w·‖x − x̂_K‖², the second term AuxK (section 2.4 there: e = x − x̂ held fixed, ê from the k_aux
/// strongest dead latents, without b_dec), the third Multi-TopK (appendix: x̂_K from the K &gt; k largest).
/// </remarks>
public sealed class TopKAutoencoder : SparseAutoencoder
{
    private readonly DictionaryWeights weights;
    private FusedEncoder? idle;

    /// <summary>Makes one with fresh weights: random unit decoder rows, W_enc = W_dec, biases 0.</summary>
    public TopKAutoencoder(TopKOptions options, int inputWidth, Rng rng)
        : base(options, inputWidth)
    {
        Options = options;
        weights = new DictionaryWeights(options.Latents, inputWidth, unitDecoder: true, rng);
    }

    /// <inheritdoc/>
    public override TopKOptions Options { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => weights.Parameters;

    /// <inheritdoc/>
    public override Matrix Decoder => weights.Decoder;

    /// <summary>Dead latents that AuxK uses: the option, or half the width rounded down to a power of two.</summary>
    public int AuxK => Options.AuxK ?? (InputWidth < 2 ? 1 : 1 << (int)Math.Log2(InputWidth / 2));

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

        // One encoder is kept from call to call: its guess of the thresholds saves a good part of the next selection.
        FusedEncoder encoder = Interlocked.Exchange(ref idle, null) ?? new FusedEncoder(Workers.Shared);
        try
        {
            encoder.Load(centred);
            encoder.TopK(weights.Encoder, weights.EncoderBias.Pointer, Options.K, [], codes);
        }
        finally
        {
            Interlocked.Exchange(ref idle, encoder)?.Dispose();
        }
    }

    /// <inheritdoc/>
    private protected override void Release() => Interlocked.Exchange(ref idle, null)?.Dispose();

    /// <inheritdoc/>
    public override void Decode(SparseCodes codes, Matrix reconstruction)
    {
        CheckDecode(codes, reconstruction);
        weights.Decode(codes, InputScale, Workers.Shared, reconstruction);
    }

    /// <inheritdoc/>
    public override void Reconstruct(Matrix x, Matrix reconstruction) => Decode(Encode(x), reconstruction);

    /// <inheritdoc/>
    public override Gradients CreateGradients(Workers workers) => new TopKGradients(this, workers);

    private sealed class TopKGradients(TopKAutoencoder model, Workers workers) : Gradients
    {
        private readonly DictionaryWeights weights = model.weights;
        private readonly FusedEncoder encoder = new(workers);
        private readonly SparseBackward backward = new(model.weights, workers);
        private readonly SparseCodes codes = new(model.Latents), widerCodes = new(model.Latents), deadCodes = new(model.Latents);
        private readonly int[] fired = new int[model.Latents];
        private double[] errors = [];
        private Matrix centred = new(0, 0);

        public override ReadOnlySpan<int> Fired => fired;

        public override ReadOnlySpan<double> RowErrors => errors;

        public override unsafe LossTerms Compute(Matrix x, in StepSettings settings)
        {
            TopKOptions options = model.Options;
            float* bias = weights.EncoderBias.Pointer;
            int batch = x.Rows;
            long start = Stopwatch.GetTimestamp();
            if (centred.Rows != batch)
            {
                centred.Dispose();
                centred = new Matrix(batch, model.InputWidth);
            }

            weights.Centre(x, 1, workers, centred);
            encoder.Load(centred);
            if (options.MultiK > 0)
            {
                encoder.TopK(weights.Encoder, bias, options.MultiK, [], widerCodes);
                SparseTopK.Narrow(widerCodes, options.K, codes, workers);
            }
            else
            {
                encoder.TopK(weights.Encoder, bias, options.K, [], codes);
            }

            long encoded = Stopwatch.GetTimestamp();
            backward.Begin(centred);
            errors = backward.Reconstruct(codes, centred, 1, 1, centred: true);
            double reconstruction = Mean(errors), auxiliary = 0;
            if (options.MultiK > 0)
                auxiliary += options.MultiCoefficient * Mean(backward.Reconstruct(widerCodes, centred, 1, options.MultiCoefficient, centred: true));
            int deadK = Math.Min(model.AuxK, settings.Dead.Length);
            if (deadK > 0 && options.AuxCoefficient > 0)
            {
                encoder.TopK(weights.Encoder, bias, deadK, settings.Dead.Span, deadCodes);

                // e = x − x̂ is −B/2 times the gradient of the first term, and does not move with the weights.
                auxiliary += options.AuxCoefficient * Mean(backward.Reconstruct(deadCodes, backward.Gradient, -batch / 2f, options.AuxCoefficient, centred: false));
            }

            long decoded = Stopwatch.GetTimestamp();
            backward.Finish();
            backward.CountFired(0, fired);
            Times = new PhaseTimes(Stopwatch.GetElapsedTime(start, encoded), Stopwatch.GetElapsedTime(encoded, decoded), Stopwatch.GetElapsedTime(decoded));
            return new LossTerms(reconstruction, 0, auxiliary);
        }

        public override void Read(int parameter, int firstRow, int rowCount, Span<float> destination) => backward.Read(parameter, firstRow, rowCount, destination);

        protected override void Dispose(bool disposing)
        {
            encoder.Dispose();
            backward.Dispose();
            centred.Dispose();
        }
    }
}
