using System.Runtime.InteropServices;

namespace Unweave.Formats;

/// <summary>
/// Writes a file whole or not at all: beside its target, flushed to disk, then renamed over it, and the rename flushed too. Whatever
/// stops the writer, the previous file stays as it was.
/// </summary>
internal static partial class AtomicFile
{
    // The ways a system says that no byte more fits: errno on Unix, HRESULT on Windows.
    private const int NoSpace = 28, QuotaExceeded = 122;
    private const int WindowsDiskFull = unchecked((int)0x80070070), WindowsHandleDiskFull = unchecked((int)0x80070027);

    private static int written;

    /// <summary>Writes a file.</summary>
    /// <param name="path">The target; its folder exists.</param>
    /// <param name="write">Writes the content to a seekable stream; what it throws passes through, after the partial file is
    /// deleted.</param>
    /// <exception cref="InputException">The disk is full, or the folder is missing or may not be written.</exception>
    public static void Write(string path, Action<Stream> write) => Write(path, write, static file => file);

    /// <summary>Writes a file through a stream of the caller's choice: how a test stands in for a failing disk.</summary>
    internal static void Write(string path, Action<Stream> write, Func<Stream, Stream> through)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);

        // The process and a counter make the name this call's own, so that two writers never share a partial file.
        string partial = $"{path}.partial-{Environment.ProcessId}-{Interlocked.Increment(ref written)}";
        FileStream file = Create(path, partial);
        try
        {
            using (file)
            {
                // The buffer is outside the file and is not disposed when the writer fails: disposing it would write again.
                var buffered = new BufferedStream(through(new Target(file, path)), 1 << 16);
                write(buffered);
                buffered.Flush();
                file.Flush(flushToDisk: true);
            }

            File.Move(partial, path, overwrite: true);
            SyncFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        catch (IOException e) when (IsFull(e))
        {
            Delete(partial);
            throw new InputException($"{path}: the disk is full, so the file was not written (an earlier one is unchanged); free space or "
                + "choose another disk.", e);
        }
        catch (UnauthorizedAccessException e)
        {
            Delete(partial);
            throw new InputException($"{path}: may not be written ({e.Message}); check its permissions, or that it is not a folder.", e);
        }
        catch
        {
            Delete(partial);
            throw;
        }
    }

    private static FileStream Create(string path, string partial)
    {
        if (Directory.Exists(path)) throw new InputException($"{path}: is a folder; name a file to write.");
        try
        {
            return new FileStream(partial, FileMode.Create, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        }
        catch (DirectoryNotFoundException e)
        {
            throw new InputException($"{path}: its folder does not exist; make it first.", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new InputException($"{path}: its folder may not be written; check its permissions or choose another.", e);
        }
        catch (IOException e) when (IsFull(e))
        {
            throw new InputException($"{path}: the disk is full, so the file was not written; free space or choose another disk.", e);
        }
        catch (IOException e)
        {
            throw new InputException($"{path}: cannot be written: {e.Message}", e);
        }
    }

    // A rename is an entry of the folder, which a power cut can lose until the folder too is on the disk. Windows writes it through.
    private static void SyncFolder(string folder)
    {
        if (OperatingSystem.IsWindows()) return;
        int handle = OpenFolder(folder, 0);
        if (handle < 0) return; // a folder that may be written but not listed: the system writes it in its own time
        _ = Sync(handle);
        _ = Close(handle);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenFolder(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Sync(int handle);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int handle);

    private static bool IsFull(IOException e) =>
        OperatingSystem.IsWindows()
            ? e.HResult is WindowsDiskFull or WindowsHandleDiskFull
            : e.HResult is NoSpace or QuotaExceeded;

    private static void Delete(string partial)
    {
        try
        {
            File.Delete(partial);
        }
        catch (IOException)
        {
            // The failure that brought us here is the one to tell.
        }
        catch (UnauthorizedAccessException)
        {
            // Likewise.
        }
    }

    /// <summary>
    /// The partial file. Where a file grows past what its file system or the user's limit allows (EFBIG), .NET speaks of an
    /// argument out of range; only here, where the arguments are known to be right, can that be told from a writer's mistake.
    /// </summary>
    private sealed class Target(FileStream file, string path) : Stream
    {
        public override bool CanRead => file.CanRead;

        public override bool CanSeek => file.CanSeek;

        public override bool CanWrite => file.CanWrite;

        public override long Length => file.Length;

        public override long Position { get => file.Position; set => file.Position = value; }

        public override void Flush() => file.Flush();

        public override int Read(byte[] buffer, int offset, int count) => file.Read(buffer, offset, count);

        public override long Seek(long offset, SeekOrigin origin) => file.Seek(offset, origin);

        public override void SetLength(long value) => file.SetLength(value);

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            try
            {
                file.Write(buffer);
            }
            catch (ArgumentOutOfRangeException e)
            {
                throw new InputException($"{path}: is larger than its disk or the user's limit allows a file to be, so it was not written "
                    + "(an earlier one is unchanged); choose another disk (FAT32 ends at 4 GB), or raise 'ulimit -f'.", e);
            }
        }
    }
}
