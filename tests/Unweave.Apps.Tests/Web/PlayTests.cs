using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Unweave.Catalog;

namespace Unweave.Apps.Tests.Web;

/// <summary>Try it, Steer and Map in a browser, over the embedded language model with an autoencoder of a few steps.</summary>
public sealed class PlayTests(PlayTests.Served served) : IClassFixture<PlayTests.Served>
{
    private const string Markup = "<img src=x onerror=\"document.title='run'\">";

    [Fact]
    public async Task A_text_is_typed_its_tokens_latents_appear_and_lead_to_a_feature()
    {
        await using Browser browser = await Browser.Open(served.Site, "runs/model/try");
        IPage page = browser.Page;
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Text", Exact = true }).PressSequentiallyAsync("The king and the queen");
        ILocator tokens = page.Locator("[data-live='0'] [data-i]");
        await Assertions.Expect(page.Locator("[data-live='0']")).ToHaveTextAsync("The king and the queen");
        Assert.True(await tokens.CountAsync() >= 4);

        await tokens.First.HoverAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Latents of" })).ToContainTextAsync("The");
        ILocator latent = page.Locator(".firings a.latent").First;
        string number = await latent.Locator(".number").InnerTextAsync();
        await Assertions.Expect(page).ToHaveURLAsync(new Regex("[?]t=The%20king", RegexOptions.None, TimeSpan.FromSeconds(1)));
        await latent.ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync(new Uri(served.Site.Address, $"runs/model/features/{number}").AbsoluteUri);
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToContainTextAsync(number);
        browser.AssertClean();
    }

    [Fact]
    public async Task An_empty_page_reads_an_example_until_something_is_typed()
    {
        await using Browser browser = await Browser.Open(served.Site, "runs/model/try");
        IPage page = browser.Page;
        await Assertions.Expect(page.Locator("[data-live='0']")).ToContainTextAsync("The king rode out");
        await Assertions.Expect(page.Locator("[data-live='0'] [class*=hue-]").First).ToBeVisibleAsync();
        ILocator box = page.GetByRole(AriaRole.Textbox, new() { Name = "Text", Exact = true });
        Assert.Equal("", await box.InputValueAsync());
        Assert.DoesNotContain("t=", page.Url, StringComparison.Ordinal);
        await box.FillAsync("A road");
        await Assertions.Expect(page.Locator("[data-live='0']")).ToHaveTextAsync("A road");
        browser.AssertClean();
    }

    [Fact]
    public async Task What_differs_between_two_texts_is_listed_and_limits_are_said()
    {
        await using Browser browser = await Browser.Open(served.Site, "runs/model/try?t=The%20king%20rode&u=It%20was%20a%20long%20way");
        IPage page = browser.Page;
        ILocator rows = page.Locator(".differs tbody tr");
        await Assertions.Expect(rows.First).ToBeVisibleAsync();
        foreach (string line in await rows.AllInnerTextsAsync())
            Assert.Matches("(–\\s+[0-9.]+|[0-9.]+\\s+–|[0-9.]+\\s+[0-9.]+)\\s*$", line);
        await page.GetByLabel("Order").SelectOptionAsync("raw");
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Strongest in the texts" })).ToBeVisibleAsync();
        await Assertions.Expect(page).ToHaveURLAsync(new Regex("order=raw", RegexOptions.None, TimeSpan.FromSeconds(1)));
        ILocator box = page.GetByRole(AriaRole.Textbox, new() { Name = "Text", Exact = true });
        await box.FillAsync(string.Concat(Enumerable.Repeat("word ", 400)));
        await Assertions.Expect(page.GetByText("one is lost when the page is loaded again")).ToBeVisibleAsync();
        await box.FillAsync(string.Concat(Enumerable.Repeat("word ", 4001)));
        await Assertions.Expect(page.GetByText("Only the first 20,000 characters are read.")).ToBeVisibleAsync();
        browser.AssertClean();
    }

