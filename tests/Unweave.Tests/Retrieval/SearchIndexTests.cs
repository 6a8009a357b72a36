using CsCheck;
using Unweave.Numerics;
using Unweave.Retrieval;
using Unweave.Retrieval.Postings;
using Unweave.Retrieval.Queries;
using Unweave.Retrieval.Segments;
using static Unweave.Tests.Retrieval.SmallIndex;

namespace Unweave.Tests.Retrieval;

/// <summary>An index against plain loops over what it stores.</summary>
public sealed class SearchIndexTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("unweave-index-").FullName;
    private readonly ConceptDictionary dictionary = SmallIndex.Dictionary();

    public void Dispose()
    {
        dictionary.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    // Random appends, replacements, deletes and merges; then every row's score by what its segment stores must order the rows as found.
    [Fact]
    public void The_scan_is_brute_force_over_the_stored_levels() => Gen.Select(Gen.ULong[0, 1 << 20], Gen.Enum<VectorStore>()).Sample(
        (seed, store) =>
        {
            var rng = new Rng(seed);
            string own = Path.Combine(folder, $"{seed}-{store}");
            using SearchIndex index = SearchIndex.Create(own, dictionary, new IndexOptions { Store = store });
            var known = new Dictionary<string, string>(StringComparer.Ordinal);
            for (int change = 0; change < 6; change++) Change(index, rng, known);
            Assert.Equal(known.Count, index.Rows);
            for (int i = 0; i < 5; i++)
            {
                float[] y = new float[Latents];
                float[] vector = Vector(rng);
                dictionary.Project(vector, y);
                ConceptScan.Term[] terms = [.. y.Index().Where(term => term.Item > 0).Select(term => new ConceptScan.Term(term.Index,
                    term.Item))];
                int wanted = (int)rng.NextBelow(40);
                int least = (int)rng.NextBelow(3);
                (uint Score, uint Row)[] expected = index.Read(state => BruteForce(state, terms, wanted, least));
                (uint Score, uint Row)[] found = index.Read(state => Scan(state, terms, wanted, least));
                Assert.Equal(expected, found);
            }

            foreach ((string key, string text) in known) Assert.Equal(text, index.Document(key)!.Text);
            Directory.Delete(own, recursive: true);
        }, iter: int.TryParse(Environment.GetEnvironmentVariable("UNWEAVE_FUZZ"), out int queries) ? queries / 5 : 60);

    [Fact]
    public void Large_blocks_give_the_same_as_brute_force()
    {
        var rng = new Rng(7);
        using SearchIndex index = SearchIndex.Create(folder, dictionary, new IndexOptions { Store = VectorStore.None });
        using (SearchWriter writer = index.OpenWriter())
        {
            Add(writer, rng, [.. Enumerable.Range(0, 70_000).Select(i => new IndexDocument($"{i}", "", Fields(i)))]);
            writer.Commit();
        }

        for (int i = 0; i < 20; i++)
        {
            float[] y = new float[Latents];
            dictionary.Project(Vector(rng), y);
            ConceptScan.Term[] terms = [.. y.Index().Where(term => term.Item > 0).Select(term => new ConceptScan.Term(term.Index,
                term.Item))];
            foreach (int wanted in (int[])[1, 10, 1000, 80_000])
            {
                Assert.Equal(
                    index.Read(state => BruteForce(state, terms, wanted, 0)), index.Read(state => Scan(state, terms, wanted, 0)));
                Assert.Equal(
                    index.Read(state => BruteForce(state, terms, wanted, 900)), index.Read(state => Scan(state, terms, wanted, 900)));
            }
        }
    }

    [Fact]
    public void Merged_segments_are_what_one_segment_of_the_same_rows_is()
    {
        using SearchIndex pieces = SearchIndex.Create(Path.Combine(folder, "pieces"), dictionary);
        using SearchIndex whole = SearchIndex.Create(Path.Combine(folder, "whole"), dictionary);
        var rng = new Rng(3);
        IndexDocument[] documents = [.. Enumerable.Range(0, 300).Select(i => new IndexDocument($"k{i}", $"text of {i % 7} words",
            Fields(i)))];
        using Matrix vectors = Vectors(rng, documents.Length);
        SparseCodes codes = Codes(rng, documents.Length);
        using (SearchWriter writer = pieces.OpenWriter())
        {
            for (int first = 0; first < 300; first += 100)
            {
                using Matrix part = vectors.CopyRows(first, 100);
                writer.Add(documents[first..(first + 100)], Part(codes, first, 100), part);
                writer.Commit();
            }

            Assert.Equal(3, pieces.Segments);
            writer.Merge();
        }

        using (SearchWriter writer = whole.OpenWriter())
        {
            writer.Add(documents, codes, vectors);
            writer.Commit();
        }

        Assert.Equal(1, pieces.Segments);
        Assert.Equal(
            File.ReadAllBytes(Directory.GetFiles(Path.Combine(folder, "whole"), "*.segment")[0]),
            File.ReadAllBytes(Directory.GetFiles(Path.Combine(folder, "pieces"), "*.segment")[0]));
    }

    [Fact]
    public void Filters_let_through_what_they_say()
    {
        using SearchIndex index = Filled(200);
        SearchHit[] Found(SearchFilter? filter) =>
            [.. index.Search(new SearchQuery { Vector = Vector(new Rng(1)), Count = 200, Filter = filter }).Hits];
        SearchHit[] all = Found(null);
        Check(new SearchFilter.Equal("group", "b"), hit => Text(hit, "group") is "b");
        Check(new SearchFilter.Equal("even", true), hit => hit.Fields["even"].Number == 1);
        Check(new SearchFilter.AnyOf("group", ["a", "c", "z"]), hit => Text(hit, "group") is "a" or "c");
        Check(new SearchFilter.AnyOf("number", [3, 5]), hit => hit.Fields["number"].Number is 3 or 5);
        Check(new SearchFilter.Range("number", 20, 40), hit => hit.Fields["number"].Number is >= 20 and <= 40);
        Check(new SearchFilter.Range("number", null, 9), hit => hit.Fields["number"].Number <= 9);
        Check(new SearchFilter.Prefix("name", "name-1"), hit => Text(hit, "name").StartsWith("name-1", StringComparison.Ordinal));
        Check(new SearchFilter.Equal("tags", "t3"), hit => hit.Fields["tags"].Texts.Contains("t3", StringComparer.Ordinal));
        Check(new SearchFilter.Equal("rare", "yes"), hit => hit.Fields.ContainsKey("rare"));
        Check(new SearchFilter.Not(new SearchFilter.Equal("rare", "yes")), hit => !hit.Fields.ContainsKey("rare"));
        Check(
            new SearchFilter.And(new SearchFilter.Equal("group", "a"), new SearchFilter.Range("number", 50, null)),
            hit => Text(hit, "group") is "a" && hit.Fields["number"].Number >= 50);
        Check(
            new SearchFilter.Or(new SearchFilter.Equal("group", "a"), new SearchFilter.Equal("group", "b")),
            hit => Text(hit, "group") is "a" or "b");
        Assert.Empty(Found(new SearchFilter.Or()));
        Assert.Equal(all.Length, Found(new SearchFilter.And()).Length);
        Assert.Contains("fields are even, group",
            Assert.Throws<InputException>(() => Found(new SearchFilter.Equal("colour", "red"))).Message,
            StringComparison.Ordinal);

        void Check(SearchFilter filter, Func<SearchHit, bool> holds)
        {
            SearchHit[] expected = [.. all.Where(holds)];
            Assert.NotEmpty(expected);
            Assert.Equal(Keys(expected), Keys(Found(filter)));
        }

        static string Text(SearchHit hit, string field) => hit.Fields[field].Texts[0];
    }

    [Fact]
    public void A_hits_shares_are_its_code_times_the_query()
    {
        using SearchIndex index = Filled(100, VectorStore.None);
        float[] vector = Vector(new Rng(2));
        double length = Norms.L2(vector);
        foreach (SearchHit hit in index.Search(new SearchQuery { Vector = vector, Shares = 99 }).Hits)
        {
            double expected = 0;
            float[] reconstruction = index.Vector(hit.Key)!;
            for (int i = 0; i < Width; i++) expected += reconstruction[i] * vector[i] / length;
            Assert.Equal(expected, hit.ConceptScore!.Value, 0.02); // the query's products are of 8 bits
            foreach (LatentShare share in hit.Latents)
            {
                double dot = 0;
                for (int i = 0; i < Width; i++) dot += dictionary.Decoder[share.Latent, i] * vector[i] / length;
                double value = index.Code(hit.Key).Single(own => own.Latent == share.Latent).Share;
                Assert.Equal(dot * value, share.Share, 0.02);
            }
        }
    }

    // Where no row is scored by its code, products are only estimated; a hit still lists the same latents with the same shares.
    [Fact]
    public void Estimates_change_nothing_that_is_told_of_latents()
    {
        using SearchIndex index = Filled(300);
        var rng = new Rng(9);
        for (int i = 0; i < 20; i++)
        {
            var query = new SearchQuery { Vector = Vector(rng), Count = 300, QueryLatents = 12, Shares = 99 };
            SearchResults whole = index.Search(query), estimated = index.Search(query with { Rescored = 0 });
            Assert.NotEmpty(estimated.Hits);
            var latents = whole.Hits.ToDictionary(hit => hit.Key, hit => hit.Latents, StringComparer.Ordinal);
            Assert.All(estimated.Hits, hit => Assert.Equal(latents[hit.Key], hit.Latents));
            Assert.InRange(estimated.Query.Intersect(whole.Query).Count(), 11, 12); // one at the border may be another
            Assert.Equal(estimated.Query.OrderByDescending(own => own.Share), estimated.Query);
        }
    }

    [Fact]
    public void Queries_are_edited_by_latents()
    {
        using SearchIndex index = Filled(300);
        float[] vector = Vector(new Rng(5));
        var query = new SearchQuery { Vector = vector, Count = 300 };
        int latent = index.Search(query).Hits[0].Latents[0].Latent;
        bool Has(SearchHit hit) => index.Code(hit.Key).Any(own => own.Latent == latent);
        SearchHit[] all = [.. index.Search(query).Hits];
        Assert.Equal(Keys(all.Where(Has)), Keys(index.Search(query with { Require = [latent] }).Hits));
        Assert.Equal(Keys(all.Where(hit => !Has(hit))), Keys(index.Search(query with { Exclude = [latent] }).Hits));

        SearchHit[] raised = [.. index.Search(query with { Factors = new Dictionary<int, float> { [latent] = 5 } }).Hits];
        Assert.True(raised.Take(20).Count(Has) > all.Take(20).Count(Has));
        SearchHit[] without = [.. index.Search(query with { Factors = new Dictionary<int, float> { [latent] = 0 } }).Hits];
        Assert.DoesNotContain(latent, without.SelectMany(hit => hit.Latents).Select(share => share.Latent));

        SearchHit[] sought = [.. index.Search(new SearchQuery { Latents = new Dictionary<int, float> { [latent] = 1 } }).Hits];
        Assert.All(sought, hit => Assert.Equal(latent, Assert.Single(hit.Latents).Latent));
        Assert.Equal(Keys(sought.OrderByDescending(hit => hit.Score)), Keys(sought));
    }

    [Fact]
    public void Rows_to_be_like_are_not_found_themselves()
    {
        using SearchIndex index = Filled(100);
        SearchResults found = index.Search(new SearchQuery { Like = ["k3"], Count = 100 });
        Assert.DoesNotContain(found.Hits, hit => hit.Key is "k3");
        double best = Enumerable.Range(0, 100).Where(i => i != 3).Max(i => Dot(index.Vector($"k{i}")!, index.Vector("k3")!));
        Assert.Equal(best, found.Hits[0].Score, 1e-3);
        Assert.Contains("'nobody'", Assert.Throws<InputException>(() => index.Search(new SearchQuery { Like = ["nobody"] })).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Words_are_ranked_by_bm25_and_fused_with_concepts()
    {
        using SearchIndex index = SearchIndex.Create(folder, dictionary);
        using SearchWriter writer = index.OpenWriter();
        string[] texts = ["a red boat", "the boat race", "a boat, a boat and a boat", "red wine", "green grass", "blue sky"];
        Add(writer, new Rng(1), [.. texts.Index().Select(text => new IndexDocument($"{text.Index}", text.Item))]);
        writer.Commit();

        SearchResults found = index.Search(new SearchQuery { Words = "Red BOATS" });
        Assert.Equal("0", found.Hits[0].Key);
        Assert.Equal("0 1 2 3", Keys(found.Hits.OrderBy(hit => hit.Key, StringComparer.Ordinal)));
        SearchHit thrice = found.Hits.Single(hit => hit.Key is "2");
        WordShare word = Assert.Single(thrice.Words);
        Assert.Equal("boat boat boat", string.Join(' ', word.Places.Select(place => texts[2].Substring(place.Start, place.Length))));
        Assert.Equal(thrice.WordScore!.Value, word.Share, 1e-6);
        double idf = Bm25.Idf(6, 3),
            average = texts.Sum(text => text.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries).Length) / 6.0;
        Assert.Equal(idf * Bm25.Saturation(3, 7, average), word.Share, 1e-6);

        var both = new SearchQuery { Words = "boat", Vector = index.Vector("4")!, Count = 6 };
        SearchResults fused = index.Search(both);
        Assert.Contains(fused.Hits, hit => hit.Key is "4");
        Assert.Contains(fused.Hits, hit => hit.Key is "2");
        Assert.Equal("4", index.Search(both with { WordWeight = 0 }).Hits[0].Key);
        Assert.Null(index.Search(both with { WordWeight = 1 }).Hits[0].ConceptScore);
    }

    [Fact]
    public void Facets_tell_what_sets_hits_apart_and_likes_are_left_out()
    {
        using SearchIndex index = Filled(400);
        float[] vector = Vector(new Rng(8));
        SearchResults found = index.Search(new SearchQuery { Vector = vector, Facets = 5 });
        Assert.Equal(5, found.Facets.Count);
        SearchHit[] hundred = [.. index.Search(new SearchQuery { Vector = vector, Count = 100 }).Hits];
        foreach (Facet facet in found.Facets)
        {
            Assert.Equal(hundred.Count(hit => index.Code(hit.Key).Any(own => own.Latent == facet.Latent)), facet.Hits);
            Assert.Equal(index.RowsWith(facet.Latent) / 400.0, facet.ShareOfAll, 1e-9);
            Assert.True(facet.Hits > facet.Of * facet.ShareOfAll);
        }

        using (SearchWriter writer = index.OpenWriter())
        {
            using var same = new Matrix(2, Width, [.. vector, .. vector]);
            float[] y = new float[Latents];
            dictionary.Project(vector, y);
            int[] own = [.. Enumerable.Range(0, Latents).OrderByDescending(latent => y[latent]).Take(2).Order()];
            SparseCodes code = new(Latents, [0, 2, 4], [.. own, .. own], [1, 2, 1, 2]);
            writer.Add([new IndexDocument("one", "twice"), new IndexDocument("two", "twice")], code, same);
            writer.Commit();
        }

        Assert.Equal(2, index.Search(new SearchQuery { Vector = vector }).Hits.Count(hit => hit.Key is "one" or "two"));
        Assert.Single(index.Search(new SearchQuery { Vector = vector, Distinct = 0.999 }).Hits, hit => hit.Key is "one" or "two");
    }

    [Fact]
    public void What_cannot_be_answered_is_said()
    {
        using SearchIndex index = Filled(10);
        Refused(new SearchQuery { Vector = new float[Width + 1] }, "width 13");
        Refused(new SearchQuery { Vector = new float[Width] }, "zeros");
        Refused(new SearchQuery { Vector = Enumerable.Repeat(float.NaN, Width).ToArray() }, "not finite");
        Refused(new SearchQuery { Vector = Vector(new Rng(1)), Exclude = [Latents] }, "latent 40");
        Refused(new SearchQuery { Vector = Vector(new Rng(1)), WordWeight = 2 }, "weight of words");
        Assert.Empty(index.Search(new SearchQuery()).Hits);
        Assert.Empty(index.Search(new SearchQuery { Words = "" }).Hits);
        Assert.Empty(index.Search(new SearchQuery { Words = "nowhere" }).Hits);
        int some = index.Search(new SearchQuery { Vector = Vector(new Rng(1)), Count = 1000 }).Hits.Count; // those that share a latent
        Assert.InRange(some, 1, 10);
        Assert.Equal(some,
            index.Search(new SearchQuery { Vector = Vector(new Rng(1)), Count = int.MaxValue, Distinct = 1 }).Hits.Count);
        Assert.Empty(index.Search(new SearchQuery { Vector = Vector(new Rng(1)), Count = 0 }).Hits);

        void Refused(SearchQuery query, string part) =>
            Assert.Contains(part, Assert.Throws<InputException>(() => index.Search(query)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_index_in_memory_answers_as_one_in_a_folder()
    {
        using SearchIndex stored = Filled(50);
        var rng = new Rng(11);
        using Matrix vectors = Vectors(rng, 50);
        SparseCodes codes = Codes(rng, 50);
        using SearchIndex inMemory = SearchIndex.InMemory(dictionary, Documents(50), codes, vectors);
        var query = new SearchQuery { Vector = Vector(new Rng(2)), Words = "text 7" };
        Assert.Equal(stored.Search(query).Hits.Select(hit => (hit.Key, hit.Score)),
            inMemory.Search(query).Hits.Select(hit => (hit.Key, hit.Score)));
        Assert.Throws<InvalidOperationException>(inMemory.OpenWriter);
    }

    private SearchIndex Filled(int rows, VectorStore store = VectorStore.Int8)
    {
        SearchIndex index = SearchIndex.Create(folder, dictionary, new IndexOptions { Store = store });
        using SearchWriter writer = index.OpenWriter();
        Add(writer, new Rng(11), Documents(rows));
        writer.Commit();
        return index;
    }

    private static IndexDocument[] Documents(int rows) =>
        [.. Enumerable.Range(0, rows).Select(i => new IndexDocument($"k{i}", $"the text {i}", Fields(i)))];

    private static Dictionary<string, FieldValue> Fields(int i)
    {
        var fields = new Dictionary<string, FieldValue>(StringComparer.Ordinal)
        {
            ["number"] = i,
            ["even"] = i % 2 == 0,
            ["group"] = "abc"[i % 3].ToString(),
            ["name"] = $"name-{i}",
            ["tags"] = (string[])[$"t{i % 4}", $"t{i % 5}"],
        };
        if (i % 10 == 4) fields["rare"] = "yes";
        return fields;
    }

    private static void Change(SearchIndex index, Rng rng, Dictionary<string, string> known)
    {
        using SearchWriter writer = index.OpenWriter();
        for (int i = (int)rng.NextBelow(3); i >= 0; i--)
        {
            IndexDocument[] documents =
            [
                .. Enumerable.Range(0, (int)rng.NextBelow(30)).Select(_ => rng.NextBelow(80)).Distinct()
                    .Select(key => new IndexDocument($"k{key}", $"text {rng.NextBelow(1000)}")),
            ];
            Add(writer, rng, documents);
            foreach (IndexDocument document in documents) known[document.Key] = document.Text;
            for (int deleted = (int)rng.NextBelow(8); deleted > 0; deleted--)
            {
                string key = $"k{rng.NextBelow(80)}";
                Assert.Equal(known.Remove(key), writer.Delete(key));
            }
        }

        if (rng.NextBelow(4) == 0) writer.Merge();
        else writer.Commit();
    }

    private static (uint Score, uint Row)[] Scan(IndexSnapshot state, ConceptScan.Term[] terms, int wanted, int modulus)
    {
        using var scan = new ConceptScan();
        var best = new BestRows(wanted);
        scan.Run(state, terms, best, part => part.Deleted is null && modulus == 0 ? null
            : row => !part.IsDeleted(row) && (modulus == 0 || row % modulus == 0), null);
        return best.Take();
    }

    // Over the rows' codes, not over postings: levels are made of them by the rule that docs/formats.md states.
    private static unsafe (uint Score, uint Row)[] BruteForce(IndexSnapshot state, ConceptScan.Term[] terms, int wanted, int modulus)
    {
        double unit = ConceptScan.Unit(state, terms);
        var scores = new List<(uint Score, uint Row)>();
        for (int at = 0; at < state.Parts.Count; at++)
        {
            SegmentPart part = state.Parts[at];
            var weights = terms.Zip(ConceptScan.Weights(part.Segment, terms, unit)).ToDictionary(pair => pair.First.Latent, pair =>
                pair.Second);
            for (int row = 0; row < part.Segment.Rows; row++)
            {
                if (part.IsDeleted(row) || (modulus > 0 && row % modulus != 0)) continue;
                CodeRow code = part.Segment.Code(row);
                uint score = 0;
                for (int i = 0; i < code.Count; i++)
                {
                    float share = code.Values[i] * code.Scale / part.Segment.Largest(code.Latent(i)) * PostingList.Levels;
                    int level = Math.Clamp((int)MathF.Round(share), 1, PostingList.Levels);
                    score += weights.GetValueOrDefault(code.Latent(i)) * (uint)level;
                }

                Assert.InRange(score, 0u, (uint)ushort.MaxValue);
                if (score > 0) scores.Add((score, state.Offsets[at] + (uint)row));
            }
        }

        return [.. scores.OrderByDescending(found => found.Score).ThenBy(found => found.Row).Take(wanted)];
    }

    private static SparseCodes Part(SparseCodes codes, int first, int count) => new(Latents,
        [.. Enumerable.Range(0, count + 1).Select(row => codes.Starts[first + row] - codes.Starts[first])],
        codes.AllLatents[(int)codes.Starts[first]..(int)codes.Starts[first + count]],
        codes.AllValues[(int)codes.Starts[first]..(int)codes.Starts[first + count]]);

    private static string Keys(IEnumerable<SearchHit> hits) => string.Join(' ', hits.Select(hit => hit.Key));

    private static double Dot(float[] a, float[] b) => a.Zip(b).Sum(pair => (double)pair.First * pair.Second);
}
