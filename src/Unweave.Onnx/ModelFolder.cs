using System.Text.Json;

namespace Unweave.Onnx;

/// <summary>Finds the files of a model: the graph, and what its configuration says.</summary>
public static class ModelFolder
{
    private static readonly string[] ContextNames =
    [
        "n_positions", "max_position_embeddings", "n_ctx", "max_sequence_length", "seq_length"
    ];

    /// <summary>The ONNX file of a model.</summary>
    /// <param name="path">
    /// The file itself, or a folder: <c>model.onnx</c> in it or in its subfolder <c>onnx</c>, or the only ONNX file there.
    /// </param>
    /// <exception cref="InputException">There is none, or several and none is named so.</exception>
    public static string Model(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (File.Exists(path)) return path;
        if (!Directory.Exists(path)) throw new InputException($"There is no model at {path}: no such file or folder.");
        foreach (string folder in (string[])[path, Path.Combine(path, "onnx")])
        {
            string named = Path.Combine(folder, "model.onnx");
            if (File.Exists(named)) return named;
            string[] files = Directory.Exists(folder) ? Directory.GetFiles(folder, "*.onnx") : [];
            if (files.Length == 1) return files[0];
            if (files.Length > 1)
            {
                throw new InputException($"{folder} has several ONNX files "
                    + $"({string.Join(", ", files.Select(Path.GetFileName).Order(StringComparer.Ordinal))}); name one of them.");
            }
        }

        throw new InputException($"{path} has no ONNX file; export the model, for instance with `optimum-cli export onnx`, and name the "
            + $"folder or the file.");
    }

    /// <summary>Where a model is that was named: a path, or a name that was pulled from a hub.</summary>
    /// <param name="named">A file, a folder, or OWNER/NAME.</param>
    /// <exception cref="InputException">It is a hub's name, and was not pulled.</exception>
    public static string Locate(string named)
    {
        ArgumentNullException.ThrowIfNull(named);
        if (Path.Exists(named) || !named.Contains('/', StringComparison.Ordinal) || !HubClient.IsName(named)) return named;
        using var hub = new HubClient(HubOptions.FromEnvironment());
        return hub.Resolve(named);
    }

    /// <summary>The folder with the tokenizer of a model: that of the ONNX file, or the one above when it lies in <c>onnx</c>.</summary>
    /// <param name="path">As in <see cref="Model"/>.</param>
    public static string Tokenizer(string path)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(Model(path)))!;
        bool inside = string.Equals(Path.GetFileName(folder), "onnx", StringComparison.Ordinal) && !HasTokenizer(folder);
        return inside ? Path.GetDirectoryName(folder)! : folder;
    }

    /// <summary>The most tokens of one text that <c>config.json</c> beside a model names, or null.</summary>
    internal static int? Context(string model)
    {
        string file = Path.Combine(Tokenizer(model), "config.json");
        if (!File.Exists(file)) return null;
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(file));
            foreach (string name in ContextNames)
            {
                if (json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty(name, out JsonElement value)
                    && value.TryGetInt32(out int length) && length > 0)
                    return length;
            }

            return null;
        }
        catch (JsonException e)
        {
            throw new InputException($"{file} is not JSON ({e.Message}); fetch it again, or remove it.", e);
        }
    }

    private static bool HasTokenizer(string folder) =>
        File.Exists(Path.Combine(folder, "tokenizer.json")) || File.Exists(Path.Combine(folder, "vocab.txt"))
            || File.Exists(Path.Combine(folder, "vocab.json"));
}
