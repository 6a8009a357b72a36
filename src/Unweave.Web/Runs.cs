using System.Diagnostics.CodeAnalysis;
using Unweave.Catalog;
using Unweave.Training;

namespace Unweave.Web;

/// <summary>The runs that a server serves: the folder itself, or its subfolders that hold a run.</summary>
public sealed class Runs(ServeOptions options) : IDisposable
{
    private readonly Lock entry = new();
    private readonly Dictionary<string, Run> opened = new(StringComparer.Ordinal);

    /// <summary>Names of the runs there are now, in order. A name is that of a folder, never a path.</summary>
    public IReadOnlyList<string> Names() => [.. Folders().Select(folder => System.IO.Path.GetFileName(folder)).Order(StringComparer.Ordinal)];

    /// <summary>A run by its name; only names that <see cref="Names"/> gives are found, so that no path leads elsewhere.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out Run? run)
    {
        string? folder = Folders().FirstOrDefault(folder => string.Equals(System.IO.Path.GetFileName(folder), name, StringComparison.Ordinal));
        lock (entry)
        {
            run = folder is null ? null : opened.TryGetValue(name, out Run? known) ? known : opened[name] = new Run(name, folder);
            return run is not null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Run run in opened.Values) run.Dispose();
    }

    private IEnumerable<string> Folders()
    {
        string root = System.IO.Path.GetFullPath(options.Folder).TrimEnd(System.IO.Path.DirectorySeparatorChar);
        return IsRun(root) ? [root] : Directory.Exists(root) ? Directory.EnumerateDirectories(root).Where(IsRun) : [];
    }

    private static bool IsRun(string folder) => File.Exists(System.IO.Path.Combine(folder, Trainer.SettingsFileName)) || FeatureCatalog.Exists(folder);
}

/// <summary>One run: its folder, and what of it is open. Each part is opened when first asked for.</summary>
public sealed class Run(string name, string folder) : IDisposable
{
    /// <summary>Its name.</summary>
    public string Name => name;

    /// <summary>Its folder.</summary>
    public string Folder => folder;

    /// <summary>Stops what is open.</summary>
    public void Dispose()
    {
    }
}
