using System.Diagnostics;
using Unweave.Autoencoders;
using Unweave.Numerics;
using Unweave.Numerics.Kernels;
using Unweave.Training;

namespace Unweave.Benchmarks;

/// <summary>Times of the phases of a training step over its repeats, in milliseconds.</summary>
/// <param name="Median">Median over the repeats.</param>
/// <param name="Minimum">Fastest of the repeats.</param>
internal readonly record struct PhaseFigures(double Median, double Minimum);

/// <summary>What <see cref="StepBenchmark"/> measured.</summary>
/// <param name="Kernels">The set of kernels that ran: avx512, avx2, portable or scalar.</param>
/// <param name="Threads">Number of threads.</param>
/// <param name="Step">The whole step.</param>
/// <param name="Encode">The encoder's product and its selection.</param>
/// <param name="Decode">Reconstruction, loss and the gradient of the codes.</param>
/// <param name="Backward">Sorting by latent and gathering the gradients of the weights.</param>
/// <param name="Update">Projection, Adam and renormalization.</param>
/// <param name="TokensPerSecond">Rows a second at the median.</param>
/// <param name="PeakResidentBytes">Largest resident size of the process so far.</param>
internal sealed record StepFigures(
    string Kernels, int Threads, PhaseFigures Step, PhaseFigures Encode, PhaseFigures Decode, PhaseFigures Backward, PhaseFigures Update,
    double TokensPerSecond, long PeakResidentBytes);

/// <summary>Times whole training steps of a TopK autoencoder on normal inputs: encode, decode, backward and Adam.</summary>
internal static class StepBenchmark
{
    /// <summary>Runs one step to warm up and then the repeats.</summary>
    /// <param name="batch">Rows of a batch, B.</param>
    /// <param name="width">Width d of the vectors.</param>
    /// <param name="latents">Number of latents n.</param>
    /// <param name="k">Active latents a row.</param>
    /// <param name="auxK">Dead latents that AuxK uses; with any, an eighth of the latents are treated as dead.</param>
    /// <param name="threads">Threads; 0 takes one for each processor.</param>
    /// <param name="repeats">Number of timed steps.</param>
    public static StepFigures Run(int batch, int width, int latents, int k, int auxK = 0, int threads = 0, int repeats = 9)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batch);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(repeats);
        var options = new TopKOptions { Latents = latents, K = k, AuxK = auxK };
        options.Validate(width);
        var rng = new Rng(1);
        using var workers = new Workers(threads);
        using Matrix x = new(batch, width);
        rng.FillNormal(x.AsSpan());
        using var learner = new CpuLearner(options.Build(width, rng), new TrainingOptions { Autoencoder = options }, workers);
        int[] dead = auxK == 0 ? [] : [.. Enumerable.Range(0, latents / 8)];
        var settings = new StepSettings(1, dead, 0);
        double[][] times = [.. Enumerable.Range(0, 5).Select(_ => new double[repeats])];
        for (int repeat = -2; repeat < repeats; repeat++)
        {
            long start = Stopwatch.GetTimestamp();
            LearnerStep step = learner.Step(new Batch(x), settings, 3e-4);
            if (repeat < 0) continue;
            times[0][repeat] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            times[1][repeat] = step.Encode.TotalMilliseconds;
            times[2][repeat] = step.Decode.TotalMilliseconds;
            times[3][repeat] = step.Backward.TotalMilliseconds;
            times[4][repeat] = step.Update.TotalMilliseconds;
        }

        PhaseFigures[] figures = [.. times.Select(Figures)];
        using var process = Process.GetCurrentProcess();
        return new StepFigures(
            KernelSet.Current.Name, workers.Threads, figures[0], figures[1], figures[2], figures[3], figures[4],
                batch / figures[0].Median * 1000,
            process.PeakWorkingSet64);
    }

    private static PhaseFigures Figures(double[] times)
    {
        double[] sorted = [.. times.Order()];
        return new PhaseFigures(sorted[sorted.Length / 2], sorted[0]);
    }
}
