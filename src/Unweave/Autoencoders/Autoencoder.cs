using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>A named tensor of weights that training changes.</summary>
/// <param name="Name">Its name in checkpoints, for example <c>W_dec</c>.</param>
/// <param name="Value">Its value; a vector is a matrix of one row.</param>
/// <param name="UnitRows">Every row is held at unit norm: its gradient loses the part along the row, and the row is renormalised after each update.</param>
/// <param name="PerLatent">Each row (of a vector: each element) belongs to one latent, and starts afresh when that latent is resampled.</param>
public sealed record Parameter(string Name, Matrix Value, bool UnitRows = false, bool PerLatent = false);

/// <summary>
/// A model that encodes a vector and decodes it again. Inputs of any scale are taken as they are: <see cref="InputScale"/> brings
/// them to the scale that the weights were trained at, and reconstructions back.
/// </summary>
public abstract class Autoencoder : IDisposable
{
    /// <summary>Sets what every autoencoder has.</summary>
    protected Autoencoder(AutoencoderOptions options, int inputWidth)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate(inputWidth);
        InputWidth = inputWidth;
    }

    /// <summary>The settings it was built from.</summary>
    public abstract AutoencoderOptions Options { get; }

    /// <summary>Width d of the vectors.</summary>
    public int InputWidth { get; }

    /// <summary>Factor from the user's vectors to the scale of the weights: √d over the mean norm of the training set. Default 1.</summary>
    public float InputScale { get; set; } = 1;

    /// <summary>The weights, each with its name, in the order in which checkpoints hold them.</summary>
    public abstract IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>Encodes and decodes.</summary>
    /// <param name="x">Vectors, <c>[batch, d]</c>.</param>
    /// <param name="reconstruction">Their reconstructions, <c>[batch, d]</c>, at the scale of <paramref name="x"/>.</param>
    public abstract void Reconstruct(Matrix x, Matrix reconstruction);

    /// <summary>Sets the weights that start from the data: the decoder's bias starts at the centre of the inputs.</summary>
    /// <param name="centre">Centre of the scaled inputs (their geometric median), d values.</param>
    public abstract void StartAt(ReadOnlySpan<float> centre);

    /// <summary>Makes the buffers and the code that compute this model's loss and gradients for training.</summary>
    /// <param name="workers">The threads to run on.</param>
    public abstract Gradients CreateGradients(Workers workers);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Parameter parameter in Parameters) parameter.Value.Dispose();
        Release();
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives back what an autoencoder keeps beside its weights.</summary>
    private protected virtual void Release()
    {
    }

    /// <summary>Refuses vectors of another width.</summary>
    protected void CheckWidth(Matrix x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.Columns != InputWidth) throw new InputException($"The vectors have width {x.Columns}, but this autoencoder was trained on width {InputWidth}; give it vectors of the same model and layer.");
    }
}

/// <summary>An autoencoder whose code is sparse: few of its n latents are active for a row, each with a decoder row of its own.</summary>
public abstract class SparseAutoencoder : Autoencoder
{
    /// <summary>Sets what every sparse autoencoder has.</summary>
    protected SparseAutoencoder(DictionaryOptions options, int inputWidth)
        : base(options, inputWidth) => Latents = options.Latents;

    /// <summary>Number of latents n.</summary>
    public int Latents { get; }

    /// <summary>The dictionary W_dec, <c>[n, d]</c>: a latent a row, at the scale of the weights.</summary>
    public abstract Matrix Decoder { get; }

    /// <summary>Gives a dead latent a new direction (resampling, Bricken et al. 2023): its decoder row, a smaller encoder row along it, no bias.</summary>
    /// <param name="latent">The latent.</param>
    /// <param name="direction">Unit vector, d values.</param>
    /// <param name="encoderNorm">Norm of the new encoder row.</param>
    public abstract void Replace(int latent, ReadOnlySpan<float> direction, float encoderNorm);

    /// <summary>A latent counts as firing when its activation is above this: 0, or 0.5 for sigmoid latents, which are never 0.</summary>
    public virtual float FiringThreshold => 0;

    /// <summary>Encodes vectors into new sparse codes.</summary>
    /// <param name="x">Vectors, <c>[batch, d]</c>.</param>
    public SparseCodes Encode(Matrix x)
    {
        var codes = new SparseCodes(Latents);
        Encode(x, codes);
        return codes;
    }

    /// <summary>Encodes vectors into codes that are reused from call to call.</summary>
    /// <param name="x">Vectors, <c>[batch, d]</c>.</param>
    /// <param name="codes">Overwritten.</param>
    public abstract void Encode(Matrix x, SparseCodes codes);

