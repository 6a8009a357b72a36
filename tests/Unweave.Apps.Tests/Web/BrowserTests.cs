using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Unweave.Apps.Tests.Web;

/// <summary>What a person does, in a real browser.</summary>
public sealed class BrowserTests
{
    [Fact]
    public async Task A_feature_is_found_by_text_read_starred_and_noted_and_all_is_there_after_a_restart()
    {
        using var place = new Workplace();
        SampleCatalog.Build(place["run"], 200);
        string feature;
        await using (Site site = await Site.Start(place.Folder))
        {
            await using Browser browser = await Browser.Open(site, "/");
            IPage page = browser.Page;
            await Expect(page).ToHaveURLAsync(new Uri(site.Address, "/runs/run").AbsoluteUri);
            await page.GetByRole(AriaRole.Link, new() { Name = "Features", Exact = true }).ClickAsync();
            await Expect(page.Locator("tr[data-row]").First).ToBeVisibleAsync();
            await page.Keyboard.PressAsync("/");
            await page.Keyboard.TypeAsync("harpoon");
            await Expect(page).ToHaveURLAsync(new Uri(site.Address, "/runs/run/features?q=harpoon").AbsoluteUri);
            await Expect(page.GetByRole(AriaRole.Status).First).ToContainTextAsync(" of 200");
            await page.Keyboard.PressAsync("ArrowDown");
            await page.Keyboard.PressAsync("ArrowDown");
            feature = (await page.EvaluateAsync<string>("() => document.activeElement.textContent")).Trim();
            await page.Keyboard.PressAsync("Enter");
            await Expect(page).ToHaveURLAsync(new Uri(site.Address, $"/runs/run/features/{feature}?q=harpoon").AbsoluteUri);
            await Expect(page.Locator(".token.fires").First).ToBeVisibleAsync();
            await page.Locator(".token.fires").First.HoverAsync();
            Assert.True(
                await page.Locator(".token.fires").First.EvaluateAsync<bool>("at => getComputedStyle(at, '::after').content !== 'none'"));

            await page.Keyboard.PressAsync("s");
            await Expect(page.Locator(".feature-head [data-star]")).ToHaveAttributeAsync("aria-pressed", "true");
            await page.GetByRole(AriaRole.Textbox, new() { Name = "Note" }).FillAsync("seen in Moby Dick <b>");
            await page.GetByLabel("Your label").FillAsync("harpoons");
            await page.GetByLabel("Your label").PressAsync("Tab");
            await Expect(page.Locator(".label-text").First).ToHaveTextAsync("harpoons");
            await page.GoBackAsync();
            await Expect(page.Locator("main [data-search]")).ToHaveValueAsync("harpoon");
            browser.AssertClean();
            Assert.Equal(0, await site.Stop());
        }

        await using (Site site = await Site.Start(place.Folder))
        {
            await using Browser browser = await Browser.Open(site, "/runs/run/features?starred=yes", width: 420, dark: true);
            IPage page = browser.Page;
            await Expect(page.Locator("tr[data-row]")).ToHaveCountAsync(1);
            await page.Locator("tr[data-row] a").ClickAsync();
            await Expect(page.Locator(".label-text").First).ToHaveTextAsync("harpoons");
            await Expect(page.GetByRole(AriaRole.Textbox, new() { Name = "Note" })).ToHaveValueAsync("seen in Moby Dick <b>");
            await Expect(page.Locator("h1")).ToContainTextAsync(feature);
            browser.AssertClean();
        }
    }

    [Fact]
    public async Task A_run_is_watched_while_it_trains()
    {
        using var place = new Workplace();
        place.Write("run/config.json", """{ "tokens": 12800, "batch": 128, "autoencoder": { "latents": 64, "k": 4 } }""");
        place.Write("run/metrics.jsonl", Line(10, 9));
        await using Site site = await Site.Start(place.Folder);
        await using Browser browser = await Browser.Open(site, "/runs/run");
        ILocator loss = browser.Page.Locator(".charts .card").First.Locator(".key b");
        await Expect(loss).ToHaveTextAsync("9");
        await Expect(browser.Page.Locator(".chip.live")).ToContainTextAsync("10%");
        await File.AppendAllTextAsync(place["run/metrics.jsonl"], Line(20, 7) + """{"step":30,""");
        await Expect(loss).ToHaveTextAsync("7");
        await File.AppendAllTextAsync(place["run/metrics.jsonl"], "\"loss\":6.5}\n" + Line(100, 5));
        await Expect(loss).ToHaveTextAsync("5");
        await Expect(browser.Page.Locator(".chip.live")).ToHaveCountAsync(0);
        await browser.Page.Locator("[data-chart]").First.HoverAsync();
        await Expect(browser.Page.Locator(".readout").First).ToContainTextAsync("loss");
        browser.AssertClean();
    }

