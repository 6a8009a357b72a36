namespace Unweave.Training;

/// <summary>What changes with the step: learning rate and sparsity warm-up, as pure functions of it.</summary>
/// <param name="options">The run.</param>
internal sealed class Schedule(TrainingOptions options)
{
    private const int LongestWarmup = 1000;

    private readonly long steps = options.Steps;
    private readonly double peak = options.LearningRate ?? options.Autoencoder.DefaultLearningRate;
    private readonly long warmup = options.WarmupSteps ?? Math.Min(LongestWarmup, options.Steps / 20);

    /// <summary>
    /// Learning rate of a step, from 1: a linear rise, a plateau, and a linear fall that would reach 0 one step after the last.
    /// </summary>
    public double LearningRate(long step)
    {
        double rate = peak, decay = options.DecayFraction * steps;
        if (step < warmup) rate *= (double)step / warmup;
        if (decay > 0) rate *= Math.Min(1, (steps + 1 - step) / (decay + 1));
        return rate;
    }

    /// <summary>Factor on the sparsity penalty of a step, from 1.</summary>
    public double SparsityWarmup(long step)
    {
        double rise = options.SparsityWarmupFraction * steps;
        return rise <= 1 ? 1 : Math.Min(1, step / rise);
    }
}
