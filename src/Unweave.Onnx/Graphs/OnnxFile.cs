using System.Security.Cryptography;
using Google.Protobuf;
using Unweave.Onnx.Graphs.Messages;

namespace Unweave.Onnx.Graphs;

/// <summary>An ONNX file as its messages, with what it needs beside it.</summary>
internal sealed class OnnxFile
{
    private readonly ModelProto shell;
    private readonly (long Length, DateTime Written) state;

    private OnnxFile(string path, ModelProto model, string[] externalFiles)
    {
        Path = path;
        Model = model;
        ExternalFiles = externalFiles;
        GraphProto graph = model.Graph;
        model.Graph = null;
        shell = model.Clone();
        model.Graph = graph;
        state = State(path);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Folder that external weights are named from.</summary>
    public string Folder => System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))!;

    /// <summary>What the file says; of large weights only where in the file they lie, as ONNX's external data.</summary>
    public ModelProto Model { get; }

    /// <summary>Files with weights beside it.</summary>
    public IReadOnlyList<string> ExternalFiles { get; }

    /// <summary>Reads and checks a file.</summary>
    /// <param name="path">The ONNX file.</param>
    /// <exception cref="InputException">It is missing, not ONNX or cut short, or a file with weights is missing beside it.</exception>
    public static OnnxFile Open(string path)
    {
        ModelProto model = Parse(path);
        if (model.Graph is null || model.Graph.Node.Count == 0 || model.OpsetImport.Count == 0)
            throw new InputException($"{path} is not an ONNX model: it has no graph; export one, for instance with torch.onnx.export or "
                + $"optimum-cli.");
        if (model.Graph.Output.Count == 0) throw new InputException($"{path}: the graph has no output; the export is broken.");
        string folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;
        string own = System.IO.Path.GetFileName(path);
        string[] external = [.. ExternalLocations(model.Graph).Where(location => !string.Equals(location, own, StringComparison.Ordinal))
            .Distinct(StringComparer.Ordinal).Select(location => Resolve(path, folder, location))];
        LocalFunctions.Inline(model);
        Rewriting.Apply(model.Graph);
        return new OnnxFile(path, model, external);
    }

    /// <summary>A model with all that the file says besides its graph, and another graph.</summary>
    /// <exception cref="InputException">The file, which the weights are mapped from, was changed since it was opened.</exception>
    public ModelProto With(GraphProto graph)
    {
        if (State(Path) != state) throw new InputException($"{Path} was changed or removed while it was in use; start again.");
        ModelProto model = shell.Clone();
        model.Graph = graph;
        return model;
    }

    /// <summary>SHA-256 of the file and of the weights beside it, in order.</summary>
    public string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[1 << 20];
        foreach (string file in (string[])[Path, .. ExternalFiles])
        {
            using FileStream stream = File.OpenRead(file);
            while (stream.Read(buffer) is > 0 and var read) hash.AppendData(buffer, 0, read);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static (long Length, DateTime Written) State(string path)
    {
        var file = new FileInfo(path);
        return file.Exists ? (file.Length, file.LastWriteTimeUtc) : default;
    }

    private static ModelProto Parse(string path)
    {
        try
        {
            return new FileInfo(path).Length > 0
                ? ModelReader.Read(path)
                : throw new InputException($"{path} is empty, not an ONNX model.");
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or InvalidDataException)
        {
            throw new InputException($"{path} is not an ONNX model, or it is cut short ({e.Message.TrimEnd('.')}); fetch or export it "
                + $"again.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException(
                Directory.Exists(path) ? $"{path} is a folder; name the .onnx file in it." : $"{path} cannot be read: {e.Message}", e);
        }
    }

    private static IEnumerable<string> ExternalLocations(GraphProto graph)
    {
        IEnumerable<TensorProto> own = graph.Initializer.Concat(
            graph.Node.SelectMany(node => node.Attribute).Select(attribute => attribute.T).OfType<TensorProto>());
        IEnumerable<string> here = own.Where(tensor => tensor.DataLocation == ModelReader.External)
            .Select(
                tensor => tensor.ExternalData.FirstOrDefault(entry => string.Equals(entry.Key, "location", StringComparison.Ordinal))?.Value
                    ?? "");
        return here.Concat(OnnxGraph.Subgraphs(graph).SelectMany(ExternalLocations));
    }

    private static string Resolve(string path, string folder, string location)
    {
        if (location.Length == 0 || System.IO.Path.IsPathRooted(location)
            || location.Split('/', '\\').Contains("..", StringComparer.Ordinal))
            throw new InputException($"{path} names weights outside its folder ('{location}'); such a file is not read.");
        string file = System.IO.Path.Combine(folder, location);
        return File.Exists(file)
            ? file
            : throw new InputException($"{path} keeps its weights in {location}, which is not beside it; fetch that file too.");
    }
}
