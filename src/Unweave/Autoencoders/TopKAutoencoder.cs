using System.ComponentModel;
using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>TopK (Gao et al. 2024): the k largest pre-activations of a row are kept.</summary>
public sealed record TopKOptions : SelectionOptions
{
    /// <summary>Second, larger k of the Multi-TopK loss; 0 turns it off. The paper uses 4·k. Default 0.</summary>
    [Description("Second, larger k of the Multi-TopK loss (the paper uses 4k); 0 turns it off.")]
    public int MultiK { get; init; }

    /// <summary>Weight of the Multi-TopK loss. Default 1/8; ignored when <see cref="MultiK"/> is 0.</summary>
    [Description("Weight of the Multi-TopK loss; ignored when multiK is 0.")]
    public double MultiCoefficient { get; init; } = 1.0 / 8;

    /// <inheritdoc/>
    internal override string Title => "TopK";

    /// <inheritdoc/>
    public override string Describe() => Invariant($"{Title}, {Latents:N0} latents, {K} active{Mapping}");

    /// <inheritdoc/>
    public override void Validate(int inputWidth, int outputWidth)
    {
        base.Validate(inputWidth, outputWidth);
        NotNegative(MultiCoefficient);
        if (MultiK > Latents) throw new InputException($"multiK is {MultiK} but latents is {Latents}; lower multiK or raise latents.");
        Contradiction(MultiK > 0 && InitialK >= MultiK,
            $"initialK is {InitialK} but multiK is {MultiK}; multiK must be larger than every k of the run.");
        Contradiction(MultiK > 0 && IstaStep > 0,
            $"multiK is {MultiK} but istaStep is {IstaStep}: the wider selection has no first codes; set one of them to 0.");
        if (MultiK == 0 || MultiK > K) return;
        throw new InputException(
            $"multiK is {MultiK} but k is {K}; multiK must be larger than k (the paper uses {4 * (long)K}), or 0 for none.");
    }

    /// <inheritdoc/>
    public override Autoencoder Build(int inputWidth, int outputWidth, Rng? rng) =>
        new TopKAutoencoder(this, inputWidth, outputWidth, rng);
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
internal sealed class TopKAutoencoder(TopKOptions options, int inputWidth, int outputWidth, Rng? rng)
    : TrainedAutoencoder(options, inputWidth, outputWidth, rng)
{
    /// <summary>Makes one for vectors that are their own targets.</summary>
    public TopKAutoencoder(TopKOptions options, int width, Rng? rng)
        : this(options, width, width, rng)
    {
    }

    /// <inheritdoc/>
    public override TopKOptions Options { get; } = options;

    /// <inheritdoc/>
    public override void Encode(Matrix x, SparseCodes codes)
    {
        using Matrix input = EncoderInput(x);
        SelectTopK(input, Options.K, codes);
        if (Options.IstaStep == 0) return;
        using Matrix refined = Refined(input, codes, Options.IstaStep);
        SelectTopK(refined, Options.K, codes);
    }

    /// <inheritdoc/>
    internal override LossAndGradients CreateGradients(Workers workers) => new Gradients(this, workers);

    private sealed unsafe class Gradients(TopKAutoencoder model, Workers workers) : SelectionGradients(model, model.Options, workers)
    {
        private readonly TopKOptions options = model.Options;
        private readonly SparseCodes widerCodes = new(model.Latents);
        private double[] widerErrors = [];

        protected override void Select(FusedEncoder encoder, double k, SparseCodes codes, int stage)
        {
            float* bias = Weights.EncoderBias.Pointer;
            int kept = (int)Math.Round(k);
            if (options.MultiK == 0)
            {
                encoder.TopK(Weights.Encoder, bias, kept, [], codes);
                return;
            }

            encoder.TopK(Weights.Encoder, bias, options.MultiK, [], widerCodes);
            NarrowedCodes.ByRow(widerCodes, kept, codes, Workers);
        }

        protected override (double Loss, double Others, int Terms) Reconstruct()
        {
            (double loss, _, int terms) = base.Reconstruct();
            if (options.MultiK == 0) return (loss, 0, terms);
            if (widerErrors.Length != Errors.Length) widerErrors = new double[Errors.Length];
            Backward.Reconstruct(widerCodes, Target, widerErrors, weight: options.MultiCoefficient, tilt: options.Tilt);
            return (loss, options.MultiCoefficient * RowWeights.Loss(widerErrors, options.Tilt), terms);
        }
    }
}
