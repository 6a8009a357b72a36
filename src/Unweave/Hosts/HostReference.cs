using System.Text.Json;
using System.Text.Json.Serialization;

namespace Unweave.Hosts;

/// <summary>
/// Where the activations came from that an autoencoder was trained on: kept as <c>host.json</c> in its folder, so that it can be put back
/// there.
/// </summary>
/// <param name="Model">The model's file or folder, as it was named.</param>
/// <param name="ModelHash">SHA-256 of the model's files.</param>
/// <param name="Tokenizer">The tokenizer's name.</param>
/// <param name="TokenizerHash">SHA-256 of the tokenizer's files.</param>
/// <param name="Hook">Short name of the hook.</param>
/// <param name="Context">Tokens of a window.</param>
/// <param name="KeepSpecial">Whether rows of start and end tokens were used.</param>
public sealed record HostReference(
    string Model, string ModelHash, string Tokenizer, string TokenizerHash, string Hook, int Context, bool KeepSpecial)
{
    /// <summary>Name of the file in an autoencoder's folder.</summary>
    public const string FileName = "host.json";

    /// <summary>Reads the reference of an autoencoder.</summary>
    /// <param name="autoencoder">Its folder or its file.</param>
    /// <returns>Null when there is none: it was trained on vectors of unknown origin.</returns>
    /// <exception cref="InputException">The file is damaged.</exception>
    public static HostReference? Find(string autoencoder)
    {
        ArgumentNullException.ThrowIfNull(autoencoder);
        string folder = Directory.Exists(autoencoder) ? autoencoder : Path.GetDirectoryName(Path.GetFullPath(autoencoder))!;
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) return null;
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
}

/// <summary>JSON of references.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(HostReference))]
internal sealed partial class HostJson : JsonSerializerContext;
