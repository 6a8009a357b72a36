namespace Unweave.Formats;

/// <summary>A folder held by one writer at a time. The system frees the lock when the process ends, however it ends.</summary>
internal static class FolderLock
{
    /// <summary>Takes the lock of a folder; dispose of it to free it.</summary>
    /// <param name="folder">The folder; it exists.</param>
    /// <param name="name">Name of the lock's file in it, which is gone when the lock is free.</param>
    /// <param name="busy">What holds the folder where the lock is taken, and what to do: the end of a message.</param>
    /// <exception cref="InputException">Another holds it, or the folder may not be written.</exception>
    public static FileStream Take(string folder, string name, string busy)
    {
        string file = Path.Combine(folder, name);
        try
        {
            return new FileStream(
                file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0, FileOptions.DeleteOnClose);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new InputException($"The folder {folder} may not be written ({e.Message}); check its permissions, or name another.", e);
        }
        catch (IOException e)
        {
            throw new InputException($"{folder} {busy} ({e.Message}).", e);
        }
    }
}
