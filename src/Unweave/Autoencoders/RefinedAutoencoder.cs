using System.Numerics.Tensors;
using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>
/// An autoencoder whose codes are improved after it has encoded, by what they reconstruct: latents that the others of a row make needless
/// are dropped (<see cref="CodePruning"/>), and the values of those that stay are found anew (<see cref="CodeRefit"/>). It takes the
/// autoencoder over and is disposed in its place.
/// </summary>
internal sealed class RefinedAutoencoder : SparseAutoencoder
{
    private readonly SparseAutoencoder inner;
    private readonly double? prune;
    private readonly bool refit;

    /// <summary>Takes an autoencoder over.</summary>
    /// <param name="inner">The autoencoder.</param>
    /// <param name="prune">
    /// A latent stays where its value beside the others is above this, at the scale of the weights; null drops none.
    /// </param>
    /// <param name="refit">Whether values are found anew, by non-negative least squares over a row's latents.</param>
    /// <exception cref="InputException">Its codes do not reconstruct its input as a sum of decoder rows.</exception>
    public RefinedAutoencoder(SparseAutoencoder inner, double? prune, bool refit)
        : base((DictionaryOptions)inner.Options, inner.Weights)
    {
        if (prune is not (null or >= 0 and < double.PositiveInfinity))
            throw new InputException($"The threshold of pruning is {prune}; it is 0 or more.");
        string? why = inner switch
        {
            _ when inner.Options.MapsBetweenSpaces && inner.Options is not PretrainedOptions || inner.InputWidth != inner.OutputWidth =>
                "it is a transcoder, whose target is not known when it encodes",
            PretrainedAutoencoder { Options: { LatentScale: true } or { GivesWeighed: true } or { Skip: true } } =>
                "its output is not a sum of decoder rows times codes",
            PretrainedAutoencoder { Options.Normalization: not InputNormalization.None } => "it normalizes its inputs itself",
            AbsTopKAutoencoder when refit => "its codes have both signs, and refitted ones have none below 0",
            KlAutoencoder => "its codes are never 0",
            _ => null,
        };
        if (why is not null) throw new InputException($"The codes of {inner.Options.Describe()} cannot be pruned or refitted: {why}.");
        (this.inner, this.prune, this.refit) = (inner, prune, refit);
        (InputScale, OutputScale, Origin) = (inner.InputScale, inner.OutputScale, inner.Origin);
    }

    /// <inheritdoc/>
    public override AutoencoderOptions Options => inner.Options;

    /// <inheritdoc/>
    internal override IReadOnlyList<Parameter> Parameters => inner.Parameters;

    /// <inheritdoc/>
    public override void Encode(Matrix x, SparseCodes codes)
    {
        inner.Encode(x, codes);
        Improve(x, codes);
    }

    /// <inheritdoc/>
    internal override bool SelectsByBatch => inner.SelectsByBatch;

    /// <inheritdoc/>
    internal override void EncodeBatch(Matrix x, SparseCodes codes)
    {
        inner.EncodeBatch(x, codes);
        Improve(x, codes);
    }

    /// <inheritdoc/>
    public override void Decode(SparseCodes codes, Matrix reconstruction) => inner.Decode(codes, reconstruction);

    /// <inheritdoc/>
    internal override LossAndGradients CreateGradients(Workers workers) => inner.CreateGradients(workers);

    /// <inheritdoc/>
    private protected override void Release()
    {
        base.Release();
        inner.Dispose();
    }

    private void Improve(Matrix x, SparseCodes codes)
    {
        using Matrix scaled = x.Clone();
        TensorPrimitives.Multiply(scaled.AsSpan(), OutputScale, scaled.AsSpan());
        ReadOnlySpan<float> bias = Weights.DecoderBias.Row(0);
        SparseCodes improved = prune is { } threshold
            ? CodePruning.Prune(codes, Weights.Decoder, bias, scaled, (float)threshold, Workers.Shared)
            : codes;
        if (refit) improved = CodeRefit.Refit(improved, Weights.Decoder, bias, scaled, Workers.Shared, out _);
        if (ReferenceEquals(improved, codes)) return;
        int[] lengths = [.. Enumerable.Range(0, improved.Rows).Select(improved.RowCount)];
        codes.Layout(lengths);
        improved.AllLatents.CopyTo(codes.LatentsForWriting);
        improved.AllValues.CopyTo(codes.ValuesForWriting);
    }
}
