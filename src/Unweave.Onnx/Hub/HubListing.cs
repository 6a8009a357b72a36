using System.Text.Json;
using System.Text.Json.Nodes;

namespace Unweave.Onnx;

/// <summary>One file of a model on the hub.</summary>
/// <param name="Path">Its path within the model, with '/'. It comes from elsewhere: check it before it names a file here.</param>
/// <param name="Size">Its size in bytes; null where the hub does not say.</param>
/// <param name="Checksum">What it must hash to; null where the hub does not say.</param>
internal sealed record HubFile(string Path, long? Size, HubChecksum? Checksum)
{
    /// <summary>The name after the last '/'.</summary>
    public string Name => Path[(Path.LastIndexOf('/') + 1)..];

    /// <summary>The path of its folder, empty for the model's own.</summary>
    public string Folder => Path.LastIndexOf('/') is var slash and >= 0 ? Path[..slash] : "";
}

/// <summary>The files of a model at one commit, as the hub's API lists them; kept beside the commit's folder in the same JSON.</summary>
/// <param name="Commit">The commit, 40 hexadecimal digits.</param>
/// <param name="Files">All its files.</param>
internal sealed record HubListing(string Commit, IReadOnlyList<HubFile> Files)
{
    /// <summary>Reads the API's answer.</summary>
    /// <param name="json">The answer.</param>
    /// <param name="source">Where it comes from, for messages.</param>
    /// <exception cref="InputException">It is not a model's listing.</exception>
    public static HubListing Parse(ReadOnlyMemory<byte> json, string source)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind is not JsonValueKind.Object) throw Wrong(source, "not a JSON object");
            string commit = Text(document.RootElement, "sha") ?? "";
            if (!HubName.IsCommit(commit)) throw Wrong(source, "no commit in it");
            if (!document.RootElement.TryGetProperty("siblings", out JsonElement siblings) || siblings.ValueKind is not JsonValueKind.Array)
                throw Wrong(source, "no list of files in it");
            var files = new List<HubFile>(siblings.GetArrayLength());
            foreach (JsonElement sibling in siblings.EnumerateArray()) files.Add(File(sibling, source));
            return new HubListing(commit, [.. files.DistinctBy(file => file.Path, StringComparer.Ordinal)]);
        }
        catch (JsonException e)
        {
            throw new InputException(Wrong(source, "not JSON").Message, e);
        }
        catch (InvalidOperationException e)
        {
            // A text with half a surrogate pair.
            throw new InputException(Wrong(source, "text that is not Unicode").Message, e);
        }
    }

    /// <summary>The listing in the API's JSON, with nothing but what <see cref="Parse"/> reads.</summary>
    public byte[] ToJson()
    {
        var siblings = new JsonArray();
        foreach (HubFile file in Files)
        {
            var sibling = new JsonObject { ["rfilename"] = file.Path };
            if (file.Size is { } size) sibling["size"] = size;
            if (file.Checksum is { IsGit: true } blob) sibling["blobId"] = blob.Hex;
            if (file.Checksum is { IsGit: false } large) sibling["lfs"] = new JsonObject { ["sha256"] = large.Hex };
            siblings.Add((JsonNode)sibling);
        }

        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
            new JsonObject { ["sha"] = Commit, ["siblings"] = siblings }.WriteTo(writer);
        return stream.ToArray();
    }

    private static HubFile File(JsonElement sibling, string source)
    {
        if (sibling.ValueKind is not JsonValueKind.Object || Text(sibling, "rfilename") is not { Length: > 0 } path)
            throw Wrong(source, "a file without a name");
        bool large = sibling.TryGetProperty("lfs", out JsonElement lfs) && lfs.ValueKind is JsonValueKind.Object;
        // The blob of an LFS file is its pointer, not its content.
        string? sum = large ? Text(lfs, "sha256") ?? Text(lfs, "oid") : Text(sibling, "blobId");
        long? size = Size(sibling, path, source) ?? (large ? Size(lfs, path, source) : null);
        return new HubFile(path, size, HubChecksum.Parse(sum) is { } checksum && checksum.IsGit != large ? checksum : null);
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind is JsonValueKind.String ? value.GetString() : null;

    private static long? Size(JsonElement element, string path, string source)
    {
        if (!element.TryGetProperty("size", out JsonElement value) || value.ValueKind is JsonValueKind.Null) return null;
        return value.ValueKind is JsonValueKind.Number && value.TryGetInt64(out long size) && size >= 0
            ? size
            : throw Wrong(source, $"{HubName.Shown(path)} has no whole size");
    }

    private static InputException Wrong(string source, string what) =>
        new($"{source}: not the listing of a model ({what}); check that UNWEAVE_HUB or HF_ENDPOINT is the address of a hub.");
}
