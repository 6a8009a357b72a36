namespace Unweave.Web.Runs;

/// <summary>Something open that several use at once: disposed when its owner has released it and no lease of it is left.</summary>
/// <param name="value">What is shared.</param>
internal sealed class Leased<T>(T value)
    where T : class
{
    private readonly Lock entry = new();
    private int uses = 1; // the owner's

    /// <summary>What is shared.</summary>
    public T Value => value;

    /// <summary>Takes a lease; only the owner asks, who has not released it.</summary>
    public Lease<T> Lease()
    {
        lock (entry)
        {
            ObjectDisposedException.ThrowIf(uses == 0, value);
            uses++;
        }

        return new Lease<T>(this);
    }

    /// <summary>Ends one use.</summary>
    public void Release()
    {
        lock (entry)
            if (--uses > 0) return;
        (value as IDisposable)?.Dispose();
    }
}

/// <summary>The right to use something open: it is not disposed before this is.</summary>
internal sealed class Lease<T>(Leased<T> leased) : IDisposable
    where T : class
{
    private Leased<T>? held = leased;

    /// <summary>What is used.</summary>
    public T Value { get; } = leased.Value;

    /// <inheritdoc/>
    public void Dispose() => Interlocked.Exchange(ref held, null)?.Release();
}
