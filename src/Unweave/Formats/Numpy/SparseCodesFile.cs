using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text.Json;
using Unweave.Numerics;

namespace Unweave.Formats;

/// <summary>
/// Writes sparse codes, block after block, so that there may be more of them than memory holds. As npz: the arrays of compressed row
/// storage under the names that <c>scipy.sparse.load_npz</c> takes, <c>indptr</c> (int64, [rows + 1]), <c>indices</c> (int32, the
/// latents), <c>data</c> (float32), <c>shape</c> (int64, [2]: rows and latents of the dictionary) and <c>format</c> (the text "csr").
/// As JSON lines: a line a row, <c>{"row":0,"latents":[3,17],"values":[0.5,1.25]}</c>.
/// </summary>
public static class SparseCodesFile
{
    /// <summary>Writes a file, whole or not at all, in the format of its ending: <c>.npz</c> or <c>.jsonl</c>.</summary>
    /// <param name="path">The target.</param>
    /// <param name="dictionarySize">Number of latents n.</param>
    /// <param name="blocks">The codes; each block is done with before the next is asked for.</param>
    /// <returns>Number of entries written.</returns>
    /// <exception cref="InputException">The ending is neither, or the file cannot be written.</exception>
    public static long Write(string path, int dictionarySize, IEnumerable<SparseCodes> blocks)
    {
        CheckEnding(path);
        ArgumentNullException.ThrowIfNull(blocks);
        long entries = 0;
        AtomicFile.Write(path,
            stream => entries = IsNpz(path) ? WriteNpz(stream, path, dictionarySize, blocks) : WriteJsonLines(stream, blocks));
        return entries;
    }

    /// <summary>Refuses a path whose ending names neither format.</summary>
    /// <exception cref="InputException">It does not.</exception>
    public static void CheckEnding(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (!IsNpz(path) && !path.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase))
            throw new InputException($"{path}: codes are written as .npz or .jsonl; give the file one of these endings.");
    }

    /// <summary>Writes codes as JSON lines.</summary>
    /// <param name="stream">Written to and left open.</param>
    /// <param name="blocks">The codes; each block is done with before the next is asked for.</param>
    /// <returns>Number of entries written.</returns>
    public static long WriteJsonLines(Stream stream, IEnumerable<SparseCodes> blocks)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(blocks);
        using var json = new Utf8JsonWriter(stream);
        long written = 0, entries = 0;
        foreach (SparseCodes codes in blocks)
        {
            for (int row = 0; row < codes.Rows; row++)
            {
                json.WriteStartObject();
                json.WriteNumber("row"u8, written++);
                json.WriteStartArray("latents"u8);
                foreach (int latent in codes.Latents(row)) json.WriteNumberValue(latent);
                json.WriteEndArray();
                json.WriteStartArray("values"u8);
                foreach (float value in codes.Values(row)) json.WriteNumberValue(value);
                json.WriteEndArray();
                json.WriteEndObject();
                json.Flush();
                stream.WriteByte((byte)'\n');
                json.Reset();
            }

            entries += codes.Count;
        }

        return entries;
    }

    private static bool IsNpz(string path) => path.EndsWith(".npz", StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// An npz holds one array after the other, but codes come row by row: each array waits in a temporary file of its own.
    /// </summary>
    private static long WriteNpz(Stream stream, string path, int dictionarySize, IEnumerable<SparseCodes> blocks)
    {
        using FileStream starts = Spool(path, "starts"), latents = Spool(path, "latents"), values = Spool(path, "values");
        long rows = 0, entries = 0;
        starts.Write(MemoryMarshal.AsBytes([0L]));
        foreach (SparseCodes codes in blocks)
        {
            for (int row = 1; row <= codes.Rows; row++) starts.Write(MemoryMarshal.AsBytes([entries + codes.Starts[row]]));
            latents.Write(MemoryMarshal.AsBytes(codes.AllLatents));
            values.Write(MemoryMarshal.AsBytes(codes.AllValues));
            rows += codes.Rows;
            entries += codes.Count;
        }

        byte[] format = "csr"u8.ToArray();
        using var shape = new MemoryStream(MemoryMarshal.AsBytes<long>([rows, dictionarySize]).ToArray());
        using var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
        Add(archive, "indptr", NpyWriter.Header(ElementType.Int64, [rows + 1]), starts);
        Add(archive, "indices", NpyWriter.Header(ElementType.Int32, [entries]), latents);
        Add(archive, "data", NpyWriter.Header(ElementType.Float32, [entries]), values);
        Add(archive, "shape", NpyWriter.Header(ElementType.Int64, [2]), shape);
        Add(archive, "format", NpyWriter.TextHeader(format.Length), new MemoryStream(format));
        return entries;
    }

    private static FileStream Spool(string path, string array) =>
        new($"{path}.partial-{Environment.ProcessId}-{array}", FileMode.Create, FileAccess.ReadWrite, FileShare.None,
            1 << 16, FileOptions.DeleteOnClose);

    private static void Add(ZipArchive archive, string name, byte[] header, Stream data)
    {
        ZipArchiveEntry entry = archive.CreateEntry($"{name}.npy", CompressionLevel.NoCompression);
        // The same codes give the same bytes: the time is that at which zip's calendar begins.
        entry.LastWriteTime = new DateTimeOffset(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);
        using Stream target = entry.Open();
        target.Write(header);
        data.Position = 0;
        data.CopyTo(target);
    }
}
