using System.Numerics.Tensors;
using System.Text.Json.Serialization;
using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Autoencoders;

/// <summary>Which of the pre-activations of several layers become codes.</summary>
[JsonConverter(typeof(CamelCaseEnum<LayerActivation>))]
internal enum LayerActivation
{
    /// <summary>Those above 0.</summary>
    Relu,

    /// <summary>Those above their latent's threshold.</summary>
    JumpRelu,

    /// <summary>The k largest of each layer.</summary>
    TopK,

    /// <summary>The k largest of all layers together.</summary>
    TopKOfAll,
}

/// <summary>
/// A dictionary over several layers whose codes are each layer's own: a cross-layer transcoder, whose latents write to their layer and all
/// later ones, or a crosscoder that selects for each layer. It is used and converted, not trained.
/// </summary>
/// <remarks>
/// A vector is the layers' vectors side by side; latents are numbered layer after layer, so that latent i of layer l of L is l·n/L + i.
/// </remarks>
internal sealed record MultilayerOptions : DictionaryOptions
{
    /// <summary>Number of layers.</summary>
    public int Layers { get; init; } = 2;

    /// <summary>Which pre-activations become codes.</summary>
    public LayerActivation Activation { get; init; }

    /// <summary>Latents kept: of each layer, or of all together.</summary>
    public int K { get; init; }

    /// <summary>Values below 0 are kept too where thresholds are lower.</summary>
    public bool Signed { get; init; }

    /// <summary>One encoder reads all layers, and its sums are those of every layer's latents; false: each layer has an encoder of its
    /// own.</summary>
    public bool SharedEncoder { get; init; }

    /// <summary>Latents write to their own layer and all later ones; false: to their own alone.</summary>
    public bool WritesLater { get; init; }

    /// <summary>Latents are selected by their values times the norms of what they write.</summary>
    public bool Weighed { get; init; }

    /// <summary>Inputs become (x − norm_mean)·norm_scale, and outputs y·restore_scale + restore_mean, element by element.</summary>
    public bool Normalizes { get; init; }

    /// <inheritdoc/>
    internal override string Title => WritesLater ? "Cross-layer transcoder" : "Crosscoder";

    /// <inheritdoc/>
    internal override bool Trainable => false;

    /// <inheritdoc/>
    internal override bool MapsBetweenSpaces => true;

    /// <summary>Latents of one layer.</summary>
    internal int LatentsOfLayer => Latents / Layers;

    /// <inheritdoc/>
    public override string Describe() => Invariant($"{Title}, {Layers} layers, {Latents:N0} latents");

    /// <inheritdoc/>
    public override void Validate(int inputWidth, int outputWidth)
    {
        base.Validate(inputWidth, outputWidth);
        if (Layers < 1 || Latents % Math.Max(Layers, 1) != 0 || inputWidth % Math.Max(Layers, 1) != 0
            || outputWidth % Math.Max(Layers, 1) != 0)
        {
            throw new InputException($"layers is {Layers}, which does not divide the {Latents} latents and the widths {inputWidth} and "
                + $"{outputWidth}.");
        }

        if (Activation is LayerActivation.TopK or LayerActivation.TopKOfAll && K < 1)
            throw new InputException($"k is {K}; at least one latent has to stay active.");
    }

    /// <inheritdoc/>
    public override double ParameterCount(int inputWidth, int outputWidth)
    {
        double ofLayer = Latents / (double)Layers, output = outputWidth / (double)Layers;
        double encoder = SharedEncoder ? ofLayer * (inputWidth + 1.0) : Latents * ((inputWidth / (double)Layers) + 1);
        double blocks = WritesLater ? Layers * (Layers + 1) / 2.0 : Layers;
        return encoder + (blocks * ofLayer * output) + outputWidth + (Activation == LayerActivation.JumpRelu ? Latents : 0)
            + (Normalizes ? (2.0 * inputWidth) + (2.0 * outputWidth) : 0);
    }

    /// <inheritdoc/>
    public override Autoencoder Build(int inputWidth, int outputWidth, Rng? rng) => rng is null
        ? new MultilayerAutoencoder(this, inputWidth, outputWidth)
        : throw new InputException("The architecture multilayer is read from files; it has no initial weights.");
}

