namespace Unweave.Web.Runs;

/// <summary>What one file of a run holds: opened when first asked for, and again when the file is another one.</summary>
/// <param name="path">The file.</param>
/// <param name="open">Opens it.</param>
/// <param name="follow">Whether a later time or another length makes it another file; else only that it was gone.</param>
internal sealed class FilePart<T>(string path, Func<string, T> open, bool follow = true) : IDisposable
    where T : class
{
    private readonly Lock entry = new();
    private Leased<T>? opened;
    private (DateTime Written, long Length) seen;

    /// <summary>The value, for what outlives its disposal; null while the file is not there.</summary>
    public T? Get()
    {
        lock (entry) return Current()?.Value;
    }

    /// <summary>The value, which is not disposed before the lease is; null while the file is not there.</summary>
    public Lease<T>? Lease()
    {
        lock (entry) return Current()?.Lease();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (entry) Replace(null);
    }

    private Leased<T>? Current()
    {
        var file = new FileInfo(path);
        if (!file.Exists) return Replace(null);
        (DateTime, long) now = follow ? (file.LastWriteTimeUtc, file.Length) : default;
        if (opened is not null && now == seen) return opened;
        var next = new Leased<T>(open(path));
        seen = now;
        return Replace(next);
    }

    private Leased<T>? Replace(Leased<T>? next)
    {
        opened?.Release();
        return opened = next;
    }
}
