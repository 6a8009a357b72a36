using System.Collections;
using System.Text;
using Unweave.Formats;
using Unweave.Numerics;
using Unweave.Retrieval.Queries;
using Unweave.Retrieval.Segments;
using Unweave.Retrieval.Vectors;

namespace Unweave.Retrieval;

/// <summary>
/// Changes an index. What is added and deleted counts from the next <see cref="Commit"/> on, all of it or nothing: a writer that is killed
/// leaves the last committed state. One writer at a time holds the folder; for one thread at a time.
/// </summary>
public sealed class SearchWriter : IDisposable
{
    private const string LockName = "writing.lock";
    private const long BufferBytes = 256L << 20;
    private const int BufferRows = 1 << 18, MergedAtOnce = 8, SmallestTier = 1024;

    private readonly string folder;
    private readonly SearchIndex index;
    private readonly FileStream alone;
    private readonly List<Part> parts = [];
    private IndexManifest manifest;
    private RowBuffer buffer;
    private readonly Dictionary<string, int> buffered = new(StringComparer.Ordinal); // live rows of the buffer, by key
    private bool changed;
    private Task merging = Task.CompletedTask;

    internal SearchWriter(string folder, SearchIndex index)
    {
        (this.folder, this.index) = (folder, index);
        alone = FolderLock.Take(folder, LockName, "is being changed by another writer; wait for its end");
        try
        {
            manifest = IndexManifest.Read(folder);
            _ = index.Refresh();
            index.Read(state =>
            {
                foreach (SegmentPart part in state.Parts)
                    parts.Add(new Part(part.Id, part.Segment.Hold(), part.Deleted is null ? null : new BitArray(part.Deleted),
                        part.DeletedFile));
                return 0;
            });
            RemoveLeftOver();
            buffer = NewBuffer();
        }
        catch
        {
            alone.Dispose();
            foreach (Part part in parts) part.Segment.Dispose();
            throw;
        }
    }

    /// <summary>Adds documents; one whose key the index has already replaces that.</summary>
    /// <param name="documents">The documents.</param>
    /// <param name="codes">Their codes as the autoencoder gives them, a row each; values are refitted here.</param>
    /// <param name="vectors">Their vectors, <c>[documents, d]</c>.</param>
    /// <exception cref="InputException">A key is empty, or a vector is not finite.</exception>
    public void Add(IReadOnlyList<IndexDocument> documents, SparseCodes codes, Matrix vectors)
    {
        ArgumentNullException.ThrowIfNull(documents);
        ArgumentNullException.ThrowIfNull(codes);
        ArgumentNullException.ThrowIfNull(vectors);
        if (documents.Count != codes.Rows || documents.Count != vectors.Rows)
            throw new ArgumentException($"{documents.Count} documents were given {codes.Rows} codes and {vectors.Rows} vectors.");
        foreach (IndexDocument document in documents)
            if (string.IsNullOrEmpty(document.Key)) throw new InputException("A document has an empty key; every document needs one "
                + "of its own.");
        ConceptDictionary dictionary = index.Dictionary;
        SparseCodes refitted = CodeRefit.Refit(codes, dictionary.Decoder, dictionary.Bias, vectors, Workers.Shared, out float[] norms);
        int first = buffer.Rows;
        buffer.Add(documents, refitted, norms, vectors);
        for (int i = 0; i < documents.Count; i++)
        {
            if (!buffered.ContainsKey(documents[i].Key)) _ = DeleteStored(documents[i].Key);
            buffered[documents[i].Key] = first + i; // an earlier row of the same key is left out when the segment is written
        }

        changed |= documents.Count > 0;
        if (buffer.Rows < BufferRows && buffer.Bytes < BufferBytes) return;
        Settle();
        Flush();
    }

    /// <summary>Deletes the document of a key.</summary>
    /// <param name="key">Its key.</param>
    /// <returns>Whether there was one.</returns>
    public bool Delete(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        bool found = buffered.Remove(key) | DeleteStored(key);
        changed |= found;
        return found;
    }

