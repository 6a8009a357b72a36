using System.ComponentModel;
using System.Numerics.Tensors;
using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>A crosscoder (Lindsey et al. 2024): one code for the activations at several hooks, joined to one vector.</summary>
public sealed record CrosscoderOptions : BatchSelectionOptions
{
    /// <summary>Hooks whose vectors, of equal width, are joined. Default 2.</summary>
    [Description("Hooks whose vectors, of equal width, are joined: train acts#A+B+C gives them in this order.")]
    public int Layers { get; init; } = 2;

    /// <inheritdoc/>
    internal override string Title => "Crosscoder";

    /// <inheritdoc/>
    internal override bool CanMapBetweenSpaces => false;

    /// <inheritdoc/>
    public override string Describe() => Invariant($"{Title}, {Latents:N0} latents over {Layers} layers, {K} active on average");

    /// <inheritdoc/>
    public override void Validate(int inputWidth, int outputWidth)
    {
        base.Validate(inputWidth, outputWidth);
        Contradiction(Transcoder, "transcoder is true, but a crosscoder reconstructs all the layers that it reads; set it to false.");
        Contradiction(IstaStep > 0, $"istaStep is {IstaStep}, but a crosscoder encodes once; set it to 0.");
        if (Layers < 1) throw new InputException($"layers is {Layers}; there is at least one.");
        if (inputWidth % Layers == 0) return;
        throw new InputException($"layers is {Layers} but the vectors have width {inputWidth}, which it does not divide; join the hooks of "
            + "as many layers, all of one width, as in acts#blocks.1+blocks.2.");
    }

    /// <inheritdoc/>
    public override Autoencoder Build(int inputWidth, int outputWidth, Rng? rng) => new CrosscoderAutoencoder(this, inputWidth, rng);
}

/// <summary>
/// The crosscoder (Lindsey et al. 2024, "Sparse crosscoders for cross-layer features and model diffing"; with BatchTopK, Minder et al.
/// 2025): with vectors x = [x¹ … x^L], each layer brought to one scale s_l, z keeps the B·k largest w_i·relu(W_enc,i x_c + b_enc) of the
/// batch, w_i = Σ_l ‖W_dec,i^l‖; x̂ = W_decᵀz + b_dec. A latent that writes to all layers counts more than one of a single layer, as under
/// L1 summed over the layers.
/// </summary>
/// <remarks>Loss as for BatchTopK, over the joined vector. Rows of W_dec have unit norm over all layers together.</remarks>
internal sealed class CrosscoderAutoencoder : BatchTopKAutoencoder
{
    private readonly Matrix scales;
    private Matrix? weights; // made from W_dec when they are first used

    /// <summary>Makes one with fresh weights; without a generator, all zero.</summary>
    public CrosscoderAutoencoder(CrosscoderOptions options, int width, Rng? rng)
        : base(options, width, width, rng)
    {
        Settings = options;
        scales = new Matrix(1, options.Layers);
        scales.AsSpan().Fill(1);
        AddParameter(new Parameter("layer_scale", scales, Trained: false));
    }

    /// <summary>Its settings.</summary>
    public CrosscoderOptions Settings { get; }

    /// <summary>s_l, <c>[1, layers]</c>: the factor on each layer's vectors beside <see cref="Autoencoder.InputScale"/>.</summary>
    public Matrix LayerScales => scales;

    private int PartWidth => InputWidth / Settings.Layers;

    /// <summary>‖W_dec,i^l‖ of each latent and layer, <c>[n, layers]</c>, at the scale of the weights: where each latent lives.</summary>
    public Matrix LayerNorms()
    {
        var norms = new Matrix(Latents, Settings.Layers);
        for (int i = 0; i < Latents; i++)
            for (int l = 0; l < Settings.Layers; l++) norms[i, l] = (float)Norms.L2(Decoder.Row(i).Slice(l * PartWidth, PartWidth));
        return norms;
    }

    /// <inheritdoc/>
    public override void Decode(SparseCodes codes, Matrix reconstruction)
    {
        base.Decode(codes, reconstruction);
        Scale(reconstruction, divide: true);
    }

    /// <inheritdoc/>
    internal override void InitializeDecoderBias(ReadOnlySpan<float> center)
    {
        center.CopyTo(Weights.DecoderBias.Row(0));
        for (int l = 0; l < Settings.Layers; l++)
        {
            Span<float> part = Weights.DecoderBias.Row(0).Slice(l * PartWidth, PartWidth);
            TensorPrimitives.Multiply(part, scales[0, l], part);
        }
    }

    /// <inheritdoc/>
    internal override void InitializeScales(Matrix sample)
    {
        double[] sums = new double[Settings.Layers];
        for (int r = 0; r < sample.Rows; r++)
            for (int l = 0; l < sums.Length; l++) sums[l] += Norms.L2(sample.Row(r).Slice(l * PartWidth, PartWidth));
        double due = Math.Sqrt(PartWidth);
        for (int l = 0; l < sums.Length; l++) scales[0, l] = sums[l] > 0 ? (float)(due * sample.Rows / sums[l] / InputScale) : 1;
    }

    /// <inheritdoc/>
    internal override Matrix? SelectionWeights()
    {
        if (weights is { } made) return made;
        using Matrix norms = LayerNorms();
        var sums = new Matrix(1, Latents);
        for (int i = 0; i < Latents; i++) sums[0, i] = TensorPrimitives.Sum<float>(norms.Row(i));
        return weights = sums;
    }

    /// <inheritdoc/>
    internal override bool ScalesParts => true;

    /// <inheritdoc/>
    internal override void ScaleBatch(Matrix rows) => Scale(rows, divide: false);

    /// <inheritdoc/>
    internal override void WeightsChanged()
    {
        base.WeightsChanged();
        weights?.Dispose();
        weights = null;
    }

    /// <inheritdoc/>
    private protected override Matrix EncoderInput(Matrix x)
    {
        CheckWidth(x);
        using Matrix scaled = x.Clone();
        Scale(scaled, divide: false);
        return Weights.EncoderInput(scaled, InputScale, Workers.Shared);
    }

    private void Scale(Matrix rows, bool divide)
    {
        for (int r = 0; r < rows.Rows; r++)
        {
            for (int l = 0; l < Settings.Layers; l++)
            {
                Span<float> part = rows.Row(r).Slice(l * PartWidth, PartWidth);
                TensorPrimitives.Multiply(part, divide ? 1 / scales[0, l] : scales[0, l], part);
            }
        }
    }
}
