using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>
/// Moves the weight of a penalty until a wanted number of latents is active: a factor on it, whose logarithm follows how far ln L0 is from
/// its target, in proportion and summed up over the steps.
/// </summary>
/// <param name="target">Active latents of a row, on average.</param>
internal sealed class SparsityControl(double target) : IDisposable
{
    private const double Smoothing = 0.95, Proportional = 0.3, Integral = 0.003, MostError = 1, MostFactor = 1000;

    private readonly Matrix state = new(1, 2); // running mean of L0, 0 before the first step; the sum

    /// <summary>What a resumed run needs.</summary>
    public Parameter State => new("sparsity_control", state);

    /// <summary>The factor for the next step.</summary>
    public double Factor => Math.Clamp(
        Math.Exp((Proportional * Error) + state[0, 1]), 1 / MostFactor, MostFactor);

    private double Error =>
        state[0, 0] > 0 ? Math.Clamp(Math.Log(state[0, 0] / target), -MostError, MostError) : 0;

    /// <summary>Takes a step's L0 into account.</summary>
    /// <param name="l0">Active latents of a row, mean over the batch.</param>
    /// <param name="sums">Whether the penalty has its whole weight, so that what is off counts.</param>
    public void Observe(double l0, bool sums)
    {
        state[0, 0] = (float)(state[0, 0] > 0 ? (Smoothing * state[0, 0]) + ((1 - Smoothing) * l0) : Math.Max(l0, 1e-3));
        if (sums) state[0, 1] = (float)(state[0, 1] + (Integral * Error));
    }

    /// <inheritdoc/>
    public void Dispose() => state.Dispose();
}
