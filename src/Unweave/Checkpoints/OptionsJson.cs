using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Unweave.Autoencoders;

namespace Unweave.Checkpoints;

/// <summary>
/// Reads records of options from JSON: what is missing keeps its default, what is unknown, twice or of the wrong type is refused
/// by name. Comments and trailing commas are allowed, because people write these files.
/// </summary>
public static class OptionsJson
{
    private const string Architecture = "architecture";

    /// <summary>The default settings of each architecture, by its name in JSON.</summary>
    private static readonly Dictionary<string, JsonObject> Kinds = ((AutoencoderOptions[])[new TopKOptions(), new ReluOptions(), new KlOptions(), new UndercompleteOptions()])
        .Select(options => ToObject(options, AutoencoderJson.Default.AutoencoderOptions))
        .ToDictionary(options => options[Architecture]!.GetValue<string>(), StringComparer.Ordinal);

    /// <summary>Parses text into an object, to be read or changed further.</summary>
    /// <param name="json">The text.</param>
    /// <param name="where">What to call it in messages: a path, for example.</param>
    /// <exception cref="InputException">It is not JSON, not an object, or names a property twice.</exception>
    public static JsonObject Parse(string json, string where)
    {
        var options = new JsonDocumentOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip, AllowDuplicateProperties = false };
        try
        {
            return JsonNode.Parse(json, documentOptions: options) as JsonObject ?? throw new InputException($"{where}: the settings are not a JSON object; write them as {{ \"name\": value, … }}.");
        }
        catch (JsonException e)
        {
            throw new InputException($"{where}: this is not valid JSON: {FirstSentence(e.Message)}{(e.LineNumber is { } line ? $" (line {line + 1})" : "")}.", e);
        }
    }

    /// <summary>Reads an autoencoder's settings.</summary>
    /// <param name="given">An object with <c>architecture</c> and any settings of that architecture.</param>
    /// <param name="where">What to call it in messages.</param>
    /// <exception cref="InputException">Names the setting, what is wrong with it, and what there is.</exception>
    public static AutoencoderOptions ReadAutoencoder(JsonObject given, string where)
    {
        ArgumentNullException.ThrowIfNull(given);
        JsonObject kind = given.ContainsKey(Architecture) ? KindOf(given, where, "") : throw new InputException($"{where}: architecture is missing; name one of {string.Join(", ", Kinds.Keys)}.");
        return Read(given, kind, AutoencoderJson.Default.AutoencoderOptions, where);
    }

    /// <summary>Reads any record of options; the autoencoder's settings within it start from the defaults of their own architecture.</summary>
    /// <typeparam name="T">The record.</typeparam>
    /// <param name="given">The settings that differ from the defaults.</param>
    /// <param name="defaults">The record with its defaults.</param>
    /// <param name="type">Its JSON contract.</param>
    /// <param name="where">What to call it in messages.</param>
    /// <exception cref="InputException">Names the setting, what is wrong with it, and what there is.</exception>
    public static T Read<T>(JsonObject given, T defaults, JsonTypeInfo<T> type, string where)
    {
        ArgumentNullException.ThrowIfNull(given);
        return Read(given, ToObject(defaults, type), type, where);
    }

    /// <summary>Writes an autoencoder's settings on one line, every setting named.</summary>
    public static string Write(AutoencoderOptions options) => JsonSerializer.Serialize(options, AutoencoderJson.Default.AutoencoderOptions);

    private static T Read<T>(JsonObject given, JsonObject defaults, JsonTypeInfo<T> type, string where)
    {
        JsonObject complete = Complete(given, defaults, where, "");
        try
        {
            return complete.Deserialize(type)!;
        }
        catch (JsonException e)
        {
            string path = e.Path?.TrimStart('$', '.') ?? "";
            string setting = path.Split('[')[0];
            throw new InputException($"{where}: {setting} is {At(complete, setting)}, which it cannot be; its default, {At(defaults, setting)}, shows how it is written.", e);
        }
    }

    /// <summary>The defaults with the given settings laid over them.</summary>
    private static JsonObject Complete(JsonObject given, JsonObject defaults, string where, string prefix)
    {
        var complete = (JsonObject)defaults.DeepClone();
        foreach ((string name, JsonNode? value) in given)
        {
            if (!defaults.TryGetPropertyValue(name, out JsonNode? standard))
                throw new InputException($"{where}: there is no setting '{prefix}{Shorten(name)}'; there are {string.Join(", ", defaults.Select(setting => setting.Key))}.");
            if (value is JsonObject part && standard is JsonObject partStandard)
                complete[name] = Complete(part, part.ContainsKey(Architecture) ? KindOf(part, where, $"{name}.") : partStandard, where, $"{name}.");
            else if (value is JsonValue number && number.GetValueKind() == JsonValueKind.Number && !(number.TryGetValue(out double size) && double.IsFinite(size)))
                throw new InputException($"{where}: {prefix}{name} is {Show(value)}, which is too large for a number.");
            else
                complete[name] = value?.DeepClone();
        }

        return complete;
    }

    private static JsonObject KindOf(JsonObject given, string where, string prefix) =>
        given[Architecture] is JsonValue value && value.TryGetValue(out string? name) && Kinds.TryGetValue(name, out JsonObject? kind)
            ? kind
            : throw new InputException($"{where}: {prefix}architecture is {Show(given[Architecture])}; it must be one of {string.Join(", ", Kinds.Keys)}.");

    private static JsonObject ToObject<T>(T options, JsonTypeInfo<T> type) => (JsonObject)JsonSerializer.SerializeToNode(options, type)!;

    /// <summary>The JSON at a path of names.</summary>
    private static string At(JsonObject root, string path)
    {
        JsonNode? node = root;
        foreach (string name in path.Split('.')) node = (node as JsonObject)?[name];
        return Show(node);
    }

    private static string Show(JsonNode? node) => Shorten(node?.ToJsonString() ?? "null");

    private static string FirstSentence(string message) => Shorten(message.Split(". ")[0].TrimEnd('.'), 200);

    private static string Shorten(string text, int length = 60) => (text.Length <= length ? text : text[..length] + "…").ReplaceLineEndings(" ");
}
