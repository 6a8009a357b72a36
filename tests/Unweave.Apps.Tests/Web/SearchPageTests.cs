using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Unweave.Apps.Tests.Web;

/// <summary>Texts found by concepts and words on the dashboard, in a real browser.</summary>
[Collection(IndexedDefinitions.Name)]
public sealed class SearchPageTests(IndexedDefinitions definitions)
{
    private const string Path = $"/runs/{IndexedDefinitions.Index}/search";

    [Fact]
    public async Task A_reader_types_reads_why_excludes_a_concept_and_sees_the_hits_change()
    {
        await using Browser browser = await Browser.Open(definitions.Site, Path);
        IPage page = browser.Page;
        ILocator box = page.GetByLabel("Search texts"), hits = page.Locator("[data-hit]");
        await Expect(box).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync("a stringed instrument");
        await Expect(hits).ToHaveCountAsync(10);
        await Expect(hits.First.Locator(".hit-text")).ToContainTextAsync("instrument");
        await Expect(hits.Locator("mark").GetByText("instrument").First).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Status).First).ToContainTextAsync($"10 hits of {definitions.Texts} texts");
        await Expect(page).ToHaveURLAsync(Ending("/search[?]query=a%20stringed%20instrument"));
        string[] before = await Keys(page);

        ILocator concept = hits.First.Locator(".concept").First;
        string name = await concept.Locator(".name").InnerTextAsync();
        await concept.GetByRole(AriaRole.Button, new() { Name = $"Exclude {name}", Exact = true }).ClickAsync();
        ILocator edit = page.Locator(".edit");
        await Expect(edit).ToHaveTextAsync($"without {name}×");
        await Expect(page).ToHaveURLAsync(Ending("exclude=[0-9]+"));
        string latent = page.Url[(page.Url.LastIndexOf('=') + 1)..];
        await Expect(hits.Locator($".concept-open[title^='Latent {latent} ']")).ToHaveCountAsync(0);
        string[] after = await Keys(page);
        Assert.NotEqual(before, after);
        Assert.DoesNotContain(before[0], after, StringComparer.Ordinal);

        // The address has it all: another reader sees the same, and the way back leads to what was there.
        string shared = page.Url;
        await page.GoBackAsync();
        await Expect(edit).ToHaveCountAsync(0);
        Assert.Equal(before, await Keys(page));
        await browser.Go(new Uri(shared));
        await Expect(edit).ToHaveTextAsync($"without {name}×");
        await Expect(hits).ToHaveCountAsync(after.Length);
        Assert.Equal(after, await Keys(page));
        browser.AssertClean();
    }

    [Fact]
    public async Task The_same_goes_by_keyboard_alone()
    {
        await using Browser browser = await Browser.Open(definitions.Site, Path);
        IPage page = browser.Page;
        ILocator hits = page.Locator("[data-hit]"), edits = page.Locator(".edit");
        await page.Keyboard.PressAsync("Escape");
        await page.Keyboard.PressAsync("/");
        await page.Keyboard.TypeAsync("sickness of the lungs");
        await Expect(page).ToHaveURLAsync(Ending("/search[?]query=sickness%20of%20the%20lungs"));
        await Expect(hits.First.Locator(".concept").First).ToBeVisibleAsync();
        string[] before = await Keys(page);
        string name = await hits.First.Locator(".concept .name").First.InnerTextAsync();
        await page.Keyboard.PressAsync("ArrowDown");
        await Expect(hits.First).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("x");
        await Expect(edits).ToHaveTextAsync([$"without {name}×"]);
        await Expect(page.Locator("[data-hit]:focus")).ToHaveCountAsync(1);
        Assert.DoesNotContain(before[0], await Keys(page), StringComparer.Ordinal);

        await page.Keyboard.PressAsync("u");
        await Expect(edits).ToHaveCountAsync(0);
        Assert.Equal(before, await Keys(page));
        await page.Keyboard.PressAsync("/");
        await page.Keyboard.PressAsync("ArrowDown");
        await page.Keyboard.PressAsync("j");
        await Expect(hits.Nth(1)).ToBeFocusedAsync();
        string second = await hits.Nth(1).Locator(".concept .name").First.InnerTextAsync();
        await page.Keyboard.PressAsync("r");
        await Expect(edits).ToHaveTextAsync([$"must have {second}×"]);
        Assert.NotEmpty(await Keys(page));
        await Expect(page.Locator("#search-side li.in .concept-name").First).ToHaveTextAsync(second);

        await page.Keyboard.PressAsync("u");
        await Expect(edits).ToHaveCountAsync(0);
        string first = before[0];
        await page.Keyboard.PressAsync("/");
        await page.Keyboard.PressAsync("ArrowDown");
        await page.Keyboard.PressAsync("m");
        await Expect(edits).ToContainTextAsync(["like"]);
        await Expect(page.Locator(".hit-facts .key").GetByText(first)).ToHaveCountAsync(0);
        await page.Keyboard.PressAsync("?");
        await Expect(page.GetByRole(AriaRole.Dialog)).ToContainTextAsync("More like the hit");
        browser.AssertClean();
    }

    [Fact]
    public async Task A_concept_is_weighed_at_the_side_and_a_field_filters_on_a_phone_in_the_dark()
    {
        await using Browser browser = await Browser.Open(definitions.Site, $"{Path}?query=an%20illness", width: 390, dark: true);
        IPage page = browser.Page;
        ILocator hits = page.Locator("[data-hit]"), edits = page.Locator(".edit");
        await Expect(hits).ToHaveCountAsync(10);
        Assert.True(await page.EvaluateAsync<bool>("() => document.documentElement.scrollWidth <= innerWidth"));
        await page.GetByRole(AriaRole.Button, new() { Name = "Concepts and filters" }).ClickAsync();
        string name = await page.Locator("#search-side .concept-name").First.InnerTextAsync();
        ILocator raise = page.Locator("#search-side").GetByRole(AriaRole.Button, new() { Name = $"Raise {name}", Exact = true });
        await raise.First.ClickAsync();
        await Expect(edits).ToHaveTextAsync([$"×2 {name}×"]);
        await page.GetByLabel("Field").SelectOptionAsync("length");
        await page.Locator(".filter-builder select").Nth(1).SelectOptionAsync("at most");
        await page.GetByLabel("Value").FillAsync("40");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add", Exact = true }).ClickAsync();
        await Expect(edits).ToHaveTextAsync([$"×2 {name}×", "only length<=40×"]);
        await hits.First.Locator(".field button").First.ClickAsync();
        await Expect(edits).ToHaveCountAsync(3);
        await Expect(edits.Last).ToContainTextAsync("only kind=");
        Assert.True(await page.EvaluateAsync<bool>("() => document.documentElement.scrollWidth <= innerWidth"));
        await page.GetByRole(AriaRole.Button, new() { Name = "Clear all" }).ClickAsync();
        await Expect(edits).ToHaveCountAsync(0);
        browser.AssertClean();
    }

    [Fact]
    public async Task A_page_of_a_feature_leads_to_the_texts_with_it_and_one_without_an_index_does_not()
    {
        await using Browser browser = await Browser.Open(definitions.Site, $"{Path}?query=a%20musical%20instrument");
        IPage page = browser.Page;
        await page.Locator(".concept-open").First.ClickAsync();
        await page.Locator(".concept-acts a").ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Find texts with this concept" }).ClickAsync();
        await Expect(page).ToHaveURLAsync(Ending("/search[?]latent=[0-9]+"));
        await Expect(page.Locator("[data-hit]").First).ToBeVisibleAsync();
        await Expect(page.Locator(".edit .what")).ToHaveTextAsync("concept");
        await browser.Go(new Uri(definitions.Site.Address, $"/runs/{IndexedDefinitions.Plain}/features/3"));
        await Expect(page.Locator("h1")).ToContainTextAsync("3");
        await Expect(page.GetByText("Find texts with this concept")).ToHaveCountAsync(0);
        await Expect(page.Locator("nav.pages a").First).ToHaveTextAsync("Overview");
        browser.AssertClean();
    }

    [Fact]
    public async Task An_index_served_alone_opens_with_its_search_and_says_what_is_wrong_when_it_is_damaged()
    {
        using var place = new Workplace();
        string index = definitions.Copy(place.Folder);
        await using (Site alone = await Site.Start(index))
        {
            await using Browser browser = await Browser.Open(alone, "/");
            await Expect(browser.Page).ToHaveURLAsync(new Uri(alone.Address, Path).AbsoluteUri);
            await Expect(browser.Page.Locator("nav.pages a").First).ToHaveTextAsync("Search");
            await browser.Page.Locator(".beginnings button").First.ClickAsync();
            await Expect(browser.Page.Locator("[data-hit]").First).ToBeVisibleAsync();
            browser.AssertClean();
        }

        File.WriteAllText(System.IO.Path.Combine(index, "1.segment"), "damaged");
        await using (Site damaged = await Site.Start(index))
        {
            await using Browser browser = await Browser.Open(damaged, $"{Path}?query=fish");
            await Expect(browser.Page.GetByRole(AriaRole.Alert).GetByText("1.segment")).ToBeVisibleAsync();
            await browser.Page.GetByRole(AriaRole.Link, new() { Name = "Features", Exact = true }).ClickAsync();
            await Expect(browser.Page.Locator("tr[data-row]").First).ToBeVisibleAsync();
        }
    }

    private static Regex Ending(string pattern) => new($"{pattern}$", RegexOptions.None, TimeSpan.FromSeconds(1));

    private static async Task<string[]> Keys(IPage page)
    {
        await Expect(page.Locator(".search-main")).ToHaveAttributeAsync("aria-busy", "false");
        return [.. await page.Locator(".hit-facts .key").AllInnerTextsAsync()];
    }
}