/// <summary>
/// A dictionary over several layers: u_l = W_enc,l x̄_l + b_enc,l (or one sum for all layers), z_l = activation(u_l ⊙ w_l)/w_l,
/// ŷ_m = Σ_l z_l W_dec,l→m + b_dec,m. The blocks l→m are matrices of their own; those of layers before l do not exist.
/// </summary>
internal sealed class MultilayerAutoencoder : SparseAutoencoder
{
    private readonly Lock gate = new();
    private Matrix[]? weights, selectionBiases; // a layer each, made when they are first used

    /// <summary>Makes one of zeros.</summary>
    public MultilayerAutoencoder(MultilayerOptions options, int inputWidth, int outputWidth)
        : base(options, weights: null, inputWidth, outputWidth)
    {
        Options = options;
        int n = options.LatentsOfLayer, layers = options.Layers, width = inputWidth / layers, output = outputWidth / layers;
        var parameters = new List<Parameter>();
        Matrix Add(string name, int rows, int columns)
        {
            var value = new Matrix(rows, columns);
            parameters.Add(new Parameter(name, value));
            return value;
        }

        int encoders = options.SharedEncoder ? 1 : layers;
        Encoders = [.. Enumerable.Range(0, encoders).Select(l => Add($"W_enc_{l}", n, options.SharedEncoder ? inputWidth : width))];
        EncoderBiases = [.. Enumerable.Range(0, encoders).Select(l => Add($"b_enc_{l}", 1, n))];
        if (options.Activation == LayerActivation.JumpRelu) Thresholds = [.. Enumerable.Range(0, layers).Select(l =>
            Add($"threshold_{l}", 1, n))];
        Blocks = [.. Enumerable.Range(0, layers).Select(l =>
            (IReadOnlyList<Matrix>)[.. Enumerable.Range(l, options.WritesLater ? layers - l : 1).Select(m => Add($"W_dec_{l}_{m}", n,
                output))])];
        DecoderBias = Add("b_dec", 1, outputWidth);
        if (options.Normalizes)
        {
            NormMean = Add("norm_mean", 1, inputWidth);
            NormScale = Add("norm_scale", 1, inputWidth);
            RestoreScale = Add("restore_scale", 1, outputWidth);
            RestoreMean = Add("restore_mean", 1, outputWidth);
        }

        Parameters = parameters;
    }

    /// <inheritdoc/>
    public override MultilayerOptions Options { get; }

    /// <inheritdoc/>
    public override int Latents => Options.Latents;

    /// <summary>There is none: a latent writes to several layers, or to one of them.</summary>
    /// <exception cref="InputException">Always; it says so.</exception>
    public override Matrix Decoder => throw new InputException(
        $"A latent of this {Options.Title.ToLowerInvariant()} has a decoder row for each layer that it writes to, so that what needs one "
            + $"dictionary for one hook cannot be done with it; encoding, evaluation and conversion can.");

    /// <inheritdoc/>
    internal override IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>W_enc of each layer, <c>[n/L, width of a layer]</c>; or one of all, <c>[n/L, input width]</c>.</summary>
    public IReadOnlyList<Matrix> Encoders { get; }

    /// <summary>b_enc of each encoder.</summary>
    public IReadOnlyList<Matrix> EncoderBiases { get; }

    /// <summary>Thresholds of each layer's latents; null without.</summary>
    public IReadOnlyList<Matrix>? Thresholds { get; }

    /// <summary>W_dec of each layer: to itself, and to each later layer where latents write there, <c>[n/L, width of a
    /// layer]</c>.</summary>
    public IReadOnlyList<IReadOnlyList<Matrix>> Blocks { get; }

    /// <summary>b_dec of all layers.</summary>
    public Matrix DecoderBias { get; }

    /// <summary>What is subtracted from inputs, or null.</summary>
    public Matrix? NormMean { get; }

    /// <summary>What inputs are then multiplied by, or null.</summary>
    public Matrix? NormScale { get; }

    /// <summary>What outputs are multiplied by, or null.</summary>
    public Matrix? RestoreScale { get; }

    /// <summary>What is then added to outputs, or null.</summary>
    public Matrix? RestoreMean { get; }

    /// <summary>Norms of what each layer's latents write; null where latents are not weighed.</summary>
    internal IReadOnlyList<Matrix>? SelectionWeights
    {
        get
        {
            if (!Options.Weighed) return null;
            lock (gate) return weights ??= [.. Blocks.Select(NormsOf)];
        }
    }

