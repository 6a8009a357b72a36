using Microsoft.Playwright;
using Unweave.Apps.Tests.Web;
using Unweave.Learn.Numerics;
using Unweave.Numerics;
using Unweave.Learn.Sparsity;
using static Microsoft.Playwright.Assertions;

namespace Unweave.Apps.Tests.Learn;

/// <summary>The chapter on sparsity: its code, and its page in a browser.</summary>
public sealed class SparsityTests
{
    [Fact]
    public void The_dense_code_is_as_long_as_the_sparse_one_and_has_a_larger_L1()
    {
        EditableCode sparse = EditableCode.Sparse(), dense = EditableCode.Dense();
        Assert.Equal(5, Norms.L0(sparse.Span));
        Assert.Equal(EditableCode.Length, Norms.L0(dense.Span));
        Assert.Equal(Norms.L2(sparse.Span), Norms.L2(dense.Span), 1e-12);
        Assert.True(Norms.L1(dense.Span) > 2 * Norms.L1(sparse.Span));
        Assert.All(dense.Values, value => Assert.InRange(value, 0, 1));
    }

    [Fact]
    public void Losses_and_sets_by_hand()
    {
        var code = new EditableCode();
        Assert.Equal(0, code.Lost(new double[EditableCode.Length]));
        code.Set(0, 0.8);
        code.Set(1, 0.6);
        double[] kept = new double[EditableCode.Length];
        Assert.Equal(1, code.Lost(kept), 1e-12);
        kept[0] = 0.8;
        Assert.Equal(0.36, code.Lost(kept), 1e-12);
        Assert.Equal([1, 24, 276, 42_504, 2_704_156, 1], new[] { 0, 1, 2, 5, 12, 24 }.Select(EditableCode.Sets));
        Assert.Equal(EditableCode.Length, EditableCode.Names.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public async Task Editing_the_code_changes_its_norms_and_what_is_kept_of_it()
    {
        await using Site site = await Site.Learn();
        await using Browser browser = await Browser.Open(site, "/learn/sparsity");
        IPage page = browser.Page;
        EditableCode code = EditableCode.Sparse();
        await Reads(page, code, Shrinkage.Soft(code.Span, 0));

        // Keys: up by a step, down to 0.
        await page.GetByRole(AriaRole.Slider, new() { Name = "rivers", Exact = true }).FocusAsync();
        await page.Keyboard.PressAsync("ArrowUp");
        code.Set(6, 0.05);
        await Reads(page, code, code.Span);
        await page.GetByRole(AriaRole.Slider, new() { Name = "past tense", Exact = true }).FocusAsync();
        await page.Keyboard.PressAsync("Delete");
        code.Set(7, 0);
        await Reads(page, code, code.Span);

        // A click clears a bar; another brings it back to where it is.
        ILocator box = page.Locator(".drag-box").Nth(1);
        LocatorBoundingBoxResult at = (await box.BoundingBoxAsync())!;
        float x = at.X + (at.Width * 8.5f / 12);
        await page.Mouse.ClickAsync(x, at.Y + (at.Height * 0.4f));
        code.Set(20, 0);
        await Reads(page, code, code.Span);
        await page.Mouse.ClickAsync(x, at.Y + (at.Height * 0.4f));
        await Expect(page.GetByRole(AriaRole.Slider, new() { Name = "sports results" })).ToHaveAttributeAsync("aria-valuetext", "0.60");

        await page.GetByRole(AriaRole.Button, new() { Name = "A sparse code" }).ClickAsync();
        code = EditableCode.Sparse();
        await KlTests.Slide(page, "Threshold λ", 0.2);
        await Reads(page, code, Shrinkage.Soft(code.Span, 0.2));
        await page.GetByText("Keep the k largest", new() { Exact = true }).First.ClickAsync();
        await KlTests.Slide(page, "Keep k", 2);
        await Reads(page, code, Shrinkage.KeepLargest(code.Span, 2));
        await page.GetByRole(AriaRole.Button, new() { Name = "A dense one" }).ClickAsync();
        code = EditableCode.Dense();
        await Reads(page, code, Shrinkage.KeepLargest(code.Span, 2));
        browser.AssertClean();
    }

    private static async Task Reads(IPage page, EditableCode code, ReadOnlyMemory<double> kept)
    {
        async Task Reading(string name, string text) => await Expect(page.Locator($"[data-value={name}]")).ToHaveTextAsync(text);
        await Reading("l0", Figures.Count(Norms.L0(code.Span)));
        await Reading("l1", Figures.Score(Norms.L1(code.Span)));
        await Reading("sets", Figures.Count(EditableCode.Sets(Norms.L0(code.Span))));
        await Reading("kept-l0", Figures.Count(Norms.L0(kept.Span)));
        await Reading("kept-l1", Figures.Score(Norms.L1(kept.Span)));
        await Reading("lost", Figures.Percent(code.Lost(kept.Span)));
    }

    private static Task Reads(IPage page, EditableCode code, ReadOnlySpan<double> kept) =>
        Reads(page, code, (ReadOnlyMemory<double>)kept.ToArray());
}
