using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Unweave.Formats;

namespace Unweave.Retrieval.Segments;

/// <summary>
/// The state of an index: the file <c>index.json</c>, which names the segments. It is replaced by one rename, so that an index is always in
/// the last state that was committed. Files that it does not name are left over and do not count.
/// </summary>
/// <param name="Layout">What all segments share.</param>
/// <param name="CellsFrom">From how many rows on a segment has cells.</param>
/// <param name="Generation">Number of the state.</param>
/// <param name="NextSegment">The number that no segment has had.</param>
/// <param name="Segments">The segments in order.</param>
internal sealed record IndexManifest(
    IndexLayout Layout, int CellsFrom, long Generation, long NextSegment, IReadOnlyList<IndexManifest.Entry> Segments)
{
    /// <summary>Name of the file.</summary>
    public const string FileName = "index.json";

    private const string FormatName = "unweave-index", ChecksumKey = "sha256";
    private const int Version = 2;

    /// <summary>A segment of the index.</summary>
    /// <param name="Id">Its number.</param>
    /// <param name="Deleted">Name of the file of its deleted rows; null for none.</param>
    /// <param name="Header">SHA-256 of its header, which has the checksum of the rest.</param>
    internal sealed record Entry(long Id, string? Deleted, string Header);

    /// <summary>Name of a segment's file.</summary>
    public static string SegmentName(long id) => string.Create(CultureInfo.InvariantCulture, $"{id}.segment");

    /// <summary>Reads the state of an index.</summary>
    /// <exception cref="InputException">There is none, or it is damaged.</exception>
    public static IndexManifest Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
            throw new InputException($"{folder} is no index: it has no {FileName}; make one with `unweave index TEXTS -o {folder}`.");
        try
        {
            JsonObject json = JsonNode.Parse(File.ReadAllBytes(path))!.AsObject();
            string? checksum = (string?)json[ChecksumKey];
            json.Remove(ChecksumKey);
            if (!string.Equals(checksum, Checksum(json), StringComparison.Ordinal))
                throw new InputException($"{path}: its checksum differs: the file was changed or damaged; restore it, or build the "
                    + "index again.");
            if (!string.Equals((string?)json["format"], FormatName, StringComparison.Ordinal) || (int)json["version"]! != Version)
                throw new InputException($"{path}: is not a version of an index that this version reads; build the index again.");
            var layout = new IndexLayout((string)json["dictionary"]!, (int)json["latents"]!, (int)json["width"]!,
                Enum.Parse<VectorStore>((string)json["store"]!), (ulong)json["seed"]!);
            return new IndexManifest(layout, (int)json["cellsFrom"]!, (long)json["generation"]!, (long)json["nextSegment"]!,
                [.. json["segments"]!.AsArray().Select(entry => new Entry((long)entry!["id"]!, (string?)entry["deleted"],
                    (string)entry["header"]!))]);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or NullReferenceException or FormatException
            or ArgumentException or OverflowException)
        {
            throw new InputException($"{path}: cannot be read as the state of an index ({e.Message}); restore it, or build the index "
                + "again.", e);
        }
    }

    /// <summary>Makes this the state of the index.</summary>
    public void Write(string folder)
    {
        var json = new JsonObject
        {
            ["format"] = FormatName,
            ["version"] = Version,
            ["dictionary"] = Layout.DictionaryHash,
            ["latents"] = Layout.Latents,
            ["width"] = Layout.Width,
            ["store"] = Layout.Store.ToString(),
            ["seed"] = Layout.Seed,
            ["cellsFrom"] = CellsFrom,
            ["generation"] = Generation,
            ["nextSegment"] = NextSegment,
            ["segments"] = new JsonArray(
            [
                .. Segments.Select(entry => new JsonObject { ["id"] = entry.Id, ["deleted"] = entry.Deleted, ["header"] = entry.Header }),
            ]),
        };
        json[ChecksumKey] = Checksum(json);
        AtomicFile.Write(Path.Combine(folder, FileName), stream => stream.Write(Encoding.UTF8.GetBytes(json.ToJsonString())));
    }

    private static string Checksum(JsonObject json) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(json.ToJsonString())));
}
