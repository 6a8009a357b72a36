using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>
/// Writes a harvest: activations of a model's hooks over the documents of a corpus, in shards that any tool for safetensors can read.
/// Killed at any moment it loses at most the open shard, and a resumed harvest has the bytes of one that was never interrupted.
/// </summary>
/// <remarks>
/// A shard is closed before a document that would not fit. A document is cut only when it alone has more rows than a shard; one appended
/// in pieces stays in its shard as long, which may then have up to twice the rows. Rows go to the disk as they come; in memory are 1 MiB a
/// hook, and 16 bytes a row of the open shard for its index.
/// </remarks>
public sealed class HarvestWriter : IDisposable
{
    private const string LockName = "harvest.lock";

    private readonly HarvestFiles files;
    private readonly FileStream guard;
    private readonly List<ShardStream> streams = [];
    private readonly List<int> tokens = [], positions = [];
    private readonly List<long> owners = [];
    private readonly List<(long Document, string Id, long Rows)> table = [];
    private long lastDocument = -1; // appended last, here or before a resume
    private long kept; // rows of it that are written
    private long rowsInShard; // of it, in the open shard
    private long startedInShard; // documents
    private long malformedInShard, malformedSince; // documents: before the last that began in the open shard, after it
    private bool whole; // a resumed harvest ends with it, and it takes no more rows
    private bool unfinished; // a resumed harvest ends in the middle of it, and no row has been added yet
    private bool failed, disposed;

    private HarvestWriter(HarvestFiles files, FileStream guard)
    {
        (this.files, this.guard) = (files, guard);
        Rows = files.Shards.Sum(shard => shard.Rows);
        Documents = files.Shards.Sum(shard => shard.Documents);
        UnknownRows = files.Shards.Sum(shard => shard.Unknown ?? 0);
        if (files.Shards.Count == 0) return;
        HarvestShard last = files.Shards[^1];
        (lastDocument, kept, whole, unfinished) = (last.LastDocument, last.LastDocumentRows, !last.Cut, last.Cut);
        NextDocument = last.Cut ? last.LastDocument : last.LastDocument + 1;
        NextDocumentRows = last.Cut ? last.LastDocumentRows : 0;
    }

    /// <summary>What the harvest is.</summary>
    public HarvestManifest Manifest => files.Manifest;

    /// <summary>Whether it is complete: there is nothing more to append.</summary>
    public bool Finished => files.Complete;

    /// <summary>Number of the document to begin or go on with, as it was when the writer was made: 0 in a new harvest.</summary>
    public long NextDocument { get; }

    /// <summary>
    /// Rows of <see cref="NextDocument"/> that are on the disk already: more than 0 only where it was longer than a shard. Append the
    /// document from its first row, or from any row up to this one; what is there already is skipped.
    /// </summary>
    public long NextDocumentRows { get; }

    /// <summary>Rows so far, those of the open shard included.</summary>
    public long Rows { get; private set; }

    /// <summary>Documents with rows so far, those of the open shard included.</summary>
    public long Documents { get; private set; }

    /// <summary>
    /// Rows so far of <see cref="HarvestManifest.UnknownToken"/>, those of the open shard included; 0 where there is no such token.
    /// </summary>
    public long UnknownRows { get; private set; }

    /// <summary>Documents so far that could not be read and were skipped.</summary>
    public long MalformedDocuments => files.Malformed + malformedInShard + (Finished ? 0 : malformedSince);

