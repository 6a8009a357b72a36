namespace Unweave.Web.Steering;

/// <summary>
/// The door in front of the models: each run of one takes whole cores, so few may run at once; a bounded number of others wait, for a
/// bounded time. Pages and HTTP API share it.
/// </summary>
internal sealed class ModelGate(TimeProvider time, int running, int waiting, TimeSpan patience) : IDisposable
{
    private readonly SemaphoreSlim free = new(running);
    private int queue;

    /// <summary>Half the processors, and 16 waiting for ten seconds.</summary>
    public ModelGate()
        : this(TimeProvider.System, Math.Max(1, Environment.ProcessorCount / 2), 16, TimeSpan.FromSeconds(10))
    {
    }

    /// <summary>How long one waits at most.</summary>
    public TimeSpan Patience => patience;

    /// <summary>Waits for a place; disposing the result leaves it.</summary>
    /// <exception cref="BusyException">Too many wait already, or it took too long.</exception>
    public async Task<IDisposable> EnterAsync(CancellationToken cancellationToken = default)
    {
        if (free.Wait(0, cancellationToken)) return new Place(free);
        if (Interlocked.Increment(ref queue) > waiting)
        {
            Interlocked.Decrement(ref queue);
            throw new BusyException();
        }

        using var over = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(over.Token, cancellationToken);
        try
        {
            await free.WaitAsync(either.Token).ConfigureAwait(false);
            return new Place(free);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new BusyException();
        }
        finally
        {
            Interlocked.Decrement(ref queue);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => free.Dispose();

    private sealed class Place(SemaphoreSlim free) : IDisposable
    {
        private SemaphoreSlim? held = free;

        public void Dispose() => Interlocked.Exchange(ref held, null)?.Release();
    }
}

/// <summary>The models are busy with the requests of others.</summary>
internal sealed class BusyException() : Exception("The model is busy with other requests; try again in a moment.");