    [Fact]
    public async Task Latents_that_work_are_found_by_trying_and_one_is_begun_with_its_texts_colored()
    {
        await using Browser browser = await Browser.Open(served.Site, "runs/model/steer?tokens=12");
        IPage page = browser.Page;
        await page.GetByRole(AriaRole.Button, new() { Name = "Find latents that work" }).ClickAsync();
        ILocator preset = page.Locator(".presets li button").First;
        await Assertions.Expect(preset).ToContainTextAsync("raises");
        string latent = await preset.Locator(".mono").InnerTextAsync();
        await page.GetByLabel("Prompt").FillAsync("The king of");
        await preset.ClickAsync();
        await Assertions.Expect(page.Locator(".change .number").First).ToHaveTextAsync(latent);
        await Assertions.Expect(page.Locator("[data-with] .small-print")).ToContainTextAsync($"Latent {latent}");
        await Assertions.Expect(page.Locator("[data-without] .small-print")).ToContainTextAsync($"Latent {latent}");

        // The tokens that moved most come first, with a digit after the point.
        string[] moves = [.. await page.Locator(".next .move").AllInnerTextsAsync()];
        double[] sizes =
            [.. moves.Select(move => double.Parse(move.TrimStart('+', '−'), System.Globalization.CultureInfo.InvariantCulture))];
        Assert.Equal(sizes.OrderDescending(), sizes);
        Assert.All(moves, move => Assert.Matches("^[+−]?[0-9]+[.][0-9]$", move));

        // Found once for all readers of the run.
        await page.ReloadAsync();
        await Assertions.Expect(page.Locator(".presets")).ToBeVisibleAsync();
        browser.AssertClean();
    }

    [Fact]
    public async Task A_pinned_latent_is_compared_in_two_texts_and_kept_in_the_address()
    {
        await using Browser browser = await Browser.Open(served.Site, "runs/model/try?t=The%20king%20rode");
        IPage page = browser.Page;
        await page.Locator(".firings .pin").First.ClickAsync();
        await Assertions.Expect(page.Locator(".pinned tbody tr")).ToHaveCountAsync(1);
        await page.GetByRole(AriaRole.Button, new() { Name = "Compare with a second text" }).ClickAsync();
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Second text", Exact = true }).FillAsync("The king rode");
        ILocator cells = page.Locator(".pinned tbody td.number");
        await Assertions.Expect(cells).ToHaveCountAsync(2);
        await Assertions.Expect(cells.Nth(1)).ToHaveTextAsync(await cells.Nth(0).InnerTextAsync());
        await Assertions.Expect(page)
            .ToHaveURLAsync(new Regex("u=The%20king%20rode&pin=[0-9]+$", RegexOptions.None, TimeSpan.FromSeconds(1)));

        string pinned = await page.Locator(".pinned .mono").InnerTextAsync();
        await page.ReloadAsync();
        await Assertions.Expect(page.Locator(".pinned .mono")).ToHaveTextAsync(pinned);
        await Assertions.Expect(page.Locator("[data-live='1']")).ToHaveTextAsync("The king rode");
        browser.AssertClean();
    }

    [Fact]
    public async Task A_text_typed_on_a_features_page_is_colored_and_read_on_with_all_its_latents()
    {
        await using Browser browser = await Browser.Open(served.Site, "runs/model/try?t=The%20king%20rode");
        IPage page = browser.Page;
        await page.Locator("[data-live='0'] [data-i]").Last.HoverAsync();
        string latent = await page.Locator(".firings a.latent .number").First.InnerTextAsync();
        await browser.Go(new Uri(served.Site.Address, $"runs/model/features/{latent}"));
        await page.GetByLabel("A text to color").FillAsync("The king rode");
        await Assertions.Expect(page.Locator(".reader .token.fires").First).ToBeVisibleAsync();
        await Assertions.Expect(page.Locator(".reader-line p")).ToContainTextAsync("Fires on");
        await page.GetByRole(AriaRole.Link, new() { Name = "All latents of this text" }).ClickAsync();
        await Assertions.Expect(page)
            .ToHaveURLAsync(new Regex($"/try[?]t=The%20king%20rode&pin={latent}$", RegexOptions.None, TimeSpan.FromSeconds(1)));
        await Assertions.Expect(page.Locator(".pinned .mono")).ToHaveTextAsync(latent);

        await browser.Go(new Uri(served.Site.Address, $"runs/model/features/{latent}"));
        await page.GetByRole(AriaRole.Link, new() { Name = "Steer", Exact = true }).Last.ClickAsync();
        await Assertions.Expect(page.Locator(".change .number").First).ToHaveTextAsync(latent);
        await Assertions.Expect(page.Locator("[data-with]")).ToHaveTextAsync(new Regex(".{8,}", RegexOptions.Singleline,
            TimeSpan.FromSeconds(1)));
        browser.AssertClean();
    }

