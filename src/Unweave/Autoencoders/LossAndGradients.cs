using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>What the trainer tells a model at one step.</summary>
/// <param name="SparsityWarmup">Factor on the sparsity penalty, from 0 at the start of its warm-up to 1.</param>
/// <param name="Dead">Latents that have not fired for long before this step, ascending: AuxK gives them the residual to explain.</param>
/// <param name="NoiseSeed">Seed of this step's noise: input corruption, draws of codes and of chunks.</param>
/// <param name="Progress">Share of the run before this step.</param>
/// <param name="Step">The step, from 1.</param>
internal readonly record struct StepSettings(
    double SparsityWarmup, ReadOnlyMemory<int> Dead, ulong NoiseSeed, double Progress = 1, long Step = 0);

/// <summary>The terms of a batch's loss: each summed over the output's width and averaged over the batch, weights included.</summary>
/// <param name="Reconstruction">‖y − ŷ‖²; of a variational autoencoder −ln p(x|z).</param>
/// <param name="Sparsity">The penalties: L1, KL, L0, of codes selected by number usage balance, of decoder rows that they are
/// alike.</param>
/// <param name="Auxiliary">Other reconstructions: AuxK, Multi-TopK, prefixes, gates.</param>
public readonly record struct LossTerms(double Reconstruction, double Sparsity, double Auxiliary)
{
    /// <summary>The loss that training lowers.</summary>
    public double Total => Reconstruction + Sparsity + Auxiliary;
}

/// <summary>Wall time of the phases of a forward and backward pass.</summary>
/// <param name="Encode">The encoder's product and its selection.</param>
/// <param name="Decode">Reconstruction and loss.</param>
/// <param name="Backward">Gradients, as far as they are prepared before they are read.</param>
internal readonly record struct PhaseTimes(TimeSpan Encode, TimeSpan Decode, TimeSpan Backward);

/// <summary>
/// A model's loss and gradients on the processor. <see cref="Compute"/> encodes, decodes and prepares the backward pass of a batch;
/// <see cref="Read"/> then gives any rows of a parameter's gradient, so that an optimizer can take and apply them block by block and
/// no dense gradient has to exist.
/// </summary>
internal abstract class LossAndGradients : IDisposable
{
    /// <summary>Runs forward and backward on a batch at the scale of the weights.</summary>
    /// <param name="batch">The scaled batch; kept in use until the next call.</param>
    /// <param name="settings">The step's settings.</param>
    public abstract LossTerms Compute(Batch batch, in StepSettings settings);

    /// <summary>Writes the gradient of consecutive rows of a parameter, for the last batch. Safe from several threads.</summary>
    /// <param name="parameter">Index into <see cref="Autoencoder.Parameters"/>.</param>
    /// <param name="firstRow">First row.</param>
    /// <param name="rowCount">Number of rows.</param>
    /// <param name="destination">rowCount × columns values, overwritten.</param>
    public abstract void Read(int parameter, int firstRow, int rowCount, Span<float> destination);

    /// <summary>How often each latent fired in the last batch, <c>[n]</c>; empty for a model without a dictionary.</summary>
    public virtual ReadOnlySpan<int> Fired => [];

    /// <summary>Numbers that the reconstruction of the last batch used, all rows together; 0 for a model without a dictionary.</summary>
    public virtual long Entries => 0;

    /// <summary>‖y − ŷ‖² of each row of the last batch, <c>[batch]</c>.</summary>
    public abstract ReadOnlySpan<double> RowErrors { get; }

    /// <summary>Wall time of the last <see cref="Compute"/>, by phase.</summary>
    public PhaseTimes Times { get; protected set; }

    /// <summary>State beside the parameters that a resumed run needs (for example running means), by name; empty for most.</summary>
    public virtual IReadOnlyList<Parameter> State => [];

    /// <summary>Gives back the buffers.</summary>
    public abstract void Dispose();

    /// <summary>Mean over rows, summed in order.</summary>
    protected static double Mean(double[] rows)
    {
        double sum = 0;
        foreach (double row in rows) sum += row;
        return sum / Math.Max(rows.Length, 1);
    }
}
