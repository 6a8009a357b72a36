using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Unweave.Checkpoints.Dialects;

/// <summary>Settings in JSON that another library wrote: a key that is missing or of the wrong kind is refused by its name.</summary>
/// <param name="json">The object; keys that are not asked for are ignored.</param>
/// <param name="where">The file, for messages.</param>
internal sealed class DialectSettings(JsonObject json, string where)
{
    /// <summary>The object itself.</summary>
    public JsonObject Json => json;

    /// <summary>Whether a key is there and not null.</summary>
    public bool Has(string key) => json[key] is not null;

    /// <summary>Settings under a key.</summary>
    public DialectSettings? Find(string key) => json[key] switch
    {
        null => null,
        JsonObject inner => new DialectSettings(inner, where),
        var other => throw Wrong(key, other, "an object"),
    };

    /// <summary>A text, or null where the key is missing or null.</summary>
    public string? Text(string key) =>
        json[key] is not { } node ? null : node.GetValueKind() == JsonValueKind.String ? (string)node! : throw Wrong(key, node, "a text");

    /// <summary>A truth value; the default where the key is missing or null.</summary>
    public bool Flag(string key, bool otherwise = false) => json[key] switch
    {
        null => otherwise,
        { } node when node.GetValueKind() is JsonValueKind.True or JsonValueKind.False => (bool)node,
        { } node => throw Wrong(key, node, "true or false"),
    };

    /// <summary>A number, or null where the key is missing or null.</summary>
    public double? Number(string key)
    {
        if (json[key] is not { } node) return null;
        if (node.GetValueKind() != JsonValueKind.Number) throw Wrong(key, node, "a number");
        double value = double.Parse(node.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture);
        return double.IsFinite(value) ? value : throw Wrong(key, node, "a finite number");
    }

    /// <summary>A whole number from 0 to 2³¹−1, or null where the key is missing or null.</summary>
    public int? Count(string key) =>
        Number(key) is not { } value ? null
        : value is >= 0 and <= int.MaxValue && value == Math.Floor(value) ? (int)value
        : throw Wrong(key, json[key]!, "a whole number that is not negative");

    /// <summary>The value of a key that has to be there.</summary>
    public T Required<T>(string key, T? value)
        where T : struct => value ?? throw new InputException($"{where}: {key} is missing.");

    /// <summary>A text that has to be there.</summary>
    public string Required(string key) => Text(key) ?? throw new InputException($"{where}: {key} is missing.");

    /// <summary>An error that names a key and its value.</summary>
    public InputException Refuse(string key, string why) =>
        new($"{where}: {key} is {Shown(json[key])}, {why}.");

    private InputException Wrong(string key, JsonNode node, string expected) =>
        new($"{where}: {key} is {Shown(node)}; it has to be {expected}.");

    private static string Shown(JsonNode? node)
    {
        string text = node?.ToJsonString() ?? "null";
        return (text.Length <= 60 ? text : text[..60] + "…").ReplaceLineEndings(" ");
    }
}