    /// <summary>Decodes sparse codes into vectors at the scale of the user's data.</summary>
    /// <param name="codes">Codes over this dictionary.</param>
    /// <param name="reconstruction">Overwritten, <c>[codes.Rows, d]</c>.</param>
    public abstract void Decode(SparseCodes codes, Matrix reconstruction);

    /// <summary>Refuses codes of another dictionary and a destination of another shape.</summary>
    protected void CheckDecode(SparseCodes codes, Matrix reconstruction)
    {
        ArgumentNullException.ThrowIfNull(codes);
        ArgumentNullException.ThrowIfNull(reconstruction);
        if (codes.DictionarySize != Latents) throw new ArgumentException($"The codes are over {codes.DictionarySize} latents, but this autoencoder has {Latents}.", nameof(codes));
        if (reconstruction.Rows != codes.Rows || reconstruction.Columns != InputWidth) throw new ArgumentException($"Decoding {codes.Rows} rows of width {InputWidth} into a [{reconstruction.Rows}, {reconstruction.Columns}] matrix.", nameof(reconstruction));
    }
}

/// <summary>What the trainer tells a model at one step.</summary>
/// <param name="SparsityWarmup">Factor on the sparsity penalty, from 0 at the start of its warm-up to 1.</param>
/// <param name="Dead">Latents that have not fired for long, ascending: AuxK gives them the residual to explain.</param>
/// <param name="NoiseSeed">Seed of this step's input corruption (denoising).</param>
public readonly record struct StepSettings(double SparsityWarmup, ReadOnlyMemory<int> Dead, ulong NoiseSeed);

/// <summary>The terms of a batch's loss: each summed over d and averaged over the batch, weights included.</summary>
/// <param name="Reconstruction">‖x − x̂‖²; of a variational autoencoder −ln p(x|z).</param>
/// <param name="Sparsity">The penalty on codes: L1 or KL; 0 for TopK.</param>
/// <param name="Auxiliary">AuxK and Multi-TopK.</param>
public readonly record struct LossTerms(double Reconstruction, double Sparsity, double Auxiliary)
{
    /// <summary>The loss that training lowers.</summary>
    public double Total => Reconstruction + Sparsity + Auxiliary;
}

/// <summary>Wall time of the phases of a forward and backward pass.</summary>
/// <param name="Encode">The encoder's product and its selection.</param>
/// <param name="Decode">Reconstruction and loss.</param>
/// <param name="Backward">Gradients, as far as they are prepared before they are read.</param>
public readonly record struct PhaseTimes(TimeSpan Encode, TimeSpan Decode, TimeSpan Backward);

/// <summary>
/// A model's loss and gradients: the seam under training. <see cref="Compute"/> encodes, decodes and prepares the backward pass of
/// a batch; <see cref="Read"/> then gives any rows of a parameter's gradient, so that an optimiser can take and apply them block by
/// block and no dense gradient has to exist.
/// </summary>
public abstract class Gradients : IDisposable
{
    /// <summary>Runs forward and backward on a batch at the scale of the weights.</summary>
    /// <param name="x">The scaled batch, <c>[batch, d]</c>; kept in use until the next call.</param>
    /// <param name="settings">The step's settings.</param>
    public abstract LossTerms Compute(Matrix x, in StepSettings settings);

    /// <summary>Writes the gradient of consecutive rows of a parameter, for the last batch. Safe from several threads.</summary>
    /// <param name="parameter">Index into <see cref="Autoencoder.Parameters"/>.</param>
    /// <param name="firstRow">First row.</param>
    /// <param name="rowCount">Number of rows.</param>
    /// <param name="destination">rowCount × columns values, overwritten.</param>
    public abstract void Read(int parameter, int firstRow, int rowCount, Span<float> destination);

    /// <summary>How often each latent fired in the last batch, <c>[n]</c>; empty for a model without a dictionary.</summary>
    public abstract ReadOnlySpan<int> Fired { get; }

    /// <summary>‖x − x̂‖² of each row of the last batch, <c>[batch]</c>.</summary>
    public abstract ReadOnlySpan<double> RowErrors { get; }

    /// <summary>Wall time of the last <see cref="Compute"/>, by phase.</summary>
    public PhaseTimes Times { get; protected set; }

    /// <summary>State beside the parameters that a resumed run needs (for example running means), by name; empty for most.</summary>
    public virtual IReadOnlyList<Parameter> State => [];

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives back the buffers.</summary>
    protected abstract void Dispose(bool disposing);

    /// <summary>Mean over rows, summed in order.</summary>
    private protected static double Mean(double[] rows)
    {
        double sum = 0;
        foreach (double row in rows) sum += row;
        return sum / Math.Max(rows.Length, 1);
    }
}
