using System.Numerics.Tensors;
using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>
/// A dictionary for sequences (SAELens' temporal architecture): attention over the codes of earlier positions predicts a part of each
/// vector,
/// and the codes are of what is new. It is used and converted, not trained; the rows of a call are one sequence, in order.
/// </summary>
internal sealed record TemporalOptions : DictionaryOptions
{
    /// <summary>New latents kept for each position; 0 keeps all that are positive.</summary>
    public int K { get; init; }

    /// <summary>The encoder is the decoder.</summary>
    public bool Tied { get; init; }

    /// <summary>b_dec is subtracted from the input.</summary>
    public bool Centered { get; init; }

    /// <summary>Layers of attention.</summary>
    public int AttentionLayers { get; init; } = 1;

    /// <summary>Heads of a layer of attention.</summary>
    public int Heads { get; init; } = 1;

    /// <summary>Width of keys and queries, all heads together.</summary>
    public int KeyWidth { get; init; } = 1;

    /// <inheritdoc/>
    internal override string Title => "Temporal";

    /// <inheritdoc/>
    internal override bool Trainable => false;

    /// <inheritdoc/>
    public override string Describe() => Invariant($"{Title}, {Latents:N0} latents{(K > 0 ? $", {K} new" : "")}");

    /// <inheritdoc/>
    public override void Validate(int inputWidth, int outputWidth)
    {
        base.Validate(inputWidth, outputWidth);
        if (AttentionLayers < 1 || Heads < 1 || KeyWidth < 1 || K < 0 || KeyWidth % Math.Max(Heads, 1) != 0
            || Latents % Math.Max(Heads, 1) != 0)
        {
            throw new InputException($"attentionLayers is {AttentionLayers}, heads {Heads}, keyWidth {KeyWidth}, k {K} and latents "
                + $"{Latents}; "
                + $"layers and heads are 1 or more, and heads divide keys and latents.");
        }
    }

    /// <inheritdoc/>
    public override double ParameterCount(int inputWidth, int outputWidth)
    {
        double n = Latents;
        return (n * outputWidth) + outputWidth + (Tied ? 0 : n * inputWidth)
            + (AttentionLayers * (((2.0 * KeyWidth) * (n + 1)) + (2 * n * (n + 1))));
    }

    /// <inheritdoc/>
    public override Autoencoder Build(int inputWidth, int outputWidth, Rng? rng) => rng is null
        ? new TemporalAutoencoder(this, inputWidth)
        : throw new InputException("The architecture temporal is read from files; it has no initial weights.");
}

/// <summary>
/// A dictionary for sequences: each layer of attention predicts codes p from those of earlier positions and takes their part of the
/// residual r away, r ← r − s·pW_dec with s the projection of r on it; z = relu(λ·rW_enc), x̂ = (z + Σ s·p)W_dec + b_dec.
/// </summary>
internal sealed class TemporalAutoencoder : SparseAutoencoder
{
    private const float ProjectionEpsilon = 1e-6f;

    /// <summary>Makes one of zeros.</summary>
    public TemporalAutoencoder(TemporalOptions options, int width)
        : base(
            options,
            new DictionaryWeights(options.Latents, width, width, unitDecoder: false, options.Centered, options.Tied),
            width,
            width)
    {
        Options = options;
        var parameters = new List<Parameter>(Weights.Parameters.Where(parameter => parameter.Name is not "b_enc"));
        Layers = [.. Enumerable.Range(0, options.AttentionLayers).Select(layer => new AttentionLayer(
            Add("k_ctx", layer, options.KeyWidth), Add("q_target", layer, options.KeyWidth), Add("v_ctx", layer, options.Latents),
            Add("c_proj", layer, options.Latents)))];
        Parameters = parameters;

        LinearLayer Add(string name, int layer, int outputs)
        {
            var made = new LinearLayer(new Matrix(outputs, options.Latents), new Matrix(1, outputs));
            parameters.Add(new Parameter($"{name}_{layer}", made.Weight));
            parameters.Add(new Parameter($"{name}_{layer}_bias", made.Bias));
            return made;
        }
    }

    /// <inheritdoc/>
    public override TemporalOptions Options { get; }

    /// <inheritdoc/>
    internal override IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>The layers of attention.</summary>
    public IReadOnlyList<AttentionLayer> Layers { get; }

    /// <inheritdoc/>
    public override void Encode(Matrix x, SparseCodes codes)
    {
        ArgumentNullException.ThrowIfNull(codes);
        using Matrix residual = EncoderInput(x);
        using (Matrix predicted = Predict(residual))
        using (Matrix sums = Sums(residual))
        {
            var rows = new List<(int Latent, float Value)>[x.Rows];
            for (int r = 0; r < rows.Length; r++)
            {
                List<(int Latent, float Value)> active = rows[r] = [];
                ReadOnlySpan<float> row = sums.Row(r);
                for (int i = 0; i < row.Length; i++)
                    if (row[i] > 0) active.Add((i, row[i]));
            }

            if (Options.K == 0)
            {
                NarrowedCodes.FromRows(rows, codes);
                return;
            }

            var all = new SparseCodes(Latents);
            NarrowedCodes.FromRows(rows, all);
            NarrowedCodes.ByRow(all, Options.K, codes, Workers.Shared);
        }
    }

