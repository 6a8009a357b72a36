using System.Diagnostics;
using System.Globalization;
using Unweave.Autoencoders;
using Unweave.Indexing;
using Unweave.Numerics;
using Unweave.Retrieval;
using Unweave.Retrieval.Postings;
using Unweave.Retrieval.Segments;

namespace Unweave.Benchmarks.Search;

/// <summary>Our own index over the codes of an autoencoder; queries are projected within the time measured.</summary>
/// <param name="autoencoder">The autoencoder, trained on other vectors than the queries.</param>
/// <param name="store">What is kept of the vectors.</param>
internal sealed class ConceptRival(SparseAutoencoder autoencoder, VectorStore store) : Rival
{
    private const int PartRows = 4096;

    private readonly Way[] fixedWays = store == VectorStore.Signs
        ?
        [
            new(128, 1000, 0), new(128, 0, 200), new(128, 0, 500), new(128, 1000, 1000),
        ]
        :
        [
            new(64, 0, 0), new(128, 0, 0), new(256, 0, 0), new(128, 1000, 0), new(256, 1000, 0), new(64, 0, 200),
            new(80, 0, 200), new(128, 0, 200), new(256, 0, 200), new(128, 0, 500), new(256, 0, 500), new(128, 1000, 200),
            new(256, 1000, 500),
        ];

    private Way[] ways = [];
    private string? folder; // of an index of so many rows that they are numbered by cells, which is made as others are

    private SearchSet set = null!;
    private ConceptDictionary? dictionary;
    private SearchIndex? index;
    private string? notes;
    private IReadOnlyDictionary<string, long> bytes = new Dictionary<string, long>(StringComparer.Ordinal);

    public override string Name => store == VectorStore.Signs ? "ours + signs" : "ours";

    public override bool ServesThreads => true;

    public override IReadOnlyList<string> Settings => [.. ways.Select(way => way.Label(store))];

    public override string? Notes => notes;

    public override void Build(SearchSet set)
    {
        this.set = set;
        long started = Stopwatch.GetTimestamp();
        SparseCodes codes = autoencoder.Encode(set.Rows);
        long encoded = Stopwatch.GetTimestamp();
        dictionary = autoencoder.CreateConcepts();
        _ = CodeRefit.Refit(codes, dictionary.Decoder, dictionary.Bias, set.Rows, Workers.Shared, out _);
        long refitted = Stopwatch.GetTimestamp();
        IndexDocument[] documents =
        [
            .. Enumerable.Range(0, set.Rows.Rows).Select(row =>
                new IndexDocument(row.ToString(CultureInfo.InvariantCulture), set.Texts?[row] ?? "")),
        ];
        var options = new IndexOptions { Store = store };
        if (set.Rows.Rows < options.CellsFrom)
        {
            index = SearchIndex.InMemory(dictionary, documents, codes, set.Rows, options);
            ways = fixedWays;
        }
        else
        {
            index = Write(documents, codes, options);
            ways = [.. fixedWays, new(128, 0, 200, 12_000), new(128, 0, 200, 20_000), new(128, 0, 200, 40_000)];
        }

        bytes = index.BytesByPart;
        double postings = PostingsSeconds(index);
        double Seconds(long from, long to) => Stopwatch.GetElapsedTime(from, to).TotalSeconds;
        notes = string.Create(CultureInfo.InvariantCulture,
            $"encoding {Seconds(started, encoded):F2} s, refitting {Seconds(encoded, refitted):F2} s, postings of refitted codes "
            + $"{postings:F2} s; bytes a row: {string.Join(", ", bytes.Select(part => $"{part.Key} {PerRow(part.Key):F1}"))}");
    }

    public override int Search(int query, int setting, Span<int> found)
    {
        Way way = ways[setting];
        SearchResults results = index!.Search(new SearchQuery
        {
            Vector = set.Queries.Row(query).ToArray(),
            Count = found.Length,
            QueryLatents = way.Latents,
            Rescored = way.Rescored,
            Reranked = way.Reranked,
            RowsLookedAt = way.LookedAt,
        });
        for (int i = 0; i < results.Hits.Count; i++) found[i] = int.Parse(results.Hits[i].Key, CultureInfo.InvariantCulture);
        return results.Hits.Count;
    }

    // Hits are always rescored by their codes or by what is kept of the vectors.
    public override double BytesPerRow(int setting) =>
        PerRow("concepts") + PerRow("codes") + (ways[setting].Reranked > 0 ? PerRow("vectors") : 0);

    public override void Dispose()
    {
        base.Dispose();
        index?.Dispose();
        dictionary?.Dispose();
        if (folder is not null) Directory.Delete(folder, recursive: true);
    }

    private SearchIndex Write(IndexDocument[] documents, SparseCodes codes, IndexOptions options)
    {
        folder = Directory.CreateTempSubdirectory("unweave-search-").FullName;
        var written = SearchIndex.Create(folder, dictionary!, options);
        using SearchWriter writer = written.OpenWriter();
        for (int first = 0; first < documents.Length; first += PartRows)
        {
            int end = Math.Min(first + PartRows, documents.Length);
            using Matrix vectors = set.Rows.CopyRows(first, end - first);
            writer.Add(documents[first..end], Part(codes, first, end), vectors);
        }

        writer.Merge();
        _ = written.Refresh();
        return written;
    }

    private static SparseCodes Part(SparseCodes codes, int first, int end)
    {
        var starts = new List<int> { 0 };
        var latents = new List<int>();
        var values = new List<float>();
        for (int row = first; row < end; row++)
        {
            latents.AddRange(codes.Latents(row));
            values.AddRange(codes.Values(row));
            starts.Add(latents.Count);
        }

        return new SparseCodes(codes.DictionarySize, [.. starts], [.. latents], [.. values]);
    }

    private double PerRow(string part) => (double)bytes.GetValueOrDefault(part) / set.Rows.Rows;

    // The postings alone, from codes that are there: what an index of a graph does in its whole building.
    private static unsafe double PostingsSeconds(SearchIndex index) => index.Read(state =>
    {
        Segment segment = state.Parts[0].Segment;
        long started = Stopwatch.GetTimestamp();
        var writer = new PostingsWriter();
        int[] latents = new int[segment.LongestCode];
        byte[] levels = new byte[segment.LongestCode];
        for (int row = 0; row < segment.Rows; row++)
        {
            CodeRow code = segment.Code(row);
            for (int i = 0; i < code.Count; i++)
            {
                latents[i] = code.Latent(i);
                float level = code.Values[i] * code.Scale / segment.Largest(latents[i]) * PostingList.Levels;
                levels[i] = (byte)(Math.Clamp((int)MathF.Round(level), 1, PostingList.Levels) - 1);
            }

            writer.Add(latents.AsSpan(0, code.Count), levels.AsSpan(0, code.Count));
        }

        _ = writer.Complete("concepts.").Count();
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    });

    private sealed record Way(int Latents, int Rescored, int Reranked, int LookedAt = 0)
    {
        public string Label(VectorStore store)
        {
            string codes = Rescored > 0 ? $", {Rescored:N0} by codes" : "";
            string vectors = Reranked > 0 ? $", {Reranked:N0} by {(store == VectorStore.Signs ? "signs" : "int8")}" : "";
            string cells = LookedAt > 0 ? $", {LookedAt:N0} rows of cells" : "";
            return $"{Latents} latents{cells}{codes}{vectors}";
        }
    }
}
