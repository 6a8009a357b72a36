using Microsoft.Playwright;
using Unweave.Catalog;
using Unweave.Web.Runs;
using static Microsoft.Playwright.Assertions;

namespace Unweave.Apps.Tests.Web;

/// <summary>What a person writes is saved while it is typed, and never over what was written elsewhere.</summary>
public sealed class NotesTests
{
    [Fact]
    public async Task A_note_is_saved_while_it_is_typed_and_shows_on_another_page_without_a_reload()
    {
        using var place = new Workplace();
        SampleCatalog.Build(place["run"], 20);
        await using Site site = await Site.Start(place.Folder);
        await using Browser one = await Browser.Open(site, "/runs/run/features/3");
        await using Browser other = await Browser.Open(site, "/runs/run/features/3");
        ILocator note = one.Page.GetByRole(AriaRole.Textbox, new() { Name = "Note" });
        await note.PressSequentiallyAsync("seen in Moby Dick", new() { Delay = 10 });
        await Expect(one.Page.GetByText("Saved.")).ToBeVisibleAsync(); // the field still has the focus
        await Expect(other.Page.GetByRole(AriaRole.Textbox, new() { Name = "Note" })).ToHaveValueAsync("seen in Moby Dick");
        await other.Page.GetByLabel("Your label").PressSequentiallyAsync("harpoons");
        await Expect(one.Page.Locator(".label-text").First).ToHaveTextAsync("harpoons");
        await Expect(one.Page.GetByLabel("Your label")).ToHaveValueAsync("harpoons");
        using (FeatureCatalog catalog = FeatureCatalog.Open(place["run"]))
        {
            Assert.Equal("seen in Moby Dick", catalog.Annotation(3).Note);
            catalog.SetStar(3, true); // as the command line does
        }

        await Expect(one.Page.Locator(".feature-head [data-star]")).ToHaveAttributeAsync("aria-pressed", "true");
        one.AssertClean();
        other.AssertClean();
    }

    [Fact]
    public async Task A_note_that_was_changed_elsewhere_while_it_was_typed_is_not_overwritten_and_both_are_kept()
    {
        using var place = new Workplace();
        SampleCatalog.Build(place["run"], 20);
        await using Site site = await Site.Start(place.Folder);
        await using Browser browser = await Browser.Open(site, "/runs/run/features/3");
        IPage page = browser.Page;
        ILocator note = page.GetByRole(AriaRole.Textbox, new() { Name = "Note" });
        // Keys go on coming, so that something is unsaved whenever the page looks at what is stored.
        await note.EvaluateAsync("""
            box => {
              box.value = 'mine';
              window.typing = setInterval(() => { box.value += 'x'; box.dispatchEvent(new Event('input', { bubbles: true })); }, 100);
            }
            """);
        await page.WaitForFunctionAsync("() => document.querySelector('textarea').value.length > 6");
        using FeatureCatalog catalog = FeatureCatalog.Open(place["run"]);
        catalog.SetNote(3, "theirs");
        ILocator both = page.Locator(".parted");
        await Expect(both).ToContainTextAsync("theirs");
        await page.EvaluateAsync("() => clearInterval(window.typing)");
        string typed = await note.InputValueAsync();
        Assert.StartsWith("mine", typed, StringComparison.Ordinal);
        Assert.Equal("theirs", catalog.Annotation(3).Note);
        await page.GetByRole(AriaRole.Button, new() { Name = "Keep both" }).ClickAsync();
        await Expect(both).ToHaveCountAsync(0);
        await Expect(page.GetByText("Saved.")).ToBeVisibleAsync();
        Assert.Equal($"{typed}\n\ntheirs", catalog.Annotation(3).Note);
        browser.AssertClean();
    }

