using Npgsql;
using Unweave.Numerics;
using Unweave.Postgres;
using Unweave.Retrieval;

namespace Unweave.Tests.Postgres;

/// <summary>An index in PostgreSQL beside one in a folder that the same was done to.</summary>
public sealed class SharedIndexTests(PostgresServer server) : IClassFixture<PostgresServer>, IDisposable
{
    private const int Width = 12, Latents = 40;

    private readonly TemporaryFolder folder = new();
    private readonly ConceptDictionary dictionary = MakeDictionary();

    public void Dispose()
    {
        dictionary.Dispose();
        folder.Dispose();
    }

    [Fact]
    public void Searches_find_what_the_index_in_a_folder_finds()
    {
        using NpgsqlDataSource database = Database();
        using SharedIndex writer = SharedIndex.Create(database, "docs", folder["writer"], dictionary);
        using SharedIndex reader = SharedIndex.Open(database, "docs", folder["reader"], dictionary);
        using SearchIndex plain = SearchIndex.Create(folder["plain"], dictionary);
        for (int round = 0; round < 5; round++)
        {
            int own = round;
            void Change(SearchWriter to)
            {
                var rng = new Rng((ulong)own);
                for (int i = 0; i < 20; i++) _ = to.Delete($"k{rng.NextBelow(300)}");
                int[] numbers = [.. Enumerable.Range(0, 100).Select(_ => (int)rng.NextBelow(300)).Distinct()];
                using var vectors = new Matrix(numbers.Length, Width);
                rng.FillNormal(vectors.AsSpan());
                to.Add([.. numbers.Select(Document)], Codes(rng, numbers.Length), vectors);
                if (own == 3) to.Merge();
            }

            writer.Change(Change);
            using (SearchWriter alone = plain.OpenWriter())
            {
                Change(alone);
                alone.Commit();
            }

            Assert.True(reader.Refresh());
            Assert.False(reader.Refresh());
            Assert.False(writer.Refresh());
            Assert.Equal(plain.Rows, reader.Index.Rows);
            float[] vector = new float[Width];
            new Rng(99).FillNormal(vector);
            foreach (SearchQuery query in (SearchQuery[])
                [
                    new() { Vector = vector, Count = 30 },
                    new() { Vector = vector, Words = "word7 text", Count = 20, Filter = new SearchFilter.Range("year", 5, 200) },
                    new() { Latents = new Dictionary<int, float> { [3] = 1 }, Exclude = [4], Facets = 3 },
                ])
            {
                SearchResults expected = plain.Search(query);
                foreach (SearchIndex index in (SearchIndex[])[writer.Index, reader.Index])
                {
                    SearchResults found = index.Search(query);
                    Assert.Equal(
                        expected.Hits.Select(hit => (hit.Key, hit.Score, hit.Text)),
                        found.Hits.Select(hit => (hit.Key, hit.Score, hit.Text)));
                    Assert.Equal(expected.Hits.SelectMany(hit => hit.Latents), found.Hits.SelectMany(hit => hit.Latents));
                    Assert.Equal(expected.Facets, found.Facets);
                }
            }
        }
    }