    /// <summary>Decodes new codes together with what the sequence's earlier positions predict.</summary>
    /// <inheritdoc/>
    public override void Decode(SparseCodes codes, Matrix input, Matrix reconstruction)
    {
        CheckInput(codes, input);
        Decode(codes, reconstruction);
        using Matrix residual = EncoderInput(input), predicted = Predict(residual), part = new(input.Rows, OutputWidth);
        using var product = new DenseProduct(Workers.Shared);
        product.PackRight(Decoder, transposed: false);
        product.Multiply(predicted, transposed: false, part);
        for (int r = 0; r < part.Rows; r++)
        {
            Span<float> row = reconstruction.Row(r);
            if (OutputScale != 1) TensorPrimitives.Divide(part.Row(r), OutputScale, part.Row(r));
            TensorPrimitives.Add(row, part.Row(r), row);
        }
    }

    /// <inheritdoc/>
    internal override LossAndGradients CreateGradients(Workers workers) =>
        throw new InputException("The architecture temporal can be used but not trained.");

    /// <inheritdoc/>
    private protected override void Release()
    {
        base.Release();
        Weights.EncoderBias.Dispose(); // no parameter here
    }

    // λ·rW_enc, λ = 1/(4d).
    private Matrix Sums(Matrix residual)
    {
        var sums = new Matrix(residual.Rows, Latents);
        using var product = new DenseProduct(Workers.Shared);
        product.PackRight(Weights.Encoder, transposed: true);
        product.Multiply(residual, transposed: false, sums);
        for (int r = 0; r < sums.Rows; r++)
            TensorPrimitives.Multiply(sums.Row(r), 1f / (4 * InputWidth), sums.Row(r));
        return sums;
    }

    private Matrix Rectified(Matrix residual)
    {
        Matrix sums = Sums(residual);
        for (int r = 0; r < sums.Rows; r++) TensorPrimitives.Max(sums.Row(r), 0f, sums.Row(r));
        return sums;
    }

    // The predicted codes, whose part is taken out of the residual.
    private Matrix Predict(Matrix residual)
    {
        var predicted = new Matrix(residual.Rows, Latents);
        foreach (AttentionLayer layer in Layers)
        {
            using Matrix own = Rectified(residual), earlier = new(residual.Rows, Latents), mixed = new(residual.Rows, Latents);
            for (int r = 1; r < residual.Rows; r++) own.Row(r - 1).CopyTo(earlier.Row(r));
            using Matrix keys = layer.Keys.Apply(earlier), queries = layer.Queries.Apply(own), values = layer.Values.Apply(earlier);
            Attend(queries, keys, values, mixed);
            using Matrix codes = layer.Output.Apply(mixed), part = new(residual.Rows, OutputWidth);
            for (int r = 0; r < codes.Rows; r++) TensorPrimitives.Max(codes.Row(r), 0f, codes.Row(r));
            using var product = new DenseProduct(Workers.Shared);
            product.PackRight(Decoder, transposed: false);
            product.Multiply(codes, transposed: false, part);
            for (int r = 0; r < codes.Rows; r++)
            {
                Span<float> left = residual.Row(r);
                double norm = Norms.L2(part.Row(r)) + ProjectionEpsilon;
                float share = (float)(TensorPrimitives.Dot<float>(part.Row(r), left) / (norm * norm));
                TensorPrimitives.MultiplyAdd(codes.Row(r), share, predicted.Row(r), predicted.Row(r));
                TensorPrimitives.MultiplyAdd(part.Row(r), -share, left, left);
            }
        }

        return predicted;
    }

    // Causal attention, position by position: each sees itself and those before.
    private void Attend(Matrix queries, Matrix keys, Matrix values, Matrix mixed)
    {
        int heads = Options.Heads, keyWidth = queries.Columns / heads, valueWidth = values.Columns / heads;
        Workers.Shared.Run(queries.Rows, t =>
        {
            var weights = new float[t + 1];
            for (int head = 0; head < heads; head++)
            {
                ReadOnlySpan<float> query = queries.Row(t).Slice(head * keyWidth, keyWidth);
                for (int s = 0; s <= t; s++)
                    weights[s] = TensorPrimitives.Dot(query, keys.Row(s).Slice(head * keyWidth, keyWidth)) / MathF.Sqrt(keyWidth);
                TensorPrimitives.SoftMax<float>(weights, weights);
                Span<float> target = mixed.Row(t).Slice(head * valueWidth, valueWidth);
                for (int s = 0; s <= t; s++)
                    TensorPrimitives.MultiplyAdd(values.Row(s).Slice(head * valueWidth, valueWidth), weights[s], target, target);
            }
        });
    }
}

/// <summary>A layer of attention over codes.</summary>
/// <param name="Keys">Of the codes one position earlier.</param>
/// <param name="Queries">Of the codes at a position.</param>
/// <param name="Values">Of the codes one position earlier.</param>
/// <param name="Output">Of the mixed values.</param>
internal sealed record AttentionLayer(LinearLayer Keys, LinearLayer Queries, LinearLayer Values, LinearLayer Output);

/// <summary>x·Wᵀ + b.</summary>
/// <param name="Weight"><c>[outputs, inputs]</c>.</param>
/// <param name="Bias"><c>[1, outputs]</c>.</param>
internal sealed record LinearLayer(Matrix Weight, Matrix Bias)
{
    /// <summary>Applies it to rows.</summary>
    public Matrix Apply(Matrix x)
    {
        var y = new Matrix(x.Rows, Weight.Rows);
        using var product = new DenseProduct(Workers.Shared);
        product.PackRight(Weight, transposed: true);
        product.Multiply(x, transposed: false, y);
        for (int r = 0; r < y.Rows; r++) TensorPrimitives.Add(y.Row(r), Bias.Row(0), y.Row(r));
        return y;
    }
}