    [Fact]
    public async Task A_reload_right_after_the_last_key_loses_nothing()
    {
        using var place = new Workplace();
        SampleCatalog.Build(place["run"], 20);
        await using Site site = await Site.Start(place.Folder);
        await using Browser browser = await Browser.Open(site, "/runs/run/features/3");
        IPage page = browser.Page;
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Note" }).FillAsync("typed, then reloaded");
        await page.ReloadAsync();
        await Expect(page.GetByRole(AriaRole.Textbox, new() { Name = "Note" })).ToHaveValueAsync("typed, then reloaded");
        await browser.Alive();
        await Expect(page.GetByRole(AriaRole.Textbox, new() { Name = "Note" })).ToHaveValueAsync("typed, then reloaded");
        using FeatureCatalog catalog = FeatureCatalog.Open(place["run"]);
        for (int i = 0; i < 100 && catalog.Annotation(3).Note is null; i++) await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.Equal("typed, then reloaded", catalog.Annotation(3).Note);
        await Expect(page.Locator(".parted")).ToHaveCountAsync(0);
        await page.WaitForFunctionAsync("() => sessionStorage.getItem('unweave-draft /runs/run/features/3 note') === null");
        browser.AssertClean();
    }

    [Fact]
    public async Task Text_that_never_reached_the_server_is_in_the_field_again_and_is_saved()
    {
        using var place = new Workplace();
        SampleCatalog.Build(place["run"], 20);
        await using Site site = await Site.Start(place.Folder);
        await using Browser browser = await Browser.Open(site, "/runs/run");
        IPage page = browser.Page;
        await page.EvaluateAsync("() => sessionStorage.setItem('unweave-draft /runs/run/features/3 note', '[\"from before\", \"\"]')");
        await browser.Go(new Uri(site.Address, "/runs/run/features/3"));
        await Expect(page.GetByRole(AriaRole.Textbox, new() { Name = "Note" })).ToHaveValueAsync("from before");
        await Expect(page.GetByText("Saved.")).ToBeVisibleAsync();
        using FeatureCatalog catalog = FeatureCatalog.Open(place["run"]);
        Assert.Equal("from before", catalog.Annotation(3).Note);
        browser.AssertClean();
    }

    [Fact]
    public void The_catalog_writes_a_text_only_over_the_one_that_was_seen()
    {
        using var place = new Workplace();
        SampleCatalog.Build(place["run"], 20);
        using FeatureCatalog catalog = FeatureCatalog.Open(place["run"]);
        Assert.True(catalog.TrySetNote(3, " one ", null, out string? stored));
        Assert.Equal("one", stored);
        Assert.False(catalog.TrySetNote(3, "two", null, out stored));
        Assert.Equal("one", stored);
        Assert.Equal("one", catalog.Annotation(3).Note);
        Assert.True(catalog.TrySetNote(3, "two", "one", out _));
        Assert.True(catalog.TrySetLabel(3, "name", null, out _));
        Assert.False(catalog.TrySetLabel(3, null, "another", out stored));
        Assert.Equal("name", stored);
        Assert.Equal(new Annotation("name", "two", false, []).ToString(), (catalog.Annotation(3) with { Lists = [] }).ToString());
    }

    [Fact]
    public void A_text_follows_the_stored_one_until_it_is_edited_and_then_keeps_both()
    {
        string? store = "a";
        bool Save(string text, string? seen, out string? stored)
        {
            bool done = string.Equals(store, seen, StringComparison.Ordinal);
            if (done) store = text.Trim();
            stored = store;
            return done;
        }

        var text = new EditedText();
        Assert.True(text.See("a"));
        Assert.Equal("a", text.Typed);
        text.Type("ab ");
        Assert.True(text.TrySave(Save));
        Assert.Equal(("ab ", "ab", false), (text.Typed, text.Seen, text.Unsaved)); // the space stays while the person goes on
        Assert.False(text.See("ab"));

        text.Type("abc");
        store = "z";
        Assert.False(text.TrySave(Save));
        Assert.Equal((true, "z", "abc"), (text.Parted, text.Theirs, text.Typed));
        Assert.False(text.TrySave(Save));
        Assert.True(text.See("zz"));
        Assert.Equal("zz", text.Theirs);
        store = "zz";
        text.KeepMine();
        Assert.True(text.TrySave(Save));
        Assert.Equal("abc", store);

        text.Type("abcd");
        Assert.True(text.See(null));
        Assert.True(text.Parted);
        text.TakeTheirs();
        Assert.Equal(("", false, false), (text.Typed, text.Parted, text.Unsaved));
    }
}
