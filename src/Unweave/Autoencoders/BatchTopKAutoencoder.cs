using System.ComponentModel;
using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>Settings of a dictionary whose active latents are selected over a whole batch in training.</summary>
public abstract record BatchSelectionOptions : SelectionOptions
{
    private protected BatchSelectionOptions()
    {
    }

    /// <summary>
    /// Share of the running threshold kept at each step; the threshold takes the place of the batch when single rows are encoded. Default
    /// 0.99.
    /// </summary>
    [Description("Share of the running threshold kept at each step; the threshold decides which latents are active outside training.")]
    public double ThresholdDecay { get; init; } = 0.99;

    /// <inheritdoc/>
    public override string Describe() => Invariant($"{Title}, {Latents:N0} latents, {K} active on average{Mapping}");

    /// <inheritdoc/>
    public override void Validate(int inputWidth, int outputWidth)
    {
        base.Validate(inputWidth, outputWidth);
        if (ThresholdDecay is not (>= 0 and < 1)) throw new InputException($"thresholdDecay is {ThresholdDecay}; it must lie in [0, 1).");
    }
}

/// <summary>
/// BatchTopK (Bussmann et al. 2024): the B·k largest pre-activations of a batch are kept, so that rows share a budget of latents.
/// </summary>
public sealed record BatchTopKOptions : BatchSelectionOptions
{
    /// <inheritdoc/>
    internal override string Title => "BatchTopK";

    /// <inheritdoc/>
    public override Autoencoder Build(int inputWidth, int outputWidth, Rng? rng) =>
        new BatchTopKAutoencoder(this, inputWidth, outputWidth, rng);
}

/// <summary>
/// The BatchTopK autoencoder (Bussmann, Leask and Nanda 2024, "BatchTopK sparse autoencoders"): in training, z keeps the B·k largest
/// of relu(W_enc(x − b_dec) + b_enc) over the whole batch; outside training, those above a threshold θ that training has learned.
/// </summary>
/// <remarks>
/// Loss ‖x − x̂‖² + α‖e − ê‖² + λ·(n/k)·Σ m_i², the second term AuxK, the third of usage, as for TopK. θ is a running mean of the smallest
/// activation kept.
/// </remarks>
internal class BatchTopKAutoencoder : TrainedAutoencoder
{
    private readonly Matrix threshold = new(1, 1);
    private readonly Matrix? firstThreshold;

    /// <summary>
    /// Makes one with fresh weights: random unit decoder rows, W_enc = W_dec, biases and thresholds 0; without a generator, all zero.
    /// </summary>
    public BatchTopKAutoencoder(BatchSelectionOptions options, int inputWidth, int outputWidth, Rng? rng)
        : base(options, inputWidth, outputWidth, rng)
    {
        Options = options;
        AddParameter(new Parameter("threshold", threshold, Trained: false));
        if (options.IstaStep > 0) AddParameter(new Parameter("threshold_first", firstThreshold = new Matrix(1, 1), Trained: false));
    }

    /// <inheritdoc/>
    public override BatchSelectionOptions Options { get; }

    /// <summary>
    /// θ, at the scale of the weights: outside training, a latent is active when its pre-activation is above it. 0 before the first step.
    /// </summary>
    public float Threshold { get => threshold[0, 0]; set => threshold[0, 0] = value; }

    /// <inheritdoc/>
    internal override bool SelectsByBatch => true;

    /// <inheritdoc/>
    public override void Encode(Matrix x, SparseCodes codes) => Encode(x, SelectWeighed, codes);

    /// <inheritdoc/>
    internal override void EncodeBatch(Matrix x, SparseCodes codes) => Encode(x, SelectLargest, codes);

    private void Encode(Matrix x, Action<Matrix, float, SparseCodes> select, SparseCodes codes)
    {
        using Matrix input = EncoderInput(x);
        if (firstThreshold is null)
        {
            select(input, Threshold, codes);
            if (SelectionWeights() is { } factors) NarrowedCodes.Map(codes, (latent, value) => value / factors[0, latent]);
            return;
        }

        select(input, firstThreshold[0, 0], codes);
        using Matrix refined = Refined(input, codes, Options.IstaStep);
        select(refined, Threshold, codes);
    }

    // The rows·k largest; they are sought somewhat below the threshold first, where they are if the rows are like those of training.
    private void SelectLargest(Matrix input, float threshold, SparseCodes codes)
    {
        long budget = (long)input.Rows * Options.K;
        var candidates = new SparseCodes(Latents);
        SelectWeighed(input, 0.8f * threshold, candidates);
        if (candidates.Count < budget && threshold > 0) SelectWeighed(input, 0, candidates);
        NarrowedCodes.ByBatch(candidates, budget, codes);
    }

    /// <summary>What latents are weighed by where they are compared, <c>[1, n]</c>; null for nothing.</summary>
    internal virtual Matrix? SelectionWeights() => null;

    private void SelectWeighed(Matrix input, float threshold, SparseCodes codes)
    {
        if (SelectionWeights() is not { } factors)
        {
            SelectAbove(input, threshold, codes);
            return;
        }

        using Matrix bias = BatchSelection.WeighedBias(Weights, factors);
        SelectAbove(input, threshold, bias, factors, codes);
    }

    /// <inheritdoc/>
    internal override LossAndGradients CreateGradients(Workers workers) => new BatchGradients(this, workers);

    /// <summary>Selection over the batch, for this architecture and those that add to its loss.</summary>
    private protected class BatchGradients(BatchTopKAutoencoder model, Workers workers)
        : SelectionGradients(model, model.Options, workers)
    {
        private readonly BatchSelection last =
            new(model.Weights, model.threshold, model.Options.ThresholdDecay, model.SelectionWeights);

        private readonly BatchSelection? first = model.firstThreshold is { } threshold
            ? new BatchSelection(model.Weights, threshold, model.Options.ThresholdDecay, model.SelectionWeights)
            : null;

        protected sealed override void Select(FusedEncoder encoder, double k, SparseCodes codes, int stage) =>
            (stage == 0 ? first! : last).Select(encoder, (long)Math.Round(Input.Rows * k), codes);
    }
}
