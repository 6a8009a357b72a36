using Microsoft.Playwright;
using Unweave.Apps.Tests.Web;
using Unweave.Learn.Superposition;
using Unweave.Numerics;
using static Microsoft.Playwright.Assertions;

namespace Unweave.Apps.Tests.Learn;

/// <summary>The toy model of superposition, and its chapter in a browser.</summary>
[Collection(LiveDemonstrations.Name)]
public sealed class SuperpositionTests
{
    [Fact]
    public void The_gradient_is_the_slope_of_the_loss()
    {
        var model = new ToyModel(presence: 0.5, seed: 3);
        var rng = new Rng(9);
        double[] x = new double[40 * ToyModel.Features];
        for (int i = 0; i < x.Length; i++) x[i] = rng.NextDouble() < 0.5 ? rng.NextDouble() : 0;
        for (int i = 0; i < model.Weights.Length; i++) model.Weights[i] += 0.1 * rng.NextNormal();
        model.Learn(x);
        double[] gradient = model.Gradient.ToArray();
        Assert.Contains(gradient, slope => Math.Abs(slope) > 1e-3);
        for (int i = 0; i < gradient.Length; i++)
        {
            const double Step = 1e-6;
            double at = model.Weights[i];
            model.Weights[i] = at + Step;
            double above = model.Learn(x);
            model.Weights[i] = at - Step;
            double below = model.Learn(x);
            model.Weights[i] = at;
            Assert.Equal((above - below) / (2 * Step), gradient[i], 1e-6);
        }
    }

    [Fact]
    public void Rare_features_form_a_pentagon_and_constant_ones_keep_two_right_angles()
    {
        ToyModel rare = Trained(0.05), always = Trained(1);
        Assert.All(rare.Directions, direction => Assert.True(ToyModel.Stored(direction)));
        double[] angles = [.. rare.Directions.Select(Angle).Order()];
        for (int i = 0; i < angles.Length; i++)
        {
            double gap = i == 0 ? angles[0] + (2 * Math.PI) - angles[^1] : angles[i] - angles[i - 1];
            Assert.Equal(2 * Math.PI / ToyModel.Features, gap, 0.12); // 72°, within 7°
        }

        // Each comes out of its own place, with little of it at the others'.
        for (int i = 0; i < ToyModel.Features; i++)
        {
            double[] response = rare.Response(i);
            Assert.Equal(1, response[i], 0.1);
            Assert.All(response.Where((_, j) => j != i), other => Assert.InRange(other, 0, 0.25));
        }

        int[] stored = [.. Enumerable.Range(0, ToyModel.Features).Where(i => ToyModel.Stored(always.Directions[i]))];
        Assert.Equal([0, 1], stored); // the two most important
        ((double x0, double y0), (double x1, double y1)) = (always.Directions[0], always.Directions[1]);
        Assert.Equal(0, (x0 * x1) + (y0 * y1), 0.02);
    }

    [Fact]
    public async Task The_arrows_settle_in_the_browser_and_the_slider_trains_again()
    {
        await using Site site = await Site.Learn();
        await using Browser browser = await Browser.Open(site, "/learn/superposition");
        ILocator demo = browser.Page.GetByRole(AriaRole.Figure, new() { Name = "Superposition", Exact = true });
        await demo.GetByRole(AriaRole.Button, new() { Name = "Start" }).ClickAsync();
        await Finished(demo);
        ToyModel model = Trained(0.05);
        await Expect(demo.Locator("[data-value=stored]")).ToContainTextAsync("All 5 features are stored");
        await Expect(demo.Locator("[data-response='0-0']")).ToHaveTextAsync(Figures.Score(model.Response(0)[0]));
        await Expect(demo.Locator("[data-response='3-4']")).ToHaveTextAsync(Figures.Score(model.Response(3)[4]));

        await KlTests.Slide(browser.Page, "How often each feature is present", 0);
        await Expect(demo.Locator("[data-value=stored]"))
            .ToContainTextAsync("stores 2 of 5", new() { Timeout = LiveDemonstrations.Deadline });
        await Expect(demo.Locator("[data-response='0-0']")).ToHaveTextAsync(Figures.Score(Trained(1).Response(0)[0]));
        browser.AssertClean();
    }

    [Fact]
    public async Task A_demonstration_starts_when_it_is_scrolled_to_unless_the_reader_prefers_less_motion()
    {
        await using Site site = await Site.Learn();
        await using (Browser browser = await Browser.Open(site, "/learn/superposition", motion: true))
        {
            ILocator demo = browser.Page.GetByRole(AriaRole.Figure, new() { Name = "Superposition", Exact = true });
            await demo.ScrollIntoViewIfNeededAsync();
            await Finished(demo);
            browser.AssertClean();
        }

        // Far below the first view, nothing runs before it is scrolled to.
        await using (Browser browser = await Browser.Open(site, "/learn/kl-elsewhere", motion: true))
        {
            ILocator game = browser.Page.GetByRole(AriaRole.Figure, new() { Name = "Generative adversarial network", Exact = true });
            await browser.Page.WaitForTimeoutAsync(800);
            await Expect(game.Locator("[role=status]")).ToHaveAttributeAsync("data-stage", "ready");
            await game.EvaluateAsync("figure => figure.scrollIntoView()");
            await Expect(game.Locator("[role=status]")).Not.ToHaveAttributeAsync("data-stage", "ready");
        }

        await using (Browser browser = await Browser.Open(site, "/learn/superposition"))
        {
            ILocator demo = browser.Page.GetByRole(AriaRole.Figure, new() { Name = "Superposition", Exact = true });
            await demo.ScrollIntoViewIfNeededAsync();
            await browser.Page.WaitForTimeoutAsync(800);
            await Expect(demo.Locator("[role=status]")).ToHaveAttributeAsync("data-stage", "ready");
        }
    }

    private static Task Finished(ILocator demo) =>
        demo.Locator("[data-stage=finished]").WaitForAsync(new() { Timeout = LiveDemonstrations.Deadline });

    private static double Angle((double X, double Y) direction) => Math.Atan2(direction.Y, direction.X);

    private static ToyModel Trained(double presence)
    {
        var model = new ToyModel(presence, seed: 1);
        while (!model.Finished) model.Next();
        return model;
    }
}
