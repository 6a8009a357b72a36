using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;
using Unweave.Components;

namespace Unweave.Learn.Live;

/// <summary>Where live work is.</summary>
internal enum LiveStage
{
    /// <summary>Not begun.</summary>
    Ready,

    /// <summary>In the queue for a training slot.</summary>
    Waiting,

    /// <summary>At work.</summary>
    Running,

    /// <summary>Begun, and stopped by the reader.</summary>
    Paused,

    /// <summary>All steps done.</summary>
    Finished,

    /// <summary>Ended by an error.</summary>
    Failed,
}

/// <summary>
/// A demonstration that works step by step in the background while its reader watches: it takes a training slot, does steps, and shows
/// itself at most eight times a second. It begins by itself when it is scrolled into view, unless the reader prefers less motion, and gives
/// the slot back when the work is done and when the reader pauses, resets or leaves.
/// </summary>
public abstract class LiveDemonstration : Demonstration
{
    private static readonly TimeSpan Frame = TimeSpan.FromMilliseconds(125);

    private readonly Lock stepping = new();
    private ScriptModule? drawing, watching;
    private DotNetObjectReference<LiveDemonstration>? self;
    private bool begun;
    private CancellationTokenSource? running;
    private Task work = Task.CompletedTask;

    [Inject] private TrainingSlots Slots { get; set; } = null!;

    [Inject] private TimeProvider Time { get; set; } = null!;

    /// <summary>Where the work is.</summary>
    internal LiveStage Stage { get; private set; }

    /// <summary>This reader's place in the queue, from 1; 0 when it does not wait.</summary>
    internal int Place { get; private set; }

    /// <summary>That place in words.</summary>
    internal string Turn => Place == 1 ? "you are next" : $"{Place - 1} {(Place == 2 ? "reader is" : "readers are")} ahead of you";

    /// <summary>What went wrong, in a sentence; null when nothing did.</summary>
    internal string? Trouble { get; private set; }

    /// <summary>Steps done and to be done.</summary>
    internal abstract (long Done, long All) Steps { get; }

    /// <summary>Whether it can begin, or go on.</summary>
    internal bool CanStart => Stage is LiveStage.Ready or LiveStage.Paused;

    /// <summary>Whether it can be paused.</summary>
    internal bool CanPause => Stage is LiveStage.Running or LiveStage.Waiting;

    /// <summary>The whole of it on the page: the work begins when it is seen.</summary>
    protected ElementReference Figure { get; set; }

    /// <summary>The script that draws maps of points.</summary>
    private protected ScriptModule Drawing => drawing ??= new ScriptModule(Browser, "learn/kl-elsewhere.js");

    /// <summary>
    /// Steps between two pictures while nobody waits for the slot, for work that would be over before it could be watched.
    /// </summary>
    private protected virtual int StepsPerFrame => int.MaxValue;

    /// <summary>Does a step, the first one from nothing. On a background thread, never at the same time as the other members.</summary>
    /// <param name="left">Cancelled when the reader has left.</param>
    /// <returns>Whether there are more.</returns>
    private protected abstract bool Advance(CancellationToken left);

    /// <summary>Takes what is shown from the state of the work. On a background thread, between two steps.</summary>
    private protected abstract void Capture();

    /// <summary>Gives back what the work holds, so that the next step is a first one; shows nothing of it any more.</summary>
    private protected abstract void Forget();

    /// <summary>Draws what is not markup, after it was rendered.</summary>
    private protected virtual Task Draw() => Task.CompletedTask;

    /// <summary>Does something with the state of the work between two steps.</summary>
    private protected void BetweenSteps(Action use)
    {
        lock (stepping) use();
    }

    /// <summary>Called by the browser when it is seen for the first time: begins, unless the reader was faster.</summary>
    [JSInvokable]
    public Task InView() => begun ? Task.CompletedTask : InvokeAsync(Start);

    /// <summary>Begins, or goes on after a pause, to the end; returns when paused, done or left.</summary>
    internal Task Start() => Run(long.MaxValue);

    /// <summary>Does one step.</summary>
    internal Task Step() => Run(1);

    /// <summary>Stops after the step at hand.</summary>
    internal async Task Pause()
    {
        if (running is not null) await running.CancelAsync();
        await work;
    }

    /// <summary>Stops, and forgets everything.</summary>
    internal async Task Reset()
    {
        await Pause();
        BetweenSteps(Forget);
        (Stage, Trouble) = (LiveStage.Ready, null);
        await Show();
    }

    /// <inheritdoc/>
    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        await base.OnAfterRenderAsync(firstRender);
        if (!firstRender) return;
        watching = new ScriptModule(Browser, "learn/seen.js");
        self = DotNetObjectReference.Create(this);
        await watching.Call("whenSeen", Figure, self);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!disposing) return;
        self?.Dispose();
        // Memory goes back when the last step is done.
        _ = work.ContinueWith(_ => BetweenSteps(Forget), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        running?.Dispose();
        _ = drawing?.DisposeAsync().AsTask();
        _ = watching?.DisposeAsync().AsTask();
    }

    private async Task Run(long steps)
    {
        if (!CanStart) return;
        begun = true;
        running?.Dispose();
        running = CancellationTokenSource.CreateLinkedTokenSource(Left);
        CancellationToken stop = running.Token, left = Left;
        (Stage, Place, Trouble) = (LiveStage.Waiting, 0, null);
        work = Task.Run(() => Work(steps, stop, left), CancellationToken.None);
        await work;
        if (!left.IsCancellationRequested) await Show();
    }

    private async Task Work(long steps, CancellationToken stop, CancellationToken left)
    {
        try
        {
            using IDisposable slot = await Slots.Take(place => _ = InvokeAsync(() => Wait(place)), stop).ConfigureAwait(false);
            (Stage, Place) = (LiveStage.Running, 0);
            await Advance(steps, stop, left).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException && stop.IsCancellationRequested)
        {
        }
        catch (Exception e)
        {
            Trouble = e is InputException ? e.Message : $"training stopped because of an error in this program: {e.Message}";
            Stage = Stage == LiveStage.Running ? LiveStage.Failed : LiveStage.Ready;
        }

        Place = 0;
        if (CanPause) Stage = Steps.Done > 0 ? LiveStage.Paused : LiveStage.Ready;
    }

    private async Task Advance(long steps, CancellationToken stop, CancellationToken left)
    {
        while (steps > 0 && !stop.IsCancellationRequested)
        {
            long began = Time.GetTimestamp();
            bool more;
            int done = 0;
            do
            {
                lock (stepping) more = Advance(left);
                steps--;
                done++;
            }
            while (more && steps > 0 && !stop.IsCancellationRequested && Time.GetElapsedTime(began) < Frame
                && (done < StepsPerFrame || Slots.Waiting > 0));

            BetweenSteps(Capture);
            if (!more) Stage = LiveStage.Finished;
            // A browser that has gone never says that it has drawn.
            await InvokeAsync(Show).WaitAsync(stop).ConfigureAwait(false);
            if (!more) return;
            TimeSpan rest = Frame - Time.GetElapsedTime(began);
            if (steps > 0 && rest > TimeSpan.Zero && Slots.Waiting == 0) await Task.Delay(rest, Time, stop).ConfigureAwait(false);
        }
    }

    private void Wait(int place)
    {
        if (Stage == LiveStage.Waiting) Place = place;
        StateHasChanged();
    }

    private async Task Show()
    {
        StateHasChanged();
        await Draw();
    }
}
