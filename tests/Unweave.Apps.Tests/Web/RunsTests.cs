using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Unweave.Apps.Tests.Web;

/// <summary>Runs side by side: the table, the plane, and the page that compares some of them.</summary>
public sealed class RunsTests
{
    [Fact]
    public async Task Runs_are_sorted_by_what_was_measured_and_chosen_ones_are_compared()
    {
        using var place = new Workplace();
        string vectors = place.WriteVectors("vectors.safetensors");
        foreach ((string name, string k) in ((string, string)[])[("one", "2"), ("two", "8"), ("a,b", "4")])
        {
            (await place.Run("train", vectors, "--latents", "64", "--k", k, "--rows", "20000", "--batch", "200", "--validation", "0.1",
                "-o", $"runs/{name}")).Succeeded();
        }

        (await place.Run("eval", "runs/two")).Succeeded();
        await using Site site = await Site.Start(place["runs"]);
        await using Browser browser = await Browser.Open(site, "/");
        IPage page = browser.Page;
        ILocator lines = page.Locator("tr[data-run]");
        await Expect(lines).ToHaveCountAsync(3);
        await Expect(lines.Nth(0)).ToContainTextAsync("a,b");
        await page.GetByRole(AriaRole.Button, new() { Name = "FVU" }).ClickAsync();
        await Expect(lines.Nth(0)).ToContainTextAsync("two"); // more active latents leave less unexplained
        await Expect(lines.Nth(2)).ToContainTextAsync("one");
        await Expect(lines.Nth(0).Locator("i")).ToHaveCountAsync(0);
        await Expect(lines.Nth(2).Locator("i").First).ToBeVisibleAsync(); // read off the log: it was not measured
        await page.GetByRole(AriaRole.Button, new() { Name = "k", Exact = true }).ClickAsync();
        await Expect(lines.Nth(0)).ToContainTextAsync("two");
        await Expect(page.GetByRole(AriaRole.Columnheader, new() { Name = "k", Exact = false }).And(page.Locator("[aria-sort]")))
            .ToHaveAttributeAsync("aria-sort", "descending");
        await Expect(page.Locator(".plane-point")).ToHaveCountAsync(3);

        await page.GetByLabel("Compare a,b").CheckAsync();
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Compare 1" })).ToHaveCountAsync(0); // one alone is compared with nothing
        await page.GetByLabel("Compare one").CheckAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Compare 2" }).ClickAsync();
        await Expect(page.Locator("h1")).ToHaveTextAsync("Runs compared");
        await Expect(page.Locator(".compared li")).ToHaveCountAsync(2);
        ILocator loss = page.Locator(".charts .card").First;
        await Expect(loss.Locator("polyline")).ToHaveCountAsync(2);
        await Expect(page.GetByRole(AriaRole.Rowheader, new() { Name = "k", Exact = true })).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Rowheader, new() { Name = "seed" })).ToHaveCountAsync(0); // the same in both
        await loss.GetByRole(AriaRole.Button, new() { Name = "log" }).ClickAsync();
        await Expect(loss.Locator("[data-chart]")).ToHaveAttributeAsync("data-log", "1");
        await page.GetByRole(AriaRole.Link, new() { Name = "Leave out one" }).ClickAsync();
        await Expect(page.Locator(".compared li")).ToHaveCountAsync(1);
        browser.AssertClean();
    }

    [Fact]
    public async Task The_table_follows_runs_that_appear_and_train()
    {
        using var place = new Workplace();
        const string Settings = """{ "rows": 12800, "batch": 128, "autoencoder": { "latents": 64, "k": 4 } }""";
        place.Write("first/config.json", Settings);
        await using Site site = await Site.Start(place.Folder);
        await using Browser browser = await Browser.Open(site, "/runs");
        ILocator lines = browser.Page.Locator("tr[data-run]");
        await Expect(lines).ToHaveCountAsync(1);
        await Expect(lines.First).ToContainTextAsync("not started");
        place.Write("second/config.json", Settings);
        await Expect(lines).ToHaveCountAsync(2);
        place.Write("second/metrics.jsonl", """{"step":25,"rows":3200,"loss":9,"fvu":0.5,"l0":4,"dead":16,"milliseconds":40}""" + "\n");
        await Expect(lines.Nth(1)).ToContainTextAsync("training, 25%");
        await Expect(lines.Nth(1)).ToContainTextAsync("0.500");
        await Expect(lines.Nth(1)).ToContainTextAsync("25%");
        browser.AssertClean();
    }

    [Fact]
    public async Task A_run_that_trains_says_how_fast_it_is_and_how_long_it_will_take_on_axes_that_stay()
    {
        using var place = new Workplace();
        place.Write("run/config.json", """{ "rows": 12800, "batch": 128, "autoencoder": { "latents": 64, "k": 4 } }""");
        string Line(int step, double loss) =>
            $$"""{"step":{{step}},"rows":{{step * 128}},"loss":{{loss}},"fvu":0.5,"l0":4,"dead":0,"learningRate":0.001"""
            + ""","milliseconds":500}""" + "\n";
        place.Write("run/metrics.jsonl", Line(10, 90) + Line(20, 70));
        await using Site site = await Site.Start(place.Folder);
        await using Browser browser = await Browser.Open(site, "/runs/run");
        IPage page = browser.Page;
        await Expect(page.Locator(".pace")).ToHaveTextAsync("2 steps/s · about 40 s left · 10 s so far");
        ILocator chart = page.Locator("[data-chart]").First;
        Task<string> Axes() => chart.EvaluateAsync<string>("chart => ['x0', 'x1', 'y0', 'y1'].map(end => chart.dataset[end]).join(' ')");
        Assert.Equal("0 100 0 100", await Axes());
        await File.AppendAllTextAsync(place["run/metrics.jsonl"], Line(40, 20));
        await Expect(page.Locator(".pace")).ToHaveTextAsync("2 steps/s · about 30 s left · 20 s so far");
        Assert.Equal("0 100 0 100", await Axes());

        // What never changes has no chart of its own.
        await Expect(page.Locator("figure.chart")).ToHaveCountAsync(2);
        await Expect(page.Locator(".constants")).ToContainTextAsync("L0 (4), Dead latents (0), Learning rate (0.001)");
        browser.AssertClean();
    }

    [Fact]
    public async Task Addresses_of_runs_that_are_not_there_compare_nothing()
    {
        using var place = new Workplace();
        place.Write("run/config.json", """{ "rows": 12800, "batch": 128, "autoencoder": { "latents": 64, "k": 4 } }""");
        await using Site site = await Site.Start(place.Folder);
        Task<string> Get(string path) =>
            site.Client.GetStringAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Contains("Nothing to compare", await Get("/compare"), StringComparison.Ordinal);
        Assert.Contains("not started", await Get("/compare?runs=run,nowhere"), StringComparison.Ordinal);
    }

    [Fact]
    public void Numbers_to_be_compared_have_the_same_decimals()
    {
        Assert.Equal(["0.107", "0.500", "0.475"], Figures.Aligned([0.10729, 0.49962, 0.47519]));
        Assert.Equal(["36.9", "171.7", ""], Figures.Aligned([36.87, 171.73, double.NaN]));
        Assert.Equal(["32", "1,032"], Figures.Aligned([32, 1032]));
        Assert.Equal(["−0.0250", "0.5000"], Figures.Aligned([-0.025, 0.5]));
        Assert.Equal("4,026 (98%)", Figures.CountAndShare(4026, 4096));
        Assert.Equal("1 (0.024%)", Figures.CountAndShare(1, 4096));
        Assert.Equal("0", Figures.CountAndShare(0, 4096));
        Assert.Equal("45 s, 2 min 5 s, 3 h 0 min, 2 d 1 h",
            string.Join(", ", new[] { 45, 125, 10_800, 176_400 }.Select(seconds => Figures.Duration(TimeSpan.FromSeconds(seconds)))));
    }
}
