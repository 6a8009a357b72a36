namespace Unweave.Learn.Live;

/// <summary>
/// Live training takes turns: as many readers at once as there are slots, the next ones wait in a queue and are told their place, and
/// beyond that a reader is asked to come back. So a page that many open stays usable, and its memory bounded.
/// </summary>
/// <param name="count">TrainingSlots.</param>
/// <param name="longest">Readers that may wait.</param>
public sealed class TrainingSlots(int count, int longest)
{
    private readonly Lock entry = new();
    private readonly List<Waiter> queue = [];
    private int taken;

    /// <summary>TrainingSlots for the processors of this machine.</summary>
    public TrainingSlots()
        : this(Math.Max(1, Environment.ProcessorCount), longest: 64)
    {
    }

    /// <summary>Readers that train now.</summary>
    public int Taken
    {
        get
        {
            lock (entry) return taken;
        }
    }

    /// <summary>Readers that wait now.</summary>
    public int Waiting
    {
        get
        {
            lock (entry) return queue.Count;
        }
    }

    /// <summary>Takes a slot, or waits for one.</summary>
    /// <param name="waiting">Told the place in the queue, from 1, whenever it changes; not told when a slot is free.</param>
    /// <param name="cancellationToken">Gives up the place.</param>
    /// <returns>The slot: disposing it lets the next reader in.</returns>
    /// <exception cref="InputException">Too many wait already.</exception>
    public async Task<IDisposable> Take(Action<int> waiting, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(waiting);
        cancellationToken.ThrowIfCancellationRequested();
        var waiter = new Waiter(waiting);
        lock (entry)
        {
            if (taken < count)
            {
                taken++;
                return new Slot(this);
            }

            if (queue.Count == longest)
                throw new InputException($"all {taken} places to train are taken and {queue.Count} readers wait; try again in a minute.");
            queue.Add(waiter);
        }

        waiting(PlaceOf(waiter));
        await using CancellationTokenRegistration registered = cancellationToken.Register(() => GiveUp(waiter, cancellationToken));
        return await waiter.Arrival.Task;
    }

    private int PlaceOf(Waiter waiter)
    {
        lock (entry) return queue.IndexOf(waiter) + 1;
    }

    private void GiveUp(Waiter waiter, CancellationToken cancellationToken)
    {
        lock (entry)
        {
            if (!queue.Remove(waiter)) return;
        }

        waiter.Arrival.TrySetCanceled(cancellationToken);
        Tell();
    }

    private void Leave()
    {
        Waiter? next = null;
        lock (entry)
        {
            if (queue.Count == 0) taken--;
            else
            {
                next = queue[0];
                queue.RemoveAt(0);
            }
        }

        next?.Arrival.TrySetResult(new Slot(this));
        Tell();
    }

    private void Tell()
    {
        Waiter[] all;
        lock (entry) all = [.. queue];
        for (int i = 0; i < all.Length; i++) all[i].Waiting(i + 1);
    }

    private sealed record Waiter(Action<int> Waiting)
    {
        public TaskCompletionSource<IDisposable> Arrival { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private sealed class Slot(TrainingSlots slots) : IDisposable
    {
        private int left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref left, 1) == 0) slots.Leave();
        }
    }
}
