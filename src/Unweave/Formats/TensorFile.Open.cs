using System.Text;

namespace Unweave.Formats;

public abstract partial class TensorFile
{
    private const int LongestName = 400;

    /// <summary>Opens a file of any format the library reads, told by its content, never by its name.</summary>
    /// <param name="path">A safetensors, npy, npz, torch or Parquet file.</param>
    /// <exception cref="InputException">There is no such file, it may not be read, or its content is none of these; the message says what
    /// it is.</exception>
    public static TensorFile Open(string path)
    {
        byte[] head;
        using (FileStream stream = OpenStream(path))
        {
            head = new byte[Math.Min(stream.Length, 512)];
            stream.ReadExactly(head);
        }

        if (NpyFile.Begins(head)) return new NpyFile(path);
        if (head.StartsWith("PAR1"u8)) return new ParquetFile(path);
        if (ZipDirectory.Begins(head)) return OpenZip(path);
        if (TorchFile.BeginsStream(head)) return new TorchFile(path);
        if (SafetensorsFile.Begins(head)) return new SafetensorsFile(path);
        throw new InputException($"{path}: is {Describe(head)}; safetensors, npy, npz, torch and Parquet files can be read.");
    }

    /// <summary>Opens a file to be read, or says in one line why it cannot be.</summary>
    internal static FileStream OpenStream(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path)) throw new InputException($"{path}: is a folder; name a file in it{Offer(Names(path))}.");
        var file = new FileInfo(path);
        if (!file.Exists) throw new InputException(Missing(path));
        if (file.Length == 0) throw new InputException($"{path}: is empty; write it again (an interrupted copy or download leaves this).");
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new InputException($"{path}: may not be read; check its permissions.", e);
        }
        catch (IOException e)
        {
            throw new InputException($"{path}: cannot be read: {e.Message}", e);
        }
    }

    private static TensorFile OpenZip(string path)
    {
        FileBytes bytes = FileBytes.Map(path);
        try
        {
            ZipDirectory zip = ZipDirectory.Read(path, bytes);
            if (TorchFile.Is(zip)) return new TorchFile(path, bytes, zip);
            if (NpzFile.Is(zip)) return new NpzFile(path, bytes, zip);
            throw new InputException(
                $"{path}: is a zip archive without arrays{Offer([.. zip.Entries.Take(5).Select(entry => entry.Name)])}; npz and torch "
                + "archives can be read.");
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    private static string Missing(string path)
    {
        string folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path)) ?? path;
        if (!Directory.Exists(folder)) return $"{path}: there is no such file, nor its folder; check the path.";
        string name = System.IO.Path.GetFileName(path);
        const int NearestDistance = 2; // a slip of the fingers; what is farther is another file
        IEnumerable<string> nearest = Names(folder)
            .Where(other => Spelling.Distance(name, other) <= NearestDistance)
            .OrderBy(other => Spelling.Distance(name, other))
            .ThenBy(other => other, StringComparer.Ordinal);
        return $"{path}: there is no such file{Offer([.. nearest], ", the nearest there")}.";
    }

    private static string[] Names(string folder)
    {
        try
        {
            // A folder of millions of files is not read to its end for the sake of a message.
            return [.. Directory.EnumerateFiles(folder).Take(10_000).Select(file => System.IO.Path.GetFileName(file))];
        }
        catch (UnauthorizedAccessException)
        {
            return [];
        }
        catch (IOException)
        {
            return [];
        }
    }

    private static string Offer(string[] names, string lead = ", such as") =>
        names.Length == 0 ? "" : $"{lead}: {string.Join(", ", names.Take(3).Select(name => $"'{OneLine(name)}'"))}";

    /// <summary>A name out of a file, fit for one line of a message.</summary>
    internal static string OneLine(string text)
    {
        string line = text.Length > LongestName ? string.Concat(text.AsSpan(0, LongestName), "…") : text;
        return line.Any(char.IsControl) ? string.Concat(line.Select(c => char.IsControl(c) ? '�' : c)) : line;
    }

    private static string Describe(byte[] head)
    {
        ReadOnlySpan<byte> start = head;
        if (start.StartsWith("version https://git-lfs"u8))
            return "a Git LFS pointer, not the file it stands for (fetch that with 'git lfs pull')";
        if (start.Length > 1 && start[0] == 0x80 && start[1] is >= 2 and <= 5)
            return "a bare pickle (save its arrays as safetensors or npz)";
        if (start.StartsWith("GGUF"u8)) return "a GGUF model";
        if (start[1..].StartsWith("HDF\r\n"u8)) return "an HDF5 file (save its arrays as npz or safetensors)";
        if (start.Length > 1 && start[0] == 0x1F && start[1] == 0x8B) return "gzip-compressed (unpack it first)";
        if (start.StartsWith("ARROW1"u8)) return "an Arrow file (save it as Parquet)";
        if (start.StartsWith("{"u8)) return "JSON text";
        foreach (byte b in head)
        {
            if (b is < 0x20 and not ((byte)'\t' or (byte)'\n' or (byte)'\r') or >= 0x80)
                return $"of no known format (it begins with {Convert.ToHexString(start[..Math.Min(8, start.Length)])})";
        }

        string begin = Encoding.ASCII.GetString(start[..Math.Min(24, start.Length)]).TrimEnd();
        return $"text ('{OneLine(string.Join(' ', begin.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)))}')";
    }
}
