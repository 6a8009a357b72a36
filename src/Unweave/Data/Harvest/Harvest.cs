using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Unweave.Formats;

namespace Unweave.Data;

/// <summary>
/// A harvest on disk, read through memory maps: the activations of each hook as a source of rows, and for each row its token, document and
/// position. One that is still being written opens too, with the shards that are whole. Safe to read from several threads.
/// </summary>
public sealed class Harvest : IDisposable
{
    private readonly HarvestFiles files;
    private readonly long[] starts; // first row of each shard, and the number of rows
    private readonly HarvestRows[] rows;
    private readonly Lazy<SafetensorsFile>[][] activations; // by hook, by shard; opened when first read
    private readonly Lock entry = new();
    private (int Shard, Dictionary<long, string> Ids)? documents; // the table read last
    private bool disposed;

    private Harvest(HarvestFiles files)
    {
        this.files = files;
        int shards = files.Shards.Count;
        starts = new long[shards + 1];
        for (int shard = 0; shard < shards; shard++) starts[shard + 1] = starts[shard] + files.Shards[shard].Rows;
        rows =
        [
            .. Enumerable.Range(0, shards)
            .Select(shard => new HarvestRows(files.RowsPath(shard), files.Shards[shard].Rows, RowsHash(shard))),
        ];
        activations =
        [
            .. Enumerable.Range(0, Manifest.Hooks.Count)
            .Select(hook =>
                Enumerable.Range(0, shards).Select(shard => new Lazy<SafetensorsFile>(() => OpenActivations(hook, shard))).ToArray()),
        ];
    }

    /// <summary>Where it is.</summary>
    public string Folder => files.Folder;

    /// <summary>What it is.</summary>
    public HarvestManifest Manifest => files.Manifest;

    /// <summary>Whether the whole corpus is in it.</summary>
    public bool Complete => files.Complete;

    /// <summary>Number of rows, the same for every hook.</summary>
    public long Rows => starts[^1];

    /// <summary>Number of documents that have rows.</summary>
    public long Documents => files.Shards.Sum(shard => shard.Documents);

    /// <summary>Number of documents of the corpus that could not be read and were skipped.</summary>
    public long MalformedDocuments => files.Malformed;

    /// <summary>
    /// Number of rows of <see cref="HarvestManifest.UnknownToken"/>; null where there is no such token.
    /// </summary>
    public long? UnknownRows => Manifest.UnknownToken is null ? null : files.Shards.Sum(shard => shard.Unknown ?? 0);

    /// <summary>Number of shards.</summary>
    public int Shards => files.Shards.Count;

    /// <summary>Whether a folder holds a harvest.</summary>
    /// <param name="folder">Any path.</param>
    public static bool Exists(string folder) => HarvestFiles.Exists(folder);

    /// <summary>Opens a harvest and compares the sizes of its files with its manifest.</summary>
    /// <param name="folder">Its folder.</param>
    /// <exception cref="InputException">There is none, a newer version wrote it, the manifest contradicts itself, or a file is missing or
    /// torn.</exception>
    public static Harvest Open(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return new Harvest(HarvestFiles.Read(folder));
    }

    /// <summary>The rows of a hook.</summary>
    /// <param name="hook">Its name; null takes the only one.</param>
    /// <returns>A source over this harvest's files: valid until the harvest is disposed.</returns>
    /// <exception cref="InputException">There is no such hook, or several and none was chosen, or there are no rows yet.</exception>
    public HarvestSource Source(string? hook = null) => new(this, [Manifest.Find(hook, Folder)], ownsHarvest: false);

    /// <summary>Reads the tokens of consecutive rows.</summary>
    /// <param name="first">The first row.</param>
    /// <param name="tokens">Filled whole.</param>
    public void ReadTokens(long first, Span<int> tokens) => Read(HarvestRows.Token, first, tokens);

    /// <summary>Reads the positions, in what the model saw, of consecutive rows.</summary>
    /// <param name="first">The first row.</param>
    /// <param name="positions">Filled whole.</param>
    public void ReadPositions(long first, Span<int> positions) => Read(HarvestRows.Position, first, positions);

    /// <summary>Reads the numbers of the documents of consecutive rows.</summary>
    /// <param name="first">The first row.</param>
    /// <param name="documents">Filled whole.</param>
    public void ReadDocuments(long first, Span<long> documents) => Read(HarvestRows.Document, first, documents);

    /// <summary>Token, document and position of a row.</summary>
    /// <param name="row">In [0, <see cref="Rows"/>).</param>
    public (int Token, long Document, int Position) Row(long row)
    {
        int token = 0, position = 0;
        long document = 0;
        ReadTokens(row, new Span<int>(ref token));
        ReadPositions(row, new Span<int>(ref position));
        ReadDocuments(row, new Span<long>(ref document));
        return (token, document, position);
    }

