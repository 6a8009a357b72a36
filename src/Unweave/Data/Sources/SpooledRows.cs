using System.Runtime.InteropServices;

namespace Unweave.Data;

/// <summary>
/// Rows unpacked to a temporary file of 32-bit floats, for formats that can only be read from front to back: written once, then
/// read in any order, by several threads. The file is gone when this is disposed or the process ends, however it ends.
/// </summary>
internal sealed class SpooledRows : IDisposable
{
    private readonly FileStream file;
    private readonly string name;
    private readonly string folder;

    /// <summary>Opens an empty temporary file.</summary>
    /// <param name="name">What is unpacked, for messages.</param>
    /// <param name="width">Length of a row.</param>
    public SpooledRows(string name, int width)
    {
        this.name = name;
        Width = width;
        folder = Path.GetTempPath();
        string path = Path.Combine(folder, $"unweave-{Path.GetRandomFileName()}");
        try
        {
            file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete, 1 << 20, FileOptions.DeleteOnClose);
            // Unix keeps an open file that has no name any more, so that even a killed process leaves nothing behind.
            if (!OperatingSystem.IsWindows()) File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NoPlace(e);
        }
    }

    /// <summary>Length of a row.</summary>
    public int Width { get; }

    /// <summary>Number of rows written so far.</summary>
    public long Rows { get; private set; }

    /// <summary>Writes whole rows after those before.</summary>
    public void Append(ReadOnlySpan<float> rows)
    {
        (int count, int rest) = Math.DivRem(rows.Length, Width);
        if (rest != 0) throw new ArgumentException($"{rows.Length} values are no whole number of rows of width {Width}.", nameof(rows));
        try
        {
            file.Write(MemoryMarshal.AsBytes(rows));
        }
        catch (IOException e)
        {
            throw NoPlace(e);
        }

        Rows += count;
    }

    /// <summary>Ends writing; rows may be read from here on.</summary>
    public void Complete()
    {
        try
        {
            file.Flush();
        }
        catch (IOException e)
        {
            throw NoPlace(e);
        }
    }

    /// <summary>Reads one row.</summary>
    public void Read(long row, Span<float> destination)
    {
        Span<byte> bytes = MemoryMarshal.AsBytes(destination[..Width]);
        long offset = row * bytes.Length;
        while (!bytes.IsEmpty)
        {
            int read = RandomAccess.Read(file.SafeFileHandle, bytes, offset);
            if (read == 0) throw new EndOfStreamException($"{name}: the temporary file ends before row {row}.");
            bytes = bytes[read..];
            offset += read;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private InputException NoPlace(Exception e) =>
        new($"{name} is unpacked to the temporary folder {folder}, which failed: {e.Message.TrimEnd('.')}. Free some space there, or set "
            + "TMPDIR to a folder with more.", e);
}
