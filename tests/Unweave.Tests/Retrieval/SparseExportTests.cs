using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Unweave.Numerics;
using Unweave.Retrieval;

namespace Unweave.Tests.Retrieval;

/// <summary>What is written for other systems, read back as each of them documents it.</summary>
public sealed class SparseExportTests : IDisposable
{
    private const int Latents = 30, Width = 8, Rows = 230;

    private static readonly string[] Awkward = ["tab\there", "line\nand\r\nline", "back\\slash \\N \\.", "quote \" ' ü 𝛼", "{1:2}/3"];

    private readonly ConceptDictionary dictionary = MakeDictionary();
    private readonly SearchIndex index;

    public SparseExportTests()
    {
        var rng = new Rng(3);
        using var vectors = new Matrix(Rows, Width);
        rng.FillNormal(vectors.AsSpan());
        var codes = new SparseCodes(Latents);
        codes.Layout([.. Enumerable.Repeat(6, Rows)]);
        for (int i = 0; i < codes.Count; i++)
            (codes.LatentsForWriting[i], codes.ValuesForWriting[i]) = (((i / 6) % 5) + (5 * (i % 6)), 1);
        index = SearchIndex.InMemory(dictionary, [.. Enumerable.Range(0, Rows).Select(Document)], codes, vectors);
    }

    public static TheoryData<SparseFormat> Formats => [.. Enum.GetValues<SparseFormat>()];

