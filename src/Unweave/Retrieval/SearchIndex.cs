using System.Text;
using Unweave.Formats;
using Unweave.Numerics;
using Unweave.Retrieval.Queries;
using Unweave.Retrieval.Segments;

namespace Unweave.Retrieval;

/// <summary>
/// An index of documents by the latents of their vectors and by their words. A folder of segments that never change; <c>index.json</c>
/// names those that count, and is replaced by one rename, so that readers see the last state that was committed, whatever happened to its
/// writer. Several threads may search at once, beside a writer in this process or another.
/// </summary>
public sealed class SearchIndex : IDisposable
{
    private const int Attempts = 20;

    private readonly string? folder;
    private readonly Lock refreshing = new();
    private readonly SearchEngine engine;
    private IndexSnapshot? snapshot;

    private SearchIndex(string? folder, ConceptDictionary dictionary, IndexLayout layout, IndexSnapshot snapshot)
    {
        (this.folder, Dictionary, Layout, this.snapshot) = (folder, dictionary, layout, snapshot);
        engine = new SearchEngine(dictionary, layout.CreateStore());
    }

    /// <summary>The dictionary that it is over; the index does not dispose of it.</summary>
    public ConceptDictionary Dictionary { get; }

    /// <summary>What it keeps of vectors.</summary>
    public VectorStore Store => Layout.Store;

    /// <summary>Number of documents, without those that are deleted.</summary>
    public long Rows => Read(static state => state.LiveRows);

    /// <summary>Number of segments.</summary>
    public int Segments => Read(static state => state.Parts.Count);

    /// <summary>Number of the state that is read: a later one is higher.</summary>
    public long Generation => Read(static state => state.Generation);

