using System.Collections.Concurrent;

namespace Unweave.Learn.Live;

/// <summary>
/// Something that takes seconds to make and is then kept for all readers: made when the first asks for it, given up when the last who waits
/// for it leaves, and made anew for the next.
/// </summary>
/// <typeparam name="T">What is made.</typeparam>
/// <param name="make">Makes it, telling how far it is and stopping when cancelled.</param>
public sealed class SharedResult<T>(Func<IProgress<Preparation>, CancellationToken, Task<T>> make)
    where T : class
{
    private readonly Lock entry = new();
    private Making? making;
    private T? made;

    /// <summary>What was made; null as long as it is not ready.</summary>
    public T? Ready => Volatile.Read(ref made);

    /// <summary>Waits until it is ready.</summary>
    /// <param name="told">Told how far it is.</param>
    /// <param name="cancellationToken">Leaves.</param>
    public async Task<T> Get(IProgress<Preparation> told, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(told);
        if (Ready is { } ready) return ready;
        Making own;
        lock (entry)
        {
            if (making is null || making.Work.IsFaulted || making.Work.IsCanceled) making = new Making(make, Keep);
            own = making;
            own.Readers[told] = true;
        }

        own.Tell(told);
        try
        {
            return await own.Work.WaitAsync(cancellationToken);
        }
        finally
        {
            lock (entry)
            {
                own.Readers.TryRemove(told, out _);
                if (own.Readers.IsEmpty && !own.Work.IsCompleted)
                {
                    own.Stop.Cancel();
                    if (ReferenceEquals(making, own)) making = null;
                }
            }
        }
    }

    private void Keep(T result) => Volatile.Write(ref made, result);

    private sealed class Making : IProgress<Preparation>
    {
        private volatile Preparation? last;

        public Making(Func<IProgress<Preparation>, CancellationToken, Task<T>> make, Action<T> keep)
        {
            Work = Task.Run(async () =>
            {
                T result = await make(this, Stop.Token);
                keep(result);
                return result;
            });
        }

        public CancellationTokenSource Stop { get; } = new();

        public ConcurrentDictionary<IProgress<Preparation>, bool> Readers { get; } = new();

        public Task<T> Work { get; }

        public void Report(Preparation value)
        {
            last = value;
            foreach (IProgress<Preparation> reader in Readers.Keys) reader.Report(value);
        }

        public void Tell(IProgress<Preparation> reader)
        {
            if (last is { } now) reader.Report(now);
        }
    }
}

/// <summary>How far something is that readers wait for.</summary>
/// <param name="What">What is being done, in a few words.</param>
/// <param name="Share">Share of it that is done, from 0 to 1.</param>
public sealed record Preparation(string What, double Share);
