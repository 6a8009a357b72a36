using System.Text.Json;

namespace Unweave.Onnx;

/// <summary>
/// What the files of a sentence encoder say beside its graph, as sentence-transformers lays them out: <c>modules.json</c> with the
/// folders of its modules, <c>sentence_bert_config.json</c>, <c>config_sentence_transformers.json</c>, <c>tokenizer_config.json</c>. All
/// may be missing.
/// </summary>
internal sealed record EncoderFiles
{
    /// <summary>No tokenizer means a number like 10³⁰ as a length.</summary>
    private const int LongestLength = 1 << 20;

    private static readonly string[] DocumentPrompts = ["document", "passage", "corpus"];

    private EncoderFiles()
    {
    }

    /// <summary>How the vectors of tokens become a text's, or null where nothing says.</summary>
    public TextPooling? Pooling { get; private init; }

    /// <summary>Whether tokens of the prefix count when vectors are pooled.</summary>
    public bool PoolsPrefix { get; private init; } = true;

    /// <summary>Folders of the layers that follow the pooling, in order.</summary>
    public IReadOnlyList<string> Layers { get; private init; } = [];

    /// <summary>Whether texts are brought to lower case before the tokenizer has them.</summary>
    public bool Lower { get; private init; }

    /// <summary>The most tokens of a text, or null.</summary>
    public int? Length { get; private init; }

    /// <summary>What is written before a document.</summary>
    public string DocumentPrefix { get; private init; } = "";

    /// <summary>What is written before a query.</summary>
    public string QueryPrefix { get; private init; } = "";

    /// <summary>Reads the files beside a graph, or above it where it lies in a subfolder <c>onnx</c>.</summary>
    /// <param name="model">The ONNX file.</param>
    /// <param name="pooling">Whether the pooling is known otherwise, so that what the files say of it does not matter.</param>
    /// <exception cref="InputException">One is damaged, or says what is not known here.</exception>
    public static EncoderFiles Read(string model, bool pooling)
    {
        string own = Path.GetDirectoryName(Path.GetFullPath(model))!;
        bool below = string.Equals(Path.GetFileName(own), "onnx", StringComparison.Ordinal)
            && !File.Exists(Path.Combine(own, "modules.json"));
        string folder = below ? Path.GetDirectoryName(own)! : own, modules = Path.Combine(folder, "modules.json");
        var files = new EncoderFiles();
        files = File.Exists(modules)
            ? files.WithModules(folder, modules, pooling)
            : files.WithPooling(Path.Combine(folder, "1_Pooling"), pooling);
        string bert = Path.Combine(folder, "sentence_bert_config.json"), tokenizer = Path.Combine(folder, "tokenizer_config.json");
        using (JsonDocument? json = Parse(bert))
        {
            if (json is not null)
                files = files with { Length = Count(json.RootElement, "max_seq_length"), Lower = Flag(json.RootElement, "do_lower_case") };
        }

        using (JsonDocument? json = Parse(tokenizer))
        {
            if (json is not null) files = files with { Length = files.Length ?? Count(json.RootElement, "model_max_length") };
        }

        return files.WithPrompts(Path.Combine(folder, "config_sentence_transformers.json"));
    }

    private EncoderFiles WithModules(string folder, string file, bool pooling)
    {
        using JsonDocument json = Parse(file)!;
        if (json.RootElement.ValueKind != JsonValueKind.Array) throw Damaged(file, "is not a list of modules");
        EncoderFiles files = this;
        var layers = new List<string>();
        foreach (JsonElement module in json.RootElement.EnumerateArray())
        {
            string type = Text(module, "type") ?? throw Damaged(file, "has a module without a type");
            string path = Path.Combine(folder, Text(module, "path") ?? "");
            switch (type[(type.LastIndexOf('.') + 1)..])
            {
                case "Transformer" or "Normalize":
                    break;
                case "Pooling":
                    files = files.WithPooling(path, pooling);
                    break;
                case "Dense":
                    layers.Add(path);
                    break;
                default:
                    throw new InputException($"{file} has the module {type}, which is not known here; Transformer, Pooling, Dense and "
                        + "Normalize are. Export the model with its pooled output and name the ONNX file in a folder of its own.");
            }
        }

        return files with { Layers = layers };
    }

    private EncoderFiles WithPooling(string folder, bool known)
    {
        string file = Path.Combine(folder, "config.json");
        using JsonDocument? json = Parse(file);
        if (json is null) return this;
        var modes = new List<string>();
        if (Text(json.RootElement, "pooling_mode") is { } named) modes.Add(named);
        foreach (JsonProperty entry in json.RootElement.EnumerateObject())
        {
            const string prefix = "pooling_mode_";
            if (entry.Name.StartsWith(prefix, StringComparison.Ordinal) && entry.Value.ValueKind == JsonValueKind.True)
                modes.Add(entry.Name[prefix.Length..]);
        }

        TextPooling? pooling = modes switch
        {
            ["mean_tokens" or "mean"] => TextPooling.Mean,
            ["cls_token" or "cls"] => TextPooling.Cls,
            ["lasttoken"] => TextPooling.Last,
            ["max_tokens" or "max"] => TextPooling.Max,
            _ when known => null,
            [] => throw Damaged(file, "names no pooling"),
            _ => throw new InputException($"{file} asks for the pooling {string.Join(" with ", modes)}, which is not known here; mean, "
                + "cls, max and lasttoken are, one at a time. Choose another with --pooling, or export the model with its pooled output."),
        };
        bool without = json.RootElement.TryGetProperty("include_prompt", out JsonElement prompt) && prompt.ValueKind == JsonValueKind.False;
        return this with { Pooling = pooling, PoolsPrefix = !without };
    }

    // The names under which sentence-transformers looks for what goes before queries and documents.
    private EncoderFiles WithPrompts(string file)
    {
        using JsonDocument? json = Parse(file);
        if (json is null || !json.RootElement.TryGetProperty("prompts", out JsonElement prompts)) return this;
        string? otherwise = Text(json.RootElement, "default_prompt_name") is { } name ? Text(prompts, name) : null;
        string? document = DocumentPrompts.Select(prompt => Text(prompts, prompt)).FirstOrDefault(text => text is not null);
        return this with { QueryPrefix = Text(prompts, "query") ?? otherwise ?? "", DocumentPrefix = document ?? otherwise ?? "" };
    }

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement value)
            && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static bool Flag(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.True;

    private static int? Count(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number
            && value.TryGetDouble(out double count) && count is > 0 and < LongestLength ? (int)count : null;

    /// <summary>An object or a list in a JSON file; null where there is no file.</summary>
    internal static JsonDocument? Parse(string file)
    {
        if (!File.Exists(file)) return null;
        try
        {
            var json = JsonDocument.Parse(File.ReadAllBytes(file));
            if (json.RootElement.ValueKind is JsonValueKind.Object or JsonValueKind.Array) return json;
            json.Dispose();
            throw Damaged(file, "holds neither an object nor a list");
        }
        catch (JsonException e)
        {
            throw Damaged(file, $"is not JSON ({e.Message.ReplaceLineEndings(" ")})");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{file} cannot be read ({e.Message}).", e);
        }
    }

    private static InputException Damaged(string file, string how) => new($"{file} {how}; fetch it again, or remove it.");
}
