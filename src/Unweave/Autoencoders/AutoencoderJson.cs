using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Unweave.Autoencoders;

/// <summary>
/// An autoencoder's settings as JSON: camelCase names, enumerations by name, the kind under <c>architecture</c>. Reading is strict:
/// what is missing keeps its default; what is unknown, given twice or of the wrong type is refused by name.
/// </summary>
/// <remarks>
/// Reading through the generated contract alone would give 0 for a setting that the text leaves out, because generated code
/// assigns every init-only property; so what is given is laid over the defaults first.
/// </remarks>
internal static class AutoencoderJson
{
    private static readonly JsonDocumentOptions Lenient =
        new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip, AllowDuplicateProperties = false };

    /// <summary>Writes settings on one line, every setting named.</summary>
    public static string Write(AutoencoderOptions options) =>
        JsonSerializer.Serialize(options, AutoencoderJsonContract.Default.AutoencoderOptions);

    /// <summary>Reads settings.</summary>
    /// <param name="json">
    /// An object with <c>architecture</c> and any settings of that architecture; comments and trailing commas are allowed.
    /// </param>
    /// <param name="where">What to call it in messages: a path, for example.</param>
    /// <exception cref="InputException">Names the setting, what is wrong with it, and what there is.</exception>
    public static AutoencoderOptions Read(string json, string where)
    {
        JsonObject given = Parse(json, where);
        if (!given.TryGetPropertyValue(Architecture.Key, out JsonNode? architecture))
            throw new InputException($"{where}: architecture is missing; name one of {Architecture.NamesWhere()}.");
        if (!(architecture is JsonValue value && value.TryGetValue(out string? name) && Architecture.Find(name) is { } found))
            throw new InputException($"{where}: architecture is {Show(architecture)}; it must be one of {Architecture.NamesWhere()}.");
        JsonObject defaults = found.DefaultsAsJson;
        try
        {
            return Complete(given, defaults, where).Deserialize(AutoencoderJsonContract.Default.AutoencoderOptions)!;
        }
        catch (JsonException e)
        {
            string setting = (e.Path ?? "").TrimStart('$', '.').Split('[', '.')[0];
            throw new InputException($"{where}: {setting} is {Show(given[setting])}, which it cannot be; "
                + $"its default, {Show(found.DefaultsAsJson[setting])}, shows how it is written.", e);
        }
    }

    /// <summary>Writes where an autoencoder comes from, on one line.</summary>
    public static string WriteOrigin(Origin origin) => JsonSerializer.Serialize(origin, AutoencoderJsonContract.Default.Origin);

    /// <summary>Reads where an autoencoder comes from; null when the text does not say it, as it decides nothing.</summary>
    public static Origin? ReadOrigin(string json)
    {
        try
        {
            Origin? origin = JsonSerializer.Deserialize(json, AutoencoderJsonContract.Default.Origin);
            return origin is { Dialect: not null, Conventions: not null, Folded: not null, Facts: not null } ? origin : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static JsonObject Parse(string json, string where)
    {
        try
        {
            return JsonNode.Parse(json, documentOptions: Lenient) as JsonObject
                ?? throw new InputException($"{where}: the settings are not a JSON object; write them as {{ \"name\": value, … }}.");
        }
        catch (JsonException e)
        {
            string line = e.LineNumber is { } number ? $" (line {number + 1})" : "";
            throw new InputException($"{where}: this is not valid JSON: {Shorten(e.Message.Split(". ")[0].TrimEnd('.'), 200)}{line}.", e);
        }
    }

    /// <summary>The defaults with the given settings laid over them.</summary>
    private static JsonObject Complete(JsonObject given, JsonObject defaults, string where)
    {
        foreach ((string name, JsonNode? value) in given)
        {
            if (!defaults.ContainsKey(name))
                throw new InputException($"{where}: there is no setting '{Shorten(name)}'; there are "
                    + $"{string.Join(", ", defaults.Select(setting => setting.Key))}.");
            if (value?.GetValueKind() == JsonValueKind.Number && !double.IsFinite(value.GetValue<double>()))
                throw new InputException($"{where}: {name} is {Show(value)}, which is too large for a number.");
            defaults[name] = value?.DeepClone();
        }

        return defaults;
    }

    private static string Show(JsonNode? node) => Shorten(node?.ToJsonString() ?? "null");

    private static string Shorten(string text, int length = 60) =>
        (text.Length <= length ? text : text[..length] + "…").ReplaceLineEndings(" ");
}

/// <summary>The generated contract of the settings of every architecture.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowOutOfOrderMetadataProperties = true,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(AutoencoderOptions))]
[JsonSerializable(typeof(Origin))]
internal sealed partial class AutoencoderJsonContract : JsonSerializerContext;
