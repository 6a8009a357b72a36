using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Unweave.Formats;
using Unweave.Retrieval.Postings;

namespace Unweave.Retrieval.Segments;

/// <summary>
/// Writes a segment: one safetensors file of the rows' codes, the same codes as postings, their words as postings, keys, texts, fields and
/// what is kept of the vectors. The same rows give the same bytes, whether they are new or come from other segments.
/// </summary>
internal sealed unsafe class SegmentWriter(IndexLayout layout)
{
    /// <summary>The most rows of a segment.</summary>
    public const int MostRows = 1 << 24;

    private const int Buffer = 1 << 20;

    /// <summary>A row to be written: where it is now.</summary>
    /// <param name="Rows">What holds it.</param>
    /// <param name="Row">Its number there.</param>
    internal readonly record struct Place(IIndexedRows Rows, int Row);

    /// <summary>Writes a file.</summary>
    public void Write(string path, IReadOnlyList<Place> rows, CellPartition? cells)
    {
        List<TensorToWrite> tensors = Tensors(rows, cells, out Dictionary<string, string> metadata);
        SafetensorsWriter.Write(path, tensors, metadata);
    }

    /// <summary>Writes to a stream.</summary>
    public void Write(Stream stream, IReadOnlyList<Place> rows, CellPartition? cells)
    {
        List<TensorToWrite> tensors = Tensors(rows, cells, out Dictionary<string, string> metadata);
        SafetensorsWriter.Write(stream, tensors, metadata);
    }

    private List<TensorToWrite> Tensors(IReadOnlyList<Place> rows, CellPartition? cells, out Dictionary<string, string> metadata)
    {
        if (rows.Count is 0 or > MostRows) throw new ArgumentException($"A segment has from 1 to {MostRows} rows; not {rows.Count}.");
        var tensors = new List<TensorToWrite>();
        Segment[] sources = [.. rows.Select(place => place.Rows).OfType<Segment>().Distinct()];
        AddConcepts(rows, tensors);
        AddCodes(rows, tensors);
        Forget();
        AddWords(rows, tensors);
        Forget();
        AddTexts("keys", rows, static place => place.Rows.Key(place.Row), tensors);
        AddTexts("texts", rows, static place => place.Rows.Text(place.Row), tensors);
        AddTexts("fieldTexts", rows, static place => place.Rows.Fields(place.Row), tensors);
        AddKeyHashes(rows, tensors);
        var columns = new FieldColumns();
        foreach (Place place in rows) columns.Add(place.Rows.Fields(place.Row));
        (IEnumerable<TensorToWrite> fields, string[] names) = columns.Complete();
        tensors.AddRange(fields);
        if (layout.CreateStore() is { } store) AddVectors(rows, store.RowBytes, tensors);
        cells?.AddTo(tensors);
        metadata = layout.ToMetadata();
        metadata["rows"] = rows.Count.ToString(CultureInfo.InvariantCulture);
        metadata["fields"] = Json(names);
        Forget();
        return tensors.ConvertAll(tensor => tensor.Then(Forget));

        // What was read of the segments that are merged does not stay in memory until all of them is there.
        void Forget()
        {
            foreach (Segment source in sources) source.Forget();
        }
    }

    // Levels are 1 to 32 parts of the largest value that a latent has in the segment.
    private void AddConcepts(IReadOnlyList<Place> rows, List<TensorToWrite> tensors)
    {
        float[] largest = new float[layout.Latents];
        foreach (Place place in rows)
        {
            CodeRow code = place.Rows.Code(place.Row);
            for (int i = 0; i < code.Count; i++)
            {
                ref float known = ref largest[code.Latent(i)];
                known = MathF.Max(known, code.Values[i] * code.Scale);
            }
        }

        var writer = new PostingsWriter();
        int[] latents = new int[layout.Latents];
        byte[] levels = new byte[layout.Latents];
        foreach (Place place in rows)
        {
            CodeRow code = place.Rows.Code(place.Row);
            for (int i = 0; i < code.Count; i++)
            {
                latents[i] = code.Latent(i);
                float share = code.Values[i] * code.Scale / largest[latents[i]] * PostingList.Levels;
                levels[i] = (byte)(Math.Clamp((int)MathF.Round(share), 1, PostingList.Levels) - 1);
            }

            writer.Add(latents.AsSpan(0, code.Count), levels.AsSpan(0, code.Count));
        }

        tensors.Add(TensorToWrite.From("concepts.largest", largest));
        tensors.AddRange(writer.Complete("concepts."));
    }

    private void AddCodes(IReadOnlyList<Place> rows, List<TensorToWrite> tensors)
    {
        long[] starts = new long[rows.Count + 1];
        float[] scales = new float[rows.Count], inverses = new float[rows.Count];
        foreach ((int at, Place place) in rows.Index())
        {
            CodeRow code = place.Rows.Code(place.Row);
            starts[at + 1] = starts[at] + code.Count;
            (scales[at], inverses[at]) = (code.Scale, code.Inverse);
        }

        bool wide = layout.Latents > ushort.MaxValue + 1;
        tensors.Add(TensorToWrite.From("codes.starts", starts));
        tensors.Add(TensorToWrite.Made("codes.latents", wide ? ElementType.Int32 : ElementType.UInt16, [starts[^1]], take =>
        {
            var block = new Block(take);
            foreach (Place place in rows)
            {
                CodeRow code = place.Rows.Code(place.Row);
                for (int i = 0; i < code.Count; i++)
                {
                    if (wide) block.Add(code.Latent(i));
                    else block.Add((ushort)code.Latent(i));
                }
            }

            block.End();
        }));
        tensors.Add(TensorToWrite.Made("codes.values", ElementType.UInt8, [starts[^1]], take =>
        {
            var block = new Block(take);
            foreach (Place place in rows)
            {
                CodeRow code = place.Rows.Code(place.Row);
                block.Add(new ReadOnlySpan<byte>(code.Values, code.Count));
            }

            block.End();
        }));
        tensors.Add(TensorToWrite.From("codes.scales", scales));
        tensors.Add(TensorToWrite.From("codes.inverses", inverses));
    }

