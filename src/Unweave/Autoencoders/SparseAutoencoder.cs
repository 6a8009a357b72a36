using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>An autoencoder whose code is sparse: few of its n latents are active for a row, each with a decoder row of its own.</summary>
public abstract class SparseAutoencoder : Autoencoder
{
    // Up to so many rows are encoded one after another, screened by a copy of W_enc in 8 bits: packing all of W_enc takes longer.
    private const int FewRows = 8;

    private readonly DictionaryWeights? weights;
    private readonly Lock screenGate = new();
    private FusedEncoder? idle;
    private ScreenedEncoder? idleForFew;
    private Int8Matrix? screen; // made when it is first used

    /// <summary>Sets what every sparse autoencoder has.</summary>
    private protected SparseAutoencoder(DictionaryOptions options, DictionaryWeights weights)
        : this(options, weights, weights.Encoder.Columns, weights.Decoder.Columns)
    {
    }

    /// <summary>Sets what every sparse autoencoder has, where a dictionary's rows are not as wide as its inputs and outputs.</summary>
    private protected SparseAutoencoder(DictionaryOptions options, DictionaryWeights? weights, int inputWidth, int outputWidth)
        : base(options, inputWidth, outputWidth) => this.weights = weights;

    /// <summary>The tensors of the dictionary; one over several layers has others.</summary>
    internal DictionaryWeights Weights => weights ?? throw new InputException($"{Options.Describe()}: it has no one dictionary.");

    /// <summary>Number of latents n.</summary>
    public virtual int Latents => Weights.Decoder.Rows;

    /// <summary>The dictionary W_dec, <c>[n, output width]</c>: a latent a row, at the scale of the weights.</summary>
    public virtual Matrix Decoder => Weights.Decoder;

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

    /// <summary>True where training selects the active latents of a batch together, and use afterwards those above a threshold.</summary>
    internal virtual bool SelectsByBatch => false;

    /// <summary>Encodes vectors as training does: where it selects by batch, these vectors are one.</summary>
    /// <param name="x">Vectors, <c>[batch, input width]</c>.</param>
    /// <param name="codes">Overwritten.</param>
    internal virtual void EncodeBatch(Matrix x, SparseCodes codes) => Encode(x, codes);

    /// <summary>Decodes sparse codes into vectors at the scale of the user's data.</summary>
    /// <param name="codes">Codes over this dictionary.</param>
    /// <param name="reconstruction">Overwritten, <c>[codes.Rows, output width]</c>.</param>
    public virtual void Decode(SparseCodes codes, Matrix reconstruction)
    {
        CheckDecoded(codes, reconstruction);
        Weights.Decode(codes, OutputScale, Workers.Shared, reconstruction);
    }

    /// <summary>Refuses codes over another dictionary, and a reconstruction of another shape.</summary>
    private protected void CheckDecoded(SparseCodes codes, Matrix reconstruction)
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
    }

    /// <summary>
    /// Decodes sparse codes beside the vectors that they are of: with what codes alone do not tell, which is a skip connection from the
    /// input and each row's own scale where the input was normalized. Whoever has the vectors decodes so.
    /// </summary>
    /// <param name="codes">Codes over this dictionary: those of <paramref name="input"/>, or changed ones.</param>
    /// <param name="input">The vectors, <c>[codes.Rows, input width]</c>.</param>
    /// <param name="reconstruction">Overwritten, <c>[codes.Rows, output width]</c>.</param>
    public virtual void Decode(SparseCodes codes, Matrix input, Matrix reconstruction)
    {
        CheckInput(codes, input);
        Decode(codes, reconstruction);
    }

    /// <summary>Refuses codes of other rows than the input's.</summary>
    private protected void CheckInput(SparseCodes codes, Matrix input)
    {
        ArgumentNullException.ThrowIfNull(codes);
        CheckWidth(input);
        if (input.Rows != codes.Rows)
            throw new ArgumentException($"The codes have {codes.Rows} rows, but the input has {input.Rows}.", nameof(input));
    }

    /// <inheritdoc/>
    public override void Reconstruct(Matrix x, Matrix reconstruction) => Decode(Encode(x), x, reconstruction);

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
    internal override void WeightsChanged()
    {
        lock (screenGate)
        {
            screen?.Dispose();
            screen = null;
        }
    }

    /// <inheritdoc/>
    private protected override void Release()
    {
        Interlocked.Exchange(ref idle, null)?.Dispose();
        Interlocked.Exchange(ref idleForFew, null)?.Dispose();
        WeightsChanged();
    }

    /// <summary>What the encoder multiplies: vectors at the scale of the weights, less b_dec where it is centered.</summary>
    private protected virtual Matrix EncoderInput(Matrix x)
    {
        CheckWidth(x);
        return Weights.EncoderInput(x, InputScale, Workers.Shared);
    }

    /// <summary>Selects the k largest sums of each row of an encoder's input.</summary>
    /// <param name="input">What the encoder multiplies.</param>
    /// <param name="k">Entries kept.</param>
    /// <param name="bias">Added to each latent's product.</param>
    /// <param name="scales">A factor on each latent's product; null for none.</param>
    /// <param name="signed">False keeps positive sums only.</param>
    /// <param name="codes">Overwritten.</param>
    /// <param name="magnitude">True keeps the sums of largest magnitude.</param>
    private protected unsafe void SelectTopK(
        Matrix input, int k, Matrix bias, Matrix? scales, bool signed, SparseCodes codes, bool magnitude = false) => Select(
        input,
        codes,
        scales is null && !signed && !magnitude
            ? encoder => encoder.TryTopK(Screen(), Weights.Encoder, bias.Row(0), k, input, codes)
            : null,
        encoder => encoder.TopK(
            Weights.Encoder, bias.Pointer, k, [], codes, scales is null ? null : scales.Pointer, signed, magnitude));

    /// <summary>Selects the sums of each row of an encoder's input that are above a threshold; parameters as above.</summary>
    private protected unsafe void SelectAbove(Matrix input, float threshold, Matrix bias, Matrix? scales, SparseCodes codes) => Select(
        input,
        codes,
        scales is null ? encoder => encoder.TryAbove(Screen(), Weights.Encoder, bias.Row(0), threshold, input, codes) : null,
        encoder => encoder.Above(Weights.Encoder, bias.Pointer, threshold, codes, scales is null ? null : scales.Pointer));

    // One encoder of each kind is kept from call to call: its memory, and the fused one's guess of the thresholds, serve the next.
    private void Select(Matrix input, SparseCodes codes, Func<ScreenedEncoder, bool>? few, Action<FusedEncoder> all)
    {
        ArgumentNullException.ThrowIfNull(codes);
        if (few is not null && input.Rows <= FewRows && input.Columns <= Int8Matrix.MostColumns && TrySelectFew(few)) return;
        FusedEncoder encoder = Interlocked.Exchange(ref idle, null) ?? new FusedEncoder(Workers.Shared);
        try
        {
            encoder.Load(input);
            all(encoder);
        }
        finally
        {
            Interlocked.Exchange(ref idle, encoder)?.Dispose();
        }
    }

    private bool TrySelectFew(Func<ScreenedEncoder, bool> select)
    {
        ScreenedEncoder encoder = Interlocked.Exchange(ref idleForFew, null) ?? new ScreenedEncoder();
        try
        {
            return select(encoder);
        }
        finally
        {
            Interlocked.Exchange(ref idleForFew, encoder)?.Dispose();
        }
    }

    private Int8Matrix Screen()
    {
        lock (screenGate) return screen ??= new Int8Matrix(Weights.Encoder, Workers.Shared);
    }
}
