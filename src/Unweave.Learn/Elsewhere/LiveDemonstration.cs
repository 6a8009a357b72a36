using System.Diagnostics;
using Microsoft.AspNetCore.Components;
using Unweave.Components;
using Unweave.Learn.Parts;
using Unweave.Learn.Work;

namespace Unweave.Learn.Elsewhere;

/// <summary>Where live work is.</summary>
internal enum LiveStage
{
    /// <summary>Not begun.</summary>
    Ready,

    /// <summary>In the queue for a seat.</summary>
    Waiting,

    /// <summary>At work.</summary>
    Running,

    /// <summary>Begun, and stopped by the reader.</summary>
    Paused,

    /// <summary>All done.</summary>
    Finished,
}

/// <summary>
/// A demonstration that works step by step in the background while its reader watches: it takes a seat, does steps, and shows itself at most eight times a
/// second. It stops when the reader pauses, resets or leaves.
/// </summary>
public abstract class LiveDemonstration : Demonstration
{
    private static readonly TimeSpan Frame = TimeSpan.FromMilliseconds(125);

    private readonly Lock gate = new();
    private CancellationTokenSource? running;
    private Task work = Task.CompletedTask;

    [Inject] private Seats Seats { get; set; } = null!;

    /// <summary>Where the work is.</summary>
    internal LiveStage Stage { get; private set; }

    /// <summary>Readers before this one in the queue, itself included; 0 when it does not wait.</summary>
    internal int Place { get; private set; }

    /// <summary>What went wrong, in a sentence; null when nothing did.</summary>
    internal string? Trouble { get; private set; }

    /// <summary>Steps done and to be done.</summary>
    internal abstract (long Done, long All) Steps { get; }

    /// <summary>The script that draws.</summary>
    private protected Script Drawing { get; private set; } = null!;

    /// <summary>Least time between two steps, for work that would be over before it could be watched.</summary>
    private protected virtual TimeSpan Pace => TimeSpan.Zero;

    /// <summary>Does a step, the first one from nothing. On a thread of the background, under the gate.</summary>
    /// <param name="left">Cancelled when the reader has left.</param>
    /// <returns>Whether there are more.</returns>
    private protected abstract bool Advance(CancellationToken left);

    /// <summary>Takes what is shown from the state of the work. On a thread of the background, under the gate.</summary>
    private protected abstract void Look();

    /// <summary>Gives back what the work holds, so that the next step is a first one; shows nothing of it any more.</summary>
    private protected abstract void Forget();

    /// <summary>Draws what is not markup, after it was rendered.</summary>
    private protected virtual Task Draw() => Task.CompletedTask;

    /// <summary>Does something with the state of the work between two steps.</summary>
    private protected void BetweenSteps(Action use)
    {
        lock (gate) use();
    }

    /// <summary>Begins, or goes on after a pause; returns when paused, done or left.</summary>
    internal async Task Start()
    {
        if (Stage is LiveStage.Running or LiveStage.Waiting or LiveStage.Finished) return;
        running?.Dispose();
        running = CancellationTokenSource.CreateLinkedTokenSource(Left);
        CancellationToken stop = running.Token, left = Left;
        Stage = LiveStage.Running;
        Trouble = null;
        work = Task.Run(() => Work(stop, left), CancellationToken.None);
        await work;
        if (!left.IsCancellationRequested) await Show();
    }

    /// <summary>Stops after the step at hand.</summary>
    internal async Task Pause()
    {
        if (running is not null) await running.CancelAsync();
        await work;
    }

    /// <summary>Stops, and forgets all.</summary>
    internal async Task Reset()
    {
        await Pause();
        BetweenSteps(Forget);
        Stage = LiveStage.Ready;
        Trouble = null;
        await Show();
    }

    /// <inheritdoc/>
    protected override void OnInitialized() => Drawing = new Script(Browser, "learn/kl-elsewhere.js");

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!disposing) return;
        // Memory goes back when the last step is done.
        _ = work.ContinueWith(_ => BetweenSteps(Forget), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        running?.Dispose();
        _ = Drawing?.DisposeAsync().AsTask();
    }

    private async Task Work(CancellationToken stop, CancellationToken left)
    {
        try
        {
            using IDisposable seat = await Seats.Take(place => _ = InvokeAsync(() => Wait(place)), stop).ConfigureAwait(false);
            (Stage, Place) = (LiveStage.Running, 0);
            long shown = 0;
            while (!stop.IsCancellationRequested)
            {
                long began = Stopwatch.GetTimestamp();
                bool more;
                lock (gate) more = Advance(left);
                if (!more) Stage = LiveStage.Finished;
                if (!more || Stopwatch.GetElapsedTime(shown) >= Frame)
                {
                    lock (gate) Look();
                    // A browser that has gone never says that it has drawn.
                    await InvokeAsync(Show).WaitAsync(stop).ConfigureAwait(false);
                    shown = Stopwatch.GetTimestamp();
                }

                if (!more) return;
                TimeSpan rest = Pace - Stopwatch.GetElapsedTime(began);
                if (rest > TimeSpan.Zero) await Task.Delay(rest, stop).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException && stop.IsCancellationRequested)
        {
        }
        catch (InputException e)
        {
            Trouble = e.Message;
        }

        Place = 0;
        if (Stage is LiveStage.Running or LiveStage.Waiting) Stage = Steps.Done > 0 ? LiveStage.Paused : LiveStage.Ready;
        lock (gate)
        {
            if (Steps.Done > 0) Look();
        }
    }

    private void Wait(int place)
    {
        if (Stage is LiveStage.Running or LiveStage.Waiting) (Stage, Place) = (LiveStage.Waiting, place);
        StateHasChanged();
    }

    private async Task Show()
    {
        StateHasChanged();
        await Draw();
    }
}
