using System.Text;
using System.Text.RegularExpressions;

namespace Unweave.Onnx;

/// <summary>
/// Which files of a model are fetched: the ONNX graph with its external data, or what the globs name, and the tokenizer's files.
/// </summary>
/// <param name="Files">The files, in ordinal order of their paths; every path is safe.</param>
/// <param name="OtherGraphs">The ONNX files that are not among them.</param>
internal sealed record HubSelection(IReadOnlyList<HubFile> Files, IReadOnlyList<string> OtherGraphs)
{
    private const string Graph = ".onnx", MainGraph = "model.onnx", MainFolder = "onnx";

    private static readonly HashSet<string> TokenizerFiles = new(StringComparer.Ordinal)
    {
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.json", "merges.txt", "vocab.txt", "config.json",
            "generation_config.json",
    };

    /// <summary>Chooses from a listing.</summary>
    /// <exception cref="InputException">
    /// There is nothing to choose, a glob matches nothing, or a chosen file has a path that leads elsewhere.
    /// </exception>
    public static HubSelection Choose(HubListing listing, HubRequest request)
    {
        List<HubFile> graphs = [.. listing.Files.Where(IsGraph)];
        List<HubFile> chosen = request.Include.Count > 0 ? Included(listing, request, graphs) : DefaultGraphs(graphs, request.Name);
        List<HubFile> ownGraphs = [.. chosen.Where(IsGraph)];
        chosen.AddRange(listing.Files.Where(file => ownGraphs.Exists(graph => IsDataOf(file, graph, graphs))));
        chosen.AddRange(
            listing.Files.Where(
                file => IsTokenizers(file) && (file.Folder.Length == 0 || ownGraphs.Exists(graph => IsWithin(graph.Folder, file.Folder)))));
        HubFile[] files =
            [.. chosen.DistinctBy(file => file.Path, StringComparer.Ordinal).OrderBy(file => file.Path, StringComparer.Ordinal)];
        if (Array.Find(files, file => !HubName.IsSafePath(file.Path)) is { } unsafeFile)
            throw new InputException($"{request.Name}: the hub names a file '{HubName.Shown(unsafeFile.Path)}', which could be written "
                + $"outside its folder or over another file; nothing was fetched. Do not trust this model, or choose its other files "
                    + $"with --include.");
        var taken = files.Select(file => file.Path).ToHashSet(StringComparer.Ordinal);
        return new HubSelection(
            files,
            [.. graphs.Select(graph => graph.Path).Where(path => !taken.Contains(path) && HubName.IsSafePath(path))
                .Order(StringComparer.Ordinal)]);
    }

    private static bool IsGraph(HubFile file) => file.Name.EndsWith(Graph, StringComparison.OrdinalIgnoreCase);

    private static bool IsTokenizers(HubFile file) =>
        TokenizerFiles.Contains(file.Name) || file.Name.EndsWith(".model", StringComparison.Ordinal);

    /// <summary>
    /// External data lie beside their graph and bear its whole name with an addition; under a name of their own, they may belong to any
    /// graph there.
    /// </summary>
    private static bool IsDataOf(HubFile file, HubFile graph, List<HubFile> graphs)
    {
        if (!string.Equals(file.Folder, graph.Folder, StringComparison.Ordinal) || IsGraph(file)) return false;
        bool BearsName(HubFile of) => file.Name.Length > of.Name.Length && file.Name.StartsWith(of.Name, StringComparison.Ordinal);
        if (BearsName(graph)) return true;
        bool isData = file.Name.EndsWith(".onnx_data", StringComparison.Ordinal)
            || file.Name.EndsWith(".onnx.data", StringComparison.Ordinal);
        return isData && !graphs.Exists(other => string.Equals(other.Folder, file.Folder, StringComparison.Ordinal) && BearsName(other));
    }

    private static bool IsWithin(string folder, string ancestor) =>
        string.Equals(folder, ancestor, StringComparison.Ordinal) || folder.StartsWith(ancestor + "/", StringComparison.Ordinal);

    private static List<HubFile> DefaultGraphs(List<HubFile> graphs, string name)
    {
        if (graphs.Count == 0)
            throw new InputException($"{name} has no ONNX file; export one with `optimum-cli export onnx --model {name} FOLDER` (a "
                + $"Python tool) and use that folder, or pull a model that has one.");

        // The graph of the usual name that is nearest the top, in the folder of the usual name before others; failing that, every
        // graph that is not a variant of another, such as the encoder and the decoder of a model that has both.
        HubFile? main = graphs.Where(graph => string.Equals(graph.Name, MainGraph, StringComparison.Ordinal))
            .OrderBy(graph => graph.Path.Count(c => c == '/')).ThenBy(
                graph => string.Equals(graph.Folder, MainFolder, StringComparison.Ordinal)
                    ? 0
                    : 1).ThenBy(graph => graph.Path, StringComparer.Ordinal)
            .FirstOrDefault();
        return main is not null ? [main] : [.. graphs.Where(graph => !graphs.Exists(other => IsVariant(graph, of: other)))];
    }

    /// <summary>True for <c>decoder_int8.onnx</c> beside <c>decoder.onnx</c>.</summary>
    private static bool IsVariant(HubFile graph, HubFile of) =>
        string.Equals(graph.Folder, of.Folder, StringComparison.Ordinal)
            && graph.Name.StartsWith(of.Name[..^Graph.Length] + "_", StringComparison.Ordinal);

    private static List<HubFile> Included(HubListing listing, HubRequest request, List<HubFile> graphs)
    {
        var chosen = new List<HubFile>();
        foreach (string glob in request.Include)
        {
            if (string.IsNullOrWhiteSpace(glob))
                throw new InputException("--include is empty; give a glob such as onnx/model_quantized.onnx or '*.onnx'.");
            Regex regex = Matcher(glob);
            HubFile[] matches = [.. listing.Files.Where(file => regex.IsMatch(file.Path))];
            if (matches.Length == 0)
                throw new InputException($"{request.Name}: no file matches --include "
                    + $"'{HubName.Shown(glob)}'.{Guess(glob, listing)}"
                    + (
                        graphs.Count > 0
                            ? $" Its ONNX files are {HubName.Shown(string.Join(", ", graphs.Select(graph => graph.Path)))}."
                            : ""));
            chosen.AddRange(matches);
        }

        return chosen;
    }

    private static string Guess(string glob, HubListing listing) =>
        HubName.Shown(Spelling.DidYouMean(glob, listing.Files.Select(file => file.Path)));

    /// <summary>A glob as a regular expression that takes linear time: globs are the user's, but paths are not.</summary>
    private static Regex Matcher(string glob)
    {
        var pattern = new StringBuilder(glob.Contains('/', StringComparison.Ordinal) ? "^" : "^(.*/)?");
        for (int i = 0; i < glob.Length; i++)
        {
            if (string.CompareOrdinal(glob, i, "**/", 0, 3) == 0)
            {
                pattern.Append("(.*/)?");
                i += 2;
            }
            else if (string.CompareOrdinal(glob, i, "**", 0, 2) == 0)
            {
                pattern.Append(".*");
                i++;
            }
            else
            {
                pattern.Append(glob[i] switch { '*' => "[^/]*", '?' => "[^/]", var other => Regex.Escape(other.ToString()) });
            }
        }

        return new Regex(
            pattern.Append(@"\z").ToString(),
            RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.Singleline);
    }
}
