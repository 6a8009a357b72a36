using Unweave.Learn.Work;

namespace Unweave.Learn.Training;

/// <summary>Where a reader's run is.</summary>
internal enum LiveState
{
    /// <summary>Not begun.</summary>
    Ready,

    /// <summary>Waits for a seat.</summary>
    Waiting,

    /// <summary>Trains.</summary>
    Running,

    /// <summary>Stopped by the reader between two steps.</summary>
    Paused,

    /// <summary>Has done all its steps.</summary>
    Finished,

    /// <summary>Ended by an error.</summary>
    Failed,
}

/// <summary>
/// A reader's run: it takes a seat, trains in the background in small slices, shows a snapshot after each, and gives the seat back when it is paused, finished or left.
/// Its methods are called by one reader; <paramref name="changed"/> is called from the background.
/// </summary>
/// <param name="seats">The seats that readers share.</param>
/// <param name="settings">The first settings.</param>
/// <param name="time">Clock of the slices.</param>
/// <param name="changed">Called when there is something new to show.</param>
/// <param name="left">Cancelled when the reader has left: all work ends.</param>
internal sealed class LiveTraining(Seats seats, LiveSettings settings, TimeProvider time, Action changed, CancellationToken left) : IDisposable
{
    // Steps are done as fast as they can be watched: a slice, a picture, and the rest of an eighth of a second for others. Where others wait for the seat there is no rest.
    private static readonly TimeSpan slice = TimeSpan.FromMilliseconds(125);
    private const int SliceSteps = 32;

    private readonly Lock gate = new();
    private CancellationTokenSource? stopping;
    private Task work = Task.CompletedTask;
    private Experiment? experiment; // belongs to the work alone
    private int run;                // counts the resets: what an ended run still has to say is not heard

    /// <summary>Where it is.</summary>
    public LiveState State { get; private set; } = LiveState.Ready;

    /// <summary>Its place among the readers that wait, from 1.</summary>
    public int Place { get; private set; }

    /// <summary>Why it failed.</summary>
    public string? Error { get; private set; }

    /// <summary>The settings of the run: those that were given last, at the start or at a reset.</summary>
    public LiveSettings Settings { get; private set; } = settings;

    /// <summary>What there is to see.</summary>
    public Snapshot Shown { get; private set; } = Experiment.Before(settings);

    /// <summary>Whether it can be started, or go on.</summary>
    public bool CanStart => State is LiveState.Ready or LiveState.Paused;

    /// <summary>Trains to the end.</summary>
    public void Start() => Begin(long.MaxValue);

    /// <summary>Does one step.</summary>
    public void Step() => Begin(1);

    /// <summary>Stops after the step under way; the seat is another reader's then.</summary>
    public void Pause() => stopping?.Cancel();

    /// <summary>Ends the run; the next one has these settings.</summary>
    /// <exception cref="InputException">The settings contradict each other.</exception>
    public void Reset(LiveSettings next)
    {
        Snapshot before = Experiment.Before(next);
        lock (gate)
        {
            run++;
            (Settings, Shown, State, Error) = (next, before, LiveState.Ready, null);
        }

        // Not under the lock: others are told of a place that is given up.
        stopping?.Cancel();
        Then(Forget);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (gate) run++;
        stopping?.Cancel();
        Then(Forget);
    }

    private void Begin(long steps)
    {
        if (!CanStart) return;
        (State, Place) = (LiveState.Waiting, 0);
        stopping = CancellationTokenSource.CreateLinkedTokenSource(left);
        (int mine, LiveSettings with, CancellationToken stop) = (run, Settings, stopping.Token);
        Then(() => Train(mine, with, steps, stop));
    }

    // What was asked for is done in its order, so that a run is never touched by two threads.
    private void Then(Func<Task> next)
    {
        Task before = work;
        work = Task.Run(async () =>
        {
            await before;
            await next();
        });
    }

    private Task Forget()
    {
        experiment?.Dispose();
        experiment = null;
        return Task.CompletedTask;
    }

    private async Task Train(int mine, LiveSettings with, long steps, CancellationToken stop)
    {
        try
        {
            using (await seats.Take(place => Tell(mine, () => Place = place), stop))
            {
                Tell(mine, () => State = LiveState.Running);
                experiment ??= new Experiment(with);
                while (steps > 0 && !experiment.Finished && !stop.IsCancellationRequested)
                {
                    long started = time.GetTimestamp();
                    steps -= Slice(experiment, steps, started, stop);
                    Snapshot seen = experiment.Look();
                    Tell(mine, () => Shown = seen);
                    TimeSpan rest = slice - time.GetElapsedTime(started);
                    if (steps > 0 && !experiment.Finished && rest > TimeSpan.Zero && seats.Waiting == 0) await Task.Delay(rest, time, stop);
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Paused, reset or left.
        }
        catch (Exception e)
        {
            await Forget();
            Tell(mine, () => (State, Error) = (LiveState.Failed, e is InputException ? e.Message : $"the run ended by a defect of this program: {e.Message}"));
            return;
        }

        bool finished = experiment?.Finished ?? false;
        Tell(mine, () => State = finished ? LiveState.Finished : Shown.Step == 0 ? LiveState.Ready : LiveState.Paused);
        if (finished) await Forget();
    }

    private long Slice(Experiment training, long steps, long started, CancellationToken stop)
    {
        long most = seats.Waiting > 0 ? steps : Math.Min(SliceSteps, steps), done = 0;
        do
        {
            training.Step();
            done++;
        }
        while (done < most && !training.Finished && !stop.IsCancellationRequested && time.GetElapsedTime(started) < slice);
        return done;
    }

    private void Tell(int mine, Action change)
    {
        lock (gate)
        {
            if (mine != run) return;
            change();
        }

        changed();
    }
}
