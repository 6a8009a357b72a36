using System.Globalization;
using Microsoft.Playwright;
using Unweave.Apps.Tests.Web;
using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Learn.Numerics;
using Unweave.Numerics;
using Unweave.Training;
using Unweave.Learn;
using Unweave.Learn.Compression;

namespace Unweave.Apps.Tests.Learn;

/// <summary>The chapter about autoencoders.</summary>
[Collection(LiveDemonstrations.Name)]
public sealed class CompressionTests
{
    [Fact]
    public void Each_width_trains_within_its_rows_and_the_wider_keep_more()
    {
        using var pictures = new MatrixSource(FashionImages.Rows(0, Bottlenecks.Trained));
        using var held = new MatrixSource(FashionImages.Rows(Bottlenecks.Trained, Bottlenecks.HeldOut));
        var errors = new List<double>();
        foreach (int width in (int[])[2, 8, 32])
        {
            using var run = TrainingRun.Start(Bottlenecks.Settings(width), pictures);
            while (!run.Finished) run.Next();
            errors.Add(Evaluator.Run(run.Autoencoder, held).Fvu);
        }

        Assert.Equal(errors.OrderDescending(), errors);

        // With two numbers a network that bends is ahead of the best that can only add; the page says so.
        using Baseline components = Baseline.Fit(BaselineKind.Pca, pictures, 2, 0);
        Assert.True(errors[0] < components.Run(held).Fvu);
        Assert.InRange(errors[2], 0.05, 0.25);
    }

    [Fact]
    public void Components_kept_in_part_are_components_fitted_in_part()
    {
        using var pictures = new MatrixSource(FashionImages.Rows(0, 600));
        using Matrix held = FashionImages.Rows(Bottlenecks.Trained, 40);
        using Baseline many = Baseline.Fit(BaselineKind.Pca, pictures, 12, 0), few = Baseline.Fit(BaselineKind.Pca, pictures, 3, 0);
        using Matrix a = new ComponentsCodec(many).Rebuild(held, 3), b = new ComponentsCodec(few).Rebuild(held, 3);
        Assert.True(Evaluator.Compare(a, b, "both").Mse < 1e-6);
        Assert.Equal(few.Run(new MatrixSource(held)).Fvu, Evaluator.Compare(held, a, "few").Fvu, 1e-5);
        Assert.Throws<ArgumentOutOfRangeException>(() => new ComponentsCodec(many).Rebuild(held, 13));
    }

    [Fact]
    public void All_cosine_waves_lose_nothing_and_the_error_of_some_is_the_length_of_the_others()
    {
        using Matrix picture = FashionImages.Rows(9_100, 1);
        var codec = new CosineCodec();
        using Matrix whole = codec.Rebuild(picture, FashionImages.Pixels), some = codec.Rebuild(picture, 16);
        Assert.True(Evaluator.Compare(picture, whole, "whole").Mse < 1e-9);
        double[] coefficients = Dct.Forward([.. picture.Row(0).ToArray().Select(pixel => (double)pixel)], FashionImages.Side);
        double dropped = Dct.ZigZag(FashionImages.Side, FashionImages.Side).Skip(16)
            .Sum(place => coefficients[place] * coefficients[place]);
        Assert.Equal(dropped, Evaluator.Compare(picture, some, "some").Mse, 1e-4);
    }

    [Fact]
    public async Task A_reader_moves_the_bottleneck_and_draws()
    {
        await using Site site = await Site.Learn();
        await using Browser browser = await Browser.Open(site, "/learn/sparsity");
        IPage page = browser.Page;

        // However late the pad's script comes, no stroke is lost.
        await page.RouteAsync("**/compression*.js", async route =>
        {
            await Task.Delay(TimeSpan.FromSeconds(2));
            await route.ContinueAsync();
        });
        await browser.Go(new Uri(site.Address, "/learn/autoencoder"));
        ILocator lost = page.Locator("[data-value=fvu]");
        await Assertions.Expect(lost).ToBeVisibleAsync(new() { Timeout = LiveDemonstrations.Deadline });
        await Assertions.Expect(page.Locator(".code-bars span")).ToHaveCountAsync(8);
        int picture = Enumerable.Range(Bottlenecks.Trained, Bottlenecks.HeldOut).First(index => FashionImages.Label(index) == 9);
        await Assertions.Expect(page.Locator("[data-value=dct]")).ToHaveTextAsync(Cosines(picture, 8));

        string before = await lost.InnerTextAsync();
        await page.GetByLabel("Width of the bottleneck").PressAsync("ArrowLeft");
        await Assertions.Expect(page.Locator("[data-value=dct]")).ToHaveTextAsync(Cosines(picture, 4));
        await Assertions.Expect(page.Locator(".code-bars span")).ToHaveCountAsync(4, new() { Timeout = LiveDemonstrations.Deadline });
        await Assertions.Expect(lost).Not.ToHaveTextAsync(before);

        // The other widths follow by themselves, so that the curve is whole.
        await Assertions.Expect(page.Locator(".chart-dot.s1"))
            .ToHaveCountAsync(Bottlenecks.Widths.Count, new() { Timeout = LiveDemonstrations.Deadline });

        await page.GetByRole(AriaRole.Button, new() { Name = "Draw one" }).ClickAsync();
        ILocator pad = page.GetByRole(AriaRole.Application, new() { Name = "Drawing pad" });
        ILocator drawing = page.GetByAltText("Your drawing");
        string blank = (await drawing.GetAttributeAsync("src"))!;
        await pad.ScrollIntoViewIfNeededAsync();
        LocatorBoundingBoxResult box = (await pad.BoundingBoxAsync())!;
        await page.Mouse.MoveAsync(box.X + 40, box.Y + 40);
        await page.Mouse.DownAsync();
        await page.Mouse.MoveAsync(box.X + 120, box.Y + 120, new() { Steps = 8 });
        await page.Mouse.UpAsync();
        await Assertions.Expect(drawing).Not.ToHaveAttributeAsync("src", blank);
        string stroke = (await drawing.GetAttributeAsync("src"))!;
        await pad.PressAsync("ArrowRight");
        await pad.PressAsync(" ");
        await Assertions.Expect(drawing).Not.ToHaveAttributeAsync("src", stroke);
        await page.GetByRole(AriaRole.Button, new() { Name = "Clear" }).ClickAsync();
        await Assertions.Expect(drawing).ToHaveAttributeAsync("src", blank);
        browser.AssertClean();
    }

    // The share of how much pictures vary, as the page writes it.
    private static string Cosines(int picture, int kept)
    {
        using Matrix x = FashionImages.Rows(picture, 1), again = new CosineCodec()
            .Rebuild(x, kept), held = FashionImages.Rows(Bottlenecks.Trained, Bottlenecks.HeldOut);
        double spread = Enumerable.Range(0, held.Columns).Sum(c =>
        {
            double[] column = [.. Enumerable.Range(0, held.Rows).Select(r => (double)held[r, c])];
            double mean = column.Average();
            return column.Average(value => (value - mean) * (value - mean));
        });
        return Figures.Percent(Evaluator.Compare(x, again, "picture").Mse / spread).ToString(CultureInfo.InvariantCulture);
    }
}