    [Fact]
    public async Task A_long_table_is_scrolled_sorted_and_come_back_to()
    {
        using var place = new Workplace();
        SampleCatalog.Build(place["run"], 2000);
        await using Site site = await Site.Start(place.Folder);
        await using Browser browser = await Browser.Open(site, "/runs/run/features?sort=latent");
        IPage page = browser.Page;
        await page.Locator("[data-rows-view]").EvaluateAsync("view => { view.scrollTop = 34 * 1500; }");
        await Expect(page.Locator("tr[data-row] a").GetByText("1505", new() { Exact = true })).ToBeVisibleAsync();
        Assert.InRange(await page.Locator("tr[data-row]").CountAsync(), 20, 260);
        await page.Locator("tr[data-row] a").GetByText("1505", new() { Exact = true }).ClickAsync();
        await Expect(page.Locator("h1")).ToContainTextAsync("1505");
        await page.Keyboard.PressAsync("n");
        await Expect(page.Locator("h1")).ToContainTextAsync("1506");
        await page.Keyboard.PressAsync("p");
        await Expect(page.Locator("h1")).ToContainTextAsync("1505");
        await page.GetByRole(AriaRole.Link, new() { Name = "← Found features" }).ClickAsync();
        ILocator left = page.Locator("tr[data-row] a").GetByText("1505", new() { Exact = true });
        await Expect(left).ToBeVisibleAsync();
        await Expect(left).ToBeFocusedAsync();

        // With the focus nowhere, an arrow goes to the first row that is seen.
        await left.EvaluateAsync("row => row.blur()");
        await page.Keyboard.PressAsync("ArrowDown");
        await Expect(page.Locator("tr[data-row]:focus-within")).ToHaveCountAsync(1);
        await page.GetByRole(AriaRole.Button, new() { Name = "Score" }).ClickAsync();
        await Expect(page.Locator("tr[data-row] .c-score").First).ToContainTextAsync("0.9");
        Assert.Equal(0, await page.Locator("[data-rows-view]").EvaluateAsync<int>("view => view.scrollTop"));
        browser.AssertClean();
    }

