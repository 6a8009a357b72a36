using System.Text.Json;
using Unweave.Formats;

namespace Unweave.Data;

/// <summary>A shard's index: the token, document and position of each row, opened when first read.</summary>
internal sealed class HarvestRows(string path, long rows, string sha256) : IDisposable
{
    /// <summary>Names of its tensors.</summary>
    public const string Document = "document", Token = "token", Position = "position";

    private readonly Lazy<SafetensorsFile> file = new(() =>
        OpenChecked(path, sha256, new(Document, ElementType.Int64, [rows]), new(Token, ElementType.Int32, [rows]),
            new(Position, ElementType.Int32, [rows])));

    /// <summary>The file itself.</summary>
    public SafetensorsFile File => file.Value;

    /// <summary>Opens a shard's file and compares its header with the manifest.</summary>
    /// <param name="path">The file.</param>
    /// <param name="sha256">The checksum that the manifest lists, which is the header's too.</param>
    /// <param name="due">The tensors that must be in it.</param>
    public static SafetensorsFile OpenChecked(string path, string sha256, params TensorInfo[] due)
    {
        var opened = new SafetensorsFile(path);
        try
        {
            string found = string.Join(", ", opened.Tensors), expected = string.Join(", ", due.AsEnumerable());
            if (!string.Equals(found, expected, StringComparison.Ordinal))
                throw new InputException(
                    $"{path}: has {TensorFile.OneLine(found)} where the manifest of the harvest leads to {expected}; one of them was "
                    + "changed: copy both again, or harvest again.");
            if (!string.Equals(opened.Metadata.GetValueOrDefault(SafetensorsFile.ChecksumKey), sha256, StringComparison.OrdinalIgnoreCase))
                throw new InputException(
                    $"{path}: its checksum is not the one in the manifest of the harvest; one of them is of another harvest: copy both "
                    + "again, or harvest again.");
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>Reads a shard's table of documents, a line of JSON each.</summary>
    /// <param name="path">The file.</param>
    public static IEnumerable<(long Document, string Id, long Rows)> ReadTable(string path)
    {
        int number = 0;
        foreach (string line in System.IO.File.ReadLines(path))
        {
            number++;
            yield return Parse(path, number, line);
        }
    }

    /// <summary>Reads bytes of one of its tensors.</summary>
    public void Read(string tensor, long first, Span<byte> destination) => File.ReadBytes(File[tensor], first, destination);

    /// <summary>Gives back the memory that reading has filled.</summary>
    public void Forget()
    {
        if (file.IsValueCreated) file.Value.Forget();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (file.IsValueCreated) file.Value.Dispose();
    }

    private static (long Document, string Id, long Rows) Parse(string path, int number, string line)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(line);
            JsonElement root = json.RootElement;
            return (root.GetProperty("document").GetInt64(), root.GetProperty("id").GetString() ?? "", root.GetProperty("rows").GetInt64());
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new InputException($"{path}: line {number} is not a document of a harvest; the file is torn or was changed: copy it "
                + "again, or harvest again.", e);
        }
    }
}
