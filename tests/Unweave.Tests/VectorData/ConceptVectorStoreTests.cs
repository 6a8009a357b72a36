using System.Linq.Expressions;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.VectorData;
using Unweave.Autoencoders;
using Unweave.Numerics;
using Unweave.Retrieval;
using Unweave.VectorData;

namespace Unweave.Tests.VectorData;

/// <summary>The store as callers of Microsoft.Extensions.VectorData use any, against plain LINQ over the same records.</summary>
public sealed class ConceptVectorStoreTests : IDisposable
{
    private const int Width = 16, Count = 60;

    private readonly TemporaryFolder folder = new();
    private readonly SparseAutoencoder sae = (SparseAutoencoder)new TopKOptions { Latents = 64, K = 8 }.Build(Width, new Rng(1));
    private readonly ConceptVectorStore store;
    private readonly Article[] articles = [.. Enumerable.Range(0, Count).Select(Article.Make)];

    public ConceptVectorStoreTests() => store = new ConceptVectorStore(folder["store"], sae, generator: new Letters());

    public void Dispose()
    {
        store.Dispose();
        sae.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task Records_are_stored_replaced_read_and_deleted()
    {
        using VectorStoreCollection<string, Article> collection = await Filled();
        Article read = (await collection.GetAsync("a7", new RecordRetrievalOptions { IncludeVectors = true }))!;
        Assert.Equal(articles[7] with { Vector = default }, read with { Vector = default, Tags = articles[7].Tags });
        Assert.Equal(articles[7].Tags, read.Tags);
        Assert.InRange(Cosine(articles[7].Vector, read.Vector), 0.999, 1.001);
        Assert.Null((await collection.GetAsync("a8"))!.Category); // as it was
        Assert.True((await collection.GetAsync("a8"))!.Vector.IsEmpty);
        await collection.UpsertAsync(articles[7] with { Year = 3, Text = "Something else." });
        Assert.Equal((3, "Something else."), ((await collection.GetAsync("a7"))!.Year, (await collection.GetAsync("a7"))!.Text));
        await collection.DeleteAsync("a7");
        await collection.DeleteAsync(["a9", "none"]);
        Assert.Null(await collection.GetAsync("a7"));
        Assert.Equal(["a6", "a8"],
            (await All(collection.GetAsync(["a6", "a7", "a8", "a9"]))).Select(article => article.Id).Order(StringComparer.Ordinal),
            StringComparer.Ordinal);
    }

    [Fact]
    public async Task Searches_rank_by_cosine_skip_and_cut()
    {
        using VectorStoreCollection<string, Article> collection = await Filled();
        ReadOnlyMemory<float> sought = articles[5].Vector;
        string[] exact = [.. articles.OrderByDescending(article => Cosine(article.Vector, sought)).Select(article => article.Id)];
        var found = await All(collection.SearchAsync(articles[5].Vector, 10));
        Assert.Equal(exact[..10], found.Select(result => result.Record.Id), StringComparer.Ordinal);
        Assert.All(found, result => Assert.Equal(Cosine(sought, articles[Number(result.Record)].Vector), result.Score!.Value, 0.01));
        var later = await All(collection.SearchAsync(sought.ToArray(), 6, new() { Skip = 4 }));
        Assert.Equal(exact[4..10], later.Select(result => result.Record.Id), StringComparer.Ordinal);
        double threshold = found[3].Score!.Value;
        Assert.Equal(4, (await All(collection.SearchAsync(articles[5].Vector, 10, new() { ScoreThreshold = threshold }))).Count);
        Assert.False((await All(collection.SearchAsync(articles[5].Vector, 1, new() { IncludeVectors = true })))[0].Record.Vector.IsEmpty);
    }

    public static TheoryData<int> Filters => [.. Enumerable.Range(0, Conditions.Length)];

    [Theory]
    [MemberData(nameof(Filters))]
    public async Task Conditions_let_through_what_linq_does(int condition)
    {
        using VectorStoreCollection<string, Article> collection = await Filled();
        Expression<Func<Article, bool>> filter = Conditions[condition];
        string[] expected = [.. articles.Where(filter.Compile()).Select(article => article.Id).Order(StringComparer.Ordinal)];
        var found = await All(collection.SearchAsync(articles[0].Vector, Count, new() { Filter = filter }));
        Assert.Equal(expected, found.Select(result => result.Record.Id).Order(StringComparer.Ordinal), StringComparer.Ordinal);
        if (expected.Length > 0)
            Assert.Equal(expected,
                (await All(collection.GetAsync(filter, Count))).Select(article => article.Id).Order(StringComparer.Ordinal),
                StringComparer.Ordinal);
    }

    [Fact]
    public async Task Records_are_listed_in_an_order()
    {
        using VectorStoreCollection<string, Article> collection = await Filled();
        var options = new FilteredRecordRetrievalOptions<Article>
        {
            Skip = 2,
            IncludeVectors = true,
            OrderBy = order => order.Descending(article => article.Good).Ascending(article => article.Weight),
        };
        var found = await All(collection.GetAsync(article => article.Year > 10, 5, options));
        IEnumerable<Article> expected = articles.Where(article => article.Year > 10).OrderByDescending(article => article.Good)
            .ThenBy(article => article.Weight).Skip(2).Take(5);
        Assert.Equal(expected.Select(article => article.Id), found.Select(article => article.Id), StringComparer.Ordinal);
        Assert.All(found, article => Assert.Equal(Width, article.Vector.Length));
    }

    [Fact]
    public async Task Keywords_and_vectors_are_searched_together()
    {
        using VectorStoreCollection<string, Article> collection = await Filled();
        var hybrid = Assert.IsAssignableFrom<IKeywordHybridSearchable<Article>>(collection);
        var found = await All(hybrid.HybridSearchAsync(articles[3].Vector, ["word41"], 3));
        Assert.Contains("a41", found.Select(result => result.Record.Id), StringComparer.Ordinal);
        Assert.DoesNotContain("a41",
            (await All(collection.SearchAsync(articles[3].Vector, 3))).Select(result => result.Record.Id), StringComparer.Ordinal);
        var options = new HybridSearchOptions<Article> { Filter = article => article.Year > 900 };
        Assert.Empty(await All(hybrid.HybridSearchAsync(articles[3].Vector, ["word41"], 3, options)));
    }

    [Fact]
    public async Task Texts_are_embedded_where_a_generator_is_given()
    {
        using VectorStoreCollection<string, Note> notes = store.GetCollection<string, Note>("notes");
        await notes.EnsureCollectionExistsAsync();
        await notes.UpsertAsync([new Note { Id = "1", Content = "abcabc" }, new Note { Id = "2", Content = "xyz" }]);
        Assert.Equal("1", (await All(notes.SearchAsync("cab", 1)))[0].Record.Id);
        await Assert.ThrowsAsync<NotSupportedException>(() => All(notes.SearchAsync("cab", 1, new() { IncludeVectors = true })));
        using var plain = new ConceptVectorStore(folder["store"], sae);
        using VectorStoreCollection<string, Article> none = plain.GetCollection<string, Article>("articles");
        await none.EnsureCollectionExistsAsync();
        Assert.Contains("generator", (await Assert.ThrowsAsync<NotSupportedException>(() => All(none.SearchAsync("cab", 1)))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Records_may_be_dictionaries()
    {
        var definition = new VectorStoreCollectionDefinition
        {
            Properties =
            [
                new VectorStoreKeyProperty("id", typeof(string)), new VectorStoreDataProperty("year", typeof(int)),
                new VectorStoreVectorProperty("vector", typeof(ReadOnlyMemory<float>), Width),
            ],
        };
        using VectorStoreCollection<object, Dictionary<string, object?>> collection = store.GetDynamicCollection("any", definition);
        await collection.EnsureCollectionExistsAsync();
        await collection.UpsertAsync([.. articles.Select(article => new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["id"] = article.Id,
            ["year"] = article.Year,
            ["vector"] = article.Vector,
        })]);
        var found = await All(collection.SearchAsync(articles[4].Vector, 2, new() { Filter = record => (int)record["year"]! >= 20 }));
        Assert.Equal(2, found.Count);
        Assert.All(found, result => Assert.InRange((int)result.Record["year"]!, 20, 99));
        Assert.Equal(4, (await collection.GetAsync("a4"))!["year"]);
    }

    [Fact]
    public async Task Collections_are_made_listed_and_deleted()
    {
        using VectorStoreCollection<string, Article> collection = await Filled();
        Assert.True(await store.CollectionExistsAsync("articles"));
        Assert.False(await store.CollectionExistsAsync("others"));
        Assert.Equal(["articles"], await All(store.ListCollectionNamesAsync()));
        var metadata = (VectorStoreCollectionMetadata)collection.GetService(typeof(VectorStoreCollectionMetadata))!;
        Assert.Equal(("unweave", "articles"), (metadata.VectorStoreSystemName, metadata.CollectionName));
        Assert.IsType<SearchIndex>(collection.GetService(typeof(SearchIndex)));
        using VectorStoreCollection<string, Article> again = store.GetCollection<string, Article>("articles");
        Assert.NotNull(await again.GetAsync("a1"));
        await collection.EnsureCollectionDeletedAsync();
        Assert.False(await collection.CollectionExistsAsync());
        await Assert.ThrowsAsync<VectorStoreException>(() => collection.UpsertAsync(articles[0]));
        await collection.EnsureCollectionExistsAsync();
        Assert.Empty(await All(collection.SearchAsync(articles[0].Vector, 5, new() { Filter = article => article.Year == 1 })));
        await store.EnsureCollectionDeletedAsync("articles");
        Assert.Empty(await All(store.ListCollectionNamesAsync()));
    }

    [Fact]
    public async Task What_cannot_be_is_refused_by_name()
    {
        using VectorStoreCollection<string, Article> collection = await Filled();
        Article narrow = articles[3] with { Vector = new float[3] };
        Assert.Contains("a3", (await Assert.ThrowsAsync<VectorStoreException>(() => collection.UpsertAsync(narrow))).Message,
            StringComparison.Ordinal);
        Assert.Contains("counterpart", (await Assert.ThrowsAsync<NotSupportedException>(
            () => All(collection.SearchAsync(articles[0].Vector, 1, new() { Filter = article => article.Category!.Length == 3 })))).Message,
            StringComparison.Ordinal);
        foreach (string name in (string[])["", "..", "a/b", " "])
            Assert.ThrowsAny<ArgumentException>(() => store.GetCollection<string, Article>(name));
        Assert.ThrowsAny<Exception>(() => store.GetCollection<int, Note>("numbers"));
        Assert.Contains("dimensions", Assert.Throws<ArgumentException>(() => store.GetCollection<string, Wide>("wide")).Message,
            StringComparison.Ordinal);
        Assert.Contains("CosineSimilarity", Assert.Throws<NotSupportedException>(() => store.GetCollection<string, Far>("far")).Message,
            StringComparison.Ordinal);
    }

    private static readonly string[] Named = ["red", "blue"];

    private static readonly Expression<Func<Article, bool>>[] Conditions =
    [
        article => article.Year == 7,
        article => article.Year != 7,
        article => article.Year > 30 && article.Weight <= 20.25,
        article => 30 >= article.Year || article.Category == "red",
        article => article.Year < 12 && !(article.Category == "blue"),
        article => article.Good,
        article => !article.Good,
        article => article.Good == false,
        article => Named.Contains(article.Category),
        article => new[] { 3, 5 }.Contains(article.Year),
        article => article.Tags.Contains("t2"),
        article => article.Category != "red",
        article => article.Id == "a12",
        article => article.Title.StartsWith("Title 1", StringComparison.Ordinal),
        article => article.Weight > 100,
        article => article.Rare == 5,
    ];

    private async Task<VectorStoreCollection<string, Article>> Filled()
    {
        VectorStoreCollection<string, Article> collection = store.GetCollection<string, Article>("articles");
        await collection.EnsureCollectionExistsAsync();
        await collection.UpsertAsync(articles);
        return collection;
    }

    private static int Number(Article article) => int.Parse(article.Id[1..], System.Globalization.CultureInfo.InvariantCulture);

    private static async Task<List<T>> All<T>(IAsyncEnumerable<T> items)
    {
        var all = new List<T>();
        await foreach (T item in items) all.Add(item);
        return all;
    }

    private static double Cosine(ReadOnlyMemory<float> a, ReadOnlyMemory<float> b)
    {
        double dot = 0;
        for (int i = 0; i < a.Length; i++) dot += (double)a.Span[i] * b.Span[i];
        return dot / (Norms.L2(a.Span) * Norms.L2(b.Span));
    }

    internal sealed record Article
    {
        [VectorStoreKey]
        public string Id { get; set; } = "";

        [VectorStoreData]
        public string Title { get; set; } = "";

        [VectorStoreData(IsFullTextIndexed = true)]
        public string Text { get; set; } = "";

        [VectorStoreData]
        public int Year { get; set; }

        [VectorStoreData]
        public double Weight { get; set; }

        [VectorStoreData]
        public bool Good { get; set; }

        [VectorStoreData(StorageName = "color")]
        public string? Category { get; set; }

        [VectorStoreData]
        public int? Rare { get; set; }

        [VectorStoreData]
        public string[] Tags { get; set; } = [];

        [VectorStoreVector(Width)]
        public ReadOnlyMemory<float> Vector { get; set; }

        public static Article Make(int i)
        {
            float[] vector = new float[Width];
            new Rng((ulong)i).FillNormal(vector);
            return new Article
            {
                Id = $"a{i}",
                Title = $"Title {i}",
                Text = $"The words of article word{i}.",
                Year = i,
                Weight = i * 0.5,
                Good = i % 3 == 0,
                Category = (i % 4) switch { 1 => "red", 2 => "blue", 3 => "green", _ => null },
                Tags = [$"t{i % 5}", $"u{i % 2}"],
                Vector = vector,
            };
        }
    }

    internal sealed class Note
    {
        [VectorStoreKey]
        public string Id { get; set; } = "";

        [VectorStoreVector(Width)]
        public string Content { get; set; } = "";
    }

    internal sealed class Wide
    {
        [VectorStoreKey]
        public string Id { get; set; } = "";

        [VectorStoreVector(Width + 1)]
        public ReadOnlyMemory<float> Vector { get; set; }
    }

    internal sealed class Far
    {
        [VectorStoreKey]
        public string Id { get; set; } = "";

        [VectorStoreVector(Width, DistanceFunction = DistanceFunction.EuclideanDistance)]
        public ReadOnlyMemory<float> Vector { get; set; }
    }

    /// <summary>How often each letter is in a text.</summary>
    private sealed class Letters : IEmbeddingGenerator<string, Embedding<float>>
    {
        public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
            IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default) =>
            Task.FromResult(new GeneratedEmbeddings<Embedding<float>>(values.Select(text =>
            {
                float[] counts = new float[Width];
                foreach (char letter in text) counts[letter % Width]++;
                return new Embedding<float>(counts);
            })));

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}
