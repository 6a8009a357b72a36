using Microsoft.Playwright;
using Unweave.Apps.Tests.Web;
using Unweave.Learn.Retrieval;
using Unweave.Learn.Work;

namespace Unweave.Apps.Tests.Learn;

/// <summary>Finding definitions by the latents that they share.</summary>
[Collection(LiveDemonstrations.Name)]
public sealed class RetrievalTests(RetrievalTests.Made made) : IClassFixture<RetrievalTests.Made>
{
    private const int Wanted = 8;

    private SparseIndex Index => made.Index;

    [Fact]
    public void Every_text_has_a_few_latents_and_is_in_their_lists()
    {
        Assert.Equal(32_000, Index.Texts.Count);
        Assert.InRange(Index.Fvu, 0.05, 0.45);
        foreach (int row in (int[])[0, 1, 17, 31_999])
        {
            IReadOnlyList<ActiveLatent> code = Index.Code(row);
            Assert.InRange(code.Count, 1, SparseIndex.K);
            Assert.All(code, active => Assert.True(active.Value > 0 && Index.Count(active.Latent) > 0));
            Assert.Equal(code.OrderByDescending(active => active.Value), code);
        }
    }

    [Fact]
    public void Scores_are_cosines_of_the_codes_and_their_parts_add_up()
    {
        int query = Index.Starting("violin", 1)[0];
        IReadOnlyList<FoundText> found = Index.Search(query, new HashSet<int>(), Wanted, out int touched);
        double Cosine(int row)
        {
            Dictionary<int, double> own = Index.Code(query).ToDictionary(active => active.Latent, active => (double)active.Value), other = Index.Code(row).ToDictionary(active => active.Latent, active => (double)active.Value);
            return own.Where(pair => other.ContainsKey(pair.Key)).Sum(pair => pair.Value * other[pair.Key]) / Math.Sqrt(own.Values.Sum(value => value * value) * other.Values.Sum(value => value * value));
        }

        double[] all = [.. Enumerable.Range(0, Index.Texts.Count).Where(row => row != query).Select(Cosine)];
        Assert.Equal(all.Count(cosine => cosine > 0), touched);
        Assert.Equal(all.OrderDescending().Take(Wanted), found.Select(text => text.Score), (a, b) => Math.Abs(a - b) < 1e-9);
        Assert.All(found, text => Assert.Equal(text.Score, text.Shared.Sum(shared => shared.Share), 1e-9));
    }

    [Fact]
    public void What_is_found_is_like_what_whole_vectors_find()
    {
        // Not the same: a code keeps only part of the vector. But far from chance, which would be 8 in 32,000.
        int[] queries = [.. Enumerable.Range(0, 40).Select(i => 800 * i)];
        double both = queries.Average(query => Index.Search(query, new HashSet<int>(), Wanted, out _).Select(text => text.Row).Intersect(Index.Nearest(query, Wanted).Select(text => text.Row)).Count() / (double)Wanted);
        Assert.InRange(both, 0.25, 1);
    }

    [Fact]
    public void A_latent_taken_out_of_the_query_finds_nothing_more()
    {
        int query = Index.Starting("oak", 1)[0];
        ActiveLatent[] code = [.. Index.Code(query)];
        IReadOnlyList<FoundText> without = Index.Search(query, new HashSet<int> { code[0].Latent }, Wanted, out int touched);
        Assert.All(without, text => Assert.DoesNotContain(text.Shared, shared => shared.Latent == code[0].Latent));
        Index.Search(query, new HashSet<int>(), Wanted, out int all);
        Assert.True(touched < all);
        Assert.Empty(Index.Search(query, code.Select(active => active.Latent).ToHashSet(), Wanted, out int none));
        Assert.Equal(0, none);
    }

    [Fact]
    public async Task A_reader_finds_definitions_and_switches_a_latent_off()
    {
        await using Site site = await Site.Learn();
        await using Browser browser = await Browser.Open(site, "/learn/retrieval");
        IPage page = browser.Page;
        await Assertions.Expect(page.Locator(".query b")).ToHaveTextAsync("violin", new() { Timeout = LiveDemonstrations.Deadline });

        // The page trains with the same settings and seed, so that its numbers are those of this index.
        int query = Index.Starting("violin", 1)[0];
        IReadOnlyList<FoundText> found = Index.Search(query, new HashSet<int>(), Wanted, out _);
        await Assertions.Expect(page.Locator(".found").First.Locator("b:first-child")).ToContainTextAsync([Index.Texts[found[0].Row].Word]);
        await Assertions.Expect(page.Locator(".found").First.Locator(".score").First).ToHaveTextAsync(found[0].Score.ToString("0.00", System.Globalization.CultureInfo.InvariantCulture));

        await page.Locator(".code input").First.UncheckAsync();
        FoundText other = Index.Search(query, new HashSet<int> { Index.Code(query)[0].Latent }, Wanted, out _)[0];
        await Assertions.Expect(page.Locator(".found").First.Locator(".score").First).ToHaveTextAsync(other.Score.ToString("0.00", System.Globalization.CultureInfo.InvariantCulture));

        await page.GetByLabel("A definition to start from").FillAsync("lemon");
        await page.GetByRole(AriaRole.Button, new() { Name = "lemon", Exact = true }).First.ClickAsync();
        await Assertions.Expect(page.Locator(".query b")).ToHaveTextAsync("lemon");
        browser.AssertClean();
    }

    /// <summary>The index that the page makes.</summary>
    public sealed class Made : IAsyncLifetime
    {
        internal SparseIndex Index { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Index = await SparseIndex.Make(new Seats())(new Progress<Preparation>(), TestContext.Current.CancellationToken);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