    private static void AddWords(IReadOnlyList<Place> rows, List<TensorToWrite> tensors)
    {
        var splitter = new WordSplitter();
        var terms = new Dictionary<string, int>(StringComparer.Ordinal);
        Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> known = terms.GetAlternateLookup<ReadOnlySpan<char>>();
        var names = new List<string>();
        var writer = new PostingsWriter();
        var counts = new Dictionary<int, int>();
        int[] lengths = new int[rows.Count];
        foreach ((int at, Place place) in rows.Index())
        {
            counts.Clear();
            foreach (Word word in splitter.Split(Encoding.UTF8.GetString(place.Rows.Text(place.Row))))
            {
                if (!known.TryGetValue(word.Term, out int term))
                {
                    names.Add(word.Term.ToString());
                    terms.Add(names[^1], term = names.Count - 1);
                }

                CollectionsMarshal.GetValueRefOrAddDefault(counts, term, out _)++;
                lengths[at]++;
            }

            writer.Add([.. counts.Keys], [.. counts.Values.Select(count => (byte)(Math.Min(count, PostingList.Levels) - 1))]);
        }

        byte[][] bytes = [.. names.Select(Encoding.UTF8.GetBytes)];
        int[] sorted = [.. Enumerable.Range(0, bytes.Length)];
        Array.Sort(sorted, (a, b) => bytes[a].AsSpan().SequenceCompareTo(bytes[b]));
        long[] starts = new long[bytes.Length + 1];
        for (int term = 0; term < bytes.Length; term++) starts[term + 1] = starts[term] + bytes[term].Length;
        tensors.Add(TensorToWrite.From("words.termStarts", starts));
        tensors.Add(TensorToWrite.From("words.terms", [.. bytes.SelectMany(term => term)]));
        tensors.Add(TensorToWrite.From("words.sorted", sorted));
        tensors.Add(TensorToWrite.From("words.lengths", lengths));
        tensors.AddRange(writer.Complete("words."));
    }

    private delegate ReadOnlySpan<byte> TextOf(Place place);

    private static void AddTexts(string name, IReadOnlyList<Place> rows, TextOf text, List<TensorToWrite> tensors)
    {
        long[] starts = new long[rows.Count + 1];
        foreach ((int at, Place place) in rows.Index()) starts[at + 1] = starts[at] + text(place).Length;
        tensors.Add(TensorToWrite.From(name + ".starts", starts));
        tensors.Add(TensorToWrite.Made(name + ".bytes", ElementType.UInt8, [starts[^1]], take =>
        {
            var block = new Block(take);
            foreach (Place place in rows) block.Add(text(place));
            block.End();
        }));
    }

    private static void AddKeyHashes(IReadOnlyList<Place> rows, List<TensorToWrite> tensors)
    {
        ulong[] hashes = new ulong[rows.Count];
        int[] places = new int[rows.Count];
        foreach ((int at, Place place) in rows.Index()) (hashes[at], places[at]) = (Segment.Hash(place.Rows.Key(place.Row)), at);
        Array.Sort(hashes, places);
        tensors.Add(TensorToWrite.Made("keys.hashes", ElementType.UInt64, [hashes.Length], take =>
            take(MemoryMarshal.AsBytes<ulong>(hashes))));
        tensors.Add(TensorToWrite.From("keys.rows", places));
    }

    private static void AddVectors(IReadOnlyList<Place> rows, int rowBytes, List<TensorToWrite> tensors)
    {
        tensors.Add(TensorToWrite.Made("vectors.rows", ElementType.UInt8, [rows.Count, rowBytes], take =>
        {
            var block = new Block(take);
            foreach (Place place in rows) block.Add(place.Rows.Stored(place.Row));
            block.End();
        }));
        tensors.Add(TensorToWrite.From("vectors.scales", [.. rows.Select(place => place.Rows.StoredScale(place.Row))]));
    }

    private static string Json(string[] names)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartArray();
            foreach (string name in names) json.WriteStringValue(name);
            json.WriteEndArray();
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    /// <summary>Gathers small pieces into blocks.</summary>
    private sealed class Block(TakeBlock take)
    {
        private readonly byte[] bytes = new byte[Buffer];
        private int used;

        public void Add<T>(T value)
            where T : unmanaged => Add(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));

        public void Add(ReadOnlySpan<byte> piece)
        {
            if (used + piece.Length > Buffer) End();
            if (piece.Length > Buffer)
            {
                take(piece);
                return;
            }

            piece.CopyTo(bytes.AsSpan(used));
            used += piece.Length;
        }

        public void End()
        {
            if (used > 0) take(bytes.AsSpan(0, used));
            used = 0;
        }
    }
}
