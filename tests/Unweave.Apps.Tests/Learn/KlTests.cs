using Microsoft.Playwright;
using Unweave.Apps.Tests.Web;
using Unweave.Learn.Numerics;
using Unweave.Numerics;
using Unweave.Learn.Divergences;
using static Microsoft.Playwright.Assertions;

namespace Unweave.Apps.Tests.Learn;

/// <summary>The chapter on KL, in a browser.</summary>
public sealed class KlTests
{
    [Fact]
    public async Task Sliders_change_the_divergences_which_are_the_library_s()
    {
        await using Site site = await Site.Learn();
        await using Browser browser = await Browser.Open(site, "/learn/kl");
        IPage page = browser.Page;
        await Reads(page, new GaussianPair(40, 20, 50, 20), 1);
        await page.GetByRole(AriaRole.Button, new() { Name = "The same" }).ClickAsync();
        await Reads(page, new GaussianPair(40, 20, 40, 20), 1);
        await Expect(page.Locator("[data-value=asymmetry]")).ToContainTextAsync("all three are 0");
        await Expect(page.Locator("[data-value=below]")).ToHaveTextAsync("0");

        await Slide(page, "Mean of q", 47.5);
        await Reads(page, new GaussianPair(40, 20, 47.5, 20), 1);
        await Slide(page, "Variance of p", 42);
        await Slide(page, "Variance of q", 9);
        await Slide(page, "Mean of p", 36);
        var pair = new GaussianPair(36, 42, 47.5, 9);
        await Reads(page, pair, 1);
        await Expect(page.Locator("[data-value=asymmetry]")).ToHaveTextAsync(pair.Asymmetry);
        await Slide(page, "Width of a bin", 6);
        await Reads(page, pair, 10);

        await page.GetByRole(AriaRole.Radiogroup, new() { Name = "Direction", Exact = true }).GetByText("KL(q‖p)").ClickAsync();
        await Expect(page.Locator("[data-value=signed]")).ToHaveTextAsync(Written.Format(pair.Exact.QToP));

        await page.GetByRole(AriaRole.Button, new() { Name = "Far apart" }).ClickAsync();
        await Reads(page, new GaussianPair(30, 20, 70, 20), 10);
        await Expect(page.Locator("[data-value=overlap]")).ToHaveTextAsync("less than 0.01%");

        // A key moves a slider by a step.
        await page.GetByLabel("Mean of q").FocusAsync();
        await page.Keyboard.PressAsync("ArrowLeft");
        await Reads(page, new GaussianPair(30, 20, 69.5, 20), 10);
        browser.AssertClean();
    }

    [Fact]
    public async Task Bars_of_outcomes_are_moved_by_keys_and_by_the_pointer_and_a_missing_support_is_infinite()
    {
        await using Site site = await Site.Learn();
        await using Browser browser = await Browser.Open(site, "/learn/kl");
        IPage page = browser.Page;
        ILocator demo =
            page.Locator("figure.demo", new() { Has = page.GetByRole(AriaRole.Group, new() { Name = "Examples of outcomes" }) });

        // It opens on a pair whose two directions differ clearly, and says so.
        var fair = new OutcomeShares(1, 1, 1, 1, 1, 1, 1, 1);
        var loaded = new OutcomeShares(4, 4, 4, 4, 3, 3, 2, 0.1);
        await ReadsOutcomes(demo, fair, loaded);
        Assert.True(Divergence.Kl(fair.Span, loaded.Span) > 2 * Divergence.Kl(loaded.Span, fair.Span));
        await Expect(demo.Locator("[data-value=support]")).ToContainTextAsync("KL is not symmetric");

        await demo.GetByRole(AriaRole.Button, new() { Name = "Alike" }).ClickAsync();
        var p = new OutcomeShares(2, 4, 7, 9, 7, 4, 2, 1);
        var q = new OutcomeShares(1, 2, 4, 7, 9, 7, 4, 2);
        await ReadsOutcomes(demo, p, q);

        ILocator bar = demo.GetByRole(AriaRole.Slider, new() { Name = "p of d", Exact = true });
        await bar.FocusAsync();
        await page.Keyboard.PressAsync("ArrowUp");
        p.Set(3, p.Values[3] + 0.01);
        await ReadsOutcomes(demo, p, q);
        await page.Keyboard.PressAsync("PageDown");
        p.Set(3, p.Values[3] - 0.05);
        await ReadsOutcomes(demo, p, q);

        await demo.GetByRole(AriaRole.Slider, new() { Name = "q of c", Exact = true }).FocusAsync();
        await page.Keyboard.PressAsync("Home");
        q.Set(2, 0);
        await ReadsOutcomes(demo, p, q);
        await Expect(demo.Locator("[data-value=kl-pq]")).ToHaveTextAsync("∞");
        await Expect(demo.Locator("[data-value=support]"))
            .ToContainTextAsync("KL(p‖q) is ∞: under p, c can happen, but q says that it is impossible");
        await Expect(demo.Locator("[data-value=support]")).ToContainTextAsync("JS stays finite");

        // Dragged up to 0.26 of its box, whose top is a half.
        ILocator box = demo.GetByRole(AriaRole.Group, new() { Name = "q", Exact = true }).Locator(".drag-box");
        await box.ScrollIntoViewIfNeededAsync();
        LocatorBoundingBoxResult at = (await box.BoundingBoxAsync())!;
        float x = at.X + (at.Width * 2.5f / 8);
        await page.Mouse.MoveAsync(x, at.Y + (at.Height * 0.9f));
        await page.Mouse.DownAsync();
        await page.Mouse.MoveAsync(x, at.Y + (at.Height * 0.74f), new() { Steps = 5 });
        await page.Mouse.UpAsync();
        await Expect(demo.GetByRole(AriaRole.Slider, new() { Name = "q of c", Exact = true }))
            .ToHaveAttributeAsync("aria-valuetext", "13%");
        await Expect(demo.Locator("[data-value=kl-pq]")).Not.ToHaveTextAsync("∞");

        await demo.GetByRole(AriaRole.Button, new() { Name = "Nothing in common" }).ClickAsync();
        await Expect(demo.Locator("[data-value=kl-qp]")).ToHaveTextAsync("∞");
        await Expect(demo.Locator("[data-value=js-bits]")).ToHaveTextAsync("1.0000");
        browser.AssertClean();
    }