    [Fact]
    public async Task Two_latents_are_compared_in_a_text_that_is_typed()
    {
        await using Browser browser = await Browser.Open(served.Site, "runs/model/features/3");
        IPage page = browser.Page;
        await page.GetByRole(AriaRole.Combobox, new() { Name = "Compare with …" }).FillAsync("5");
        await page.Locator("[role=option]").First.ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Compare latents 3 and 5");
        await page.GetByLabel("A text to color").FillAsync("The king rode to town and the queen stayed");
        await Assertions.Expect(page.Locator("[data-overlap]"))
            .ToHaveTextAsync(new Regex("^Both fire on [0-9]+, only 3 on [0-9]+, only 5 on [0-9]+[.]$", RegexOptions.None,
                TimeSpan.FromSeconds(1)));
        await Assertions.Expect(page.Locator(".reader-line")).ToHaveCountAsync(2);
        browser.AssertClean();
    }

    [Fact]
    public async Task Any_text_is_shown_as_text()
    {
        await using Browser browser = await Browser.Open(served.Site, "runs/model/try");
        IPage page = browser.Page;
        ILocator box = page.GetByRole(AriaRole.Textbox, new() { Name = "Text", Exact = true });
        await box.FillAsync($"{Markup} \u0001 😀 שלום \u202e");
        await Assertions.Expect(page.Locator("[data-live='0']")).ToContainTextAsync(Markup);
        await Assertions.Expect(page.Locator("[data-live='0']")).ToContainTextAsync("שלום");
        Assert.Equal(0, await page.Locator("main img").CountAsync());
        Assert.NotEqual("run", await page.TitleAsync(), StringComparer.Ordinal);
        await box.FillAsync(string.Concat(Enumerable.Repeat("word ", 4000)));
        await Assertions.Expect(page.Locator(".try-head [role=status]").First).ToContainTextAsync(",");
        await box.FillAsync("");
        await Assertions.Expect(page.Locator("[data-live='0']")).ToHaveCountAsync(0);
        browser.AssertClean();
    }

