using Unweave.Catalog;

namespace Unweave.Web.Runs;

/// <summary>
/// The map of a run, read once for all its readers: each state of the catalog, and each step of a map being made, is packed once.
/// </summary>
internal sealed class SharedMaps
{
    private readonly Lock entry = new();
    private MapFacts? facts;
    private LatentMap? whole, step;
    private FeatureMapProgress? stepOf;
    private (DateTime, long, DateTime, long) read;

    /// <summary>The map that a catalog holds; null before one was written.</summary>
    /// <exception cref="InputException">The catalog cannot be read.</exception>
    public LatentMap? Of(FeatureCatalog catalog)
    {
        lock (entry)
        {
            Follow(catalog);
            return whole;
        }
    }

    /// <summary>A step of the map that is being made.</summary>
    /// <exception cref="InputException">The catalog cannot be read.</exception>
    public LatentMap? Of(FeatureCatalog catalog, FeatureMapProgress? progress)
    {
        if (progress is null) return null;
        lock (entry)
        {
            Follow(catalog);
            if (!ReferenceEquals(progress, stepOf)) (step, stepOf) = (LatentMap.Pack(facts!, progress.Points), progress);
            return step;
        }
    }

    /// <summary>Reads the catalog again where its file has changed since: another build or map, a label or a score.</summary>
    private void Follow(FeatureCatalog catalog)
    {
        (DateTime, long, DateTime, long) now = Stamp(catalog.Path);
        if (facts is not null && now == read) return;
        facts = MapFacts.Read(catalog);
        whole = LatentMap.Pack(facts, catalog.Map());
        (read, step, stepOf) = (now, null, null);
    }

    // What was written lately is in the log beside the file.
    private static (DateTime, long, DateTime, long) Stamp(string path)
    {
        FileInfo file = new(path), log = new(path + "-wal");
        return (file.LastWriteTimeUtc, file.Exists ? file.Length : 0, log.LastWriteTimeUtc, log.Exists ? log.Length : 0);
    }
}
