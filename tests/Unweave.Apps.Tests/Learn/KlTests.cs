using System.Globalization;
using Microsoft.Playwright;
using Unweave.Apps.Tests.Web;
using Unweave.Numerics;
using Unweave.Web.Learn.Divergences;

namespace Unweave.Apps.Tests.Learn;

/// <summary>The chapter about the KL divergence.</summary>
public sealed class KlTests(KlTests.Served served) : IClassFixture<KlTests.Served>
{
    /// <summary>Pairs from all over the sliders' ranges: means and variances.</summary>
    public static TheoryData<double, double, double, double> Pairs => new() { { 40, 20, 40, 20 }, { 40, 20, 45, 20 }, { 20, 6, 60, 60 }, { 60, 60, 20, 6 }, { 20, 6, 60, 6 }, { 33.5, 12, 47, 41.5 } };

    [Theory]
    [MemberData(nameof(Pairs))]
    public void The_sum_over_bins_is_the_formula_to_the_digits_shown(double meanP, double varianceP, double meanQ, double varianceQ)
    {
        Gaussian p = new(meanP, Math.Sqrt(varianceP)), q = new(meanQ, Math.Sqrt(varianceQ));
        var grid = new GaussianGrid(p, q);
        foreach (bool reversed in (bool[])[false, true]) Assert.Equal(DivergenceText.Of(grid.Kl(reversed, LogBase.Nats)), DivergenceText.Of(grid.SummedKl(reversed, LogBase.Nats)));
        Assert.Equal(DivergenceText.Of(grid.Js(LogBase.Bits)), DivergenceText.Of(grid.SummedJs(LogBase.Bits)));

        // By hand: ln(σq/σp) + (σp² + (μp−μq)²)/(2σq²) − ½.
        Assert.Equal((0.5 * Math.Log(varianceQ / varianceP)) + ((varianceP + ((meanP - meanQ) * (meanP - meanQ))) / (2 * varianceQ)) - 0.5, grid.Kl(false, LogBase.Nats), 1e-9);
        Assert.InRange(grid.Overlap, 0, 1);
    }

    [Fact]
    public void Overlap_is_what_the_means_leave()
    {
        // Of two normal distributions with equal σ, d apart, 2Φ(−d/2σ) overlaps: with d = 2σ it is 0.31731.
        Assert.Equal(0.317311, new GaussianGrid(new Gaussian(0, 3), new Gaussian(6, 3)).Overlap, 3);
        Assert.Equal(1, new GaussianGrid(new Gaussian(0, 3), new Gaussian(0, 3)).Overlap, 9);
    }

    [Fact]
    public void A_missing_outcome_makes_infinity_and_weights_are_normalised()
    {
        double[] half = [1, 1, 0, 0, 0, 0, 0, 0], quarter = [0.5, 0.5, 0.5, 0.5, 0, 0, 0, 0];
        var outcomes = new Outcomes(half, quarter);
        Assert.Equal(1, outcomes.Kl(false, LogBase.Bits), 1e-12); // log2 of 4/2
        Assert.Equal(double.PositiveInfinity, outcomes.Kl(true, LogBase.Bits));
        Assert.Empty(outcomes.Missing(false));
        Assert.Equal([2, 3], outcomes.Missing(true));
        Assert.True(outcomes.Set(1, 0, 0));
        Assert.Equal(double.PositiveInfinity, outcomes.Kl(false, LogBase.Nats));
        Assert.True(double.IsFinite(outcomes.Js(LogBase.Nats)));

        var last = new Outcomes([0, 0, 0, 0.4, 0, 0, 0, 0], half);
        Assert.False(last.Set(0, 3, 0));
        Assert.Equal(1, last.P[3]);
    }

