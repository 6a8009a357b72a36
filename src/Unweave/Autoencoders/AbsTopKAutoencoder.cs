using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>AbsTopK (Zhu et al. 2025): the k pre-activations of largest magnitude are kept, with their signs.</summary>
public sealed record AbsTopKOptions : SelectionOptions
{
    /// <inheritdoc/>
    internal override string Title => "AbsTopK";

    /// <inheritdoc/>
    public override string Describe() => Invariant($"{Title}, {Latents:N0} latents of both signs, {K} active{Mapping}");

    /// <inheritdoc/>
    public override Autoencoder Build(int inputWidth, int outputWidth, Rng? rng) =>
        new AbsTopKAutoencoder(this, inputWidth, outputWidth, rng);
}

/// <summary>
/// The AbsTopK autoencoder (Zhu et al. 2025, "AbsTopK: rethinking sparse autoencoders for bidirectional features"): z keeps the k largest
/// |W_enc(x − b_dec) + b_enc| with their signs, so that one latent has two opposite meanings where two one-sided latents would share a
/// direction; x̂ = W_decᵀz + b_dec.
/// </summary>
/// <remarks>Loss as for TopK; dead latents of AuxK take part by magnitude too.</remarks>
internal sealed class AbsTopKAutoencoder(AbsTopKOptions options, int inputWidth, int outputWidth, Rng? rng)
    : TrainedAutoencoder(options, inputWidth, outputWidth, rng)
{
    /// <inheritdoc/>
    public override AbsTopKOptions Options { get; } = options;

    /// <inheritdoc/>
    public override void Encode(Matrix x, SparseCodes codes)
    {
        using Matrix input = EncoderInput(x);
        Select(input, codes);
        if (Options.IstaStep == 0) return;
        using Matrix refined = Refined(input, codes, Options.IstaStep);
        Select(refined, codes);
    }

    /// <inheritdoc/>
    internal override LossAndGradients CreateGradients(Workers workers) => new Gradients(this, workers);

    private void Select(Matrix input, SparseCodes codes) =>
        SelectTopK(input, Options.K, Weights.EncoderBias, scales: null, signed: false, codes, magnitude: true);

    private sealed unsafe class Gradients(AbsTopKAutoencoder model, Workers workers) : SelectionGradients(model, model.Options, workers)
    {
        protected override void Select(FusedEncoder encoder, double k, SparseCodes codes, int stage) =>
            encoder.TopK(Weights.Encoder, Weights.EncoderBias.Pointer, (int)Math.Round(k), [], codes, magnitude: true);

        protected override void SelectDead(FusedEncoder encoder, int k, ReadOnlySpan<int> dead, SparseCodes codes) =>
            encoder.TopK(Weights.Encoder, Weights.EncoderBias.Pointer, k, dead, codes, magnitude: true);
    }
}
