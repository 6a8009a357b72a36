using System.Text.Json;
using System.Text.Json.Nodes;

namespace Unweave.Training;

/// <summary>What a setting's value is.</summary>
internal enum SettingKind
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

/// <summary>
/// One setting of the run file, read off its schema: a property of <see cref="TrainingOptions"/> or of one architecture's options.
/// Settings of two architectures may share a name; they share the flag, and nothing else.
/// </summary>
internal sealed record RunFileSetting
{
    private RunFileSetting()
    {
    }

    /// <summary>
    /// Every setting, in the order of the schema: those of the run, then the architecture, then those of each architecture.
    /// </summary>
    public static IReadOnlyList<RunFileSetting> All { get; } = ReadFrom(RunFileSchema.Create());

    /// <summary>Its name in the run file, for example <c>auxK</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Its flag on the command line, for example <c>--aux-k</c>.</summary>
    public string Flag => "--" + JsonNamingPolicy.KebabCaseLower.ConvertName(Name);

    /// <summary>The name that earlier versions gave it, still read; null for most.</summary>
    public string? EarlierName => Name is "rows" ? "tokens" : null;

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

    /// <summary>The architecture that has it; null for a setting of the run.</summary>
    public string? Architecture { get; init; }

    /// <summary>True for the setting that chooses the architecture.</summary>
    public bool IsArchitecture => Name is Autoencoders.Architecture.Key;

    /// <summary>True for a setting inside <c>autoencoder</c> in the run file.</summary>
    internal bool InAutoencoder => IsArchitecture || Architecture is not null;

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

    /// <summary>True when a run file may call this setting so.</summary>
    internal bool IsCalled(string name) =>
        string.Equals(Name, name, StringComparison.Ordinal) || string.Equals(EarlierName, name, StringComparison.Ordinal);

    private static List<RunFileSetting> ReadFrom(JsonObject schema)
    {
        JsonObject run = schema["properties"]!.AsObject();
        var settings = new List<RunFileSetting>();
        foreach ((string name, JsonNode? node) in run)
            if (name is not ("$schema" or "autoencoder")) settings.Add(ReadFrom(name, node!.AsObject(), null));
        settings.Add(new RunFileSetting
        {
            Name = Autoencoders.Architecture.Key,
            Description = "Kind of autoencoder.",
            Kind = SettingKind.Choice,
            Choices = [.. Autoencoders.Architecture.Trainable.Select(architecture => architecture.Name)],
            Nullable = false,
            Default = JsonValue.Create(Autoencoders.Architecture.All[0].Name).ToJsonString(),
        });
        foreach (JsonNode? kind in run["autoencoder"]!["anyOf"]!.AsArray())
        {
            JsonObject properties = kind!["properties"]!.AsObject();
            string architecture = (string)properties[Autoencoders.Architecture.Key]!["const"]!;
            foreach ((string name, JsonNode? node) in properties)
                if (name is not Autoencoders.Architecture.Key) settings.Add(ReadFrom(name, node!.AsObject(), architecture));
        }

        return settings;
    }

    private static RunFileSetting ReadFrom(string name, JsonObject node, string? architecture)
    {
        string[] types = node["type"] switch
        {
            JsonArray several => [.. several.Select(type => (string)type!)],
            { } one => [(string)one!],
            null => [],
        };
        return new RunFileSetting
        {
            Name = name,
            Description = (string?)node["description"] ?? "",
            Kind = node["enum"] is not null ? SettingKind.Choice : KindOf(types, (string?)node["items"]?["type"]),
            Choices = node["enum"] is JsonArray names ? [.. names.Select(choice => (string)choice!)] : [],
            Nullable = types.Contains("null", StringComparer.Ordinal),
            Default = node["default"]?.ToJsonString() ?? "null",
            Architecture = architecture,
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