    [Fact]
    public async Task Sliders_move_the_numbers_and_the_numbers_are_the_library_s()
    {
        await using Browser browser = await Browser.Open(served.Site, "/learn/kl");
        IPage page = browser.Page;
        await Assertions.Expect(page.GetByLabel("Mean of p")).ToHaveValueAsync("40");
        await Assertions.Expect(page.GetByLabel("Variance of q")).ToHaveValueAsync("20");
        await Row("pq", new Gaussian(40, Math.Sqrt(20)), new Gaussian(40, Math.Sqrt(20)));

        await page.GetByLabel("Mean of q").FillAsync("48.5");
        await page.GetByLabel("Variance of p").FillAsync("9.5");
        Gaussian p = new(40, Math.Sqrt(9.5)), q = new(48.5, Math.Sqrt(20));
        await Row("pq", p, q);
        await Row("qp", q, p);
        await Assertions.Expect(page.Locator("tr[data-row=js] td").Nth(1)).ToHaveTextAsync(Divergence.Js(p, q).ToString("F4", CultureInfo.InvariantCulture));
        await Assertions.Expect(page.Locator("[role=status]").First).ToContainTextAsync("farther");

        // It falls as they come to overlap, by the keyboard.
        double before = Divergence.Kl(p, q);
        await page.GetByLabel("Mean of q").PressAsync("ArrowLeft");
        await Row("pq", p, new Gaussian(48, Math.Sqrt(20)));
        Assert.True(Divergence.Kl(p, new Gaussian(48, Math.Sqrt(20))) < before);
        browser.AssertClean();

        async Task Row(string row, Gaussian from, Gaussian to)
        {
            ILocator cells = page.Locator($"tr[data-row={row}] td");
            await Assertions.Expect(cells.Nth(1)).ToHaveTextAsync(Divergence.Kl(from, to).ToString("F4", CultureInfo.InvariantCulture));
            await Assertions.Expect(cells.Nth(2)).ToHaveTextAsync(Divergence.Kl(from, to).ToString("F4", CultureInfo.InvariantCulture));
            await Assertions.Expect(cells.Nth(3)).ToHaveTextAsync(Divergence.Kl(from, to, LogBase.Bits).ToString("F4", CultureInfo.InvariantCulture));
        }
    }

    [Fact]
    public async Task Bars_are_dragged_and_pressed_and_infinity_is_shown()
    {
        await using Browser browser = await Browser.Open(served.Site, "/learn/kl", width: 420, dark: true);
        IPage page = browser.Page;
        await page.GetByRole(AriaRole.Button, new() { Name = "Falling and rising" }).ClickAsync();
        double[] p = [1, 0.8, 0.65, 0.5, 0.4, 0.3, 0.2, 0.1], q = [0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1];
        await Shows(p, q);

        ILocator bar = page.GetByRole(AriaRole.Slider, new() { Name = "p of outcome 8" });
        await bar.PressAsync("ArrowUp");
        p[7] = 0.15;
        await Shows(p, q);

        ILocator last = page.GetByRole(AriaRole.Slider, new() { Name = "q of outcome 1" });
        await last.ScrollIntoViewIfNeededAsync();
        LocatorBoundingBoxResult box = (await last.BoundingBoxAsync())!;
        await page.Mouse.MoveAsync(box.X + (box.Width / 2), box.Y + (box.Height / 2));
        await page.Mouse.DownAsync();
        await page.Mouse.MoveAsync(box.X + (box.Width / 2), box.Y + box.Height + 20, new() { Steps = 5 });
        await page.Mouse.UpAsync();
        await Assertions.Expect(page.Locator("[data-value=pq]")).ToHaveTextAsync("∞ nats");
        await Assertions.Expect(page.Locator("[role=status]").Last).ToContainTextAsync("p gives outcome 1, which q holds to be impossible");
        q[0] = 0;
        await Assertions.Expect(page.Locator("[data-value=js]")).ToHaveTextAsync($"{Js(p, q)} nats");
        await page.GetByLabel("bits").CheckAsync(new() { Force = true });
        await Assertions.Expect(page.Locator("[data-value=pq]")).ToHaveTextAsync("∞ bits");
        browser.AssertClean();

        async Task Shows(double[] first, double[] second)
        {
            var outcomes = new Outcomes(first, second);
            await Assertions.Expect(page.Locator("[data-value=pq]")).ToHaveTextAsync($"{outcomes.Kl(false, LogBase.Nats).ToString("F4", CultureInfo.InvariantCulture)} nats");
            await Assertions.Expect(page.Locator("[data-value=qp]")).ToHaveTextAsync($"{outcomes.Kl(true, LogBase.Nats).ToString("F4", CultureInfo.InvariantCulture)} nats");
        }

        static string Js(double[] first, double[] second) => new Outcomes(first, second).Js(LogBase.Nats).ToString("F4", CultureInfo.InvariantCulture);
    }

    /// <summary>The explainer.</summary>
    public sealed class Served : IAsyncLifetime
    {
        internal Site Site { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Site = await Site.Learn();

        public ValueTask DisposeAsync() => Site.DisposeAsync();
    }
}
