using System.ComponentModel;
using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>TopK (Gao et al. 2024): the k largest pre-activations of a row are kept.</summary>
public sealed record TopKOptions : DictionaryOptions
{
    /// <summary>Latents kept for each row. Default 32.</summary>
    [Description("Latents kept active for each row.")]
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

    /// <summary>Second, larger k of the Multi-TopK loss; 0 turns it off. The paper uses 4·k. Default 0.</summary>
    [Description("Second, larger k of the Multi-TopK loss (the paper uses 4k); 0 turns it off.")]
    public int MultiK { get; init; }

    /// <summary>Weight of the Multi-TopK loss. Default 1/8; ignored when <see cref="MultiK"/> is 0.</summary>
    [Description("Weight of the Multi-TopK loss; ignored when multiK is 0.")]
    public double MultiCoefficient { get; init; } = 1.0 / 8;

    /// <summary>
    /// Weight λ of the usage-balance term λ·(n/k)·Σ m_i², m_i the mean of a latent over the batch: it evens out how often latents are
    /// active, which makes an index over the codes faster, at some cost in reconstruction. Default 0: none.
    /// </summary>
    [Description("Weight of the term that evens out how often latents are active (an index over the codes is then faster); 0 for none.")]
    public double BalanceCoefficient { get; init; }

    /// <inheritdoc/>
    internal override string Title => "TopK";

    /// <inheritdoc/>
    internal override bool RevivesDead => AuxK is not 0 && AuxCoefficient > 0;

    /// <inheritdoc/>
    public override string Describe() => Invariant($"{Title}, {Latents:N0} latents, {K} active");

    /// <inheritdoc/>
    public override void Validate(int inputWidth, int outputWidth)
    {
        base.Validate(inputWidth, outputWidth);
        CheckSelection(K, AuxK, AuxCoefficient);
        NotNegative(BalanceCoefficient);
        NotNegative(MultiCoefficient);
        if (MultiK > Latents) throw new InputException($"multiK is {MultiK} but latents is {Latents}; lower multiK or raise latents.");
        if (MultiK == 0 || MultiK > K) return;
        throw new InputException(
            $"multiK is {MultiK} but k is {K}; multiK must be larger than k (the paper uses {4 * (long)K}), or 0 for none.");
    }

    /// <inheritdoc/>
    public override Autoencoder Build(int inputWidth, int outputWidth, Rng? rng) => new TopKAutoencoder(this, inputWidth, rng);
}

/// <summary>
/// The TopK autoencoder (Gao et al. 2024, "Scaling and evaluating sparse autoencoders"):
/// z = TopK(relu(W_enc(x − b_dec) + b_enc)),  x̂ = W_decᵀz + b_dec, decoder rows of unit norm.
/// </summary>
/// <remarks>
/// Loss ‖x − x̂‖² + α‖e − ê‖² + w·‖x − x̂_K‖² + λ·(n/k)·Σ m_i², the second term AuxK (section 2.4 there: e = x − x̂ held fixed, ê from
/// the k_aux strongest dead latents, without b_dec), the third Multi-TopK (appendix: x̂_K from the K &gt; k largest), the last of the mean
/// codes m, for even usage.
/// </remarks>
internal sealed class TopKAutoencoder : SparseAutoencoder
{
    /// <summary>Makes one with fresh weights: random unit decoder rows, W_enc = W_dec, biases 0; without a generator, all zero.</summary>
    public TopKAutoencoder(TopKOptions options, int inputWidth, Rng? rng)
        : base(options, new DictionaryWeights(options.Latents, inputWidth, rng)) => Options = options;

    /// <inheritdoc/>
    public override TopKOptions Options { get; }

    /// <summary>Dead latents that AuxK uses: the option, or half the width rounded down to a power of two.</summary>
    public int AuxK => Options.AuxK ?? AuxKGradients.DefaultK(OutputWidth);

    /// <inheritdoc/>
    public override void Encode(Matrix x, SparseCodes codes) => SelectTopK(x, Options.K, codes);

    /// <inheritdoc/>
    internal override LossAndGradients CreateGradients(Workers workers) => new Gradients(this, workers);

    private sealed unsafe class Gradients(TopKAutoencoder model, Workers workers)
        : AuxKGradients(
            model, model.AuxK, model.Options.AuxCoefficient, model.Options.K, model.Options.BalanceCoefficient, workers)
    {
        private readonly TopKOptions options = model.Options;
        private readonly SparseCodes widerCodes = new(model.Latents);

        protected override void Select(FusedEncoder encoder, SparseCodes codes)
        {
            float* bias = Weights.EncoderBias.Pointer;
            if (options.MultiK == 0)
            {
                encoder.TopK(Weights.Encoder, bias, options.K, [], codes);
                return;
            }

            encoder.TopK(Weights.Encoder, bias, options.MultiK, [], widerCodes);
            NarrowedCodes.ByRow(widerCodes, options.K, codes, Workers);
        }

        protected override double OtherTerms(SparseBackward backward) => options.MultiK == 0
            ? 0
            : options.MultiCoefficient * Mean(backward.Reconstruct(widerCodes, Target, 1, options.MultiCoefficient, hasBias: true));
    }
}