    /// <summary>
    /// Makes all changes count, at once. Where a size has eight segments or more, these are then merged into one in the background: readers
    /// see the same documents before and after, and the next change waits for its end.
    /// </summary>
    public void Commit()
    {
        if (!changed) return;
        Settle();
        Flush();
        Publish();
        if (Due() is not null) merging = Task.Run(MergeDue);
    }

    /// <summary>Makes all changes count, and merges all segments into one without the deleted rows.</summary>
    public void Merge()
    {
        Settle();
        Flush();
        if (changed) Publish();
        if (parts.Count <= 1 && parts.TrueForAll(part => part.Deleted is null)) return;
        Merge([.. parts]);
        Publish();
    }

    /// <summary>Ends writing; what was not committed is forgotten. A merge that is under way is waited for.</summary>
    public void Dispose()
    {
        try
        {
            Settle();
        }
        catch (InputException)
        {
            // Nothing is lost where segments could not be merged, for instance on a full disk; the next commit tries again.
        }

        foreach (Part part in parts) part.Segment.Dispose();
        parts.Clear();
        buffer.Dispose();
        RemoveLeftOver();
        alone.Dispose();
    }

    private RowBuffer NewBuffer() => new(index.Dictionary, index.Layout.CreateStore());

    private void Settle() => merging.GetAwaiter().GetResult();

    private void MergeDue()
    {
        while (Due() is { } due)
        {
            Merge(due);
            Publish();
        }
    }

    private bool DeleteStored(string key)
    {
        Settle();
        byte[] bytes = Encoding.UTF8.GetBytes(key);
        bool found = false;
        foreach (Part part in parts)
        {
            int row = part.Segment.Find(bytes);
            if (row < 0 || part.Deleted?[row] == true) continue;
            part.Deleted ??= new BitArray(part.Segment.Rows);
            part.Deleted[row] = true;
            part.DeletedFile = null;
            found = true;
        }

        return found;
    }

    // A segment of the buffer, which no manifest names before the next commit.
    private void Flush()
    {
        if (buffered.Count > 0)
        {
            int[] rows = [.. buffered.Values];
            Array.Sort(rows);
            AddSegment([.. rows.Select(row => new SegmentWriter.Place(buffer, row))], parts.Count);
        }

        buffered.Clear();
        buffer.Dispose();
        buffer = NewBuffer();
    }

    private void AddSegment(List<SegmentWriter.Place> rows, int at)
    {
        long id = manifest.NextSegment;
        manifest = manifest with { NextSegment = id + 1 };
        string path = Path.Combine(folder, IndexManifest.SegmentName(id));
        CellPartition? cells = null;
        if (rows.Count >= manifest.CellsFrom) (rows, cells) = ByCells(rows);
        using (cells?.Centers) new SegmentWriter(index.Layout).Write(path, rows, cells);
        var segment = Segment.Open(path, index.Layout);
        segment.Forget(); // checking it has filled memory with all of it
        parts.Insert(at, new Part(id, segment, null, null));
    }

    // About as many cells as rows in a cell; within a cell the order stays.
    private (List<SegmentWriter.Place> Rows, CellPartition Cells) ByCells(List<SegmentWriter.Place> rows)
    {
        var vectors = new RowVectors(index.Dictionary, index.Layout.CreateStore());
        void Read(int row, Span<float> x) => vectors.Read(rows[row].Rows, rows[row].Row, x);
        using var cells = Cells.Train(rows.Count, index.Layout.Width, Read, (int)Math.Sqrt(rows.Count), index.Layout.Seed, Workers.Shared);
        int[] cellOf = cells.Assign(rows.Count, Read);
        int[] starts = new int[cells.Centers.Rows + 1];
        foreach (int cell in cellOf) starts[cell + 1]++;
        for (int cell = 0; cell < cells.Centers.Rows; cell++) starts[cell + 1] += starts[cell];
        var ordered = Enumerable.Range(0, rows.Count).OrderBy(row => cellOf[row]).Select(row => rows[row]).ToList();
        return (ordered, new CellPartition(cells.Centers.Clone(), starts));
    }

