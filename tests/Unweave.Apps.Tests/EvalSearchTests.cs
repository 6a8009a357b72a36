using System.Text.Json;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Apps.Tests;

public sealed class EvalSearchTests
{
    private const int Width = 16, Documents = 80, Queries = 12;

    [Fact]
    public async Task A_judged_collection_is_measured_by_each_way_of_ranking()
    {
        using var place = Made();
        Outcome outcome = (await place.Run("eval-search", "set", "--vectors", "d.npy", "--query-vectors", "q.npy", "--latents", "32",
            "--k", "8", "--rows", "20000", "--json")).Succeeded();
        JsonElement set = Assert.Single(JsonDocument.Parse(outcome.Output).RootElement.EnumerateArray());
        Assert.Equal((Documents, Queries, 32), (set.GetProperty("documents").GetInt32(), set.GetProperty("queries").GetInt32(),
            set.GetProperty("latents").GetInt32()));
        var ndcg = set.GetProperty("rankings").EnumerateArray().ToDictionary(
            ranking => ranking.GetProperty("name").GetString()!, ranking => ranking.GetProperty("ndcg10").GetDouble(),
            StringComparer.Ordinal);
        Assert.Equal(["dense", "words", "codes", "codes, re-ranked", "hybrid", "hybrid, learned", "dense and words"], ndcg.Keys,
            StringComparer.Ordinal);

        // The document judged is the one whose vector is the query's; the words of every second query are its document's.
        Assert.Equal(1, ndcg["dense"], 1e-9);
        Assert.Equal(0.5, ndcg["words"], 1e-9);
        Assert.InRange(ndcg["codes"], 0.6, 1);
        Assert.InRange(ndcg["codes, re-ranked"], 0.95, 1);
        Assert.InRange(ndcg["hybrid"], 0.7, 1);
        Assert.InRange(ndcg["hybrid, learned"], ndcg["hybrid"], 1);
    }

    [Fact]
    public async Task The_table_is_shown_and_bad_lines_are_named()
    {
        using var place = Made();
        place.Write("set/corpus.jsonl", File.ReadAllText(place["set/corpus.jsonl"]) + "no json\n");
        Outcome outcome = (await place.Run("eval-search", "set", "--vectors", "d.npy", "--query-vectors", "q.npy", "--latents", "32",
            "--rows", "2000", "--store", "none")).Succeeded();
        Assert.Contains("nDCG@10", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("80 documents, 12 queries, test", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("re-ranked", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("line 81 is not well-formed JSON", outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("set --vectors d.npy", "--vectors and --query-vectors belong together")]
    [InlineData("set set --vectors d.npy --query-vectors q.npy", "are those of one collection, and 2 are named")]
    [InlineData("set --vectors q.npy --query-vectors q.npy", "q.npy has 13 vectors where the collection has 80 documents")]
    [InlineData("set --vectors d.npy --query-vectors wide.npy", "documents and queries must come from one encoder")]
    [InlineData("none --vectors d.npy --query-vectors q.npy", "none: is no folder")]
    public async Task What_does_not_fit_is_refused(string arguments, string expected)
    {
        using var place = Made();
        NpyWriter.Write(place["wide.npy"], new Matrix(Queries + 1, Width + 1));
        Outcome outcome = await place.Run(["eval-search", .. arguments.Split(' ')]);
        Assert.Equal(2, outcome.Code);
        Assert.Contains(expected, outcome.Error, StringComparison.Ordinal);
    }

    // Query i is document i's vector; one more query has no judgment.
    private static Workplace Made()
    {
        var place = new Workplace();
        var rng = new Rng(1);
        using Matrix documents = new(Documents, Width), queries = new(Queries + 1, Width);
        rng.FillNormal(documents.AsSpan());
        place.Write("set/corpus.jsonl",
            string.Concat(Enumerable.Range(0, Documents).Select(i => $"{{\"_id\": \"d{i}\", \"text\": \"word{i}\"}}\n")));
        string asked = "{\"_id\": \"spare\", \"text\": \"word3\"}\n", judged = "query-id\tcorpus-id\tscore\n";
        for (int i = 0; i < Queries; i++)
        {
            documents.Row(i).CopyTo(queries.Row(i + 1));
            asked += $"{{\"_id\": \"q{i}\", \"text\": \"{(i % 2 == 0 ? "word" : "other")}{i}\"}}\n";
            judged += $"q{i}\td{i}\t1\n";
        }

        place.Write("set/queries.jsonl", asked);
        place.Write("set/qrels/test.tsv", judged);
        NpyWriter.Write(place["d.npy"], documents);
        NpyWriter.Write(place["q.npy"], queries);
        return place;
    }
}
