namespace Unweave.Web;

/// <summary>What one file of a run holds: opened when first asked for, and again when the file is another one.</summary>
/// <param name="path">The file.</param>
/// <param name="open">Opens it.</param>
/// <param name="follow">Whether a later time or another length makes it another file; else only that it was gone.</param>
internal sealed class FilePart<T>(string path, Func<string, T> open, bool follow = true) : IDisposable
    where T : class
{
    private readonly Lock entry = new();
    private T? value;
    private (DateTime Written, long Length) seen;

    /// <summary>The value; null while the file is not there.</summary>
    public T? Get()
    {
        lock (entry)
        {
            var file = new FileInfo(path);
            if (!file.Exists) return value = null;
            (DateTime, long) now = follow ? (file.LastWriteTimeUtc, file.Length) : default;
            if (value is not null && now == seen) return value;
            // The earlier value may still be in use by another reader, so it is left to its finaliser.
            value = open(path);
            seen = now;
            return value;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (entry)
        {
            (value as IDisposable)?.Dispose();
            value = null;
        }
    }
}
