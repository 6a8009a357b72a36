using System.Diagnostics;
using System.Runtime.CompilerServices;
using Unweave.Data;
using Unweave.Hosts;
using Unweave.Training;

namespace Unweave.Runs;

/// <summary>What happened in a sweep: a step of one of its runs, or the end of one.</summary>
/// <param name="Point">The autoencoder.</param>
/// <param name="Step">Its step; null where it had none left to do.</param>
/// <param name="Pass">Number of the pass over the data, from 1.</param>
/// <param name="Ended">How it ended, when it has now.</param>
/// <param name="Reason">Why it ended before its last step.</param>
internal sealed record SweepReport(SweepPoint Point, StepReport? Step, int Pass, SweepStatus? Ended = null, string? Reason = null);

/// <summary>
/// Trains the autoencoders of a sweep, those that see the same rows together: one read, one pass of the host, one scaling. Each is a run in
/// a folder of its own, bit for bit what <see cref="Trainer"/> makes of its settings alone.
/// </summary>
internal static class SweepTrainer
{
    /// <summary>Trains into the sweep's folder.</summary>
    /// <param name="file">The sweep.</param>
    /// <param name="name">What it is trained on, for its record.</param>
    /// <param name="open">
    /// Opens the rows of a pass; called with the settings of one of its runs, for seed, validation and batch. Disposed after the pass where
    /// it is disposable.
    /// </param>
    /// <param name="host">Where the rows come from, kept with each run; null where they are vectors of other origin.</param>
    /// <param name="resume">True: go on with the sweep in the folder, or start where there is none. False: start.</param>
    /// <param name="time">Clock of the checkpoints by minutes; the system's when null.</param>
    /// <param name="cancellationToken">Ends it after the steps under way, each run with a checkpoint.</param>
    /// <returns>A report for every step of every run, as it is done.</returns>
    /// <exception cref="InputException">
    /// The folder holds a sweep already, or another than this; settings contradict each other or the data; a file cannot be read or
    /// written.
    /// </exception>
    public static async IAsyncEnumerable<SweepReport> Run(
        SweepFile file, string name, Func<TrainingOptions, ITrainingData> open, HostReference? host = null, bool resume = false,
        TimeProvider? time = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var folder = new SweepFolder(file.Output);
        bool there = SweepFolder.Exists(file.Output);
        if (there && !resume)
        {
            throw new InputException(
                $"{file.Output} already holds a sweep; choose another folder with -o, or go on with it with --resume.");
        }

        using FileStream alone = folder.Lock();
        SweepRecord record = there ? folder.ReadRecord() : SweepFolder.Begin(file, name);
        if (there) SweepFolder.CheckSame(record, file, file.Output);
        record = folder.Write(record);
        IReadOnlyList<IReadOnlyList<SweepPoint>> passes = file.Passes;
        for (int pass = 0; pass < passes.Count && !cancellationToken.IsCancellationRequested; pass++)
        {
            if (passes[pass].All(point => IsOver(Entry(record, point), RunFolder.Open(point.Options.Output!)))) continue;
            var rule = new StopRule(file.Options);
            var members = new List<Member>();
            ITrainingData data = open(passes[pass][0].Options);
            using var owned = data as IDisposable;
            using var shared = new SharedData(data);
            try
            {
                foreach (SweepPoint point in passes[pass])
                {
                    SweepEntry entry = Entry(record, point);
                    var run = RunFolder.Open(point.Options.Output!);
                    rule.Remember(point, run.MetricsPath);
                    if (IsOver(entry, run)) continue;
                    var member = new Member(point, entry.StoppedAt);
                    members.Add(member);
                    await Task.Run(() => member.Open(shared, host, resume), CancellationToken.None).ConfigureAwait(false);
                    member.Start(shared, time ?? TimeProvider.System, cancellationToken);
                }

                foreach (Member done in members.Where(member => member.Ended is not null).ToArray())
                {
                    SweepStatus ended = done.Ended!.Value;
                    record = await End(done, ended, Entry(record, done.Point).Reason).ConfigureAwait(false);
                    yield return new SweepReport(done.Point, null, pass + 1, ended, Entry(record, done.Point).Reason);
                }

                while (members.Count > 0)
                {
                    foreach ((Member member, string why) in rule.Hopeless(members, member => member.Point, member => member.Run.Rows))
                    {
                        // Recorded before it is saved for the last time: a sweep killed in between trains it up to this step again.
                        record = folder.Write(With(record, member.Point,
                            entry => entry with { StoppedAt = member.Run.Step, Reason = why, Status = SweepStatus.Training }));
                        record = await End(member, SweepStatus.Stopped, why).ConfigureAwait(false);
                        yield return new SweepReport(member.Point, null, pass + 1, SweepStatus.Stopped, why);
                    }

                    if (members.Count == 0) break;
                    long started = Stopwatch.GetTimestamp();
                    await Task.Run(shared.Advance, CancellationToken.None).ConfigureAwait(false);
                    record = record with { ReadMinutes = record.ReadMinutes + Stopwatch.GetElapsedTime(started).TotalMinutes };
                    foreach (Member member in members.ToArray())
                    {
                        bool waits = member.Run.Rows != shared.Current; // it was resumed from a later checkpoint than others
                        if (waits && !cancellationToken.IsCancellationRequested) continue;
                        SweepReport report;
                        try
                        {
                            StepReport? step = waits ? null : await member.Next().ConfigureAwait(false);
                            SweepStatus? ended = member.Ended;
                            if (step?.ValidationFvu is { } fvu) rule.Add(member.Point, step.Rows, fvu, step.L0);
                            if (ended is not null || cancellationToken.IsCancellationRequested)
                                record = await End(member, ended, Entry(record, member.Point).Reason).ConfigureAwait(false);
                            report = new SweepReport(member.Point, step, pass + 1, ended, Entry(record, member.Point).Reason);
                        }
                        catch (InputException e) when (member.Run.Diverged)
                        {
                            record = await End(member, SweepStatus.Diverged, e.Message).ConfigureAwait(false);
                            report = new SweepReport(member.Point, null, pass + 1, SweepStatus.Diverged, e.Message);
                        }

                        yield return report;
                    }
                }
            }
            finally
            {
                foreach (Member member in members) await member.DisposeAsync().ConfigureAwait(false);
            }

            async Task<SweepRecord> End(Member member, SweepStatus? status, string? reason)
            {
                members.Remove(member);
                await member.DisposeAsync().ConfigureAwait(false);
                return folder.Write(With(record, member.Point,
                    entry => entry with { Status = status ?? SweepStatus.Training, Reason = reason }));
            }
        }

        folder.Write(record);
    }

