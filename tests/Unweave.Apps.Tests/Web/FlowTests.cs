using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Unweave.Catalog;
using Unweave.Interpretation;
using static Microsoft.Playwright.Assertions;

namespace Unweave.Apps.Tests.Web;

/// <summary>What a reader does with a run, from a word to a note, page by page over the small demo.</summary>
public sealed class FlowTests(FeaturesTests.Run run) : IClassFixture<FeaturesTests.Run>
{
    private const string Noted = "reconsider tomorrow";

    [Fact]
    public async Task A_feature_is_found_by_a_word_tried_on_a_text_steered_starred_and_noted_for_other_pages()
    {
        run.Copy("flow");
        (int latent, string word, string text) = Wanted(run.Place["flow"]);
        await using Site site = await Site.Start(run.Place["flow"]);
        await using Browser browser = await Browser.Open(site, "runs/flow/features");
        IPage page = browser.Page;

        await page.GetByRole(AriaRole.Searchbox, new() { Name = "Text" }).FillAsync(word);
        await Expect(page).ToHaveURLAsync(new Regex($"[?]q={word}", RegexOptions.None, TimeSpan.FromSeconds(1)));
        await page.Locator($"main a[href*='/features/{latent}?']").First.ClickAsync();
        ILocator heading = page.GetByRole(AriaRole.Heading, new() { Level = 1, Name = $"Latent {latent}" });
        await Expect(heading).ToBeVisibleAsync();
        await Expect(page.GetByText("Found features")).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Link, new() { Name = "Try a text" }).ClickAsync();
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Text", Exact = true }).FillAsync(text);
        ILocator pinned = page.Locator(".pinned tbody tr");
        await Expect(pinned).ToHaveCountAsync(1);
        await Expect(pinned.Locator("td.number"))
            .ToHaveTextAsync(new Regex("^[0-9.]+ on [0-9]+", RegexOptions.None, TimeSpan.FromSeconds(1)));
        await pinned.GetByRole(AriaRole.Link).First.ClickAsync();
        await Expect(heading).ToBeVisibleAsync();

        await page.Locator(".feature-acts").GetByRole(AriaRole.Link, new() { Name = "Steer" }).ClickAsync();
        await Expect(page.Locator(".change .number").First).ToHaveTextAsync($"{latent}");
        await page.GetByLabel("Prompt").FillAsync("The king of");
        await page.GetByLabel("Tokens").FillAsync("12");
        await page.GetByRole(AriaRole.Button, new() { Name = "Generate" }).ClickAsync();
        await Expect(page.Locator("[data-with]")).ToContainTextAsync("The king of");
        await Expect(page.Locator("[data-with] .small-print")).ToContainTextAsync($"Latent {latent}");
        await Expect(page.Locator("[data-without] .small-print")).ToContainTextAsync($"Latent {latent}");

        await browser.Go(new Uri(site.Address, $"runs/flow/features/{latent}"));
        ILocator star = page.Locator(".feature-head [data-star]");
        await star.ClickAsync();
        await Expect(star).ToHaveAttributeAsync("aria-pressed", "true");
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Note" }).FillAsync(Noted);
        await Expect(page.GetByText("Saved.")).ToBeVisibleAsync();

        await using Browser other = await Browser.Open(site, $"runs/flow/features/{latent}");
        await Expect(other.Page.GetByRole(AriaRole.Textbox, new() { Name = "Note" })).ToHaveValueAsync(Noted);
        await Expect(other.Page.Locator(".feature-head [data-star]")).ToHaveAttributeAsync("aria-pressed", "true");
        await other.Go(new Uri(site.Address, "runs/flow/features?q=reconsider"));
        await Expect(other.Page.GetByText("in your note")).ToBeVisibleAsync();
        browser.AssertClean();
        other.AssertClean();
    }

    // A latent that is among the first found by a word that it fires on, and the window in which it is strongest.
    private static (int Latent, string Word, string Text) Wanted(string folder)
    {
        using FeatureCatalog catalog = FeatureCatalog.Open(folder);
        foreach (FeatureRow row in catalog.Find(new FeatureQuery { Order = FeatureOrder.Interest, Take = 50 }).Rows)
        {
            Feature feature = catalog.ReadWithWindows(row.Latent);
            string? word = feature.Tokens.Select(token => token.Text)
                .FirstOrDefault(token => token.Length > 4 && token[0] == ' ' && token.Skip(1).All(char.IsAsciiLetterLower))?.Trim();
            if (word is null || !catalog.Find(new FeatureQuery { Text = word, Take = 10 }).Rows.Any(found => found.Latent == row.Latent))
                continue;
            return (row.Latent, word, feature.Top[0].Text);
        }

        throw new InvalidOperationException("None of the small demo's 50 latents of most interest is found by a word that it fires on.");
    }
}
