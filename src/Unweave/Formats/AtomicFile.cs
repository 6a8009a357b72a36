namespace Unweave.Formats;

/// <summary>Writes a file beside its target and renames it over it, so that a reader finds the old file or the new one, whole.</summary>
public static class AtomicFile
{
    /// <summary>Writes a whole file.</summary>
    /// <param name="path">The target. What is there stays as it is until the new file is complete and on the disk.</param>
    /// <param name="write">Writes the content.</param>
    /// <exception cref="InputException">The disk is full, or the place cannot be written to; the target is unchanged.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);
        string partial = $"{path}.partial-{Environment.ProcessId}";
        try
        {
            using (var stream = new FileStream(partial, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(partial, path, overwrite: true);
        }
        catch (Exception e)
        {
            Delete(partial);
            if (e is IOException or UnauthorizedAccessException)
                throw new InputException($"{path} could not be written: {e.Message.TrimEnd('.')}. What was there before is unchanged; free some space or choose another place.", e);
            throw;
        }
    }

    private static void Delete(string partial)
    {
        try
        {
            File.Delete(partial);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The error that brought us here says more than this one would.
        }
    }
}
