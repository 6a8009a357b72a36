using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>An autoencoder whose code is sparse: few of its n latents are active for a row, each with a decoder row of its own.</summary>
public abstract class SparseAutoencoder : Autoencoder
{
    private FusedEncoder? idle;

    /// <summary>Sets what every sparse autoencoder has.</summary>
    private protected SparseAutoencoder(DictionaryOptions options, DictionaryWeights weights)
        : base(options, weights.Encoder.Columns, weights.Decoder.Columns) => Weights = weights;

    /// <summary>The tensors of the dictionary.</summary>
    internal DictionaryWeights Weights { get; }

    /// <summary>Number of latents n.</summary>
    public int Latents => Weights.Decoder.Rows;

    /// <summary>The dictionary W_dec, <c>[n, output width]</c>: a latent a row, at the scale of the weights.</summary>
    public Matrix Decoder => Weights.Decoder;

    /// <inheritdoc/>
    internal override IReadOnlyList<Parameter> Parameters => Weights.Parameters;

    /// <summary>A latent counts as firing when its activation is above this: 0, or 0.5 for sigmoid latents, which are never 0.</summary>
    public virtual float FiringThreshold => 0;

    /// <summary>Encodes vectors into new sparse codes.</summary>
    /// <param name="x">Vectors, <c>[batch, input width]</c>.</param>
    public SparseCodes Encode(Matrix x)
    {
        var codes = new SparseCodes(Latents);
        Encode(x, codes);
        return codes;
    }

    /// <summary>Encodes vectors into codes that are reused from call to call.</summary>
    /// <param name="x">Vectors, <c>[batch, input width]</c>.</param>
    /// <param name="codes">Overwritten.</param>
    public abstract void Encode(Matrix x, SparseCodes codes);

    /// <summary>Decodes sparse codes into vectors at the scale of the user's data.</summary>
    /// <param name="codes">Codes over this dictionary.</param>
    /// <param name="reconstruction">Overwritten, <c>[codes.Rows, output width]</c>.</param>
    public virtual void Decode(SparseCodes codes, Matrix reconstruction)
    {
        ArgumentNullException.ThrowIfNull(codes);
        ArgumentNullException.ThrowIfNull(reconstruction);
        if (codes.DictionarySize != Latents)
            throw new ArgumentException(
                $"The codes are over {codes.DictionarySize} latents, but this autoencoder has {Latents}.", nameof(codes));
        if ((reconstruction.Rows, reconstruction.Columns) != (codes.Rows, OutputWidth))
        {
            throw new ArgumentException(
                $"Decoding {codes.Rows} rows of width {OutputWidth} into a [{reconstruction.Rows}, {reconstruction.Columns}] matrix.",
                nameof(reconstruction));
        }

        Weights.Decode(codes, OutputScale, Workers.Shared, reconstruction);
    }

    /// <inheritdoc/>
    public override void Reconstruct(Matrix x, Matrix reconstruction) => Decode(Encode(x), reconstruction);

    /// <inheritdoc/>
    internal override void InitializeDecoderBias(ReadOnlySpan<float> center) => center.CopyTo(Weights.DecoderBias.Row(0));

    /// <summary>
    /// Gives a dead latent a new direction (resampling, Bricken et al. 2023): its decoder row, an encoder row, and its bias as at the
    /// start.
    /// </summary>
    /// <param name="latent">The latent.</param>
    /// <param name="direction">Unit vector of the new decoder row.</param>
    /// <param name="encoder">New encoder row.</param>
    internal virtual void Resample(int latent, ReadOnlySpan<float> direction, ReadOnlySpan<float> encoder)
    {
        direction.CopyTo(Decoder.Row(latent));
        encoder.CopyTo(Weights.Encoder.Row(latent));
        Weights.EncoderBias[0, latent] = 0;
    }

    /// <inheritdoc/>
    private protected override void Release() => Interlocked.Exchange(ref idle, null)?.Dispose();

    /// <summary>Loads vectors into a fused encoder and selects codes with it.</summary>
    /// <remarks>One encoder is kept from call to call: its guess of the thresholds saves a good part of the next selection.</remarks>
    private protected void Select(Matrix x, Action<FusedEncoder> select)
    {
        CheckWidth(x);
        using Matrix input = Weights.EncoderInput(x, InputScale, Workers.Shared);
        FusedEncoder encoder = Interlocked.Exchange(ref idle, null) ?? new FusedEncoder(Workers.Shared);
        try
        {
            encoder.Load(input);
            select(encoder);
        }
        finally
        {
            Interlocked.Exchange(ref idle, encoder)?.Dispose();
        }
    }
}
