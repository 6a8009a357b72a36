using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Unweave.Interpretation;

/// <summary>
/// The texts of all windows of a pass, in a temporary file that is deleted with the process: which of them are shown is known at the end
/// only, and they would not fit in memory. Two bytes a character and four a token: about 14 bytes a token of English.
/// </summary>
internal sealed class WindowSpool : IDisposable
{
    private readonly SafeFileHandle file;
    private readonly BinaryWriter writer;
    private readonly FileStream stream;
    private readonly string path;
    private long place;

    /// <summary>Makes an empty one.</summary>
    /// <param name="folder">Where its file is; null for the folder of temporary files.</param>
    public WindowSpool(string? folder = null)
    {
        path = Path.Combine(folder ?? Path.GetTempPath(), $"unweave-{Path.GetRandomFileName()}");
        stream = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.Delete,
            BufferSize = 1 << 16,
            Options = FileOptions.DeleteOnClose,
        });

        // Unix keeps an open file that has no name any more, so that even a killed process leaves nothing behind.
        if (!OperatingSystem.IsWindows()) File.Delete(path);
        writer = new BinaryWriter(stream, Encoding.UTF8);
        file = stream.SafeFileHandle;
    }

    /// <summary>Adds a window.</summary>
    /// <returns>Its place.</returns>
    public long Add(RowWindow window)
    {
        try
        {
            return Write(window);
        }
        catch (IOException e)
        {
            throw Full(e);
        }
    }

    /// <summary>Ends the writing.</summary>
    public void Complete()
    {
        try
        {
            writer.Flush();
        }
        catch (IOException e)
        {
            throw Full(e);
        }
    }

    /// <summary>Reads a window's document and pieces. Safe from several threads after <see cref="Complete"/>.</summary>
    public (string Document, string[] Pieces) Read(long at)
    {
        Span<byte> head = stackalloc byte[12];
        Fill(head, at);
        int bytes = BitConverter.ToInt32(head), name = BitConverter.ToInt32(head[4..]), count = BitConverter.ToInt32(head[8..]);
        byte[] rest = new byte[name + (4 * count) + bytes];
        Fill(rest, at + 12);
        string document = Encoding.UTF8.GetString(rest, 0, name);
        string text = new(MemoryMarshal.Cast<byte, char>(rest.AsSpan(name + (4 * count), bytes)));
        string[] pieces = new string[count];
        for (int i = 0, start = 0; i < count; i++)
        {
            int length = BitConverter.ToInt32(rest, name + (4 * i));
            pieces[i] = text.Substring(start, length);
            start += length;
        }

        return (document, pieces);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            writer.Dispose();
            stream.Dispose();
        }
        catch (IOException)
        {
            // What was still to be written to a full disk is not needed any more.
            file.Dispose();
        }
    }

    private InputException Full(IOException e) => new(
        $"{Path.GetDirectoryName(path)}: the texts cannot be kept there ({e.Message}); free some space, or point TMPDIR at another "
            + $"folder.", e);

    private long Write(RowWindow window)
    {
        long at = place;
        ReadOnlySpan<byte> text = MemoryMarshal.AsBytes(window.Text.AsSpan());
        byte[] document = Encoding.UTF8.GetBytes(window.Document);
        Span<byte> head = stackalloc byte[16];
        BitConverter.TryWriteBytes(head, text.Length);
        BitConverter.TryWriteBytes(head[4..], document.Length);
        BitConverter.TryWriteBytes(head[8..], window.Count);
        writer.Write(head[..12]);
        writer.Write(document);
        foreach (int length in window.Lengths) writer.Write(length);
        writer.Write(text);
        place += 12 + document.Length + (4L * window.Count) + text.Length;
        return at;
    }

    private void Fill(Span<byte> destination, long at)
    {
        while (!destination.IsEmpty)
        {
            int read = RandomAccess.Read(file, destination, at);
            if (read == 0) throw new EndOfStreamException("The temporary file of the texts ended early.");
            destination = destination[read..];
            at += read;
        }
    }
}