    [Fact]
    public void Writers_wait_for_each_other_and_lose_nothing()
    {
        using NpgsqlDataSource database = Database();
        SharedIndex.Create(database, "docs", folder["first"], dictionary).Dispose();
        Parallel.For(0, 4, new ParallelOptions { MaxDegreeOfParallelism = 4 }, user =>
        {
            using SharedIndex index = SharedIndex.Open(database, "docs", folder[$"user{user}"], dictionary);
            for (int i = 0; i < 5; i++)
            {
                int number = (user * 5) + i;
                index.Change(writer => Add(writer, [number]));
                Assert.NotNull(index.Index.Document($"k{number}"));
            }
        });
        using SharedIndex read = SharedIndex.Open(database, "docs", folder["reader"], dictionary);
        Assert.Equal(20, read.Index.Rows);
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"k{i}").Order(StringComparer.Ordinal),
            read.Index.Documents().Select(row => row.Document.Key).Order(StringComparer.Ordinal), StringComparer.Ordinal);
    }

    [Fact]
    public void A_change_that_fails_leaves_all_as_it_was_for_everyone()
    {
        using NpgsqlDataSource database = Database();
        using SharedIndex index = SharedIndex.Create(database, "docs", folder["own"], dictionary);
        using SharedIndex other = SharedIndex.Open(database, "docs", folder["other"], dictionary);
        index.Change(writer => Add(writer, [1, 2]));
        Assert.Throws<InvalidTimeZoneException>(() => index.Change(writer =>
        {
            Add(writer, [3]);
            writer.Commit(); // in the copy only
            throw new InvalidTimeZoneException();
        }));
        other.Change(writer => Add(writer, [4, 5, 6])); // takes the numbers of the segments that were never committed
        Assert.True(index.Refresh());
        Assert.Equal(["k1", "k2", "k4", "k5", "k6"],
            index.Index.Documents().Select(row => row.Document.Key).Order(StringComparer.Ordinal), StringComparer.Ordinal);
        Assert.Equal(other.Index.Documents().Select(row => row.Document.Text),
            index.Index.Documents().Select(row => row.Document.Text), StringComparer.Ordinal);
        index.Change(writer => Assert.True(writer.Delete("k5")));
        Assert.True(other.Refresh());
        Assert.Null(other.Index.Document("k5"));
    }

    [Fact]
    public void A_copy_is_kept_and_what_is_damaged_in_it_is_fetched_again()
    {
        using NpgsqlDataSource database = Database();
        using (SharedIndex index = SharedIndex.Create(database, "docs", folder["copy"], dictionary))
            index.Change(writer => Add(writer, [.. Enumerable.Range(0, 50)]));
        string segment = Directory.GetFiles(folder["copy"], "*.segment").Single();
        DateTime written = File.GetLastWriteTimeUtc(segment);
        SharedIndex.Open(database, "docs", folder["copy"], dictionary).Dispose();
        Assert.Equal(written, File.GetLastWriteTimeUtc(segment));
        byte[] bytes = File.ReadAllBytes(segment);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(segment, bytes);
        using SharedIndex again = SharedIndex.Open(database, "docs", folder["copy"], dictionary);
        Assert.Equal(50, again.Index.Rows);
        Assert.NotEqual(bytes, File.ReadAllBytes(segment));
        Assert.Throws<InputException>(() => SharedIndex.Open(database, "docs", folder["copy"], dictionary)); // in use
    }

    [Fact]
    public void Damage_in_the_database_and_names_that_are_not_there_are_said()
    {
        using NpgsqlDataSource database = Database();
        Assert.Empty(SharedIndex.Names(database));
        Assert.False(SharedIndex.Delete(database, "docs"));
        string Refusal(Action action) => Assert.Throws<InputException>(action).Message;
        Assert.Contains(
            "no index 'docs'", Refusal(() => SharedIndex.Open(database, "docs", folder["a"], dictionary)), StringComparison.Ordinal);
        using (SharedIndex index = SharedIndex.Create(database, "docs", folder["b"], dictionary)) index.Change(writer => Add(writer, [1]));
        Assert.Contains("already", Refusal(() => SharedIndex.Create(database, "docs", folder["c"], dictionary)), StringComparison.Ordinal);
        Assert.Equal(["docs"], SharedIndex.Names(database));
        using (NpgsqlCommand damage = database.CreateCommand(
            "UPDATE unweave_part SET content = set_byte(content, 100, 255 - get_byte(content, 100))"))
            damage.ExecuteNonQuery();
        Assert.Contains("damaged", Refusal(() => SharedIndex.Open(database, "docs", folder["d"], dictionary)), StringComparison.Ordinal);
        Assert.True(SharedIndex.Delete(database, "docs"));
        using NpgsqlCommand left = database.CreateCommand("SELECT count(*) FROM unweave_part");
        Assert.Equal(0L, left.ExecuteScalar());
    }

    private NpgsqlDataSource Database()
    {
        Assert.SkipUnless(server.IsThere, "PostgreSQL is not installed (/usr/lib/postgresql).");
        return server.Database();
    }

    private static void Add(SearchWriter writer, int[] numbers)
    {
        var rng = new Rng((ulong)numbers[0]);
        using var vectors = new Matrix(numbers.Length, Width);
        rng.FillNormal(vectors.AsSpan());
        writer.Add([.. numbers.Select(Document)], Codes(rng, numbers.Length), vectors);
    }

    private static IndexDocument Document(int number) => new($"k{number}", $"Text with word{number % 9} and number {number}.",
        new Dictionary<string, FieldValue>(StringComparer.Ordinal) { ["year"] = number });

    private static SparseCodes Codes(Rng rng, int rows)
    {
        var codes = new SparseCodes(Latents);
        codes.Layout([.. Enumerable.Repeat(5, rows)]);
        for (int row = 0; row < rows; row++)
        {
            int[] latents = [.. Enumerable.Range(0, 5).Select(i => (i * 8) + (int)rng.NextBelow(8))];
            latents.CopyTo(codes.LatentsForWriting[(5 * row)..]);
            for (int i = 0; i < 5; i++) codes.ValuesForWriting[(5 * row) + i] = (float)Math.Abs(rng.NextNormal());
        }

        return codes;
    }

    private static ConceptDictionary MakeDictionary()
    {
        var decoder = new Matrix(Latents, Width);
        new Rng(42).FillNormal(decoder.AsSpan());
        return new ConceptDictionary(decoder, new float[Width]);
    }
}
