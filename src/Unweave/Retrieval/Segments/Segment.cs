using System.Globalization;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text;
using Unweave.Formats;
using Unweave.Numerics;
using Unweave.Retrieval.Postings;

namespace Unweave.Retrieval.Segments;

/// <summary>
/// An open segment: rows that never change, read where they lie in the mapped file. Everything that is read without checks later, such as
/// places and lists, is checked when it is opened. It is shared by the snapshots that hold it and closed with the last of them.
/// </summary>
internal sealed unsafe class Segment : IIndexedRows, IDisposable
{
    private const int CacheLine = 64;

    private readonly SegmentTensors tensors;
    private readonly long* codeStarts, keyStarts, textStarts, fieldStarts, termStarts;
    private readonly void* latents;
    private readonly bool wide;
    private readonly byte* values, keys, texts, fields, vectors, terms;
    private readonly float* scales, inverses, vectorScales, largest;
    private readonly ulong* keyHashes;
    private readonly int* keyRows, sortedTerms;
    private readonly int vectorBytes;
    private readonly Dictionary<string, FieldColumn> columns = new(StringComparer.Ordinal);
    private int holders = 1;

    private Segment(SafetensorsFile file, IndexLayout layout, string? header = null)
    {
        tensors = new SegmentTensors(file);
        try
        {
            HeaderHash = tensors.HeaderHash;
            CheckMetadata(layout);
            bool known = header is null || string.Equals(header, HeaderHash, StringComparison.Ordinal);
            tensors.Check(known, "its header is not the one that the index knows");
            Rows = (int)Number("rows", SegmentWriter.MostRows);
            codeStarts = tensors.Longs("codes.starts", Rows + 1);
            CheckStarts("codes", codeStarts, codeStarts[Rows]);
            latents = tensors.Latents("codes.latents", codeStarts[Rows], out wide);
            values = tensors.Bytes("codes.values", codeStarts[Rows]);
            scales = tensors.Floats("codes.scales", Rows);
            inverses = tensors.Floats("codes.inverses", Rows);
            CheckCodes(layout.Latents);
            largest = tensors.Floats("concepts.largest", layout.Latents);
            Concepts = new PackedPostings(tensors, "concepts.", Rows);
            keys = Texts("keys", out keyStarts);
            texts = Texts("texts", out textStarts);
            fields = Texts("fieldTexts", out fieldStarts);
            keyHashes = tensors.ULongs("keys.hashes", Rows);
            keyRows = tensors.Ints("keys.rows", Rows);
            for (int i = 0; i < Rows; i++) tensors.Check((uint)keyRows[i] < (uint)Rows, "keys.rows are past the rows");
            Terms = tensors.Count("words.termStarts") - 1;
            termStarts = tensors.Longs("words.termStarts", Terms + 1);
            terms = tensors.Bytes("words.terms", out long termBytes);
            CheckStarts("words", termStarts, termBytes, Terms);
            sortedTerms = tensors.Ints("words.sorted", Terms);
            for (int i = 0; i < Terms; i++) tensors.Check((uint)sortedTerms[i] < (uint)Terms, "words.sorted are past the words");
            Lengths = tensors.Ints("words.lengths", Rows);
            for (int row = 0; row < Rows; row++) WordCount += Lengths[row];
            Words = new PackedPostings(tensors, "words.", Rows);
            foreach ((int at, string name) in FieldNames().Index()) columns.Add(name, new FieldColumn(tensors, at, Rows));
            if (layout.CreateStore() is { } store)
            {
                vectorBytes = store.RowBytes;
                vectors = tensors.Bytes("vectors.rows", (long)Rows * vectorBytes);
                vectorScales = tensors.Floats("vectors.scales", Rows);
            }

            if (tensors.Has("cells.starts")) Cells = ReadCells(layout.Width);
        }
        catch
        {
            tensors.Dispose();
            throw;
        }
    }

    /// <summary>SHA-256 of the file's header, which vouches for all of it.</summary>
    public string HeaderHash { get; }

    /// <summary>Number of rows.</summary>
    public int Rows { get; }

    /// <summary>The most latents that a row has.</summary>
    public int LongestCode { get; private set; }

    /// <summary>Postings of the latents.</summary>
    public PackedPostings Concepts { get; }

    /// <summary>Postings of the words; levels are how often a word is in a text, at most 32.</summary>
    public PackedPostings Words { get; }

