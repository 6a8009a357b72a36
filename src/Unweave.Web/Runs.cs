using System.Diagnostics.CodeAnalysis;
using Unweave.Catalog;
using Unweave.Checkpoints;
using Unweave.Training;

namespace Unweave.Web;

/// <summary>The runs that a server serves: the folder itself, or its subfolders that hold a run.</summary>
public sealed class Runs(ServeOptions options) : IDisposable
{
    private readonly Lock entry = new();
    private readonly Dictionary<string, Run> opened = new(StringComparer.Ordinal);

    /// <summary>The folder served, as it was named; null where there is only the explainer.</summary>
    public string? Folder => options.Folder;

    /// <summary>Names of the runs there are now, in order. A name is that of a folder, never a path.</summary>
    public IReadOnlyList<string> Names() => [.. Folders().Select(NameOf).Order(StringComparer.Ordinal)];

    /// <summary>A run by its name; only names that <see cref="Names"/> gives are found, so that no path leads elsewhere.</summary>
    public bool TryGet(string? name, [NotNullWhen(true)] out Run? run)
    {
        string? folder = Folders().FirstOrDefault(folder => string.Equals(NameOf(folder), name, StringComparison.Ordinal));
        lock (entry)
        {
            run = folder is null || name is null ? null : opened.TryGetValue(name, out Run? known) ? known : opened[name] = new Run(name, folder);
            return run is not null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (entry)
        {
            foreach (Run run in opened.Values) run.Dispose();
            opened.Clear();
        }
    }

    private IEnumerable<string> Folders()
    {
        if (options.Folder is null) return [];
        string root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Folder));
        return IsRun(root) ? [root] : Directory.Exists(root) ? Directory.EnumerateDirectories(root).Where(IsRun) : [];
    }

    private static string NameOf(string folder) => Path.GetFileName(folder) is { Length: > 0 } name ? name : "run";

    private static bool IsRun(string folder) =>
        File.Exists(Path.Combine(folder, Trainer.SettingsFileName)) || File.Exists(Path.Combine(folder, AutoencoderFile.FileName)) || File.Exists(Path.Combine(folder, FeatureCatalog.FileName));
}