    /// <summary>Names of the fields that documents have, in order.</summary>
    public IReadOnlyList<string> Fields => Read(static state => (IReadOnlyList<string>)
        [.. state.Parts.SelectMany(part => part.Segment.Fields).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)]);

    /// <summary>
    /// Bytes by part: <c>concepts</c> (postings of latents), <c>codes</c>, <c>vectors</c>, <c>words</c>, <c>texts</c>, <c>keys</c>,
    /// <c>fields</c> and <c>fieldTexts</c>.
    /// </summary>
    public IReadOnlyDictionary<string, long> BytesByPart => Read(static state => (IReadOnlyDictionary<string, long>)state.Parts
        .SelectMany(part => part.Segment.BytesByPart).GroupBy(part => part.Key, StringComparer.Ordinal)
        .ToDictionary(part => part.Key, part => part.Sum(own => own.Value), StringComparer.Ordinal));

    internal IndexLayout Layout { get; }

    /// <summary>Makes an empty index.</summary>
    /// <param name="folder">Its folder, made where there is none; without an index.</param>
    /// <param name="dictionary">The dictionary; stays the caller's.</param>
    /// <param name="options">What it keeps; null for the defaults.</param>
    /// <exception cref="InputException">There is an index already, or the folder may not be written.</exception>
    public static SearchIndex Create(string folder, ConceptDictionary dictionary, IndexOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(dictionary);
        options ??= new IndexOptions();
        if (File.Exists(Path.Combine(folder, IndexManifest.FileName)))
            throw new InputException($"{folder} holds an index already; add to it, or name another folder.");
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"The folder {folder} cannot be made: {e.Message} Name another.", e);
        }

        new IndexManifest(LayoutOf(dictionary, options), options.CellsFrom, 0, 1, []).Write(folder);
        return Open(folder, dictionary);
    }

    /// <summary>Opens an index.</summary>
    /// <param name="folder">Its folder.</param>
    /// <param name="dictionary">The dictionary that it is over; stays the caller's.</param>
    /// <exception cref="InputException">There is none, it is damaged, or it is over another dictionary.</exception>
    public static SearchIndex Open(string folder, ConceptDictionary dictionary)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(dictionary);
        IndexLayout layout = IndexManifest.Read(folder).Layout;
        if (!string.Equals(layout.DictionaryHash, dictionary.Hash, StringComparison.Ordinal))
            throw new InputException($"{folder} is an index over another dictionary than the one given; open it with its own, or "
                + "build it again.");
        return new SearchIndex(folder, dictionary, layout, Load(folder, layout, null));
    }

    /// <summary>Makes an index in memory, which does not change.</summary>
    /// <param name="dictionary">The dictionary; stays the caller's.</param>
    /// <param name="documents">At least one document.</param>
    /// <param name="codes">Their codes, a row each.</param>
    /// <param name="vectors">Their vectors, <c>[documents, d]</c>.</param>
    /// <param name="options">What it keeps; null for the defaults.</param>
    public static SearchIndex InMemory(
        ConceptDictionary dictionary, IReadOnlyList<IndexDocument> documents, SparseCodes codes, Matrix vectors,
            IndexOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(dictionary);
        ArgumentNullException.ThrowIfNull(documents);
        IndexLayout layout = LayoutOf(dictionary, options ?? new IndexOptions());
        using var rows = new RowBuffer(dictionary, layout.CreateStore());
        rows.Add(documents, CodeRefit.Refit(codes, dictionary.Decoder, dictionary.Bias, vectors, Workers.Shared, out float[] norms), norms,
            vectors);
        using var content = new MemoryStream();
        new SegmentWriter(layout).Write(content,
            [.. Enumerable.Range(0, rows.Rows).Select(row => new SegmentWriter.Place(rows, row))], null);
        var bytes = FileBytes.Fill(content.Length, target =>
        {
            content.Position = 0;
            content.CopyTo(target);
        });
        return new SearchIndex(null, dictionary, layout, new IndexSnapshot(0,
            [new SegmentPart(1, Segment.Open(bytes, layout), null, null)]));
    }

    /// <summary>Opens the index for changes: by one writer at a time.</summary>
    /// <exception cref="InputException">Another writer is at it, or the folder may not be written.</exception>
    public SearchWriter OpenWriter() => folder is null
        ? throw new InvalidOperationException("An index in memory does not change; make one in a folder.")
        : new SearchWriter(folder, this);

    /// <summary>Reads the last state that was committed, if there is a later one than the one that is read now.</summary>
    /// <returns>Whether there was.</returns>
    /// <exception cref="InputException">It is damaged, or was replaced by another index.</exception>
    public bool Refresh()
    {
        if (folder is null) return false;
        lock (refreshing)
        {
            IndexSnapshot now = snapshot ?? throw new ObjectDisposedException(nameof(SearchIndex));
            IndexSnapshot next = Load(folder, Layout, now);
            if (ReferenceEquals(next, now)) return false;
            snapshot = next;
            now.Release();
            return true;
        }
    }

    /// <summary>Searches.</summary>
    /// <param name="query">What is sought; of nothing at all, nothing is found.</param>
    /// <exception cref="InputException">
    /// The vector has another width, is 0 or not finite; a latent, a key or a field is not there.
    /// </exception>
    public SearchResults Search(SearchQuery query)
    {
        ArgumentNullException.ThrowIfNull(query);
        return Read(state => engine.Search(state, query));
    }

    /// <summary>The vector of a document at unit length, as near as the index knows it; null where there is no such key.</summary>
    /// <param name="key">Its key.</param>
    public float[]? Vector(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return Read(state => state.Find(Encoding.UTF8.GetBytes(key)) is { } row ? engine.Vector(state, row) : null);
    }

    /// <summary>A document; null where there is no such key.</summary>
    /// <param name="key">Its key.</param>
    public IndexDocument? Document(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return Read(state => state.Find(Encoding.UTF8.GetBytes(key)) is { } row ? SearchEngine.Document(state, row) : null);
    }

    /// <summary>The latents of a document and their part of its reconstruction, f_i/‖x̂‖, largest first; empty where there is
    /// none.</summary>
    /// <param name="key">Its key.</param>
    public IReadOnlyList<LatentShare> Code(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return Read(state => state.Find(Encoding.UTF8.GetBytes(key)) is { } row ? SearchEngine.Code(state, row) : []);
    }

    /// <summary>How many rows have a latent; deleted ones count until they are merged away.</summary>
    /// <param name="latent">Its number.</param>
    public int RowsWith(int latent)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)latent, (uint)Dictionary.Latents, nameof(latent));
        return Read(state => state.Parts.Sum(part => part.Segment.Concepts.Count(latent)));
    }

    /// <summary>All documents with their codes, in order of the segments; deleted ones are left out.</summary>
    public IEnumerable<(IndexDocument Document, IReadOnlyList<LatentShare> Code)> Documents()
    {
        IndexSnapshot state = Hold();
        try
        {
            for (int part = 0; part < state.Parts.Count; part++)
            {
                for (int row = 0; row < state.Parts[part].Segment.Rows; row++)
                {
                    if (state.Parts[part].IsDeleted(row)) continue;
                    uint at = state.Offsets[part] + (uint)row;
                    yield return (SearchEngine.Document(state, at), SearchEngine.Code(state, at));
                }
            }
        }
        finally
        {
            state.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (refreshing)
        {
            snapshot?.Release();
            snapshot = null;
        }

        engine.Dispose();
    }

    /// <summary>Reads a state, which stays open meanwhile.</summary>
    internal T Read<T>(Func<IndexSnapshot, T> read)
    {
        IndexSnapshot state = Hold();
        try
        {
            return read(state);
        }
        finally
        {
            state.Release();
        }
    }

    internal IndexSnapshot Hold()
    {
        while (true)
        {
            IndexSnapshot now = Volatile.Read(ref snapshot) ?? throw new ObjectDisposedException(nameof(SearchIndex));
            if (now.TryHold()) return now;
        }
    }

    private static IndexLayout LayoutOf(ConceptDictionary dictionary, IndexOptions options) =>
        new(dictionary.Hash, dictionary.Latents, dictionary.Width, options.Store, options.Seed);

    // A writer may have merged the segments of a manifest away before they were opened: then there is a later manifest.
    private static IndexSnapshot Load(string folder, IndexLayout layout, IndexSnapshot? known)
    {
        for (int attempt = 1; ; attempt++)
        {
            var manifest = IndexManifest.Read(folder);
            if (manifest.Layout != layout) throw new InputException($"{folder} was replaced by another index; open it again.");
            if (known is not null && manifest.Generation == known.Generation) return known;
            try
            {
                return Load(folder, manifest, known);
            }
            catch (InputException)
            {
                if (attempt == Attempts || IndexManifest.Read(folder).Generation == manifest.Generation) throw;
            }
        }
    }

    private static IndexSnapshot Load(string folder, IndexManifest manifest, IndexSnapshot? known)
    {
        var parts = new List<SegmentPart>();
        try
        {
            foreach (IndexManifest.Entry entry in manifest.Segments)
            {
                SegmentPart? same = known?.Parts.FirstOrDefault(part => part.Id == entry.Id);
                Segment segment = same?.Segment.Hold()
                    ?? Segment.Open(Path.Combine(folder, IndexManifest.SegmentName(entry.Id)), manifest.Layout, entry.Header);
                parts.Add(new SegmentPart(entry.Id, segment, null, null));
                if (entry.Deleted is null) continue;
                parts[^1] = string.Equals(same?.DeletedFile, entry.Deleted, StringComparison.Ordinal) ? same!
                    : new SegmentPart(entry.Id, segment, DeletedRows.Read(Path.Combine(folder, entry.Deleted), segment.Rows),
                        entry.Deleted);
            }
        }
        catch
        {
            foreach (SegmentPart part in parts) part.Segment.Dispose();
            throw;
        }

        return new IndexSnapshot(manifest.Generation, parts);
    }
}
