using System.Text.Json;
using System.Text.Json.Serialization;

namespace Unweave.Hosts;

/// <summary>
/// Where the activations came from that an autoencoder was trained on: kept as <c>host.json</c> in its folder, so that it can be put back
/// there.
/// </summary>
/// <param name="Model">The model's file or folder.</param>
/// <param name="ModelHash">SHA-256 of the model's files.</param>
/// <param name="Tokenizer">The tokenizer's name: its kind and file.</param>
/// <param name="TokenizerHash">SHA-256 of the tokenizer's files.</param>
/// <param name="Hook">Short name of the hook.</param>
/// <param name="Context">Tokens of a window.</param>
/// <param name="KeepSpecial">Whether rows of start and end tokens were used.</param>
public sealed record HostReference(
    string Model, string ModelHash, string Tokenizer, string TokenizerHash, string Hook, int Context, bool KeepSpecial)
{
    // Between the kind and the file in the name of a tokenizer.
    private const string Separator = " tokenizer ";

    /// <summary>SHA-256 of the autoencoder's weights; null before there is one, and in files of earlier versions.</summary>
    public string? AutoencoderSha256 { get; init; }

    /// <summary>Whether special tokens written in texts were found; otherwise they were text.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool FindsSpecial { get; init; }

    /// <summary>What a person chose to feed some of the model's inputs, by name; null where all were guessed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string>? Inputs { get; init; }

    /// <summary>The hook whose activations a transcoder gives for those of its own hook; null where it is the same.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? TargetHook { get; init; }

    /// <summary>The tokenizer's file; null where its name does not say.</summary>
    [JsonIgnore]
    public string? TokenizerPath =>
        Tokenizer?.IndexOf(Separator, StringComparison.Ordinal) is >= 0 and var at ? Tokenizer[(at + Separator.Length)..] : null;

    /// <summary>The reference of rows of a harvest.</summary>
    public static HostReference From(Data.HarvestSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        Data.HarvestManifest manifest = source.Harvest.Manifest;
        (Data.HarvestInput model, Data.HarvestInput tokenizer) = (manifest.Model, manifest.Tokenizer);
        return new(model.Name, model.Sha256, tokenizer.Name, tokenizer.Sha256, source.Hook, manifest.ContextLength, manifest.KeepsStart)
        {
            FindsSpecial = manifest.Settings.ContainsKey(Harvester.SpecialTokens),
            Inputs = Harvester.Inputs(manifest.Settings),
        };
    }

    /// <summary>Reads a reference.</summary>
    /// <exception cref="InputException">The file is damaged.</exception>
    internal static HostReference Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(
                File.ReadAllBytes(path), HostJson.Default.HostReference) is { Model: not null, ModelHash: not null, Hook: not null } whole
                ? whole
                : throw new InputException($"{path} does not name a model and a hook; remove it, and name them with --model and --hook.");
        }
        catch (JsonException e)
        {
            throw new InputException($"{path} is not JSON ({e.Message}); remove it, and name the model and the hook with --model and "
                + $"--hook.", e);
        }
    }

    /// <summary>The reference as JSON.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, HostJson.Default.HostReference);

    /// <summary>The reference with whole paths of what is there, so that it is found from any working folder.</summary>
    internal HostReference WithFullPaths() => this with
    {
        Model = Full(Model),
        Tokenizer = TokenizerPath is { } path ? Tokenizer[..^path.Length] + Full(path) : Tokenizer,
    };

    private static string Full(string path) => Path.Exists(path) ? Path.GetFullPath(path) : path;
}

/// <summary>JSON of references.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(HostReference))]
internal sealed partial class HostJson : JsonSerializerContext;
