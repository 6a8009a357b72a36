using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>A named tensor of weights.</summary>
/// <param name="Name">Its name in checkpoints, for example <c>W_dec</c>.</param>
/// <param name="Value">Its value; a vector is a matrix of one row.</param>
/// <param name="UnitRows">
/// Every row is held at unit norm: its gradient loses the part along the row, and the row is renormalized after each update.
/// </param>
/// <param name="PerLatent">
/// Each row (of a vector: each element) belongs to one latent, and starts afresh when that latent is resampled.
/// </param>
/// <param name="Trained">
/// The optimizer changes it by its gradient; false for what the model keeps by itself, such as a learned threshold.
/// </param>
internal sealed record Parameter(string Name, Matrix Value, bool UnitRows = false, bool PerLatent = false, bool Trained = true);

/// <summary>
/// A model that encodes a vector and decodes it again: into itself, or, when it was trained on pairs, into a vector of another space.
/// Vectors of any scale are taken as they are: <see cref="InputScale"/> and <see cref="OutputScale"/> bring them to the scale that the
/// weights were trained at, and reconstructions back. The set of architectures is closed: those of <see cref="AutoencoderOptions"/>.
/// </summary>
public abstract class Autoencoder : IDisposable
{
    /// <summary>Sets what every autoencoder has.</summary>
    private protected Autoencoder(AutoencoderOptions options, int inputWidth, int outputWidth)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate(inputWidth, outputWidth);
        (InputWidth, OutputWidth) = (inputWidth, outputWidth);
    }

    /// <summary>The settings it was built from.</summary>
    public abstract AutoencoderOptions Options { get; }

    /// <summary>Width d of the vectors that it takes.</summary>
    public int InputWidth { get; }

    /// <summary>Width of the vectors that it gives: that of its inputs, unless it was trained on targets of another width.</summary>
    public int OutputWidth { get; }

    /// <summary>Factor from the user's vectors to the scale of the weights: √d over the mean norm of the training set. Default 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The factor is not positive and finite.</exception>
    public float InputScale
    {
        get;
        set => field = PositiveScale(value, nameof(InputScale));
    } = 1;

    /// <summary>
    /// Factor from the user's targets to the scale of the weights; equal to <see cref="InputScale"/> where inputs are their own targets.
    /// Default 1.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The factor is not positive and finite.</exception>
    public float OutputScale
    {
        get;
        set => field = PositiveScale(value, nameof(OutputScale));
    } = 1;

    /// <summary>What is known of where it comes from, when another library wrote it; null for one of our own.</summary>
    internal Origin? Origin { get; set; }

    /// <summary>The weights, each with its name, in the order in which checkpoints hold them.</summary>
    internal abstract IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>Encodes and decodes.</summary>
    /// <param name="x">Vectors, <c>[batch, input width]</c>.</param>
    /// <param name="reconstruction">
    /// Overwritten with their reconstructions, <c>[batch, output width]</c>, at the scale of the user's targets.
    /// </param>
    public abstract void Reconstruct(Matrix x, Matrix reconstruction);

    /// <summary>Sets the weights that start from the data: the decoder's bias starts at the center of the targets.</summary>
    /// <param name="center">Center of the scaled targets (their geometric median), as many values as an output has.</param>
    internal abstract void InitializeDecoderBias(ReadOnlySpan<float> center);

    /// <summary>Sets factors on parts of a vector that start from the data, before anything else does.</summary>
    /// <param name="sample">Inputs as they are.</param>
    internal virtual void InitializeScales(Matrix sample)
    {
    }

    /// <summary>Whether parts of a vector have factors of their own, which <see cref="ScaleBatch"/> applies.</summary>
    internal virtual bool ScalesParts => false;

    /// <summary>Sets directions that start from the data, once the decoder's bias is set.</summary>
    /// <param name="targets">Scaled targets.</param>
    /// <param name="workers">The threads to run on.</param>
    internal virtual void InitializeDirections(Matrix targets, Workers workers)
    {
    }

    /// <summary>Brings rows of a batch, scaled by <see cref="InputScale"/>, to the scale of the weights where that is one of
    /// parts.</summary>
    internal virtual void ScaleBatch(Matrix rows)
    {
    }

    /// <summary>Sets thresholds that start from the data, once the decoder's bias is set.</summary>
    /// <param name="sample">Scaled inputs.</param>
    internal virtual void InitializeThresholds(Matrix sample)
    {
    }

    /// <summary>Makes the buffers and the code that compute this model's loss and gradients for training.</summary>
    /// <param name="workers">The threads to run on.</param>
    internal abstract LossAndGradients CreateGradients(Workers workers);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Parameter parameter in Parameters) parameter.Value.Dispose();
        Release();
        GC.SuppressFinalize(this);
    }

    /// <summary>Drops what was made from the weights: whoever changes them calls it then.</summary>
    internal virtual void WeightsChanged()
    {
    }

    /// <summary>Gives back what an autoencoder keeps beside its weights.</summary>
    private protected virtual void Release()
    {
    }

    /// <summary>Refuses vectors of another width.</summary>
    private protected void CheckWidth(Matrix x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.Columns == InputWidth) return;
        throw new InputException(
            $"The vectors have width {x.Columns}, but this autoencoder was trained on width {InputWidth}; give it vectors of the same "
                + $"model and layer.");
    }

    private static float PositiveScale(float value, string name) =>
        value > 0 && float.IsFinite(value) ? value : throw new ArgumentOutOfRangeException(name, value, "A scale is positive and finite.");
}
