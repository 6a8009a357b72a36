using Microsoft.Playwright;
using Unweave.Apps.Tests.Web;
using Unweave.Numerics;
using Unweave.Learn.L1;
using static Microsoft.Playwright.Assertions;

namespace Unweave.Apps.Tests.Learn;

/// <summary>The chapter on L1, in a browser.</summary>
public sealed class L1Tests
{
    [Fact]
    public async Task The_point_and_the_centre_are_moved_by_keys_and_by_the_pointer_and_the_corner_is_exactly_zero()
    {
        await using Site site = await Site.Learn();
        await using Browser browser = await Browser.Open(site, "/learn/l1");
        IPage page = browser.Page;

        // The balls through a point.
        ILocator point = page.GetByRole(AriaRole.Slider, new() { Name = "The point", Exact = true });
        await point.FocusAsync();
        await page.Keyboard.PressAsync("ArrowRight");
        await page.Keyboard.PressAsync("Shift+ArrowDown");
        await KlTests.Slide(page, "Power p", 3);
        double[] at = [1.3, 0.4];
        await Expect(page.Locator("[data-value=ball-l1]")).ToHaveTextAsync(Figures.Score(Norms.L1(at)));
        await Expect(page.Locator("[data-value=ball-l2]")).ToHaveTextAsync(Figures.Score(Norms.L2(at)));
        await Expect(page.Locator("[data-value=ball-lp]")).ToHaveTextAsync(Figures.Score(Norms.Lp(at, 3)));

        // The corner.
        await Reads(page, new Bowl(new(2.1, 0.6), 1.6, 25), 1);
        await Expect(page.Locator("[data-value=l1-solution] .exact")).ToHaveTextAsync("x₂ = 0");
        await Expect(page.Locator("[data-value=corner]")).ToContainTextAsync("x₂ is exactly 0");
        await KlTests.Slide(page, "Limit t", 1.5);
        await KlTests.Slide(page, "Stretch of the ellipses", 2);
        await KlTests.Slide(page, "Tilt in degrees", -40);
        await Reads(page, new Bowl(new(2.1, 0.6), 2, -40), 1.5);
        ILocator center = page.GetByRole(AriaRole.Slider, new() { Name = "Center of the ellipses, with the L1 limit" });
        await center.FocusAsync();
        await page.Keyboard.PressAsync("ArrowUp");
        await Reads(page, new Bowl(new(2.1, 0.7), 2, -40), 1.5);

        // Dragged in the other picture, it moves in both.
        ILocator plane = page.Locator(".plane").Nth(2);
        await plane.ScrollIntoViewIfNeededAsync();
        LocatorBoundingBoxResult box = (await plane.BoundingBoxAsync())!;
        await page.Mouse.MoveAsync(box.X + (box.Width * 0.6f), box.Y + (box.Height * 0.4f));
        await page.Mouse.DownAsync();
        await page.Mouse.MoveAsync(box.X + (box.Width * 0.25f), box.Y + (box.Height * 0.25f), new() { Steps = 4 });
        await page.Mouse.UpAsync();
        await Expect(center).ToHaveAttributeAsync("aria-valuetext", "x₁ −1.5, x₂ 1.5");
        await Reads(page, new Bowl(new(-1.5, 1.5), 2, -40), 1.5);
        browser.AssertClean();
    }

    private static async Task Reads(IPage page, Bowl bowl, double t)
    {
        string Written(PlanePoint at) => $"x₁ = {Corner.Written(at.X1)} x₂ = {Corner.Written(at.X2)}";
        await Expect(page.Locator("[data-value=l1-solution]")).ToHaveTextAsync(Written(bowl.WithinL1(t).At));
        await Expect(page.Locator("[data-value=l2-solution]")).ToHaveTextAsync(Written(bowl.WithinL2(t).At));
    }
}
