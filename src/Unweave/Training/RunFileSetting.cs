using System.Text.Json;
using System.Text.Json.Nodes;

namespace Unweave.Training;

/// <summary>What a setting's value is.</summary>
public enum SettingKind
{
    /// <summary>A whole number.</summary>
    Integer,

    /// <summary>A number.</summary>
    Number,

    /// <summary>True or false.</summary>
    Boolean,

    /// <summary>Text.</summary>
    Text,

    /// <summary>One of a few names.</summary>
    Choice,

    /// <summary>A list of texts.</summary>
    Texts,

    /// <summary>A list of whole numbers.</summary>
    Integers,
}

/// <summary>One setting of the run file, read off its schema: a property of <see cref="TrainingOptions"/> or of its autoencoder's options.</summary>
public sealed record RunFileSetting
{
    private RunFileSetting()
    {
    }

    /// <summary>Every setting, in the order of the schema: those of the run, then the architecture, then those of each architecture.</summary>
    public static IReadOnlyList<RunFileSetting> All { get; } = ReadOff(RunFileSchema.Create());

    /// <summary>The architectures there are, the default one first.</summary>
    public static IReadOnlyList<string> AllArchitectures => All.First(setting => setting.IsArchitecture).Choices;

    /// <summary>Its name in the run file, for example <c>auxK</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Its flag on the command line, for example <c>--aux-k</c>.</summary>
    public string Flag => "--" + JsonNamingPolicy.KebabCaseLower.ConvertName(Name);

    /// <summary>What it does, in a sentence.</summary>
    public required string Description { get; init; }

    /// <summary>What its value is.</summary>
    public required SettingKind Kind { get; init; }

    /// <summary>The names that it takes, when <see cref="Kind"/> is a choice.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>True when null is a value: it lets the setting be chosen from the others.</summary>
    public required bool Nullable { get; init; }

    /// <summary>Its default as JSON.</summary>
    public required string Default { get; init; }

    /// <summary>The architectures that have it; empty for a setting of the run.</summary>
    public IReadOnlyList<string> Architectures { get; init; } = [];

    /// <summary>True for the setting that chooses the architecture.</summary>
    public bool IsArchitecture { get; private init; }

    /// <summary>True for a setting inside <c>autoencoder</c> in the run file.</summary>
    internal bool InAutoencoder => IsArchitecture || Architectures.Count > 0;

    /// <summary>What its value has to be, in words: "a whole number".</summary>
    public string Expected => Kind switch
    {
        SettingKind.Integer => "a whole number, written in digits",
        SettingKind.Number => "a finite number",
        SettingKind.Boolean => "true or false",
        SettingKind.Text => "a text",
        SettingKind.Choice => $"one of {string.Join(", ", Choices)}",
        SettingKind.Texts => "a list of texts",
        _ => "a list of whole numbers",
    }
        + (Nullable ? ", or null" : "");

    private static List<RunFileSetting> ReadOff(JsonObject schema)
    {
        var settings = new List<RunFileSetting>();
        var autoencoder = new List<RunFileSetting>();
        var architectures = new List<string>();
        foreach ((string name, JsonNode? node) in schema["properties"]!.AsObject())
        {
            if (name is "$schema" or "autoencoder") continue;
            settings.Add(ReadOff(name, node!.AsObject(), []));
        }

        foreach (JsonNode? kind in schema["properties"]!["autoencoder"]!["anyOf"]!.AsArray())
        {
            JsonObject properties = kind!["properties"]!.AsObject();
            string architecture = (string)properties["architecture"]!["const"]!;
            architectures.Add(architecture);
            foreach ((string name, JsonNode? node) in properties)
            {
                if (name is "architecture") continue;
                int known = autoencoder.FindIndex(setting => string.Equals(setting.Name, name, StringComparison.Ordinal));
                if (known < 0) autoencoder.Add(ReadOff(name, node!.AsObject(), [architecture]));
                else autoencoder[known] = autoencoder[known] with { Architectures = [.. autoencoder[known].Architectures, architecture] };
            }
        }

        settings.Add(new RunFileSetting
        {
            Name = "architecture",
            Description = "Kind of autoencoder.",
            Kind = SettingKind.Choice,
            Choices = architectures,
            Nullable = false,
            Default = JsonValue.Create(architectures[0]).ToJsonString(),
            IsArchitecture = true,
        });
        settings.AddRange(autoencoder);
        return settings;
    }

    private static RunFileSetting ReadOff(string name, JsonObject node, string[] architectures)
    {
        string[] types = node["type"] switch { JsonArray several => [.. several.Select(type => (string)type!)], { } one => [(string)one!], null => [] };
        return new RunFileSetting
        {
            Name = name,
            Description = (string?)node["description"] ?? "",
            Kind = node["enum"] is not null ? SettingKind.Choice : KindOf(types, (string?)node["items"]?["type"]),
            Choices = node["enum"] is JsonArray names ? [.. names.Select(choice => (string)choice!)] : [],
            Nullable = types.Contains("null", StringComparer.Ordinal),
            Default = node["default"]?.ToJsonString() ?? "null",
            Architectures = architectures,
        };
    }

    private static SettingKind KindOf(string[] types, string? items) => types.First(type => type is not "null") switch
    {
        "integer" => SettingKind.Integer,
        "number" => SettingKind.Number,
        "boolean" => SettingKind.Boolean,
        "array" => items is "integer" ? SettingKind.Integers : SettingKind.Texts,
        _ => SettingKind.Text,
    };
}
