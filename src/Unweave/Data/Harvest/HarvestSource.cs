using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>The rows of one hook of a harvest, over all its whole shards.</summary>
public sealed class HarvestSource : IRowSource
{
    private readonly int[] hooks;
    private readonly bool ownsHarvest;

    /// <summary>Serves a hook of an open harvest, or several, whose vectors are joined in the order in which they are named.</summary>
    internal HarvestSource(Harvest harvest, int[] hooks, bool ownsHarvest)
    {
        (Harvest, this.hooks, this.ownsHarvest) = (harvest, hooks, ownsHarvest);
        (Width, Rows) = (hooks.Sum(hook => harvest.Manifest.Hooks[hook].Width), harvest.Rows);
        Name = harvest.Manifest.Hooks.Count == 1 ? harvest.Folder : $"{harvest.Folder}{Separator}{Hook}";
        if (Rows == 0)
            throw new InputException($"{harvest.Folder}: the harvest has no whole shard yet; go on with it, or wait for its first.");
    }

    /// <summary>The harvest that the rows are of.</summary>
    public Harvest Harvest { get; }

    /// <summary>Name of the hook; of several, their names with <c>+</c> between them.</summary>
    public string Hook => string.Join(Joint, hooks.Select(hook => Harvest.Manifest.Hooks[hook].Name));

    /// <inheritdoc/>
    public int Width { get; }

    /// <inheritdoc/>
    public long Rows { get; }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>Between a harvest's folder and a hook in a path.</summary>
    internal const char Separator = '#';

    /// <summary>Between hooks whose vectors are joined.</summary>
    internal const char Joint = '+';

    /// <inheritdoc/>
    public void Read(ReadOnlySpan<long> rows, Matrix destination)
    {
        RowChecks.Request(this, rows, destination);
        for (int i = 0; i < rows.Length; i++) ((IRowSource)this).ReadRow(rows[i], destination.Row(i));
    }

    /// <inheritdoc/>
    void IRowSource.ReadRow(long row, Span<float> destination)
    {
        int first = 0;
        foreach (int hook in hooks)
        {
            int width = Harvest.Manifest.Hooks[hook].Width;
            Harvest.ReadRow(hook, row, destination.Slice(first, width));
            first += width;
        }

        RowChecks.Finite(destination, Name, row);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (ownsHarvest) Harvest.Dispose();
    }

    /// <summary>Finds the harvest that a path names, <c>FOLDER</c> or <c>FOLDER#HOOK</c>, if it names one.</summary>
    /// <param name="path">The path; several hooks with <c>+</c> between them are joined.</param>
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
            bool joined = hook?.Contains(Joint, StringComparison.Ordinal) == true
                && !harvest.Manifest.Hooks.Any(one => string.Equals(one.Name, hook, StringComparison.Ordinal));
            int[] served = joined
                ? [.. hook!.Split(Joint).Select(name => harvest.Manifest.Find(name, folder))]
                : [harvest.Manifest.Find(hook, folder)];
            return new HarvestSource(harvest, served, ownsHarvest: true);
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
