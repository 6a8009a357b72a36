using System.Runtime.CompilerServices;
using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Hosts;
using Unweave.Training;

namespace Unweave.Runs;

/// <summary>
/// Trains an autoencoder: into memory, or into the folder of a run, which holds the autoencoder, the state to resume from, the settings
/// and the metrics.
/// </summary>
public static class Trainer
{
    /// <summary>Trains to the end of the run and gives the autoencoder.</summary>
    /// <param name="options">
    /// The settings. With an output folder the run is kept there too; a run that was there before is replaced.
    /// </param>
    /// <param name="source">The vectors; the caller's to dispose, after the run.</param>
    /// <param name="progress">Receives a report of every step, on the thread that did it.</param>
    /// <param name="cancellationToken">Ends the run after the step under way; an output folder has a checkpoint then.</param>
    /// <returns>The trained autoencoder; the caller's to dispose.</returns>
    /// <exception cref="InputException">The settings contradict each other or the data, or a file cannot be read or written.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled before its end.</exception>
    public static async Task<Autoencoder> TrainAsync(
        TrainingOptions options, IActivationSource source, IProgress<StepReport>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(source);
        using RunWriter? folder = options.Output is null ? null : RunWriter.Open(options.Output);
        var data = new ShuffledData(source, options.Seed, options.Validation);
        using TrainingRun run = await Task.Run(() => Open(options, data, folder, HostOf(source), resume: false), CancellationToken.None)
            .ConfigureAwait(false);
        IAsyncEnumerable<StepReport> steps = Steps(run, data, folder, TimeProvider.System, cancellationToken);
        await foreach (StepReport report in steps.ConfigureAwait(false)) progress?.Report(report);
        if (!run.Finished) cancellationToken.ThrowIfCancellationRequested();
        return run.Detach();
    }

    /// <summary>Trains into the output folder, a step each time the caller asks for one.</summary>
    /// <param name="options">The settings; their output is a folder.</param>
    /// <param name="source">The vectors; the caller's to dispose, after the run.</param>
    /// <param name="resume">
    /// True: go on from the checkpoint in the output folder, or start when there is none. False: start, replacing a run that was there.
    /// </param>
    /// <param name="time">Clock of the checkpoints by minutes; the system's when null.</param>
    /// <param name="cancellationToken">
    /// Ends the run after the step under way, with a checkpoint; the last report has <see cref="StepReport.Last"/> false.
    /// </param>
    /// <returns>A report for every step, as it is done. A caller that stops asking leaves a checkpoint.</returns>
    /// <exception cref="InputException">The settings contradict each other or the data, or a file cannot be read or written.</exception>
    public static IAsyncEnumerable<StepReport> Run(
        TrainingOptions options,
        IActivationSource source,
        bool resume = false,
        TimeProvider? time = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(source);
        var data = new ShuffledData(source, options.Seed, options.Validation);
        return Run(options, data, resume, HostOf(source), time, cancellationToken);
    }

    /// <summary>Trains into the output folder on rows that come in an order of their own.</summary>
    /// <param name="options">The settings; the data decide on the seed of their order and on what is held out.</param>
    /// <param name="data">The rows; the caller's to dispose, after the run.</param>
    /// <param name="resume">As for a source of vectors.</param>
    /// <param name="host">Where the rows come from, kept in the folder; null where they are vectors of other origin.</param>
    /// <param name="time">Clock of the checkpoints by minutes; the system's when null.</param>
    /// <param name="cancellationToken">As for a source of vectors.</param>
    /// <returns>A report for every step, as it is done. A caller that stops asking leaves a checkpoint.</returns>
    /// <exception cref="InputException">The settings contradict each other or the data, or a file cannot be read or written.</exception>
    public static async IAsyncEnumerable<StepReport> Run(
        TrainingOptions options,
        ITrainingData data,
        bool resume = false,
        HostReference? host = null,
        TimeProvider? time = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(data);
        if (options.Output is null)
        {
            throw new InputException(
                "The run has no output folder, so the trained weights would be lost; set output, or call TrainAsync, which returns the "
                    + "autoencoder.");
        }

        using RunWriter folder = RunWriter.Open(options.Output);
        using TrainingRun run = await Task.Run(() => Open(options, data, folder, host, resume), CancellationToken.None)
            .ConfigureAwait(false);
        IAsyncEnumerable<StepReport> steps = Steps(run, data, folder, time ?? TimeProvider.System, cancellationToken);
        await foreach (StepReport report in steps.ConfigureAwait(false)) yield return report;
    }

    /// <summary>The steps still to do, with the log and the checkpoints of the folder.</summary>
    /// <remarks>Steps run on the pool, so that a caller with a screen to draw stays free.</remarks>
    internal static async IAsyncEnumerable<StepReport> Steps(
        TrainingRun run, ITrainingData data, RunWriter? folder, TimeProvider time,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        TrainingOptions options = run.Options;
        using MetricsWriter? metrics = folder?.OpenMetrics(run.Step);
        long saved = time.GetTimestamp();
        bool left = false, unsaved = false;
        try
        {
            while (!run.Finished)
            {
                StepReport report = await Task.Run(run.Next, CancellationToken.None).ConfigureAwait(false);
                unsaved = true;

                // Logged before it is saved: a resumed run drops lines after its checkpoint, and could not make up for one before it.
                metrics?.Add(report);
                bool last = run.Finished || cancellationToken.IsCancellationRequested;
                bool bySteps = options.CheckpointSteps > 0 && run.Step % options.CheckpointSteps == 0;
                bool byTime = options.CheckpointMinutes > 0 && time.GetElapsedTime(saved).TotalMinutes >= options.CheckpointMinutes;
                if (folder is not null && (last || bySteps || byTime))
                {
                    await Task.Run(() => folder.Checkpoint(run, data), CancellationToken.None).ConfigureAwait(false);
                    saved = time.GetTimestamp();
                    unsaved = false;
                    report = report with { Checkpoint = options.Output };
                }

                left = true;
                yield return report;
                left = false;
                if (last) yield break;
            }
        }
        finally
        {
            // The caller left its loop: what was trained since the last checkpoint is kept. After a failure of a step it is not.
            if (folder is not null && left && unsaved)
                await Task.Run(() => folder.Checkpoint(run, data), CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>Starts a run, or goes on with it where that is asked for and there is a state.</summary>
    internal static TrainingRun Open(TrainingOptions options, ITrainingData data, RunWriter? folder, HostReference? host, bool resume)
    {
        bool resumed = resume && folder!.HasState;
        TrainingRun run = resumed ? folder!.Resume(options, data) : TrainingRun.Start(options, data);
        try
        {
            if (folder is null) return run;
            if (!resumed) folder.Clear();
            folder.Begin(run.Options, host);
            if (resumed) folder.Repair(run);
            return run;
        }
        catch
        {
            run.Dispose();
            throw;
        }
    }

    /// <summary>Where vectors come from, as far as they say it.</summary>
    internal static HostReference? HostOf(IActivationSource source) => source switch
    {
        HarvestSource harvest => HostReference.From(harvest),
        ActivationFiles { Harvests: [var only], Target: null } => HostReference.From(only),
        ActivationFiles { Harvests: [var only], Target.Harvests: [var target] }
            when string.Equals(only.Harvest.Folder, target.Harvest.Folder, StringComparison.Ordinal) =>
            HostReference.From(only) with { TargetHook = target.Hook },
        _ => null,
    };
}
