using System.Numerics.Tensors;
using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>A dictionary with sparse codes that is trained here: fresh weights, a transcoder's skip connection, ISTA steps.</summary>
internal abstract class TrainedAutoencoder : SparseAutoencoder
{
    private readonly SparseOptions options;
    private readonly double initNorm;
    private readonly bool unitDecoder;
    private readonly List<Parameter> parameters;

    /// <summary>Makes one with fresh weights: random unit decoder rows, biases 0; without a generator, all zero.</summary>
    /// <param name="options">Its settings.</param>
    /// <param name="inputWidth">Width of an input.</param>
    /// <param name="outputWidth">Width of an output.</param>
    /// <param name="rng">Source of the weights.</param>
    /// <param name="unitDecoder">Decoder rows stay at unit norm.</param>
    /// <param name="initNorm">Norm of W_enc's rows at the start, and of W_dec's where they are free.</param>
    private protected TrainedAutoencoder(
        SparseOptions options, int inputWidth, int outputWidth, Rng? rng, bool unitDecoder = true, double initNorm = 1)
        : base(
            options,
            options.Transcoder
                ? DictionaryWeights.BetweenSpaces(options.Latents, inputWidth, outputWidth, rng, unitDecoder, initNorm)
                : new DictionaryWeights(options.Latents, inputWidth, rng, unitDecoder, initNorm))
    {
        (this.options, this.initNorm, this.unitDecoder) = (options, initNorm, unitDecoder);
        parameters = [.. Weights.Parameters];
        if (options.Skip) AddParameter(new Parameter("W_skip", Skip = new Matrix(outputWidth, inputWidth)));
    }

    /// <inheritdoc/>
    internal sealed override IReadOnlyList<Parameter> Parameters => parameters;

    /// <summary>W_skip, <c>[output width, input width]</c>, at the scale of the weights; null without.</summary>
    public Matrix? Skip { get; }

    /// <summary>Adds a tensor to those of the dictionary.</summary>
    private protected void AddParameter(Parameter parameter) => parameters.Add(parameter);

    /// <inheritdoc/>
    public sealed override void Decode(SparseCodes codes, Matrix input, Matrix reconstruction)
    {
        base.Decode(codes, input, reconstruction);
        if (Skip is null) return;
        using var product = new DenseProduct(Workers.Shared);
        using var skipped = new Matrix(input.Rows, OutputWidth);
        product.PackRight(Skip, transposed: true);
        product.Multiply(input, transposed: false, skipped);
        float scale = InputScale / OutputScale;
        for (int r = 0; r < input.Rows; r++)
            TensorPrimitives.MultiplyAdd(skipped.Row(r), scale, reconstruction.Row(r), reconstruction.Row(r));
    }

    /// <inheritdoc/>
    internal sealed override void InitializeDirections(Matrix targets, Workers workers)
    {
        if (options.ActiveSubspace is not { } components) return;
        using Matrix centered = targets.Clone();
        for (int r = 0; r < centered.Rows; r++) TensorPrimitives.Subtract(centered.Row(r), Weights.DecoderBias.Row(0), centered.Row(r));
        (double[][] axes, _) = PrincipalComponents.Compute(centered, components, seed: 0, workers);
        workers.Run(RowParts.Count(Latents), part =>
        {
            (int first, int end) = RowParts.Range(part, Latents);
            double[] row = new double[OutputWidth], kept = new double[OutputWidth];
            for (int latent = first; latent < end; latent++)
            {
                Span<float> decoder = Decoder.Row(latent);
                for (int c = 0; c < row.Length; c++) row[c] = decoder[c];
                Array.Clear(kept);
                foreach (double[] axis in axes) TensorPrimitives.MultiplyAdd(axis, TensorPrimitives.Dot<double>(row, axis), kept, kept);
                double norm = Math.Sqrt(TensorPrimitives.SumOfSquares<double>(kept));
                if (norm == 0) continue;
                for (int c = 0; c < row.Length; c++) decoder[c] = (float)(kept[c] / norm * (unitDecoder ? 1 : initNorm));
                if (options.Transcoder) continue; // whose inputs are in another space
                for (int c = 0; c < row.Length; c++) Weights.Encoder[latent, c] = (float)(kept[c] / norm * initNorm);
            }
        });
        WeightsChanged();
    }

    /// <summary>What an ISTA step encodes: the input plus a share of what its first codes leave over.</summary>
    private protected Matrix Refined(Matrix input, SparseCodes first, double step)
    {
        var refined = new Matrix(input.Rows, input.Columns);
        Weights.Refine(input, first, step, Workers.Shared, refined);
        return refined;
    }

    /// <summary>Selects the k largest positive pre-activations of each row of an encoder's input.</summary>
    private protected void SelectTopK(Matrix input, int k, SparseCodes codes) =>
        SelectTopK(input, k, Weights.EncoderBias, scales: null, signed: false, codes);

    /// <summary>Selects each row's pre-activations above a threshold.</summary>
    private protected void SelectAbove(Matrix input, float threshold, SparseCodes codes) =>
        SelectAbove(input, threshold, Weights.EncoderBias, scales: null, codes);
}
