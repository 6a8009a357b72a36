using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>
/// What the losses of all autoencoders with a dictionary share: the encoder's input, the dictionary's target, and counts.
/// </summary>
internal abstract class DictionaryGradients(SparseAutoencoder model, Workers workers) : LossAndGradients
{
    private Matrix? centeredInput, centeredTarget; // buffers, made for the batch's size where they are needed

    /// <inheritdoc/>
    public override ReadOnlySpan<int> Fired => FiredCounts;

    /// <inheritdoc/>
    public override ReadOnlySpan<double> RowErrors => Errors;

    protected DictionaryWeights Weights => model.Weights;

    protected Workers Workers => workers;

    /// <summary>Rows on which each latent fired, <c>[n]</c>.</summary>
    protected int[] FiredCounts { get; } = new int[model.Latents];

    /// <summary>‖y − ŷ‖² of each row.</summary>
    protected double[] Errors { get; private set; } = [];

    /// <summary>The encoder's input, <c>[batch, input width]</c>: x, less b_dec where the dictionary centers it.</summary>
    protected Matrix Input { get; private set; } = new(0, 0);

    /// <summary>What the dictionary's part of the reconstruction should be, y − b_dec, <c>[batch, output width]</c>.</summary>
    protected Matrix Target { get; private set; } = new(0, 0);

    /// <inheritdoc/>
    public override void Dispose()
    {
        centeredInput?.Dispose();
        centeredTarget?.Dispose();
    }

    /// <summary>Sets <see cref="Input"/> and <see cref="Target"/>.</summary>
    protected virtual void Load(Batch batch)
    {
        if (Errors.Length != batch.Rows) Errors = new double[batch.Rows];
        Input = batch.Input;
        if (Weights.CentersInput)
        {
            Input = Resized(ref centeredInput, batch.Input);
            Weights.EncoderInput(batch.Input, workers, Input);
        }

        Target = Input;
        if (Weights.CentersInput && batch.IsSelf) return;
        Target = Resized(ref centeredTarget, batch.Target);
        Weights.DictionaryTarget(batch.Target, workers, Target);
    }

    /// <summary>A buffer of the shape of a matrix, kept while the shape stays.</summary>
    internal static Matrix Resized(ref Matrix? buffer, Matrix like) => Resized(ref buffer, like.Rows, like.Columns);

    /// <summary>A buffer of a shape, kept while the shape stays.</summary>
    internal static Matrix Resized(ref Matrix? buffer, int rows, int columns)
    {
        if (buffer?.Rows == rows && buffer.Columns == columns) return buffer;
        buffer?.Dispose();
        return buffer = new Matrix(rows, columns);
    }
}
