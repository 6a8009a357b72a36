using System.ComponentModel;
using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>
/// BatchTopK (Bussmann et al. 2024): the B·k largest pre-activations of a batch are kept, so that rows share a budget of latents.
/// </summary>
public sealed record BatchTopKOptions : DictionaryOptions
{
    /// <summary>Latents kept for a row on average over a batch. Default 32.</summary>
    [Description("Latents kept active for a row, on average over a batch.")]
    public int K { get; init; } = 32;

    /// <summary>
    /// Dead latents that model the residual in AuxK; 0 turns AuxK off; null takes half the width, rounded down to a power of two. Default
    /// null.
    /// </summary>
    [Description("Dead latents that model the residual (AuxK); 0 turns it off; null takes half the input width rounded down to a power "
        + "of two.")]
    public int? AuxK { get; init; }

    /// <summary>Weight α of the AuxK loss. Default 1/32.</summary>
    [Description("Weight of the AuxK loss.")]
    public double AuxCoefficient { get; init; } = 1.0 / 32;

    /// <summary>
    /// Share of the running threshold kept at each step; the threshold takes the place of the batch when single rows are encoded. Default
    /// 0.99.
    /// </summary>
    [Description("Share of the running threshold kept at each step; the threshold decides which latents are active outside training.")]
    public double ThresholdDecay { get; init; } = 0.99;

    /// <summary>
    /// Weight λ of the usage-balance term λ·(n/k)·Σ m_i², m_i the mean of a latent over the batch: it evens out how often latents are
    /// active, which makes an index over the codes faster, at some cost in reconstruction. Default 0: none.
    /// </summary>
    [Description("Weight of the term that evens out how often latents are active (an index over the codes is then faster); 0 for none.")]
    public double BalanceCoefficient { get; init; }

    /// <inheritdoc/>
    internal override string Title => "BatchTopK";

    /// <inheritdoc/>
    internal override bool RevivesDead => AuxK is not 0 && AuxCoefficient > 0;

    /// <inheritdoc/>
    public override string Describe() => Invariant($"{Title}, {Latents:N0} latents, {K} active on average");

    /// <inheritdoc/>
    public override void Validate(int inputWidth, int outputWidth)
    {
        base.Validate(inputWidth, outputWidth);
        CheckSelection(K, AuxK, AuxCoefficient);
        NotNegative(BalanceCoefficient);
        if (ThresholdDecay is not (>= 0 and < 1)) throw new InputException($"thresholdDecay is {ThresholdDecay}; it must lie in [0, 1).");
    }

    /// <inheritdoc/>
    public override Autoencoder Build(int inputWidth, int outputWidth, Rng? rng) => new BatchTopKAutoencoder(this, inputWidth, rng);
}

/// <summary>
/// The BatchTopK autoencoder (Bussmann, Leask and Nanda 2024, "BatchTopK sparse autoencoders"): in training, z keeps the B·k largest
/// of relu(W_enc(x − b_dec) + b_enc) over the whole batch; outside training, those above a threshold θ that training has learned.
/// </summary>
/// <remarks>
/// Loss ‖x − x̂‖² + α‖e − ê‖² + λ·(n/k)·Σ m_i², the second term AuxK, the third of usage, as for TopK. θ is a running mean of the smallest
/// activation kept.
/// </remarks>
internal sealed class BatchTopKAutoencoder : SparseAutoencoder
{
    private readonly Matrix threshold = new(1, 1);

    /// <summary>
    /// Makes one with fresh weights: random unit decoder rows, W_enc = W_dec, biases and threshold 0; without a generator, all zero.
    /// </summary>
    public BatchTopKAutoencoder(BatchTopKOptions options, int inputWidth, Rng? rng)
        : base(options, new DictionaryWeights(options.Latents, inputWidth, rng))
    {
        Options = options;
        Parameters = [.. Weights.Parameters, new Parameter("threshold", threshold, Trained: false)];
    }

    /// <inheritdoc/>
    public override BatchTopKOptions Options { get; }

    /// <inheritdoc/>
    internal override IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>
    /// θ, at the scale of the weights: outside training, a latent is active when its pre-activation is above it. 0 before the first step.
    /// </summary>
    public float Threshold { get => threshold[0, 0]; set => threshold[0, 0] = value; }

    /// <inheritdoc/>
    public override void Encode(Matrix x, SparseCodes codes) => SelectAbove(x, Threshold, codes);

    /// <inheritdoc/>
    internal override LossAndGradients CreateGradients(Workers workers) => new Gradients(this, workers);

    private sealed unsafe class Gradients(BatchTopKAutoencoder model, Workers workers)
        : AuxKGradients(
            model,
            model.Options.AuxK ?? DefaultK(model.OutputWidth),
            model.Options.AuxCoefficient,
            model.Options.K,
            model.Options.BalanceCoefficient,
            workers)
    {
        private readonly SparseCodes candidates = new(model.Latents);
        private float guess; // a little below the last batch's cut: it changes the time of the next search, never its result

        protected override void Select(FusedEncoder encoder, SparseCodes codes)
        {
            long budget = (long)Input.Rows * model.Options.K;
            float* bias = Weights.EncoderBias.Pointer;
            encoder.Above(Weights.Encoder, bias, guess, candidates);
            if (candidates.Count < budget && guess > 0) encoder.Above(Weights.Encoder, bias, 0, candidates);
            float cut = NarrowedCodes.ByBatch(candidates, budget, codes);
            guess = 0.9f * cut;
            double decay = model.Threshold > 0 ? model.Options.ThresholdDecay : 0;
            model.threshold[0, 0] = (float)((decay * model.Threshold) + ((1 - decay) * cut));
        }
    }
}