    /// <summary>Starts a harvest.</summary>
    /// <param name="folder">Its folder, made if need be.</param>
    /// <param name="manifest">What it is.</param>
    /// <exception cref="InputException">There is a harvest already, the manifest contradicts itself, or the folder cannot be
    /// written.</exception>
    public static HarvestWriter Create(string folder, HarvestManifest manifest)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(manifest);
        if (HarvestFiles.Exists(folder))
            throw new InputException($"{folder}: there is a harvest already; resume it, choose another folder, or remove it.");
        HarvestFiles created = HarvestFiles.Create(folder, manifest);
        return new HarvestWriter(created, Guard(folder));
    }

    /// <summary>Goes on with a harvest that was interrupted, or starts it where there is none.</summary>
    /// <param name="folder">Its folder.</param>
    /// <param name="manifest">What it is: the same as when it was started.</param>
    /// <exception cref="InputException">The manifests differ (the message says in what), a shard is torn, or another process is at
    /// it.</exception>
    public static HarvestWriter Resume(string folder, HarvestManifest manifest)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(manifest);
        if (!HarvestFiles.Exists(folder)) return Create(folder, manifest);
        manifest.Validate(folder);
        FileStream own = Guard(folder);
        try
        {
            HarvestFiles found = HarvestFiles.Read(folder);
            if (found.Manifest.Difference(manifest) is { } difference)
                throw new InputException(
                    $"{folder} is another harvest: {difference}; resume with what it was started with, or start afresh in another folder.");
            found.RemoveLeftovers();
            return new HarvestWriter(found, own);
        }
        catch
        {
            own.Dispose();
            throw;
        }
    }

    /// <summary>Appends rows of a document: all of them, or its next piece.</summary>
    /// <param name="document">Number of the document in its corpus; numbers ascend, and may leave some out.</param>
    /// <param name="documentId">The document's name in its corpus.</param>
    /// <param name="tokens">Token of each row; a document without rows leaves no trace.</param>
    /// <param name="positions">Position of each row's token in what the model saw.</param>
    /// <param name="activations">A matrix <c>[rows, width]</c> a hook, in the manifest's order.</param>
    /// <param name="firstRow">Row within the document of the first one given: 0, or where the piece before ended.</param>
    /// <exception cref="InputException">A value is not finite or past the range of the element type, or the disk is full.</exception>
    public void Append(long document, string documentId, ReadOnlySpan<int> tokens, ReadOnlySpan<int> positions,
        IReadOnlyList<Matrix> activations, long firstRow = 0)
    {
        Ready();
        ArgumentNullException.ThrowIfNull(documentId);
        ArgumentNullException.ThrowIfNull(activations);
        CheckShapes(tokens.Length, positions.Length, activations);
        CheckPlace(document, firstRow);
        if (tokens.IsEmpty) return;

        bool begins = document > lastDocument;
        int done = begins ? 0 : (int)Math.Min(kept - firstRow, tokens.Length);
        CheckValues(document, documentId, activations, firstRow, done);
        if (done == tokens.Length) return;

        failed = true; // until all is written
        if (begins)
        {
            if (owners.Count > 0 && owners.Count + tokens.Length > Manifest.RowsPerShard) CloseShard(cut: false);
            (lastDocument, kept, rowsInShard, whole) = (document, 0, 0, false);
            startedInShard++;
            malformedInShard += malformedSince;
            malformedSince = 0;
            Documents++;
        }

        unfinished = false;
        while (done < tokens.Length)
        {
            if (rowsInShard == Manifest.RowsPerShard) CloseShard(cut: true);
            int count = (int)Math.Min(tokens.Length - done, Manifest.RowsPerShard - rowsInShard);
            Write(documentId, tokens.Slice(done, count), positions.Slice(done, count), activations, done);
            done += count;
        }

        failed = false;
    }

    /// <summary>Counts a document that cannot be read and therefore has no rows.</summary>
    /// <param name="document">Its number in its corpus, among those of <see cref="Append"/>.</param>
    public void PassOver(long document)
    {
        Ready();
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(document, lastDocument);
        malformedSince++;
    }

    /// <summary>Closes the last shard and marks the harvest as complete.</summary>
    /// <exception cref="InputException">There are no rows at all, or the disk is full.</exception>
    public void Complete()
    {
        Ready();
        if (unfinished) throw Shrunk();
        if (Rows == 0) throw new InputException($"{files.Folder}: nothing was harvested: no document has a token to keep; give texts.");
        failed = true;
        if (owners.Count > 0) CloseShard(cut: false);
        files.Finish(malformedSince);
        failed = false;
    }

    /// <summary>Gives up the open shard, unless the harvest is complete.</summary>
    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        foreach (ShardStream stream in streams) stream.Dispose();
        guard.Dispose();
    }

    private void Ready()
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (Finished) throw new InvalidOperationException($"{files.Folder}: the harvest is complete.");
        if (failed) throw new InvalidOperationException($"{files.Folder}: writing failed; resume the harvest with another writer.");
    }

    private void CheckShapes(int rows, int positionCount, IReadOnlyList<Matrix> activations)
    {
        if (positionCount != rows || activations.Count != Manifest.Hooks.Count)
            throw new ArgumentException($"{rows} tokens came with {positionCount} positions and {activations.Count} matrices for "
                + $"{Manifest.Hooks.Count} hooks.", nameof(activations));
        for (int hook = 0; hook < activations.Count; hook++)
        {
            if (activations[hook].Rows != rows || activations[hook].Columns != Manifest.Hooks[hook].Width)
                throw new ArgumentException($"Hook '{Manifest.Hooks[hook].Name}' has width {Manifest.Hooks[hook].Width}, and {rows} rows "
                    + $"are given, but its matrix is [{activations[hook].Rows}, {activations[hook].Columns}].", nameof(activations));
        }
    }

    private void CheckPlace(long document, long firstRow)
    {
        if (document < 0 || document < lastDocument || (document == lastDocument && whole))
            throw new ArgumentOutOfRangeException(nameof(document), document, $"Document {lastDocument} was the last; numbers ascend.");
        bool fits = document > lastDocument ? firstRow == 0 : unfinished ? firstRow >= 0 && firstRow <= kept : firstRow == kept;
        if (!fits)
            throw new ArgumentOutOfRangeException(nameof(firstRow), firstRow,
                $"Document {document} has {(document > lastDocument ? 0 : kept)} rows so far.");
        if (document > lastDocument && unfinished) throw Shrunk();
    }

    private InputException Shrunk() =>
        new(
            $"{files.Folder}: document {lastDocument} had more than the {kept} rows that are there when the harvest was interrupted, and "
            + "has no more now; the texts have changed: harvest again.");

    /// <summary>Looks at all hooks before any is written, so that a document with a bad value leaves nothing behind.</summary>
    private void CheckValues(long document, string id, IReadOnlyList<Matrix> activations, long firstRow, int from)
    {
        for (int hook = 0; hook < activations.Count; hook++)
        {
            for (int row = from; row < activations[hook].Rows; row++)
            {
                if (ShardStream.Refuse(activations[hook].Row(row), Manifest.ElementType) is { } fault)
                    throw new InputException(
                        $"hook '{TensorFile.OneLine(Manifest.Hooks[hook].Name)}', document {document} ('{TensorFile.OneLine(id)}'), row "
                        + $"{firstRow + row}: {fault}.");
            }
        }
    }

    private void Write(string id, ReadOnlySpan<int> someTokens, ReadOnlySpan<int> somePositions, IReadOnlyList<Matrix> activations,
        int first)
    {
        if (streams.Count == 0)
        {
            for (int hook = 0; hook < Manifest.Hooks.Count; hook++)
                streams.Add(new ShardStream(files.HookPath(hook, files.Shards.Count), Manifest.Hooks[hook].Width, Manifest.ElementType));
        }

        for (int hook = 0; hook < streams.Count; hook++)
            for (int row = 0; row < someTokens.Length; row++) streams[hook].Append(activations[hook].Row(first + row));
        tokens.AddRange(someTokens);
        positions.AddRange(somePositions);
        CollectionsMarshal.SetCount(owners, owners.Count + someTokens.Length);
        CollectionsMarshal.AsSpan(owners)[^someTokens.Length..].Fill(lastDocument);
        if (rowsInShard == 0) table.Add((lastDocument, id, someTokens.Length));
        else table[^1] = table[^1] with { Rows = table[^1].Rows + someTokens.Length };
        rowsInShard += someTokens.Length;
        kept += someTokens.Length;
        Rows += someTokens.Length;
        if (Manifest.UnknownToken is { } unknown) UnknownRows += someTokens.Count(unknown);
    }

    /// <summary>Gives the open shard's files their names, and only then lists them in the manifest.</summary>
    private void CloseShard(bool cut)
    {
        int shard = files.Shards.Count;
        var listed = new List<HarvestShardFile>();
        for (int hook = 0; hook < streams.Count; hook++) listed.Add(files.Listed(files.HookPath(hook, shard), streams[hook].Complete()));
        listed.Add(files.Listed(files.RowsPath(shard), WriteRows(files.RowsPath(shard))));
        listed.Add(files.Listed(files.DocumentsPath(shard), WriteDocuments(files.DocumentsPath(shard))));
        files.Add(
            new HarvestShard(owners.Count, startedInShard, table[0].Document, lastDocument, kept, cut, HarvestFiles.ShardHash(listed),
                listed, Manifest.UnknownToken is { } unknown ? tokens.Count(token => token == unknown) : null,
                malformedInShard > 0 ? malformedInShard : null));
        foreach (ShardStream stream in streams) stream.Dispose();
        streams.Clear();
        tokens.Clear();
        positions.Clear();
        owners.Clear();
        table.Clear();
        (rowsInShard, startedInShard, malformedInShard) = (0, 0, 0);
    }

    private string WriteRows(string path)
    {
        SafetensorsWriter.Write(path,
            [TensorToWrite.From(HarvestRows.Document, [.. owners]), TensorToWrite.From(HarvestRows.Token, [.. tokens]),
                TensorToWrite.From(HarvestRows.Position, [.. positions])]);
        using var written = new SafetensorsFile(path);
        return written.Metadata[SafetensorsFile.ChecksumKey];
    }

    private string WriteDocuments(string path)
    {
        var lines = new MemoryStream();
        foreach ((long document, string id, long rows) in table)
        {
            using (var json = new Utf8JsonWriter(lines))
            {
                json.WriteStartObject();
                json.WriteNumber("document", document);
                json.WriteString("id", id);
                json.WriteNumber("rows", rows);
                json.WriteEndObject();
            }

            lines.WriteByte((byte)'\n');
        }

        byte[] bytes = lines.ToArray();
        AtomicFile.Write(path, stream => stream.Write(bytes));
        return Convert.ToHexStringLower(SHA256.HashData(bytes));
    }

    /// <summary>Keeps two writers out of one folder. The system lets go of it however the process ends.</summary>
    private static FileStream Guard(string folder)
    {
        string path = Path.Combine(folder, LockName);
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1,
                FileOptions.DeleteOnClose);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{folder}: another process is writing this harvest, or the folder may not be written "
                + $"({e.Message.TrimEnd('.')}); wait for it, or check the folder's permissions.", e);
        }
    }
}