    /// <inheritdoc/>
    public override void Encode(Matrix x, SparseCodes codes)
    {
        ArgumentNullException.ThrowIfNull(codes);
        CheckWidth(x);
        using Matrix input = Normalize(x);
        using var encoder = new FusedEncoder(Workers.Shared);
        SparseCodes? shared = Options.SharedEncoder ? Positive(encoder, input, 0) : null;
        var ofLayers = new SparseCodes[Options.Layers];
        for (int layer = 0; layer < ofLayers.Length; layer++)
            ofLayers[layer] = shared is null ? Select(encoder, input, layer) : Selected(shared, layer);
        if (Options.Activation != LayerActivation.TopKOfAll)
        {
            Join(ofLayers, codes);
            Unweigh(codes);
            return;
        }

        var all = new SparseCodes(Latents);
        Join(ofLayers, all);
        NarrowedCodes.ByRow(all, Options.K, codes, Workers.Shared);
        Unweigh(codes);
    }

    /// <inheritdoc/>
    public override unsafe void Decode(SparseCodes codes, Matrix reconstruction)
    {
        CheckDecoded(codes, reconstruction);
        KernelSet kernels = KernelSet.Current;
        int n = Options.LatentsOfLayer, width = OutputWidth / Options.Layers;
        Workers.Shared.Run(RowParts.Count(codes.Rows), part =>
        {
            (int first, int end) = RowParts.Range(part, codes.Rows);
            for (int r = first; r < end; r++)
            {
                Span<float> row = reconstruction.Row(r);
                DecoderBias.Row(0).CopyTo(row);
                ReadOnlySpan<int> latents = codes.Latents(r);
                ReadOnlySpan<float> values = codes.Values(r);
                float* output = reconstruction.Pointer + ((nint)r * OutputWidth);
                for (int from = 0; from < latents.Length;)
                {
                    int layer = latents[from] / n, until = from;
                    var own = new List<int>();
                    for (; until < latents.Length && latents[until] / n == layer; until++) own.Add(latents[until] - (layer * n));
                    int[] rows = [.. own];
                    for (int later = 0; later < Blocks[layer].Count; later++)
                        fixed (int* chosen = rows)
                        fixed (float* z = values[from..until])
                            kernels.WeightedSum(
                                output + ((layer + later) * (nint)width), Blocks[layer][later].Pointer, width, chosen, z, rows.Length);
                    from = until;
                }

                if (RestoreScale is not null) TensorPrimitives.MultiplyAdd(row, RestoreScale.Row(0), RestoreMean!.Row(0), row);
                if (OutputScale != 1) TensorPrimitives.Divide(row, OutputScale, row);
            }
        });
    }

    /// <inheritdoc/>
    internal override void InitializeDecoderBias(ReadOnlySpan<float> center) => center.CopyTo(DecoderBias.Row(0));

    /// <inheritdoc/>
    internal override LossAndGradients CreateGradients(Workers workers) =>
        throw new InputException("The architecture multilayer can be used but not trained.");

    /// <inheritdoc/>
    internal override void WeightsChanged()
    {
        base.WeightsChanged();
        lock (gate)
        {
            foreach (Matrix made in (weights ?? []).Concat(selectionBiases ?? [])) made.Dispose();
            (weights, selectionBiases) = (null, null);
        }
    }

    private Matrix Normalize(Matrix x)
    {
        var input = new Matrix(x.Rows, x.Columns);
        Workers.Shared.Run(RowParts.Count(x.Rows), part =>
        {
            (int first, int end) = RowParts.Range(part, x.Rows);
            for (int r = first; r < end; r++)
            {
                Span<float> row = input.Row(r);
                TensorPrimitives.Multiply(x.Row(r), InputScale, row);
                if (NormMean is null) continue;
                TensorPrimitives.Subtract(row, NormMean.Row(0), row);
                TensorPrimitives.Multiply(row, NormScale!.Row(0), row);
            }
        });
        return input;
    }

    private static Matrix OfLayer(Matrix input, int layer, int width)
    {
        var part = new Matrix(input.Rows, width);
        for (int r = 0; r < input.Rows; r++) input.Row(r).Slice(layer * width, width).CopyTo(part.Row(r));
        return part;
    }

