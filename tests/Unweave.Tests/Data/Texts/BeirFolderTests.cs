using System.IO.Compression;
using System.Text;
using Unweave.Data;

namespace Unweave.Tests.Data;

public sealed class BeirFolderTests
{
    private const string Corpus =
        """
        {"_id": "d1", "title": "Wings", "text": "lift of wings", "metadata": {}}
        {"_id": "d2", "title": "", "text": "heat"}
        {"_id": 3, "text": "no title"}
        """;

    private const string Queries = "{\"_id\": \"q1\", \"text\": \"what lifts\"}\n{\"_id\": \"q2\", \"text\": \"unjudged\"}\n";

    private const string Judgments = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n";

    [Fact]
    public void A_folder_is_read()
    {
        using var folder = Made();
        var beir = BeirFolder.Open(folder.Path);
        Assert.Equal([new("d1", "Wings lift of wings"), new("d2", "heat"), new("3", "no title")], beir.Documents);
        Assert.Equal([new JudgedText("q1", "what lifts")], beir.Queries);
        Assert.Equal(["d1", "d2"], beir.Judgments["q1"].Keys, StringComparer.Ordinal);
        Assert.Equal([2, 0], beir.Judgments["q1"].Values);
        Assert.Equal(0, Assert.Single(beir.QueryPlaces));
        Assert.Equal(2, beir.QueriesInFile);
        Assert.Equal(("test", 0, 0), (beir.Split, beir.BadLines, beir.JudgmentsOfOthers));
    }

    [Fact]
    public void Lines_that_cannot_be_read_are_named_and_counted()
    {
        using var folder = Made(
            Corpus + "\n{\"_id\": \"d1\", \"text\": \"again\"}\n\n{\"_id\": \"d4\"}\n[1]\n",
            Queries + "{\"text\": \"nameless\"}\n{\"_id\": \"q3\", \"text\": \"\\ud83d\"}\n",
            Judgments + "q1 d3 1\nq1\td2\tmany\nq1\tgone\t1\nq9\td1\t1\n");
        var beir = BeirFolder.Open(folder.Path);
        Assert.Equal((3, 1), (beir.Documents.Count, beir.Queries.Count));
        Assert.Equal(
            [
                "corpus.jsonl: line 4 has the _id 'd1', which an earlier line has.",
                "corpus.jsonl: line 6 has no field 'text' of text.",
                "corpus.jsonl: line 7 is no JSON object.",
                "queries.jsonl: line 3 has no field '_id' of text.",
                "queries.jsonl: line 4 has half of an escaped character.",
                "test.tsv: line 4 has 1 of 3 fields parted by tabs (query, document, grade).",
                "test.tsv: line 5 has the grade 'many', which is no whole number.",
            ],
            beir.Faults.Select(Path.GetFileName), StringComparer.Ordinal);
        Assert.Equal((7, 2), (beir.BadLines, beir.JudgmentsOfOthers));
    }

    [Fact]
    public void A_document_judged_twice_is_named()
    {
        using var folder = Made(judgments: Judgments + "q1\td1\t1\n");
        var beir = BeirFolder.Open(folder.Path);
        Assert.Equal(2, beir.Judgments["q1"]["d1"]);
        Assert.EndsWith("line 4 judges 'd1' for the query 'q1' once more.", Assert.Single(beir.Faults), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_which_most_cannot_be_read_is_refused()
    {
        using var folder = Made(corpus: "text\nof lines\n{\"_id\": \"d1\", \"text\": \"\"}\n");
        Assert.EndsWith("line 1 is not well-formed JSON. 2 of its 3 lines cannot be read.",
            Assert.Throws<InputException>(() => BeirFolder.Open(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Compressed_files_and_headerless_judgments_are_read()
    {
        using var folder = Made(judgments: "q1\td1\t1\n");
        File.Delete(folder["corpus.jsonl"]);
        using (var packed = new GZipStream(File.Create(folder["corpus.jsonl.gz"]), CompressionLevel.Fastest))
            packed.Write(Encoding.UTF8.GetBytes(Corpus));
        Assert.Equal(3, BeirFolder.Open(folder.Path).Documents.Count);
        Assert.Equal(1, BeirFolder.Open(folder.Path).Judgments["q1"]["d1"]);
    }

    [Fact]
    public void The_only_judgments_are_taken_and_others_by_name()
    {
        using var folder = Made();
        File.Move(folder["qrels/test.tsv"], folder["qrels/dev.tsv"]);
        Assert.Equal("dev", BeirFolder.Open(folder.Path).Split);
        File.WriteAllText(folder["qrels/train.tsv"], "q2\td1\t1\n");
        Assert.Equal("q2", Assert.Single(BeirFolder.Open(folder.Path, "train").Queries).Id);
        Assert.Contains("has no test.tsv; there are dev, train.",
            Assert.Throws<InputException>(() => BeirFolder.Open(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("corpus.jsonl", "has no corpus.jsonl")]
    [InlineData("queries.jsonl", "has no queries.jsonl")]
    [InlineData("qrels/test.tsv", "there is no .tsv")]
    public void A_missing_file_is_named(string file, string expected)
    {
        using var folder = Made();
        File.Delete(folder[file]);
        Assert.Contains(expected, Assert.Throws<InputException>(() => BeirFolder.Open(folder.Path)).Message, StringComparison.Ordinal);
        Assert.Contains("is no folder", Assert.Throws<InputException>(() => BeirFolder.Open(folder["x"])).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Judgments_of_other_queries_are_refused()
    {
        using var folder = Made(judgments: "x\td1\t1\n");
        Assert.EndsWith("none of its 1 queries is one of the 2 of queries.jsonl.",
            Assert.Throws<InputException>(() => BeirFolder.Open(folder.Path)).Message, StringComparison.Ordinal);
    }

    private static TemporaryFolder Made(string corpus = Corpus, string queries = Queries, string judgments = Judgments)
    {
        var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["qrels"]);
        File.WriteAllText(folder["corpus.jsonl"], corpus);
        File.WriteAllText(folder["queries.jsonl"], queries);
        File.WriteAllText(folder["qrels/test.tsv"], judgments);
        return folder;
    }
}