    public void Dispose()
    {
        index.Dispose();
        dictionary.Dispose();
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Rows_come_back_with_key_text_fields_and_weights(SparseFormat format)
    {
        using var bytes = new MemoryStream();
        Assert.Equal(Rows, SparseExport.Write(index, format, "my docs", bytes));
        var read = Read(format, Encoding.UTF8.GetString(bytes.ToArray())).ToDictionary(row => row.Key, StringComparer.Ordinal);
        Assert.Equal(Rows, read.Count);
        foreach ((IndexDocument document, IReadOnlyList<LatentShare> code) in index.Documents())
        {
            Row row = read[document.Key];
            Assert.Equal(document.Text, row.Text);
            Assert.Equal(document.Fields?.GetValueOrDefault("year")?.Number, row.Year);
            Assert.Equal(code.OrderBy(share => share.Latent).Select(share => (share.Latent, (float)share.Share)), row.Weights);
        }
    }

    // The weights of a query times those of a row: what these systems rank by is what the latents add to the cosine here.
    [Theory]
    [MemberData(nameof(Formats))]
    public void A_query_ranks_rows_as_the_index_does_by_the_latents_looked_up(SparseFormat format)
    {
        float[] vector = [1, -2, 0.5f, 0.25f, 3, -1, 0, 1];
        SearchResults results = index.Search(new SearchQuery { Vector = vector, Count = Rows, QueryLatents = 256 });
        string query = SparseExport.Query(format, "my docs", results.Query, Latents, 7);
        Assert.Contains(format == SparseFormat.Pgvector ? "LIMIT 7" : "7", query, StringComparison.Ordinal);
        (int Latent, float Weight)[] sought = QueryOf(format, query);
        Assert.True(sought.Length > 5);
        Assert.Equal(results.Query.OrderBy(share => share.Latent).Select(share => (share.Latent, (float)share.Share)), sought);
        var weights = sought.ToDictionary(pair => pair.Latent, pair => (double)pair.Weight);
        using var bytes = new MemoryStream();
        SparseExport.Write(index, format, "my docs", bytes);
        foreach (Row row in Read(format, Encoding.UTF8.GetString(bytes.ToArray())))
        {
            double product = row.Weights.Sum(pair => weights.GetValueOrDefault(pair.Latent) * pair.Weight);
            double expected = index.Code(row.Key).Sum(share => weights.GetValueOrDefault(share.Latent) * share.Share);
            Assert.Equal(expected, product, 1e-6);
        }
    }

    [Fact]
    public void Each_form_is_the_documented_one()
    {
        using var vectors = new Matrix(1, Width, [1, 0, 0, 0, 0, 0, 0, 0]);
        var directions = new Matrix(3, Width);
        for (int i = 0; i < 3; i++) directions[i, i] = 1;
        using var unit = new ConceptDictionary(directions, new float[Width]);
        using SearchIndex small = SearchIndex.InMemory(
            unit, [new IndexDocument("a", "A text.")], new SparseCodes(3, [0, 1], [0], [1]), vectors);
        string Written(SparseFormat format)
        {
            using var bytes = new MemoryStream();
            SparseExport.Write(small, format, "docs", bytes);
            return Encoding.UTF8.GetString(bytes.ToArray());
        }

        Assert.Equal("""{"points":[{"id":"ca978112-ca1b-8dca-bac2-31b39a23dc4d","vector":{"concepts":{"indices":[0],"values":[1]}},"""
            + "\"payload\":{\"key\":\"a\",\"text\":\"A text.\"}}]}\n", Written(SparseFormat.Qdrant));
        Assert.Equal("""
            {"index":{"_index":"docs","_id":"a"}}
            {"key":"a","text":"A text.","concepts":{"0":1}}

            """, Written(SparseFormat.OpenSearch));
        Assert.Equal(Written(SparseFormat.OpenSearch), Written(SparseFormat.Elasticsearch));
        Assert.Equal("""
            {"collectionName":"docs","data":[{"key":"a","text":"A text.","concepts":{"0":1}}]}

            """, Written(SparseFormat.Milvus));
        Assert.Equal("""
            CREATE TABLE "docs" (key text PRIMARY KEY, text text, fields jsonb, concepts sparsevec(3));
            COPY "docs" FROM stdin;
            a	A text.	{}	{1:1}/3
            \.

            """, Written(SparseFormat.Pgvector));
        LatentShare[] query = [new(2, 0.5), new(0, 0.25)];
        string Query(SparseFormat format) => SparseExport.Query(format, "docs", query, 3, 10);
        Assert.Equal("""POST /collections/docs/points/query {"query":{"indices":[0,2],"values":[0.25,0.5]},"using":"concepts","""
            + "\"limit\":10,\"with_payload\":true}",
            Query(SparseFormat.Qdrant));
        Assert.Equal("""POST /docs/_search {"size":10,"query":{"neural_sparse":{"concepts":{"query_tokens":{"0":0.25,"2":0.5}}}}}""",
            Query(SparseFormat.OpenSearch));
        Assert.Equal("""POST /docs/_search {"size":10,"query":{"sparse_vector":{"field":"concepts","query_vector":{"0":0.25,"2":0.5}}}}""",
            Query(SparseFormat.Elasticsearch));
        Assert.Equal("""POST /v2/vectordb/entities/search {"collectionName":"docs","data":[{"0":0.25,"2":0.5}],"annsField":"concepts","""
            + "\"limit\":10,\"outputFields\":[\"key\",\"text\"]}",
            Query(SparseFormat.Milvus));
        Assert.Equal("""SELECT key, text, -(concepts <#> '{1:0.25,3:0.5}/3') AS score FROM "docs" ORDER BY """
            + "concepts <#> '{1:0.25,3:0.5}/3' LIMIT 10;",
            Query(SparseFormat.Pgvector));
        foreach (SparseFormat format in Enum.GetValues<SparseFormat>().Where(format => format != SparseFormat.Pgvector))
        {
            string setup = SparseExport.Setup(format, "docs", 3);
            var body = JsonNode.Parse(setup[setup.IndexOf('{', StringComparison.Ordinal)..]);
            Assert.Contains("concepts", body!.ToJsonString(), StringComparison.Ordinal);
        }
    }

    private static IndexDocument Document(int i) => new(
        i < Awkward.Length ? Awkward[i] : $"key {i}", Awkward[i % Awkward.Length] + i,
        i % 3 == 0 ? null : new Dictionary<string, FieldValue>(StringComparer.Ordinal)
        {
            ["year"] = 1990 + i,
            ["name"] = Awkward[i % Awkward.Length],
        });

    private sealed record Row(string Key, string Text, double? Year, (int Latent, float Weight)[] Weights);

    private static IEnumerable<Row> Read(SparseFormat format, string written)
    {
        string[] lines = written.TrimEnd('\n').Split('\n');
        if (format == SparseFormat.Pgvector)
        {
            Assert.Equal("COPY \"my docs\" FROM stdin;", lines[1]);
            Assert.Equal("\\.", lines[^1]);
            return lines[2..^1].Select(line =>
            {
                string[] columns = [.. line.Split('\t').Select(column => Regex.Replace(column, @"\\(?<what>.)",
                    found => found.Groups["what"].Value switch { "t" => "\t", "n" => "\n", "r" => "\r", var other => other },
                    RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(9)))];
                Assert.Equal(4, columns.Length);
                return new Row(columns[0], columns[1], (double?)JsonNode.Parse(columns[2])!["year"], SparseVector(columns[3]));
            });
        }

        if (format is SparseFormat.Qdrant)
        {
            return lines.SelectMany(line => JsonNode.Parse(line)!["points"]!.AsArray()).Select(point =>
            {
                Assert.True(Guid.TryParse((string?)point!["id"], out _));
                return Of(point["payload"]!, Indices(point["vector"]!["concepts"]!));
            });
        }

        if (format is SparseFormat.Milvus)
            return lines.SelectMany(line => JsonNode.Parse(line)!["data"]!.AsArray()).Select(row => Of(row!, Weights(row!["concepts"]!)));
        return lines.Chunk(2).Select(pair =>
        {
            JsonNode action = JsonNode.Parse(pair[0])!["index"]!, row = JsonNode.Parse(pair[1])!;
            Assert.Equal(("my docs", (string?)row["key"]), ((string?)action["_index"], (string?)action["_id"]));
            return Of(row, Weights(row["concepts"]!));
        });
    }

    private static Row Of(JsonNode content, (int, float)[] weights) =>
        new((string)content["key"]!, (string)content["text"]!, (double?)content["fields"]?["year"], weights);

    private static (int, float)[] QueryOf(SparseFormat format, string query)
    {
        int start = query.IndexOf('{', StringComparison.Ordinal);
        if (format == SparseFormat.Pgvector) return SparseVector(query[start..query.IndexOf('\'', start)]);
        JsonNode body = JsonNode.Parse(query[start..])!;
        return format switch
        {
            SparseFormat.Qdrant => Indices(body["query"]!),
            SparseFormat.OpenSearch => Weights(body["query"]!["neural_sparse"]!["concepts"]!["query_tokens"]!),
            SparseFormat.Elasticsearch => Weights(body["query"]!["sparse_vector"]!["query_vector"]!),
            _ => Weights(body["data"]![0]!),
        };
    }

    private static (int, float)[] Indices(JsonNode vector) =>
        [.. vector["indices"]!.AsArray().Zip(vector["values"]!.AsArray(), (latent, weight) => ((int)latent!, (float)weight!))];

    private static (int, float)[] Weights(JsonNode vector) =>
        [.. vector.AsObject().Select(pair => (int.Parse(pair.Key, CultureInfo.InvariantCulture), (float)pair.Value!))];

    private static (int, float)[] SparseVector(string text)
    {
        string[] parts = text.Split('/');
        Assert.Equal($"{Latents}", parts[1]);
        return
        [
            .. parts[0].Trim('{', '}').Split(',', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split(':')).Select(pair =>
                (int.Parse(pair[0], CultureInfo.InvariantCulture) - 1, float.Parse(pair[1], CultureInfo.InvariantCulture))),
        ];
    }

    private static ConceptDictionary MakeDictionary()
    {
        var decoder = new Matrix(Latents, Width);
        new Rng(42).FillNormal(decoder.AsSpan());
        return new ConceptDictionary(decoder, new float[Width]);
    }
}