    /// <summary>Number of different words.</summary>
    public int Terms { get; }

    /// <summary>Number of words of each text.</summary>
    public int* Lengths { get; }

    /// <summary>Number of words of all texts.</summary>
    public long WordCount { get; }

    /// <summary>The cells that rows are numbered by; null where there are none.</summary>
    public (Int8Matrix Centers, int[] Starts)? Cells { get; }

    /// <summary>Names of the fields that rows have.</summary>
    public IEnumerable<string> Fields => columns.Keys;

    /// <summary>Bytes of the file, by part.</summary>
    public IReadOnlyDictionary<string, long> BytesByPart => tensors.BytesByPart;

    /// <summary>Opens a file.</summary>
    /// <exception cref="InputException">It is missing, damaged, or of another index.</exception>
    /// <param name="path">The file.</param>
    /// <param name="layout">What all segments of the index share.</param>
    /// <param name="header">SHA-256 of its header, as the index knows it; null where it is new.</param>
    public static Segment Open(string path, IndexLayout layout, string? header = null) => new(new SafetensorsFile(path), layout, header);

    /// <summary>Opens a segment that is in memory, which it owns from then on.</summary>
    public static Segment Open(FileBytes content, IndexLayout layout) => new(new SafetensorsFile("segment in memory", content), layout);

