using System.Diagnostics.CodeAnalysis;
using Unweave.Indexing;
using Unweave.Runs;

namespace Unweave.Web.Runs;

/// <summary>
/// The runs that a server serves: the folder itself, or its subfolders that hold a run. An index of texts is the run in it, under the
/// index's own name, with a search page.
/// </summary>
internal sealed class ServedRuns(ServeOptions options) : IDisposable
{
    private readonly Lock entry = new();
    private readonly Dictionary<string, ServedRun> opened = new(StringComparer.Ordinal);

    /// <summary>The folder served, as it was named; null where there is only the explainer.</summary>
    public string? Folder => options.Folder;

    /// <summary>Names of the runs there are now, in order. A name is that of a folder, never a path.</summary>
    public IReadOnlyList<string> Names() => [.. Folders().Select(NameOf).Order(StringComparer.Ordinal)];

    /// <summary>A run by its name; only names that <see cref="Names"/> gives are found, so that no path leads elsewhere.</summary>
    public bool TryGet(string? name, [NotNullWhen(true)] out ServedRun? run)
    {
        string? folder = Folders().FirstOrDefault(folder => string.Equals(NameOf(folder), name, StringComparison.Ordinal));
        lock (entry)
        {
            run = null;
            if (folder is null || name is null) return false;
            bool indexed = IndexRecipe.Exists(folder);
            if (opened.TryGetValue(name, out run) && run.HasIndex == indexed) return true;
            run?.Dispose();
            run = indexed ? new ServedRun(name, TextIndex.RunOf(folder), folder) : new ServedRun(name, RunFolder.Open(folder));
            opened[name] = run;
            return true;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (entry)
        {
            foreach (ServedRun run in opened.Values) run.Dispose();
            opened.Clear();
        }
    }

    private IEnumerable<string> Folders()
    {
        if (options.Folder is null) return [];
        string root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Folder));
        return IsRun(root) ? [root] : Directory.Exists(root) ? Directory.EnumerateDirectories(root).Where(IsRun) : [];
    }

    private static bool IsRun(string folder) =>
        (RunFolder.Exists(folder) || IndexRecipe.Exists(folder)) && !folder.EndsWith(TextIndex.BuildingEnding, StringComparison.Ordinal);

    private static string NameOf(string folder) => Path.GetFileName(folder) is { Length: > 0 } name ? name : "run";
}
