using System.Security.Cryptography;
using System.Text.Json;

namespace Unweave.Onnx;

/// <summary>The files that a tokenizer is read from: the main one, and what stands beside it.</summary>
internal sealed class TokenizerSource(string file, bool special) : IDisposable
{
    private static readonly string[] Configurations = ["tokenizer_config.json", "special_tokens_map.json"];

    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private List<(string File, JsonElement Root)>? configurations;

    /// <summary>The main file.</summary>
    public string File { get; } = file;

    /// <summary>Whether special tokens that are written in a text are found there; otherwise they are text.</summary>
    public bool ParsesSpecial { get; } = special;

    /// <summary>SHA-256 of all that was read; to be asked for last.</summary>
    public string Hash => Convert.ToHexStringLower(hash.GetCurrentHash());

    /// <summary>The path of a file beside the main one.</summary>
    public string Beside(string name) => Path.Combine(Path.GetDirectoryName(Path.GetFullPath(File))!, name);

    /// <summary>The bytes of a file, which count for the hash.</summary>
    public byte[] Read(string path)
    {
        try
        {
            byte[] bytes = System.IO.File.ReadAllBytes(path);
            hash.AppendData(bytes);
            return bytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path} cannot be read ({e.Message}).", e);
        }
    }

    /// <summary>What a JSON file says.</summary>
    public T ReadJson<T>(string path)
        where T : class
    {
        try
        {
            return (T?)JsonSerializer.Deserialize(WithoutMark(Read(path)), typeof(T), TokenizerJsonContext.Default)
                ?? throw new InputException($"{path} is empty (null); fetch it again.");
        }
        catch (JsonException e)
        {
            throw new InputException($"{path} is not the JSON that was expected ({e.Message.ReplaceLineEndings(" ")}); fetch it again.", e);
        }
    }

    /// <summary>The lines of a text file, less an empty one at the end.</summary>
    public string[] ReadLines(string path)
    {
        string text = System.Text.Encoding.UTF8.GetString(WithoutMark(Read(path)));
        string[] lines = text.Split('\n');
        if (lines[^1].Length == 0) lines = lines[..^1];
        return [.. lines.Select(line => line.TrimEnd('\r'))];
    }

    /// <summary>What <c>tokenizer_config.json</c> or else <c>special_tokens_map.json</c> says about something, or null.</summary>
    public JsonElement? Configured(string name)
    {
        foreach (JsonElement root in Roots())
        {
            if (root.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null) return value;
        }

        return null;
    }

    /// <summary>Whether the configuration says something of a name, and be it null.</summary>
    public bool Says(string name) => Roots().Any(root => root.TryGetProperty(name, out _));

    /// <summary>A yes or no that the configuration gives, or null.</summary>
    public bool? Flag(string name) =>
        Configured(name) is { ValueKind: JsonValueKind.True or JsonValueKind.False } value ? value.GetBoolean() : null;

    /// <summary>A special token that the configuration names, such as <c>bos_token</c>, or null.</summary>
    public string? Token(string name) => Configured(name) switch
    {
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        { ValueKind: JsonValueKind.Object } token when token.TryGetProperty("content", out JsonElement content)
            && content.ValueKind == JsonValueKind.String => content.GetString(),
        _ => null,
    };

    public void Dispose() => hash.Dispose();

    private IEnumerable<JsonElement> Roots()
    {
        configurations ??= [.. Configurations.Select(Beside).Where(System.IO.File.Exists)
            .Select(path => (path, Root: ReadJson<JsonDocument>(path).RootElement))];
        foreach ((string path, JsonElement root) in configurations)
        {
            if (root.ValueKind != JsonValueKind.Object)
                throw new InputException($"{path} is not a JSON object; fetch it again, or remove it.");
            yield return root;
        }
    }

    private static ReadOnlySpan<byte> WithoutMark(byte[] bytes) => bytes.AsSpan().StartsWith("\uFEFF"u8) ? bytes.AsSpan(3) : bytes;
}