    [Fact]
    public async Task Colors_follow_the_system_until_the_reader_chooses_and_the_choice_is_remembered()
    {
        using var place = new Workplace();
        SampleCatalog.Build(place["run"], 20);
        await using Site site = await Site.Start(place.Folder);
        await using Browser browser = await Browser.Open(site, "/runs/run/features/7", dark: true);
        IPage page = browser.Page;
        Task<string> Theme() => page.EvaluateAsync<string>("() => document.documentElement.dataset.theme");
        Assert.Equal("dark", await Theme());
        await page.Keyboard.PressAsync("t");
        Assert.Equal("light", await Theme());
        await page.ReloadAsync();
        await browser.Alive();
        Assert.Equal("light", await Theme());
        Assert.True(await page.TitleAsync() is not "run"); // what the hostile example would set
        await page.Keyboard.PressAsync("?");
        await Expect(page.GetByRole(AriaRole.Dialog)).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.GetByRole(AriaRole.Dialog)).ToBeHiddenAsync();
        browser.AssertClean();
    }

    [Fact]
    public async Task Keys_of_a_single_character_can_be_switched_off_and_the_choice_is_remembered()
    {
        using var place = new Workplace();
        SampleCatalog.Build(place["run"], 20);
        await using Site site = await Site.Start(place.Folder);
        await using Browser browser = await Browser.Open(site, "/runs/run/features/3");
        IPage page = browser.Page;
        ILocator star = page.Locator(".feature-head [data-star]"), choice = page.Locator("[data-keys-switch]");
        ILocator help = page.GetByRole(AriaRole.Button, new() { Name = "Keys" });
        await help.ClickAsync();
        await Expect(choice).ToBeCheckedAsync();
        await choice.UncheckAsync();
        await page.Keyboard.PressAsync("Escape");
        await page.ReloadAsync();
        await browser.Alive();
        foreach (string key in (string[])["s", "t", "n", "/", "?"]) await page.Keyboard.PressAsync(key);
        await Expect(star).ToHaveAttributeAsync("aria-pressed", "false");
        await Expect(page).ToHaveURLAsync(new Uri(site.Address, "/runs/run/features/3").AbsoluteUri);
        await Expect(page.GetByRole(AriaRole.Dialog)).ToBeHiddenAsync();
        Assert.Equal("system", await page.EvaluateAsync<string>("() => document.documentElement.dataset.themeChoice"));

        await help.ClickAsync();
        await Expect(choice).Not.ToBeCheckedAsync();
        await choice.CheckAsync();
        await page.Keyboard.PressAsync("Escape");
        await page.Locator("h1").ClickAsync();
        await page.Keyboard.PressAsync("s");
        await Expect(star).ToHaveAttributeAsync("aria-pressed", "true");
        browser.AssertClean();
    }

    [Fact]
    public async Task Keys_of_a_single_character_can_be_switched_off_in_the_explainer_too()
    {
        await using Site site = await Site.Learn();
        await using Browser browser = await Browser.Open(site, "/learn/sparsity");
        IPage page = browser.Page;
        await page.GetByRole(AriaRole.Button, new() { Name = "Keys" }).ClickAsync();
        await page.Locator("[data-keys-switch]").UncheckAsync();
        await page.Keyboard.PressAsync("Escape");
        await page.Keyboard.PressAsync("t");
        Assert.Equal("system", await page.EvaluateAsync<string>("() => document.documentElement.dataset.themeChoice"));
        await page.GetByRole(AriaRole.Button, new() { Name = "Keys" }).ClickAsync();
        await page.Locator("[data-keys-switch]").CheckAsync();
        await page.Keyboard.PressAsync("Escape");
        await page.Keyboard.PressAsync("t");
        Assert.Equal("light", await page.EvaluateAsync<string>("() => document.documentElement.dataset.themeChoice"));
        browser.AssertClean();
    }

    [Fact]
    public async Task The_values_of_a_chart_read_with_the_keyboard_are_announced_and_those_under_the_pointer_are_not()
    {
        using var place = new Workplace();
        place.Write("run/config.json", """{ "tokens": 12800, "batch": 128, "autoencoder": { "latents": 64, "k": 4 } }""");
        place.Write("run/metrics.jsonl", Line(10, 9) + Line(20, 7));
        await using Site site = await Site.Start(place.Folder);
        await using Browser browser = await Browser.Open(site, "/runs/run");
        ILocator chart = browser.Page.Locator("[data-chart]").First, said = browser.Page.Locator("figure [data-spoken]").First;
        await chart.HoverAsync();
        await Expect(browser.Page.Locator(".readout").First).ToContainTextAsync("loss");
        await Expect(said).ToHaveTextAsync("");
        await browser.Page.Mouse.MoveAsync(0, 0);
        await chart.EvaluateAsync("chart => { delete chart.dataset.at; }");
        await chart.FocusAsync();
        await browser.Page.Keyboard.PressAsync("ArrowRight");
        await Expect(said).ToHaveTextAsync("step 10, loss 9");
        await browser.Page.Keyboard.PressAsync("ArrowRight");
        await Expect(said).ToHaveTextAsync("step 20, loss 7");
        browser.AssertClean();
    }

    [Fact]
    public async Task A_reader_with_the_token_logs_in_and_the_page_is_alive()
    {
        using var place = new Workplace();
        SampleCatalog.Build(place["run"], 20);
        const string Secret = "sixteen characters at least";
        await using Site site = await Site.Start(place.Folder, Secret);
        await using Browser browser = await Browser.Open(site, "/runs/run/features/3", token: Secret);
        await Expect(browser.Page).ToHaveURLAsync(new Uri(site.Address, "/runs/run/features/3").AbsoluteUri);
        await browser.Page.Keyboard.PressAsync("s");
        await Expect(browser.Page.Locator(".feature-head [data-star]")).ToHaveAttributeAsync("aria-pressed", "true");
        browser.AssertClean();
    }

    private static string Line(long step, double loss) =>
        $$"""{"step":{{step}},"tokens":{{step * 128}},"loss":{{loss}},"reconstruction":{{loss}},"sparsity":0,"auxiliary":0"""
        + ""","fvu":0.5,"l0":4,"dead":0,"learningRate":0.001}""" + "\n";
}
