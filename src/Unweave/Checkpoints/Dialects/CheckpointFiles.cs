using System.Text.Json;
using System.Text.Json.Nodes;
using Unweave.Formats;

namespace Unweave.Checkpoints.Dialects;

/// <summary>
/// The files of a checkpoint: those of a folder, or one file with the settings that lie beside it. Each is opened once, when it is first
/// asked for; a file of tensors is opened without reading them.
/// </summary>
internal sealed class CheckpointFiles : IDisposable
{
    /// <summary>Name of the file in which what a checkpoint does not say may lie beside it: <c>{ "k": 32 }</c>.</summary>
    public const string GivenName = "unweave.json";

    /// <summary>The one folder within that a dialect has its weights in.</summary>
    public const string Inner = "checkpoints";

    private const long LongestSettings = 1 << 24;
    private static readonly string[] TensorExtensions = [".safetensors", ".pt", ".pth", ".bin", ".npz"];

    private readonly Dictionary<string, TensorFile?> tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, JsonObject?> settings = new(StringComparer.Ordinal);
    private readonly SortedSet<string> names = new(StringComparer.Ordinal);

    /// <summary>Lists a folder's files; of a single file, those beside it that are not tensors.</summary>
    /// <param name="path">A folder or file.</param>
    /// <param name="given">What the user says of it that the files do not: <c>k</c> of a state dict for example.</param>
    public CheckpointFiles(string path, IReadOnlyDictionary<string, string>? given = null)
    {
        Path = path;
        bool single = File.Exists(path);
        Folder = single ? System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))! : path;
        string? chosen = single && IsTensorFile(path) ? System.IO.Path.GetFileName(path) : null; // a file of settings stands for its folder
        foreach (string file in Directory.EnumerateFiles(Folder))
        {
            string name = System.IO.Path.GetFileName(file);
            if (chosen is null || string.Equals(name, chosen, StringComparison.Ordinal) || !IsTensorFile(name)) names.Add(name);
        }

        if (chosen is null && Directory.Exists(PathOf(Inner)))
            foreach (string file in Directory.EnumerateFiles(PathOf(Inner))) names.Add($"{Inner}/{System.IO.Path.GetFileName(file)}");
        JsonObject said = ParseGiven(given);
        foreach ((string key, JsonNode? value) in FindSettings(GivenName) ?? []) said.TryAdd(key, value?.DeepClone());
        Given = new DialectSettings(said, "what is given with the checkpoint");
    }

    /// <summary>What the user named: for messages.</summary>
    public string Path { get; }

    /// <summary>
    /// What the user says of the checkpoint beside its files, or in a file <see cref="GivenName"/> among them. A dialect whose files lack a
    /// number that its formula needs asks here, and refuses to guess.
    /// </summary>
    public DialectSettings Given { get; }

    /// <summary>The folder of the files.</summary>
    public string Folder { get; }

    /// <summary>Names of the files in order, without their folder.</summary>
    public IReadOnlyCollection<string> Names => names;

    /// <summary>
    /// Why a file of tensors that was asked for is refused although it is whole: its pickle names what would run code. Null when none is.
    /// </summary>
    public InputException? Refusal { get; private set; }

    /// <summary>Why a file that was asked for cannot be read, the first of them; null when none was.</summary>
    public InputException? Damage { get; private set; }

    /// <summary>Whether there is a file of a name.</summary>
    public bool Has(string name) => names.Contains(name);

    /// <summary>The names with an ending, <c>.pt</c> for example.</summary>
    public IEnumerable<string> Ending(params IEnumerable<string> endings) =>
        names.Where(name => !name.Contains('/', StringComparison.Ordinal)
            && endings.Any(ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase)));

    /// <summary>A path to show or open.</summary>
    public string PathOf(string name) => System.IO.Path.Combine(Folder, name);

    /// <summary>A file of tensors; null when there is none of the name, or it is none that can be read.</summary>
    public TensorFile? FindTensors(string name)
    {
        if (!Has(name)) return null;
        if (tensors.TryGetValue(name, out TensorFile? found)) return found;
        try
        {
            found = Open(name);
        }
        catch (InputException e)
        {
            Damage ??= e;
            found = null; // Tensors says why
        }

        tensors.Add(name, found);
        return found;
    }

    /// <summary>A file of tensors.</summary>
    /// <exception cref="InputException">There is none, or it cannot be read.</exception>
    public TensorFile Tensors(string name)
    {
        if (FindTensors(name) is { } found) return found;
        found = Open(name);
        tensors[name] = found;
        return found;
    }

    /// <summary>Settings in JSON; null when there is no file of the name, or it is not an object in JSON.</summary>
    public JsonObject? FindSettings(string name)
    {
        if (!Has(name)) return null;
        if (settings.TryGetValue(name, out JsonObject? found)) return found;
        try
        {
            found = Parse(PathOf(name));
        }
        catch (InputException e)
        {
            Damage ??= e;
            found = null; // Settings says why
        }

        settings.Add(name, found);
        return found;
    }

    /// <summary>Settings in JSON, with readers that name the key.</summary>
    /// <exception cref="InputException">There is no such file, or it is not an object in JSON.</exception>
    public DialectSettings Settings(string name) => new(FindSettings(name) ?? Parse(PathOf(name)), PathOf(name));

    /// <summary>Settings in flat YAML; without any when there is no such file.</summary>
    public DialectSettings FlatYaml(string name) => new(Has(name) ? Dialects.FlatYaml.Read(PathOf(name)) : [], PathOf(name));

    /// <summary>An error for what the files do not say and nobody gave.</summary>
    /// <param name="key">Its name in <see cref="Given"/>.</param>
    /// <param name="example">A value it might have.</param>
    public InputException NotGiven(string key, string example) =>
        new($"{Path}: {key} is not stored in this checkpoint, and its codes depend on it; give it (--set {key}={example}, or "
            + $"{{ \"{key}\": … }} in {GivenName} beside it).");

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (TensorFile? file in tensors.Values) file?.Dispose();
    }

    private TensorFile Open(string name)
    {
        TensorFile file = TensorFile.Open(PathOf(name));
        try
        {
            (file as TorchFile)?.RefuseForeign();
            return file;
        }
        catch (InputException e)
        {
            Refusal ??= e;
            file.Dispose();
            throw;
        }
    }

    private static bool IsTensorFile(string name) =>
        TensorExtensions.Any(extension => name.EndsWith(extension, StringComparison.OrdinalIgnoreCase));

    // k=8 and normalize=true are a number and a truth value; what is none of JSON's is a text.
    private static JsonObject ParseGiven(IReadOnlyDictionary<string, string>? given)
    {
        var json = new JsonObject();
        foreach ((string key, string value) in given ?? new Dictionary<string, string>(StringComparer.Ordinal))
        {
            try
            {
                json[key] = JsonNode.Parse(value);
            }
            catch (JsonException)
            {
                json[key] = value;
            }
        }

        return json;
    }

    // JSON is parsed as it is asked for; what cannot be read of it is refused here, where the file is known.
    private static void ReadTexts(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject inner:
                foreach ((_, JsonNode? value) in inner) ReadTexts(value);
                break;
            case JsonArray list:
                foreach (JsonNode? value in list) ReadTexts(value);
                break;
            case not null when node.GetValueKind() == JsonValueKind.String:
                _ = (string?)node;
                break;
        }
    }

    private static JsonObject Parse(string path)
    {
        try
        {
            if (new FileInfo(path).Length > LongestSettings) throw new InputException($"{path}: is too long for a file of settings.");
            var json = JsonNode.Parse(File.ReadAllBytes(path), documentOptions: new() { AllowDuplicateProperties = false }) as JsonObject
                ?? throw new InputException($"{path}: is not an object in JSON.");
            ReadTexts(json);
            return json;
        }
        catch (InvalidOperationException e)
        {
            throw new InputException($"{path}: has a text that is not UTF-8.", e);
        }
        catch (JsonException e)
        {
            throw new InputException($"{path}: is not valid JSON (line {(e.LineNumber ?? 0) + 1}, byte "
                + $"{(e.BytePositionInLine ?? 0) + 1}).", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read: {e.Message}", e);
        }
    }
}