    [Fact]
    public async Task A_telephone_shows_the_chapters_without_scrolling_sideways()
    {
        await using Site site = await Site.Learn();
        await using Browser browser = await Browser.Open(site, "/learn/kl", width: 380, dark: true);
        foreach (string chapter in new[] { "/learn/kl", "/learn/sparsity", "/learn/l1" })
        {
            await browser.Go(new Uri(site.Address, chapter));
            Assert.True(await browser.Page.EvaluateAsync<bool>("() => document.documentElement.scrollWidth <= 380"), chapter);
        }

        browser.AssertClean();
    }

    /// <summary>Moves a slider as a drag does.</summary>
    internal static async Task Slide(IPage page, string label, double value) =>
        await page.GetByLabel(label, new() { Exact = false }).First.EvaluateAsync(
            "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input', { bubbles: true })); }", value);

    private static async Task Reads(IPage page, GaussianPair pair, double binWidth)
    {
        ILocator demo = page.Locator("figure.demo").First;
        double kl = Divergence.Kl(pair.P, pair.Q), back = Divergence.Kl(pair.Q, pair.P), js = GaussianDensity.Js(pair.P, pair.Q);
        await Expect(demo.Locator("[data-value=kl-pq]")).ToHaveTextAsync(Written.Format(kl));
        await Expect(demo.Locator("[data-value=kl-qp]")).ToHaveTextAsync(Written.Format(back));
        await Expect(demo.Locator("[data-value=js]")).ToHaveTextAsync(Written.Format(js));
        await Expect(demo.Locator("[data-value=kl-pq-bits]")).ToHaveTextAsync(Written.Format(Divergence.Kl(pair.P, pair.Q, LogBase.Bits)));
        await Expect(demo.Locator("[data-value=js-bits]"))
            .ToHaveTextAsync(Written.Format(GaussianDensity.Js(pair.P, pair.Q, LogBase.Bits)));

        // Bars are on scales that never change: KL from 0 to 10 nats, with a mark beyond; JS up to ln 2.
        foreach ((string id, double nats, double top) in new[] { ("kl-pq", kl, 10), ("kl-qp", back, 10), ("js", js, Math.Log(2)) })
        {
            ILocator bar = demo.Locator($"[data-bar={id}]");
            double shown = await bar.EvaluateAsync<double>(
                "bar => bar.firstElementChild.getBoundingClientRect().width / bar.getBoundingClientRect().width");
            Assert.Equal(Math.Min(1, nats / top), shown, 0.005);
            Assert.Equal(nats > top + 1e-6 ? 1 : 0, await bar.Locator(".kl-beyond").CountAsync());
        }

        double[] p = GaussianPair.Bins(pair.P, binWidth), q = GaussianPair.Bins(pair.Q, binWidth);
        await Expect(page.Locator("[data-value=exact-kl-pq]")).ToHaveTextAsync(Written.Format(kl));
        await Expect(page.Locator("[data-value=sum-kl-pq]")).ToHaveTextAsync(Written.Format(Divergence.Kl(p, q)));
        await Expect(page.Locator("[data-value=sum-kl-qp]")).ToHaveTextAsync(Written.Format(Divergence.Kl(q, p)));
        await Expect(page.Locator("[data-value=sum-js-bits]")).ToHaveTextAsync(Written.Format(Divergence.Js(p, q, LogBase.Bits)));
    }

    private static async Task ReadsOutcomes(ILocator demo, OutcomeShares p, OutcomeShares q)
    {
        await Expect(demo.Locator("[data-value=kl-pq]")).ToHaveTextAsync(Written.Format(Divergence.Kl(p.Span, q.Span)));
        await Expect(demo.Locator("[data-value=kl-qp]")).ToHaveTextAsync(Written.Format(Divergence.Kl(q.Span, p.Span)));
        await Expect(demo.Locator("[data-value=js]")).ToHaveTextAsync(Written.Format(Divergence.Js(p.Span, q.Span)));
        await Expect(demo.Locator("[data-value=js-bits]")).ToHaveTextAsync(Written.Format(Divergence.Js(p.Span, q.Span, LogBase.Bits)));
    }
}