    /// <summary>The name of a document in its corpus.</summary>
    /// <param name="document">Number of a document that has rows.</param>
    /// <exception cref="ArgumentOutOfRangeException">No row is of this document.</exception>
    public string DocumentId(long document)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        int low = 0, high = Shards - 1; // the last shard that begins at or before the document
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (files.Shards[middle].FirstDocument <= document) low = middle;
            else high = middle - 1;
        }

        lock (entry)
        {
            if (Shards > 0)
            {
                if (documents?.Shard != low) documents = (low, ReadIds(low));
                if (documents.Value.Ids.TryGetValue(document, out string? id)) return id;
            }
        }

        throw new ArgumentOutOfRangeException(nameof(document), document, $"{Folder} has no rows of this document.");
    }

    /// <summary>Reads every file whole and compares it with its checksum, and the indexes of rows with the manifest.</summary>
    /// <param name="progress">Told the share of shards done.</param>
    /// <param name="cancellationToken">Ends the check.</param>
    /// <exception cref="InputException">A shard is torn or was changed; the message names the first.</exception>
    public void Verify(IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        for (int shard = 0; shard < Shards; shard++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                for (int hook = 0; hook < activations.Length; hook++) activations[hook][shard].Value.Verify();
                rows[shard].File.Verify();
                CheckRows(shard);
            }
            catch (InputException e)
            {
                throw new InputException($"{Folder}: shard {shard} is not whole: {e.Message}", e);
            }

            progress?.Report((shard + 1.0) / Shards);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        disposed = true;
        foreach (HarvestRows index in rows) index.Dispose();
        foreach (Lazy<SafetensorsFile> file in activations.SelectMany(shards => shards))
            if (file.IsValueCreated) file.Value.Dispose();
    }

    /// <summary>
    /// Gives back the memory that reading the shards before a row has filled: for a reader who goes through all rows once.
    /// </summary>
    internal void ForgetBefore(long row)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        for (int shard = 0; shard < Shard(row); shard++)
        {
            rows[shard].Forget();
            foreach (Lazy<SafetensorsFile>[] hook in activations)
                if (hook[shard].IsValueCreated) hook[shard].Value.Forget();
        }
    }

    /// <summary>Reads a row of a hook.</summary>
    internal void ReadRow(int hook, long row, Span<float> destination)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        int shard = Shard(row);
        SafetensorsFile file = activations[hook][shard].Value;
        file.Read(file.Tensors[0], (row - starts[shard]) * destination.Length, destination);
    }

    private void Read<T>(string tensor, long first, Span<T> destination)
        where T : unmanaged
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (first < 0 || first > Rows - destination.Length)
            throw new ArgumentOutOfRangeException(nameof(first), first,
                $"{destination.Length} rows from there pass the end of {Folder}, which has {Rows}.");
        while (!destination.IsEmpty)
        {
            int shard = Shard(first);
            int count = (int)Math.Min(destination.Length, starts[shard + 1] - first);
            rows[shard].Read(tensor, first - starts[shard], MemoryMarshal.AsBytes(destination[..count]));
            destination = destination[count..];
            first += count;
        }
    }

    private int Shard(long row)
    {
        int found = Array.BinarySearch(starts, row);
        return found >= 0 ? found : ~found - 1;
    }

    private string RowsHash(int shard) => files.Shards[shard].Files[^2].Sha256;

    private SafetensorsFile OpenActivations(int hook, int shard)
    {
        HarvestShard listed = files.Shards[shard];
        return HarvestRows.OpenChecked(files.HookPath(hook, shard), listed.Files[hook].Sha256,
            new TensorInfo(ShardStream.Tensor, Manifest.ElementType, [listed.Rows, Manifest.Hooks[hook].Width]));
    }

    private Dictionary<long, string> ReadIds(int shard)
    {
        string path = files.DocumentsPath(shard);
        var ids = new Dictionary<long, string>();
        try
        {
            foreach ((long document, string id, _) in HarvestRows.ReadTable(path)) ids[document] = id;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read: {e.Message}", e);
        }

        return ids;
    }

    /// <summary>Compares a shard's index of rows with its table of documents, and both with the manifest.</summary>
    private void CheckRows(int shard)
    {
        HarvestShard listed = files.Shards[shard];
        string path = files.DocumentsPath(shard);
        if (!string.Equals(Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path))), listed.Files[^1].Sha256,
            StringComparison.OrdinalIgnoreCase))
            throw new InputException($"{path}: checksum differs: the file is torn or was changed; copy or write it again.");
        long[] owners = new long[listed.Rows];
        ReadDocuments(starts[shard], owners);
        (long Document, long Rows)[] found = [.. owners.CountBy(document => document).Select(pair => (pair.Key, (long)pair.Value))];
        (long Document, long Rows)[] table = [.. HarvestRows.ReadTable(path).Select(line => (line.Document, line.Rows))];
        bool continued = shard > 0 && files.Shards[shard - 1].Cut;
        if (!found.SequenceEqual(table) || found[0].Document != listed.FirstDocument || found[^1].Document != listed.LastDocument
            || found.Length - (continued ? 1 : 0) != listed.Documents)
            throw new InputException($"{path}: its documents are not those of the shard's rows or of the manifest; harvest again.");
    }
}
