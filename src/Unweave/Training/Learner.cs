using Unweave.Autoencoders;
using Unweave.Numerics;

namespace Unweave.Training;

/// <summary>What a step of a learner did.</summary>
/// <param name="Loss">The batch's loss, term by term.</param>
/// <param name="SquaredError">Σ‖y − ŷ‖² over the batch.</param>
/// <param name="Entries">Numbers that the batch's reconstruction used, all rows together; 0 for a model without a dictionary.</param>
/// <param name="GradientNorm">Norm of the whole gradient before clipping; null unless clipping is on.</param>
/// <param name="Encode">Wall time of the encoder's product and its selection.</param>
/// <param name="Decode">Wall time of reconstruction and loss.</param>
/// <param name="Backward">Wall time of the gradients.</param>
/// <param name="Update">Wall time of projection, optimizer and renormalization.</param>
internal readonly record struct LearnerStep(
    LossTerms Loss,
    double SquaredError,
    long Entries,
    double? GradientNorm,
    TimeSpan Encode,
    TimeSpan Decode,
    TimeSpan Backward,
    TimeSpan Update);

/// <summary>
/// Owns the weights of an autoencoder in training and their optimizer, wherever they are: on the processor
/// (<see cref="CpuLearner"/>), spread over machines, on an accelerator. The training run keeps everything else: the order of the
/// data, schedules, which latents are dead, validation.
/// </summary>
internal abstract class Learner : IDisposable
{
    /// <summary>
    /// The autoencoder on the host, with the weights to use after the last step. It stays the learner's: a learner whose weights are
    /// elsewhere brings them here when this is asked for, so that it is asked for again after each step.
    /// </summary>
    public abstract Autoencoder Autoencoder { get; }

    /// <summary>How often each latent fired in the last batch, <c>[n]</c>; empty for a model without a dictionary.</summary>
    public abstract ReadOnlySpan<int> Fired { get; }

    /// <summary>Number of steps taken.</summary>
    public abstract long Steps { get; }

    /// <summary>Learns from a batch: forward, backward, update.</summary>
    /// <param name="batch">The batch, at the scale of the weights; read until the call ends.</param>
    /// <param name="settings">The step's settings.</param>
    /// <param name="rate">The learning rate.</param>
    public abstract LearnerStep Step(Batch batch, in StepSettings settings, double rate);

    /// <summary>
    /// Gives dead latents the directions of rows of the last batch that were badly reconstructed (Bricken et al. 2023), and forgets
    /// what the optimizer knew of them.
    /// </summary>
    /// <param name="dead">The latents, ascending.</param>
    /// <param name="rng">Chooses the rows.</param>
    /// <returns>Those that were resampled.</returns>
    public abstract IReadOnlyList<int> Resample(ReadOnlyMemory<int> dead, Rng rng);

    /// <summary>Gives each named tensor of its state to a writer: weights, optimizer, running means.</summary>
    /// <param name="write">
    /// Called for each tensor, which holds until the next step and until <see cref="Autoencoder"/> is asked for.
    /// </param>
    public abstract void Save(Action<Parameter> write);

    /// <summary>Takes each named tensor of its state from a reader, and goes on from a step.</summary>
    /// <param name="read">Called for each tensor, which it fills.</param>
    /// <param name="steps">Number of steps taken.</param>
    public abstract void Restore(Action<Parameter> read, long steps);

    /// <summary>Gives the autoencoder to the caller, who disposes it; no step is to be taken after that.</summary>
    public Autoencoder Detach()
    {
        Detached = true;
        return Autoencoder;
    }

    /// <summary>Whether the autoencoder is the caller's.</summary>
    protected bool Detached { get; private set; }

    /// <summary>Gives back the weights, the autoencoder included unless it was detached.</summary>
    public abstract void Dispose();
}
