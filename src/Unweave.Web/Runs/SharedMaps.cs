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
    private IReadOnlyList<MapName>? names;
    private Task<MapSources?>? sources;
    private DateTimeOffset sourcesOf;

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

    /// <summary>Names for the map that a catalog holds, the most important first.</summary>
    /// <exception cref="InputException">The catalog cannot be read.</exception>
    public IReadOnlyList<MapName> Names(FeatureCatalog catalog)
    {
        lock (entry)
        {
            Follow(catalog);
            return names ??= MapName.Choose(catalog, catalog.Map());
        }
    }

    /// <summary>From which parts of the corpus the latents are, read once for each build; null where there are no parts.</summary>
    public Task<MapSources?> Sources(FeatureCatalog catalog)
    {
        lock (entry)
        {
            DateTimeOffset built = catalog.Source.Built;
            if (sources is null || sources.IsFaulted || built != sourcesOf)
                (sources, sourcesOf) = (Task.Run(() => MapSources.From(catalog.Contexts())), built);
            return sources;
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
        (read, step, stepOf, names) = (now, null, null, null);
    }

    // What was written lately is in the log beside the file.
    private static (DateTime, long, DateTime, long) Stamp(string path)
    {
        FileInfo file = new(path), log = new(path + "-wal");
        return (file.LastWriteTimeUtc, file.Exists ? file.Length : 0, log.LastWriteTimeUtc, log.Exists ? log.Length : 0);
    }
}
