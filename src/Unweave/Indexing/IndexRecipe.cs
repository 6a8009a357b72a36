using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Unweave.Formats;

namespace Unweave.Indexing;

/// <summary>What an index of texts was made with, so that queries and further texts are embedded alike.</summary>
/// <param name="Embedder">Where the embedder was; null for the one that comes with Unweave, or one that a program gave.</param>
/// <param name="Identity">Identity of the embedder, which decides its vectors.</param>
/// <param name="Texts">What was indexed first, for people.</param>
public sealed record IndexRecipe(string? Embedder, string Identity, string Texts)
{
    /// <summary>Name of the file in the folder of an index. It is written last: a folder without it is an index that was not
    /// finished.</summary>
    public const string FileName = "texts.json";

    /// <summary>Settings of the embedder that stand in for what its own files say, by name; empty for none.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Whether a folder holds an index of texts that is finished.</summary>
    /// <param name="folder">The folder.</param>
    public static bool Exists(string folder) => File.Exists(Path.Combine(folder, FileName));

    /// <summary>Reads it.</summary>
    /// <param name="folder">The folder of the index.</param>
    /// <exception cref="InputException">There is none, or it is damaged.</exception>
    public static IndexRecipe Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
            throw new InputException($"{folder} is no index of texts: it has no {FileName}; make one with `unweave index TEXTS -o "
                + $"{folder}`.");
        try
        {
            JsonObject json = JsonNode.Parse(File.ReadAllBytes(path))!.AsObject();
            return new IndexRecipe((string?)json["embedder"], (string)json["identity"]!, (string)json["texts"]!)
            {
                Settings = json["settings"]!.AsObject().ToDictionary(each => each.Key, each => (string)each.Value!, StringComparer.Ordinal),
            };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or NullReferenceException or ArgumentException)
        {
            throw new InputException($"{path}: cannot be read ({e.Message}); restore it, or build the index again.", e);
        }
    }

    /// <summary>Writes it.</summary>
    internal void Write(string folder)
    {
        var settings = new JsonObject();
        foreach ((string name, string value) in Settings) settings[name] = value;
        var json = new JsonObject { ["embedder"] = Embedder, ["identity"] = Identity, ["texts"] = Texts, ["settings"] = settings };
        AtomicFile.Write(Path.Combine(folder, FileName), stream => stream.Write(Encoding.UTF8.GetBytes(json.ToJsonString())));
    }
}
