using System.Runtime.CompilerServices;
using Unweave.Checkpoints;
using Unweave.Data;
using Unweave.Formats;

namespace Unweave.Training;

/// <summary>
/// Trains an autoencoder and keeps its folder: the autoencoder, the state to resume from, the settings and the metrics, each written
/// beside its target and renamed.
/// </summary>
public static class Trainer
{
    /// <summary>Name of the settings file in a run's folder.</summary>
    public const string SettingsFileName = "config.json";

    /// <summary>Trains to the end of the run.</summary>
    /// <param name="options">The settings.</param>
    /// <param name="source">The vectors; the caller's to dispose, after the run.</param>
    /// <param name="resume">True: go on from the checkpoint in the output folder, or start when there is none.</param>
    /// <param name="time">Clock of the checkpoints by minutes; the system's when null.</param>
    /// <param name="cancellation">
    /// Ends the run cleanly after the step under way, with a checkpoint; the last report has <see cref="StepReport.Last"/> false.
    /// </param>
    /// <returns>A report for every step, as it is done.</returns>
    /// <exception cref="InputException">The settings contradict each other or the data, or a file cannot be read or written.</exception>
    public static IAsyncEnumerable<StepReport> Run(
        TrainingOptions options,
        IActivationSource source,
        bool resume = false,
        TimeProvider? time = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(source);
        return Run(options, new ShuffledData(source, options.Seed, options.Validation), resume, time, cancellation);
    }

    /// <summary>Trains to the end of the run on rows that come in an order of their own.</summary>
    /// <param name="options">The settings; their seed and validation share are the data's affair.</param>
    /// <param name="data">The rows; the caller's to dispose, after the run.</param>
    /// <param name="resume">True: go on from the checkpoint in the output folder, or start when there is none.</param>
    /// <param name="time">Clock of the checkpoints by minutes; the system's when null.</param>
    /// <param name="cancellation">
    /// Ends the run cleanly after the step under way, with a checkpoint; the last report has <see cref="StepReport.Last"/> false.
    /// </param>
    /// <returns>A report for every step, as it is done.</returns>
    /// <exception cref="InputException">The settings contradict each other or the data, or a file cannot be read or written.</exception>
    public static async IAsyncEnumerable<StepReport> Run(
        TrainingOptions options,
        ITrainingData data,
        bool resume = false,
        TimeProvider? time = null,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(data);
        time ??= TimeProvider.System;
        string? folder = options.Output;
        if (resume && folder is null)
            throw new InputException("There is nothing to resume without an output folder; name the folder of the run.");
        if (folder is not null) CreateFolder(folder);

        // Steps run on the pool, so that a caller with a screen to draw stays free.
        using TrainingRun run = await Task.Run(() => Open(options, data, resume), CancellationToken.None);
        using MetricsLog? log = folder is null ? null : new MetricsLog(folder, run.Step);
        if (folder is not null)
        {
            AtomicFile.Write(
                Path.Combine(folder, SettingsFileName),
                stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(RunFile.Write(run.Options))));
        }

        long saved = time.GetTimestamp();
        while (!run.Finished)
        {
            StepReport report = await Task.Run(run.Next, CancellationToken.None);

            // Logged before it is saved: a resumed run drops lines after its checkpoint, and could not make up for one before it.
            log?.Add(report);
            bool last = run.Finished || cancellation.IsCancellationRequested;
            bool bySteps = options.CheckpointSteps > 0 && run.Step % options.CheckpointSteps == 0;
            bool byTime = options.CheckpointMinutes > 0 && time.GetElapsedTime(saved).TotalMinutes >= options.CheckpointMinutes;
            if (folder is not null && (last || bySteps || byTime))
            {
                await Task.Run(() => Save(run, data, folder), CancellationToken.None);
                saved = time.GetTimestamp();
                report = report with { Checkpoint = folder };
            }

            yield return report;
            if (last) yield break;
        }
    }

    private static TrainingRun Open(TrainingOptions options, ITrainingData data, bool resume)
    {
        string? state = options.Output is null ? null : Path.Combine(options.Output, TrainingState.FileName);
        if (!resume || !File.Exists(state)) return TrainingRun.Start(options, data);
        return TrainingState.Load(state, data, saved =>
        {
            TrainingOptions adapted = saved with { Threads = options.Threads, Output = options.Output, Data = options.Data };
            if (!string.Equals(RunFile.Write(adapted), RunFile.Write(options), StringComparison.Ordinal))
                throw new InputException($"{state} belongs to a run with other settings: {FirstDifference(adapted, options)}; resume "
                    + $"with the settings in {SettingsFileName} beside it, or start afresh in another folder.");
            return adapted;
        });
    }

    // The state first: killed between the two, a resumed run writes the autoencoder again.
    private static void Save(TrainingRun run, ITrainingData data, string folder)
    {
        TrainingState.Save(run, data, Path.Combine(folder, TrainingState.FileName));
        run.Autoencoder.Save(folder);
    }

    private static void CreateFolder(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"The output folder {folder} cannot be made: {e.Message} Name another with output.", e);
        }
    }

    private static string FirstDifference(TrainingOptions saved, TrainingOptions given)
    {
        string[] was = RunFile.Write(saved).Split('\n'), now = RunFile.Write(given).Split('\n');
        int line = Enumerable.Range(0, Math.Min(was.Length, now.Length)).FirstOrDefault(
            i => !string.Equals(was[i], now[i], StringComparison.Ordinal));
        return $"it had {was[line].Trim().TrimEnd(',')}, now {now[line].Trim().TrimEnd(',')}";
    }
}