    private static SweepEntry Entry(SweepRecord record, SweepPoint point) =>
        record.Points.First(entry => string.Equals(entry.Folder, point.Name, StringComparison.Ordinal));

    private static SweepRecord With(SweepRecord record, SweepPoint point, Func<SweepEntry, SweepEntry> change) => record with
    {
        Points =
        [
            .. record.Points.Select(entry => string.Equals(entry.Folder, point.Name, StringComparison.Ordinal) ? change(entry) : entry),
        ],
    };

    private static bool IsOver(SweepEntry entry, RunFolder run) =>
        entry.Status is SweepStatus.Diverged or SweepStatus.Stopped || (entry.Status == SweepStatus.Finished && run.HasTraining);

    /// <summary>A run of a pass.</summary>
    private sealed class Member(SweepPoint point, long? stoppedAt) : IAsyncDisposable
    {
        private RunWriter? folder;
        private TrainingRun? run;
        private IAsyncEnumerator<StepReport>? steps;

        public SweepPoint Point => point;

        public TrainingRun Run => run!;

        /// <summary>How it has ended; null while it goes on.</summary>
        public SweepStatus? Ended =>
            Run.Finished ? SweepStatus.Finished : Run.Step >= stoppedAt ? SweepStatus.Stopped : null;

        public void Open(ITrainingData data, HostReference? host, bool resume)
        {
            folder = RunWriter.Open(point.Options.Output!);
            run = Trainer.Open(point.Options, data, folder, host, resume);
        }

        public void Start(ITrainingData data, TimeProvider time, CancellationToken cancellationToken) =>
            steps = Trainer.Steps(run!, data, folder, time, cancellationToken).GetAsyncEnumerator(CancellationToken.None);

        public async Task<StepReport?> Next() => await steps!.MoveNextAsync().ConfigureAwait(false) ? steps.Current : null;

        public async ValueTask DisposeAsync()
        {
            try
            {
                if (steps is not null) await steps.DisposeAsync().ConfigureAwait(false);
            }
            finally
            {
                run?.Dispose();
                folder?.Dispose();
            }
        }
    }
}