    [Fact]
    public async Task On_a_phone_the_figures_come_right_after_the_examples_and_no_page_is_wider_than_the_screen()
    {
        await using Browser browser = await Browser.Open(served.Site, "runs/sample/features/3", width: 390);
        IPage page = browser.Page;
        async Task<float> Top(string heading) => (await page.Locator(heading).BoundingBoxAsync())!.Y;
        float[] order = [await Top("#examples-title"), await Top("#facts-title"), await Top("#tokens-title"), await Top("#groups-title")];
        Assert.Equal(order.Order(), order);
        foreach (string path in (string[])["features/3", "features", "compare/3/10", "try", "steer"])
        {
            await browser.Go(new Uri(served.Site.Address, $"runs/model/{path}"));
            Assert.InRange(await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth"), 1, 390);
        }

        browser.AssertClean();
    }

    [Fact]
    public async Task A_run_without_a_model_says_so()
    {
        await using Browser browser = await Browser.Open(served.Site, "runs/sample/try");
        await Assertions.Expect(browser.Page.Locator(".state-title")).ToHaveTextAsync("There is no model to read a text with");
        await browser.Go(new Uri(served.Site.Address, "runs/sample/steer"));
        await Assertions.Expect(browser.Page.Locator(".state-title")).ToHaveTextAsync("There is no model to steer");
        browser.AssertClean();
    }

    [Fact]
    public async Task Steering_writes_two_texts_and_explains_a_token()
    {
        await using Browser browser = await Browser.Open(served.Site, "runs/model/steer?tokens=12&temperature=0");
        IPage page = browser.Page;
        await page.GetByLabel("Prompt").FillAsync("The king of");
        await page.Locator("[data-picker]").FillAsync("3");
        await page.Locator("[role=option]").First.ClickAsync();
        await Assertions.Expect(page.Locator(".change")).ToHaveCountAsync(1);
        await page.Locator(".change input[type=range]").FillAsync("3");
        await page.GetByRole(AriaRole.Button, new() { Name = "Generate" }).ClickAsync();
        await Assertions.Expect(page.Locator("[data-without]"))
            .ToHaveTextAsync(new Regex("^The king of .{8,}", RegexOptions.Singleline, TimeSpan.FromSeconds(1)));
        await Assertions.Expect(page.Locator(".caret")).ToHaveCountAsync(0);
        string without = await page.Locator("[data-without]").InnerTextAsync(), with = await page.Locator("[data-with]").InnerTextAsync();
        Assert.NotEqual(without, with, StringComparer.Ordinal);
        await Assertions.Expect(page).ToHaveURLAsync(new Regex("change=[0-9]+%3Asteer%3A3", RegexOptions.None, TimeSpan.FromSeconds(1)));

        await page.Locator(".explain").First.ClickAsync();
        await Assertions.Expect(page.Locator(".effects tbody tr").First).ToBeVisibleAsync();
        browser.AssertClean();
    }

    [Fact]
    public async Task A_generation_is_stopped()
    {
        await using Browser browser = await Browser.Open(served.Site, "runs/model/steer?prompt=The%20king&tokens=500");
        ILocator stop = browser.Page.GetByRole(AriaRole.Button, new() { Name = "Stop" });
        await stop.ClickAsync();
        await Assertions.Expect(browser.Page.Locator(".steer-act [role=status]")).ToHaveTextAsync("stopped");
        await Assertions.Expect(browser.Page.GetByRole(AriaRole.Button, new() { Name = "Generate" })).ToBeEnabledAsync();
        browser.AssertClean();
    }

    [Fact]
    public async Task The_map_tells_of_a_point_finds_and_opens_it()
    {
        await using Browser browser = await Browser.Open(served.Site, "runs/sample/map");
        IPage page = browser.Page;
        await Assertions.Expect(page.Locator(".near li")).ToHaveCountAsync(12);
        await page.GetByLabel("Find on the map").FillAsync("17");
        await Assertions.Expect(page.Locator(".map-near h2")).ToHaveTextAsync("Found");
        await page.GetByRole(AriaRole.Button, new() { Name = "Show latent 17 on the map" }).ClickAsync();
        await Assertions.Expect(page.Locator(".map-tip b")).ToHaveTextAsync("17");
        LocatorBoundingBoxResult canvas = (await page.Locator(".map canvas").BoundingBoxAsync())!;
        await page.Mouse.ClickAsync(canvas.X + (canvas.Width / 2), canvas.Y + (canvas.Height / 2));
        await Assertions.Expect(page).ToHaveURLAsync(new Uri(served.Site.Address, "runs/sample/features/17").AbsoluteUri);
        browser.AssertClean();
    }

    [Fact]
    public async Task The_map_is_used_with_the_keyboard_alone()
    {
        await using Browser browser = await Browser.Open(served.Site, "runs/sample/map");
        IPage page = browser.Page;
        await Assertions.Expect(page.Locator(".near li")).ToHaveCountAsync(12);
        await page.Locator(".map canvas").FocusAsync();
        await page.Keyboard.PressAsync("+");
        await page.Keyboard.PressAsync("ArrowLeft");
        await Assertions.Expect(page.Locator(".map-tip b")).ToBeVisibleAsync();
        string latent = await page.Locator(".map-tip b").InnerTextAsync();
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page).ToHaveURLAsync(new Uri(served.Site.Address, $"runs/sample/features/{latent}").AbsoluteUri);
        browser.AssertClean();
    }

