using System.Runtime.ExceptionServices;

namespace Unweave.Numerics;

/// <summary>
/// A fixed team of threads that run the parts of one piece of work, each part whole on one thread. What a part computes may depend
/// on its number and never on its thread: that is what makes results the same for any number of threads.
/// </summary>
internal sealed class Workers : IDisposable
{
    [ThreadStatic]
    private static Workers? current; // the team whose part this thread is running

    private readonly Thread[] helpers;
    private readonly Lock entry = new();
    private readonly SemaphoreSlim wake = new(0);
    private Action<int> body = static _ => { };
    private int parts, next, running;
    private volatile Exception? failure;
    private volatile bool stopping;

    /// <summary>Starts the team.</summary>
    /// <param name="threads">Number of threads, the caller's own included; 0 takes one for each processor.</param>
    public Workers(int threads = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        Threads = threads == 0 ? Environment.ProcessorCount : threads;
        helpers = new Thread[Threads - 1];
        for (int i = 0; i < helpers.Length; i++)
        {
            helpers[i] = new Thread(Help) { IsBackground = true, Name = $"Unweave worker {i + 1}" };
            helpers[i].Start();
        }
    }

    /// <summary>A team of one thread for each processor, for encoding and evaluation.</summary>
    public static Workers Shared { get; } = new();

    /// <summary>Number of threads.</summary>
    public int Threads { get; }

    /// <summary>
    /// Runs <paramref name="part"/> for 0 … <paramref name="count"/>−1, each once, in any order, and returns when all are done.
    /// </summary>
    /// <remarks>
    /// Calls from several threads wait for each other. A part that calls its own team runs that work itself, part after part: its
    /// team is busy, and waiting for it would never end.
    /// </remarks>
    public void Run(int count, Action<int> part)
    {
        ArgumentNullException.ThrowIfNull(part);
        if (count <= 0) return;
        if (count == 1 || helpers.Length == 0 || current == this)
        {
            for (int i = 0; i < count; i++) part(i);
            return;
        }

        lock (entry)
        {
            ObjectDisposedException.ThrowIf(stopping, this);
            body = part;
            parts = count;
            next = 0;
            failure = null;
            int called = Math.Min(helpers.Length, count - 1);
            Volatile.Write(ref running, called);
            wake.Release(called);
            Take();
            var spin = new SpinWait();
            while (Volatile.Read(ref running) != 0) spin.SpinOnce(sleep1Threshold: -1);
            if (failure is { } first) ExceptionDispatchInfo.Throw(first);
        }
    }

    /// <summary>Stops the threads.</summary>
    public void Dispose()
    {
        lock (entry)
        {
            if (stopping) return;
            stopping = true;
            if (helpers.Length > 0) wake.Release(helpers.Length);
        }

        foreach (Thread helper in helpers) helper.Join();
        wake.Dispose();
    }

    private void Take()
    {
        Workers? outer = current;
        current = this;
        try
        {
            while (true)
            {
                int part = Interlocked.Increment(ref next) - 1;
                if (part >= parts || failure is not null) return;
                body(part);
            }
        }
        catch (Exception e)
        {
            failure ??= e;
        }
        finally
        {
            current = outer;
        }
    }

    private void Help()
    {
        while (true)
        {
            wake.Wait();
            if (stopping) return;
            Take();
            Interlocked.Decrement(ref running);
        }
    }
}
