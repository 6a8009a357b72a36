using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>HierarchicalTopK (Balagansky et al. 2025): a TopK whose 1, 2, … k largest latents all reconstruct well.</summary>
public sealed record HierarchicalTopKOptions : SelectionOptions
{
    /// <inheritdoc/>
    internal override string Title => "HierarchicalTopK";

    /// <inheritdoc/>
    public override string Describe() => Invariant($"{Title}, {Latents:N0} latents, up to {K} active{Mapping}");

    /// <inheritdoc/>
    public override void Validate(int inputWidth, int outputWidth)
    {
        base.Validate(inputWidth, outputWidth);
        Contradiction(InitialK is not null,
            $"initialK is {InitialK}, but a HierarchicalTopK learns every k up to {K} at once; leave initialK out.");
        Contradiction(Tilt > 0,
            $"tilt is {Tilt}, but the rows of a HierarchicalTopK have {K} errors each; set tilt to 0.");
    }

    /// <inheritdoc/>
    public override Autoencoder Build(int inputWidth, int outputWidth, Rng? rng) =>
        new HierarchicalTopKAutoencoder(this, inputWidth, outputWidth, rng);
}

/// <summary>
/// The HierarchicalTopK autoencoder (Balagansky et al. 2025, "Train one sparse autoencoder across multiple sparsity budgets"): encoded as
/// TopK, and trained on the mean of ‖x − x̂_j‖² over j = 1 … k, x̂_j from the j largest latents, so that codes may be cut to any
/// smaller number.
/// </summary>
/// <remarks>AuxK and usage balance as for TopK, with the error of all k.</remarks>
internal sealed class HierarchicalTopKAutoencoder(HierarchicalTopKOptions options, int inputWidth, int outputWidth, Rng? rng)
    : TrainedAutoencoder(options, inputWidth, outputWidth, rng)
{
    /// <inheritdoc/>
    public override HierarchicalTopKOptions Options { get; } = options;

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

    private sealed unsafe class Gradients(HierarchicalTopKAutoencoder model, Workers workers)
        : SelectionGradients(model, model.Options, workers)
    {
        private double[] means = [];

        protected override void Select(FusedEncoder encoder, double k, SparseCodes codes, int stage) =>
            encoder.TopK(Weights.Encoder, Weights.EncoderBias.Pointer, model.Options.K, [], codes);

        protected override (double Loss, double Others, int Terms) Reconstruct()
        {
            if (means.Length != Errors.Length) means = new double[Errors.Length];
            Backward.ReconstructByRank(Codes, model.Options.K, Target, means, Errors, LastError);
            return (Mean(means), 0, 1);
        }

        protected override (Matrix Error, float Scale) FinalError(int batch) => (LastError, 1);
    }
}
