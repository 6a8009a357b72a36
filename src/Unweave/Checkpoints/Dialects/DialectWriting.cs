using System.Text.Json;
using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Formats;

namespace Unweave.Checkpoints.Dialects;

/// <summary>What writers of dialects have in common.</summary>
internal static class DialectWriting
{
    /// <summary>The settings that an autoencoder came with, where it came from the dialect itself; else none.</summary>
    public static JsonObject Settings(SparseAutoencoder autoencoder, string dialect) =>
        autoencoder.Origin is { Settings: { } settings } origin && string.Equals(origin.Dialect, dialect, StringComparison.Ordinal)
            ? JsonNode.Parse(settings)!.AsObject()
            : [];

    /// <summary>What is known of where an autoencoder comes from, under a name; null when it is not.</summary>
    public static string? Fact(SparseAutoencoder autoencoder, string name) => autoencoder.Origin?.Facts.GetValueOrDefault(name);

    /// <summary>A tensor of one number.</summary>
    public static TensorToWrite Number(string name, float value) => TensorToWrite.From(name, [value], []);

    /// <summary>A tensor of one whole number of 32 bits.</summary>
    public static TensorToWrite Number(string name, int value) => TensorToWrite.From(name, [value], []);

    /// <summary>Writes settings.</summary>
    public static void Json(string path, JsonObject settings) => AtomicFile.Write(path, file =>
    {
        using var writer = new Utf8JsonWriter(file, new JsonWriterOptions { Indented = true });
        settings.WriteTo(writer);
    });

    /// <summary>Writes tensors as torch's own writer of safetensors names its files.</summary>
    public static void Safetensors(string path, IReadOnlyList<TensorToWrite> tensors, params ReadOnlySpan<(string Key,
        string Value)> metadata)
    {
        var all = new Dictionary<string, string>(StringComparer.Ordinal) { ["format"] = "pt" };
        foreach ((string key, string value) in metadata) all[key] = value;
        SafetensorsWriter.Write(path, tensors, all);
    }
}
