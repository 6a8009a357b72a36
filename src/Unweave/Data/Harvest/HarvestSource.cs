using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>The rows of one hook of a harvest, over all its whole shards.</summary>
public sealed class HarvestSource : IRowSource
{
    private readonly int hook;
    private readonly bool ownsHarvest;

    /// <summary>Serves a hook of an open harvest.</summary>
    internal HarvestSource(Harvest harvest, int hook, bool ownsHarvest)
    {
        (Harvest, this.hook, this.ownsHarvest) = (harvest, hook, ownsHarvest);
        HarvestHook served = harvest.Manifest.Hooks[hook];
        (Width, Rows) = (served.Width, harvest.Rows);
        Name = harvest.Manifest.Hooks.Count == 1 ? harvest.Folder : $"{harvest.Folder}{Separator}{served.Name}";
        if (Rows == 0)
            throw new InputException($"{harvest.Folder}: the harvest has no whole shard yet; go on with it, or wait for its first.");
    }

    /// <summary>The harvest that the rows are of.</summary>
    public Harvest Harvest { get; }

    /// <summary>Name of the hook.</summary>
    public string Hook => Harvest.Manifest.Hooks[hook].Name;

    /// <inheritdoc/>
    public int Width { get; }

    /// <inheritdoc/>
    public long Rows { get; }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>Between a harvest's folder and a hook in a path.</summary>
    internal const char Separator = '#';

    /// <inheritdoc/>
    public void Read(ReadOnlySpan<long> rows, Matrix destination)
    {
        RowChecks.Request(this, rows, destination);
        for (int i = 0; i < rows.Length; i++) ((IRowSource)this).ReadRow(rows[i], destination.Row(i));
    }

    /// <inheritdoc/>
    void IRowSource.ReadRow(long row, Span<float> destination)
    {
        Harvest.ReadRow(hook, row, destination);
        RowChecks.Finite(destination, Name, row);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (ownsHarvest) Harvest.Dispose();
    }

    /// <summary>Finds the harvest that a path names, <c>FOLDER</c> or <c>FOLDER#HOOK</c>, if it names one.</summary>
    /// <param name="path">The path.</param>
    /// <param name="hook">The hook where the path names none; null takes the only one.</param>
    /// <returns>A source that owns its harvest, or null where the path is no harvest's.</returns>
    /// <exception cref="InputException">It is a harvest that cannot be used.</exception>
    internal static HarvestSource? Find(string path, string? hook)
    {
        if (string.IsNullOrWhiteSpace(path)) return null;
        if (Data.Harvest.Exists(path)) return Open(path, hook);
        if (File.Exists(path) || Directory.Exists(path)) return null;
        for (int at = path.IndexOf(Separator, StringComparison.Ordinal); at > 0; at = path.IndexOf(Separator, at + 1))
        {
            // Folders and hooks may both have the separator in their names; the shortest folder that is a harvest is meant.
            string folder = path[..at];
            if (Data.Harvest.Exists(folder)) return Open(folder, path[(at + 1)..]);
        }

        return null;
    }

    private static HarvestSource Open(string folder, string? hook)
    {
        Harvest harvest = Data.Harvest.Open(Path.TrimEndingDirectorySeparator(folder));
        try
        {
            return new HarvestSource(harvest, harvest.Manifest.Find(hook, folder), ownsHarvest: true);
        }
        catch
        {
            harvest.Dispose();
            throw;
        }
    }
}

/// <summary>A source that gives single rows.</summary>
internal interface IRowSource : IActivationSource
{
    /// <summary>Reads and checks one row, which the caller has found to be there.</summary>
    void ReadRow(long row, Span<float> destination);
}