    /// <summary>Hash of a key, by which it is found.</summary>
    public static ulong Hash(ReadOnlySpan<byte> key)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(key, hash);
        return BitConverter.ToUInt64(hash);
    }

    /// <summary>Gives back the memory that reading has filled; what is read again is fetched again.</summary>
    public void Forget() => tensors.Forget();

    /// <summary>Keeps it open until <see cref="Dispose"/>.</summary>
    public Segment Hold()
    {
        Interlocked.Increment(ref holders);
        return this;
    }

    /// <summary>Ends a hold; the last closes the file.</summary>
    public void Dispose()
    {
        if (Interlocked.Decrement(ref holders) != 0) return;
        Cells?.Centers.Dispose();
        tensors.Dispose();
    }

    /// <summary>The largest value of a latent in the segment, of which levels are parts.</summary>
    public float Largest(int latent) => largest[latent];

    /// <summary>The column of a field; null where no row has it.</summary>
    public FieldColumn? Field(string name) => columns.GetValueOrDefault(name);

    /// <summary>The row of a key; −1 where there is none.</summary>
    public int Find(ReadOnlySpan<byte> key)
    {
        ulong hash = Hash(key);
        int low = 0, high = Rows;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (keyHashes[middle] < hash) low = middle + 1;
            else high = middle;
        }

        for (; low < Rows && keyHashes[low] == hash; low++)
            if (Key(keyRows[low]).SequenceEqual(key)) return keyRows[low];
        return -1;
    }

    /// <summary>The number of a word; −1 where no text has it.</summary>
    public int Term(string word)
    {
        byte[] wanted = Encoding.UTF8.GetBytes(word);
        int low = 0, high = Terms;
        while (low < high)
        {
            int middle = (low + high) >>> 1, order = TermBytes(sortedTerms[middle]).SequenceCompareTo(wanted);
            if (order == 0) return sortedTerms[middle];
            if (order < 0) low = middle + 1;
            else high = middle;
        }

        return -1;
    }

    public ReadOnlySpan<byte> Key(int row) => Piece(keys, keyStarts, row);

    public ReadOnlySpan<byte> Text(int row) => Piece(texts, textStarts, row);

    public ReadOnlySpan<byte> FieldText(int row) => Piece(fields, fieldStarts, row);

    ReadOnlySpan<byte> IIndexedRows.Fields(int row) => FieldText(row);

    public CodeRow Code(int row)
    {
        long first = codeStarts[row];
        void* own = wide ? (int*)latents + first : (ushort*)latents + first;
        return new CodeRow(own, wide, values + first, (int)(codeStarts[row + 1] - first), scales[row], inverses[row]);
    }

    /// <summary>Has the place of a row's code fetched, which <see cref="FetchCode"/> reads.</summary>
    public void FetchPlace(int row)
    {
        if (Sse.IsSupported) Sse.Prefetch0(codeStarts + row);
    }

    /// <summary>Has a row's code fetched: rows that are scored lie anywhere, so that each would be waited for.</summary>
    public void FetchCode(int row)
    {
        if (!Sse.IsSupported) return;
        long first = codeStarts[row];
        Sse.Prefetch0(wide ? (byte*)latents + (4 * first) : (byte*)latents + (2 * first));
        Sse.Prefetch0(values + first);
        Sse.Prefetch0(scales + row);
        Sse.Prefetch0(inverses + row);
    }

    /// <summary>Has the vector fetched that is kept of a row.</summary>
    public void FetchStored(int row)
    {
        if (!Sse.IsSupported || vectors == null) return;
        byte* own = vectors + ((long)row * vectorBytes);
        for (int at = 0; at < vectorBytes; at += CacheLine) Sse.Prefetch0(own + at);
        Sse.Prefetch0(vectorScales + row);
    }

    public ReadOnlySpan<byte> Stored(int row) => vectors == null ? [] : new(vectors + ((long)row * vectorBytes), vectorBytes);

    public float StoredScale(int row) => vectors == null ? 0 : vectorScales[row];

    private ReadOnlySpan<byte> TermBytes(int term) => Piece(terms, termStarts, term);

    private static ReadOnlySpan<byte> Piece(byte* bytes, long* starts, int at) =>
        new(bytes + starts[at], (int)(starts[at + 1] - starts[at]));

    private byte* Texts(string name, out long* starts)
    {
        starts = tensors.Longs(name + ".starts", Rows + 1);
        byte* bytes = tensors.Bytes(name + ".bytes", out long length);
        CheckStarts(name, starts, length);
        return bytes;
    }

    private void CheckStarts(string name, long* starts, long end) => CheckStarts(name, starts, end, Rows);

    private void CheckStarts(string name, long* starts, long end, int count)
    {
        tensors.Check(starts[0] == 0 && starts[count] == end, $"the places of {name} do not fill their bytes");
        for (int i = 0; i < count; i++)
            tensors.Check(starts[i] <= starts[i + 1] && starts[i + 1] - starts[i] <= int.MaxValue, $"the places of {name} do not ascend");
    }

    private void CheckCodes(int bound)
    {
        for (int row = 0; row < Rows; row++)
        {
            CodeRow code = Code(row);
            tensors.Check(float.IsFinite(code.Scale) && float.IsFinite(code.Inverse), $"the code of row {row} is not finite");
            LongestCode = Math.Max(LongestCode, code.Count);
            int last = -1;
            for (int i = 0; i < code.Count; i++)
            {
                int latent = code.Latent(i);
                tensors.Check(latent > last && latent < bound, $"the latents of row {row} do not ascend below {bound}");
                last = latent;
            }
        }
    }

    private void CheckMetadata(IndexLayout layout)
    {
        foreach ((string key, string due) in layout.ToMetadata())
        {
            string? found = tensors.Metadata.GetValueOrDefault(key);
            tensors.Check(string.Equals(found, due, StringComparison.Ordinal), $"its {key} is {found ?? "missing"}, not {due}");
        }
    }

    private long Number(string key, long most)
    {
        bool read = long.TryParse(tensors.Metadata.GetValueOrDefault(key), NumberStyles.None, CultureInfo.InvariantCulture, out long value);
        tensors.Check(read && value > 0 && value <= most, $"its number of {key} is not from 1 to {most}");
        return value;
    }

    private List<string> FieldNames()
    {
        var names = new List<string>();
        try
        {
            using var json = JsonDocument.Parse(tensors.Metadata.GetValueOrDefault("fields") ?? "[]");
            foreach (JsonElement name in json.RootElement.EnumerateArray()) names.Add(name.GetString()!);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw tensors.Bad($"its names of fields cannot be read ({e.Message})");
        }

        return names;
    }

    private (Int8Matrix Centers, int[] Starts) ReadCells(int width)
    {
        int cells = tensors.Count("cells.starts") - 1;
        var starts = new ReadOnlySpan<int>(tensors.Ints("cells.starts", cells + 1), cells + 1);
        tensors.Check(starts[0] == 0 && starts[cells] == Rows, "cells do not fill the rows");
        for (int cell = 0; cell < cells; cell++) tensors.Check(starts[cell] <= starts[cell + 1], "cells do not ascend");
        var centers = new ReadOnlySpan<float>(tensors.Floats("cells.centers", (long)cells * width), checked(cells * width));
        using var whole = new Matrix(cells, width, centers);
        return (new Int8Matrix(whole, Workers.Shared), starts.ToArray());
    }
}