    [Fact]
    public async Task Names_are_written_on_the_map_though_a_point_is_far_away_and_what_is_found_comes_into_the_middle()
    {
        await using Browser browser = await Browser.Open(served.Site, "runs/sample/map");
        IPage page = browser.Page;
        // Latent 199 lies a hundred times as far away as all others: fitted to it, they would be one dot, with room for one name.
        await page.WaitForFunctionAsync("() => +document.querySelector('.map').dataset.names > 3");
        await page.GetByLabel("Find on the map").FillAsync("harpoon");
        await Assertions.Expect(page.Locator(".map-near h2")).ToHaveTextAsync("Found");
        await Assertions.Expect(page.GetByLabel("Show latent 0 on the map")).ToBeVisibleAsync();
        await page.GetByLabel("Find on the map").FillAsync("199");
        await Assertions.Expect(page.GetByText("1 found")).ToBeVisibleAsync();
        LocatorBoundingBoxResult canvas = (await page.Locator(".map canvas").BoundingBoxAsync())!;
        await page.Mouse.MoveAsync(canvas.X + (canvas.Width / 2) + 40, canvas.Y + (canvas.Height / 2));
        await page.Mouse.MoveAsync(canvas.X + (canvas.Width / 2), canvas.Y + (canvas.Height / 2));
        await Assertions.Expect(page.Locator(".map-tip b")).ToHaveTextAsync("199");
        await page.GetByRole(AriaRole.Button, new() { Name = "Whole map" }).ClickAsync();
        browser.AssertClean();
    }

    [Fact]
    public async Task A_run_without_a_map_makes_one_on_its_page_and_keeps_it()
    {
        await using Browser browser = await Browser.Open(served.Site, "runs/model/map");
        await Assertions.Expect(browser.Page.Locator(".state code")).ToContainTextAsync("unweave features map");
        await browser.Page.GetByRole(AriaRole.Button, new() { Name = "Make the map" }).ClickAsync();
        await Assertions.Expect(browser.Page.GetByRole(AriaRole.Button, new() { Name = "Make it again" }))
            .ToBeVisibleAsync(new() { Timeout = 60_000 });
        await Assertions.Expect(browser.Page.Locator(".map canvas")).ToBeVisibleAsync();
        await browser.Page.ReloadAsync();
        await Assertions.Expect(browser.Page.Locator(".map canvas")).ToBeVisibleAsync();
        browser.AssertClean();
    }

    /// <summary>A server over a run of the embedded language model and one of made-up features with a map.</summary>
    public sealed class Served : IAsyncLifetime
    {
        private readonly Workplace workplace = new();

        internal Site Site { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            string run = workplace["runs/model"], model = Path.Combine(AppContext.BaseDirectory, "models", "english-4m");
            workplace.Write("corpus/a.txt",
                string.Join("\n\n",
                    Enumerable.Range(0, 40)
                        .Select(i =>
                            $"The king rode to town number {i} and the queen stayed at home with the "
                            + $"{(i % 2 == 0 ? "army" : "children")}. It was a long way, and the road was old.")));
            Outcome harvested = await workplace.Run("harvest", "--model", model, "--hook", "blocks.2", "--text", workplace["corpus"], "-o",
                workplace["acts"]);
            Assert.True(harvested.Code == 0, harvested.Error);
            Outcome trained = await workplace.Run("train", workplace["acts"], "--latents", "200", "--k", "8", "--tokens", "8000", "--batch",
                "200", "-o", run);
            Assert.True(trained.Code == 0, trained.Error);
            Assert.NotNull(Unweave.Runs.RunFolder.Open(run).Host);
            SampleCatalog.Build(run);
            SampleCatalog.Build(workplace["runs/sample"]);
            using (FeatureCatalog catalog = FeatureCatalog.Open(workplace["runs/sample"]))
                catalog.WriteMap(
                    [
                        .. Enumerable.Range(0, 199)
                        .Select(latent =>
                            new MapPoint(latent, (float)(Math.Sqrt(latent) * Math.Cos(2.4 * latent)),
                                (float)(Math.Sqrt(latent) * Math.Sin(2.4 * latent)))), new MapPoint(199, 1500, 1500)]);
            Site = await Site.Start(workplace["runs"]);
        }

        public async ValueTask DisposeAsync()
        {
            await Site.DisposeAsync();
            workplace.Dispose();
        }
    }
}
