using System.Diagnostics.CodeAnalysis;
using Unweave.Indexing;
using Unweave.Runs;

namespace Unweave.Web.Runs;

/// <summary>
/// The runs that a server serves: the folder itself, or its subfolders that hold a run. An index of texts is the run in it, under the
/// index's own name, with a search page. The runs of a sweep in a subfolder are among them, named after both: <c>sweep:3-k32</c>.
/// </summary>
internal sealed class ServedRuns(ServeOptions options) : IDisposable
{
    private readonly Lock entry = new();
    private readonly Dictionary<string, ServedRun> opened = new(StringComparer.Ordinal);

    /// <summary>The folder served, as it was named; null where there is only the explainer.</summary>
    public string? Folder => options.Folder;

    /// <summary>Names of the runs there are now, in order. A name is that of a folder, never a path.</summary>
    public IReadOnlyList<string> Names() => [.. Folders().Select(one => one.Name).Order(StringComparer.Ordinal)];

    /// <summary>Names of the sweeps there are now, in order: the folder itself, or subfolders.</summary>
    public IReadOnlyList<string> Sweeps() => [.. SweepFolders().Select(NameOf).Order(StringComparer.Ordinal)];

    /// <summary>The folder of a sweep by its name; only names that <see cref="Sweeps"/> gives are found.</summary>
    public SweepFolder? Sweep(string? name) =>
        SweepFolders().FirstOrDefault(folder => string.Equals(NameOf(folder), name, StringComparison.Ordinal)) is { } found
            ? new SweepFolder(found)
            : null;

    /// <summary>The name under which a run of a sweep is served.</summary>
    public string NameOf(string sweep, SweepEntry entry) => SweepFolder.Exists(Root!) ? entry.Folder : $"{sweep}:{entry.Folder}";

    /// <summary>A run by its name; only names that <see cref="Names"/> gives are found, so that no path leads elsewhere.</summary>
    public bool TryGet(string? name, [NotNullWhen(true)] out ServedRun? run)
    {
        string? folder = Folders().FirstOrDefault(one => string.Equals(one.Name, name, StringComparison.Ordinal)).Folder;
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

    private string? Root => options.Folder is null ? null : Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Folder));

    private IEnumerable<string> SweepFolders() => Root is not { } root || !Directory.Exists(root) ? []
        : SweepFolder.Exists(root) ? [root]
        : Directory.EnumerateDirectories(root).Where(SweepFolder.Exists);

    private IEnumerable<(string Name, string Folder)> Folders()
    {
        if (Root is not { } root) return [];
        if (IsRun(root)) return [(NameOf(root), root)];
        if (!Directory.Exists(root)) return [];
        IEnumerable<(string Name, string Folder)> own = Directory.EnumerateDirectories(root).Where(IsRun)
            .Select(folder => (NameOf(folder), folder));
        return SweepFolder.Exists(root) ? own : own.Concat(SweepFolders().SelectMany(sweep => Directory.EnumerateDirectories(sweep)
            .Where(IsRun).Select(folder => ($"{NameOf(sweep)}:{NameOf(folder)}", folder))));
    }

    private static bool IsRun(string folder) =>
        (RunFolder.Exists(folder) || IndexRecipe.Exists(folder)) && !folder.EndsWith(TextIndex.BuildingEnding, StringComparison.Ordinal);

    private static string NameOf(string folder) => Path.GetFileName(folder) is { Length: > 0 } name ? name : "run";
}
