namespace Unweave.Tests.Onnx.Hub;

/// <summary>
/// A clock that waits no time at all: a timer fires when it is set, and the clock has moved on by as much. Timers of an hour or more, which
/// a test gives to what should not happen, fire only when told to.
/// </summary>
internal sealed class TestClock : TimeProvider
{
    private static readonly TimeSpan Long = TimeSpan.FromHours(1);

    private readonly Lock gate = new();
    private readonly List<Timer> pending = [];
    private readonly List<TimeSpan> waits = [];
    private bool expireNext;
    private DateTimeOffset now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    /// <summary>The waits so far, in order.</summary>
    public IReadOnlyList<TimeSpan> Waits
    {
        get
        {
            lock (gate) return [.. waits];
        }
    }

    public override DateTimeOffset GetUtcNow()
    {
        lock (gate) return now;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Fires the long timers that are set, or if there is none the next one that is.</summary>
    public void Expire()
    {
        Timer[] due;
        lock (gate)
        {
            due = [.. pending];
            pending.Clear();
            expireNext = due.Length == 0;
        }

        foreach (Timer timer in due) timer.Fire();
    }

    private void Set(Timer timer, TimeSpan due)
    {
        lock (gate)
        {
            pending.Remove(timer);
            if (due == Timeout.InfiniteTimeSpan) return;
            if (due >= Long && !expireNext)
            {
                pending.Add(timer);
                return;
            }

            if (due < Long)
            {
                waits.Add(due);
                now += due;
            }
            else
            {
                expireNext = false;
            }
        }

        // As a real timer, not within the call that sets it.
        ThreadPool.QueueUserWorkItem(static timer => timer.Fire(), timer, preferLocal: false);
    }

    private sealed class Timer(TestClock clock, TimerCallback callback, object? state) : ITimer
    {
        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            clock.Set(this, dueTime);
            return true;
        }

        public void Dispose() => clock.Set(this, Timeout.InfiniteTimeSpan);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
