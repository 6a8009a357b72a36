using Microsoft.Playwright;
using Unweave.Apps.Tests.Web;
using Unweave.Learn.Retrieval;
using Unweave.Learn.Live;
using Unweave.Retrieval;

namespace Unweave.Apps.Tests.Learn;

/// <summary>Finding definitions by the latents that they share.</summary>
[Collection(LiveDemonstrations.Name)]
public sealed class RetrievalTests(RetrievalTests.Made made) : IClassFixture<RetrievalTests.Made>
{
    private const int Wanted = 8;

    private DefinitionSearch Definitions => made.Definitions;

    [Fact]
    public void Every_text_has_a_few_latents_and_is_in_their_lists()
    {
        Assert.Equal(32_000, Definitions.Texts.Count);
        Assert.InRange(Definitions.Fvu, 0.05, 0.45);
        foreach (int row in (int[])[0, 1, 17, 31_999])
        {
            IReadOnlyList<LatentShare> code = Definitions.Code(row);
            Assert.InRange(code.Count, 1, DefinitionSearch.K);
            Assert.All(code, active => Assert.True(active.Share > 0 && Definitions.Index.RowsWith(active.Latent) > 0));
            Assert.Equal(code.OrderByDescending(active => active.Share), code);
        }
    }

    [Fact]
    public void What_is_found_is_like_what_whole_vectors_find()
    {
        // Not the same: a code keeps only part of the vector. But far from chance, which would be 8 in 32,000.
        int[] queries = [.. Enumerable.Range(0, 40).Select(i => 800 * i)];
        double both =
            queries.Average(query =>
            Definitions.Find(query, Wanted).Select(text => text.Row)
            .Intersect(Definitions.Nearest(query, Wanted).Select(text => text.Row)).Count() / (double)Wanted);
        Assert.InRange(both, 0.25, 1);
    }

    [Fact]
    public async Task A_reader_finds_definitions_and_switches_a_latent_off()
    {
        await using Site site = await Site.Learn();
        await using Browser browser = await Browser.Open(site, "/learn/retrieval");
        IPage page = browser.Page;
        await Assertions.Expect(page.Locator(".query b")).ToHaveTextAsync("violin", new() { Timeout = LiveDemonstrations.Deadline });

        // The page trains with the same settings and seed, so that its numbers are those of this index.
        int query = Definitions.Starting("violin", 1)[0];
        IReadOnlyList<FoundDefinition> found = Definitions.Find(query, Wanted);
        await Assertions.Expect(page.Locator(".found").First.Locator("b:first-child"))
            .ToContainTextAsync([Definitions.Texts[found[0].Row].Word]);
        await Assertions.Expect(page.Locator(".found").First.Locator(".score").First)
            .ToHaveTextAsync(Written(found[0]));

        await page.Locator(".code input").First.UncheckAsync();
        FoundDefinition other = Definitions.Find(query, Wanted, new HashSet<int> { Definitions.Code(query)[0].Latent })[0];
        await Assertions.Expect(page.Locator(".found").First.Locator(".score").First)
            .ToHaveTextAsync(Written(other));
        await page.GetByLabel("count shared words too").CheckAsync();
        await Assertions.Expect(page.Locator(".found").First.GetByText("“")).Not.ToHaveCountAsync(0);

        await page.GetByLabel("A definition to start from").FillAsync("lemon");
        await page.GetByRole(AriaRole.Button, new() { Name = "lemon", Exact = true }).First.ClickAsync();
        await Assertions.Expect(page.Locator(".query b")).ToHaveTextAsync("lemon");
        browser.AssertClean();
    }

    [Fact]
    public void Shared_words_find_what_concepts_alone_rank_lower()
    {
        int query = Definitions.Starting("violin", 1)[0];
        IReadOnlyList<FoundDefinition> plain = Definitions.Find(query, Wanted), both = Definitions.Find(query, Wanted, words: true);
        Assert.Equal((Wanted, Wanted), (plain.Count, both.Count));
        Assert.All(plain, found => Assert.True(found.Words.Count == 0 && found.Score > 0 && found.Row != query));
        Assert.DoesNotContain(both, found => found.Row == query);
        Assert.True(both.Sum(found => found.Words.Count) > 0);
        Assert.NotEqual(plain.Select(found => found.Row), both.Select(found => found.Row));
        string gloss = Definitions.Texts[query].Gloss;
        Assert.All(both.SelectMany(found => found.Words),
            word => Assert.Contains(word, gloss, StringComparison.OrdinalIgnoreCase));
    }

    private static string Written(FoundDefinition found) =>
        found.Score!.Value.ToString("0.00", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The index that the page makes.</summary>
    public sealed class Made : IAsyncLifetime
    {
        internal DefinitionSearch Definitions { get; private set; } = null!;

        public async ValueTask InitializeAsync() =>
            Definitions =
            await DefinitionSearch.Make(new TrainingSlots())(new Progress<Preparation>(), TestContext.Current.CancellationToken);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