    private void Publish()
    {
        long generation = manifest.Generation + 1;
        foreach (Part part in parts)
        {
            if (part.Deleted is null || part.DeletedFile is not null) continue;
            part.DeletedFile = DeletedRows.Name(part.Id, generation);
            DeletedRows.Write(Path.Combine(folder, part.DeletedFile), part.Deleted);
        }

        manifest = manifest with
        {
            Generation = generation,
            Segments = [.. parts.Select(part => new IndexManifest.Entry(part.Id, part.DeletedFile, part.Segment.HeaderHash))],
        };
        manifest.Write(folder);
        changed = false;
        _ = index.Refresh();
        RemoveLeftOver();
    }

    // Segments of about one size: that of the smallest tier that has enough of them; or one that is mostly deleted.
    private List<Part>? Due()
    {
        Part? hollow = parts.Find(part => part.LiveRows * 2 < part.Segment.Rows);
        if (hollow is not null) return [hollow];
        return parts.GroupBy(part => (int)Math.Log(Math.Max(1, part.LiveRows / SmallestTier), MergedAtOnce)).OrderBy(tier => tier.Key)
            .Where(tier => tier.Count() >= MergedAtOnce && tier.Sum(part => (long)part.LiveRows) <= SegmentWriter.MostRows)
            .Select(tier => tier.ToList()).FirstOrDefault();
    }

    private void Merge(List<Part> merged)
    {
        var rows = new List<SegmentWriter.Place>();
        foreach (Part part in merged)
        {
            for (int row = 0; row < part.Segment.Rows; row++)
                if (part.Deleted?[row] != true) rows.Add(new SegmentWriter.Place(part.Segment, row));
        }

        int at = parts.IndexOf(merged[0]);
        if (rows.Count > 0) AddSegment(rows, at);
        foreach (Part part in merged)
        {
            _ = parts.Remove(part);
            part.Segment.Dispose();
        }
    }

    // Files that the state on disk does not name: of writers that were killed, and of segments that were merged away.
    private void RemoveLeftOver()
    {
        var named = new HashSet<string>(StringComparer.Ordinal);
        IndexManifest onDisk = IndexManifest.Read(folder);
        foreach (IndexManifest.Entry entry in onDisk.Segments)
        {
            named.Add(IndexManifest.SegmentName(entry.Id));
            if (entry.Deleted is not null) named.Add(entry.Deleted);
        }

        foreach (Part part in parts) named.Add(IndexManifest.SegmentName(part.Id));
        foreach (string file in Directory.EnumerateFiles(folder))
        {
            string name = Path.GetFileName(file);
            bool ours = name.EndsWith(".segment", StringComparison.Ordinal) || name.EndsWith(".deleted", StringComparison.Ordinal)
                || name.Contains(".segment.partial-", StringComparison.Ordinal) || name.Contains(".deleted.partial-",
                    StringComparison.Ordinal)
                || name.StartsWith(IndexManifest.FileName + ".partial-", StringComparison.Ordinal);
            if (!ours || named.Contains(name)) continue;
            try
            {
                File.Delete(file);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // A reader has it open, where the system does not let open files go; the next writer removes it.
            }
        }
    }

    /// <summary>A segment with the rows that are deleted so far.</summary>
    private sealed class Part(long id, Segment segment, BitArray? deleted, string? deletedFile)
    {
        public long Id { get; } = id;

        public Segment Segment { get; } = segment;

        public BitArray? Deleted { get; set; } = deleted;

        /// <summary>The file that says the same; null where it is still to be written.</summary>
        public string? DeletedFile { get; set; } = deletedFile;

        public int LiveRows => Segment.Rows - DeletedRows.Count(Deleted);
    }
}