    private unsafe SparseCodes Positive(FusedEncoder encoder, Matrix input, int layer)
    {
        var codes = new SparseCodes(Options.LatentsOfLayer);
        encoder.Load(input);
        encoder.Above(Encoders[layer], EncoderBiases[layer].Pointer, 0, codes);
        return codes;
    }

    // A layer's codes by the encoder of its own, times its weights.
    private unsafe SparseCodes Select(FusedEncoder encoder, Matrix input, int layer)
    {
        var codes = new SparseCodes(Options.LatentsOfLayer);
        using Matrix own = OfLayer(input, layer, InputWidth / Options.Layers);
        float* factors = SelectionWeights is { } all ? all[layer].Pointer : null;
        Matrix bias = SelectionBias(layer);
        encoder.Load(own);
        if (Options.Activation == LayerActivation.TopK)
            encoder.TopK(Encoders[layer], bias.Pointer, Math.Min(Options.K, Options.LatentsOfLayer), [], codes, factors);
        else
            encoder.Above(Encoders[layer], bias.Pointer, 0, codes, factors);
        if (Options.Activation == LayerActivation.JumpRelu) NarrowedCodes.Map(codes, (latent, value) => value + Bound(layer, latent));
        return codes;
    }

    // A layer's codes of sums that all layers share, times its weights.
    private SparseCodes Selected(SparseCodes shared, int layer)
    {
        Matrix? factors = SelectionWeights?[layer];
        SparseCodes weighed = NarrowedCodes.Mapped(shared, (latent, value) => factors is null ? value : value * factors[0, latent]);
        if (Options.Activation == LayerActivation.TopK)
        {
            var largest = new SparseCodes(weighed.DictionarySize);
            NarrowedCodes.ByRow(weighed, Options.K, largest, Workers.Shared);
            return largest;
        }

        NarrowedCodes.Map(weighed, (latent, value) => Options.Activation == LayerActivation.JumpRelu
            && !(value > Bound(layer, latent)) ? 0 : value);
        return weighed;
    }

    private float Bound(int layer, int latent) =>
        Options.Signed ? Thresholds![layer][0, latent] : MathF.Max(Thresholds![layer][0, latent], 0);

    private Matrix SelectionBias(int layer)
    {
        IReadOnlyList<Matrix>? factors = SelectionWeights;
        lock (gate) return (selectionBiases ??= [.. Enumerable.Range(0, Options.Layers).Select(Make)])[layer];

        Matrix Make(int of)
        {
            Matrix bias = EncoderBiases[Options.SharedEncoder ? 0 : of].Clone();
            if (factors is not null) TensorPrimitives.Multiply(bias.Row(0), factors[of].Row(0), bias.Row(0));
            if (Thresholds is not null)
                for (int i = 0; i < bias.Columns; i++) bias[0, i] -= Bound(of, i);
            return bias;
        }
    }

    private static void Join(SparseCodes[] ofLayers, SparseCodes codes)
    {
        int rows = ofLayers[0].Rows, n = ofLayers[0].DictionarySize;
        codes.Layout([.. Enumerable.Range(0, rows).Select(r => ofLayers.Sum(layer => layer.RowCount(r)))]);
        int at = 0;
        for (int r = 0; r < rows; r++)
        {
            for (int layer = 0; layer < ofLayers.Length; layer++)
            {
                ReadOnlySpan<int> latents = ofLayers[layer].Latents(r);
                ofLayers[layer].Values(r).CopyTo(codes.ValuesForWriting[at..]);
                foreach (int latent in latents) codes.LatentsForWriting[at++] = (layer * n) + latent;
            }
        }
    }

    private void Unweigh(SparseCodes codes)
    {
        if (SelectionWeights is not { } all) return;
        int n = Options.LatentsOfLayer;
        NarrowedCodes.Map(codes, (latent, value) =>
        {
            float weight = all[latent / n][0, latent % n];
            return weight == 0 ? 0 : value / weight;
        });
    }

    private static Matrix NormsOf(IReadOnlyList<Matrix> blocks)
    {
        var norms = new Matrix(1, blocks[0].Rows);
        for (int i = 0; i < norms.Columns; i++)
        {
            double squares = 0;
            foreach (Matrix block in blocks) squares += Math.Pow(Norms.L2(block.Row(i)), 2);
            norms[0, i] = (float)Math.Sqrt(squares);
        }

        return norms;
    }
}
