using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Unweave.Apps.Tests.Web;

/// <summary>The page of a sweep, served alone and beside other runs.</summary>
public sealed class SweepPageTests
{
    [Fact]
    public async Task A_sweep_has_a_page_and_its_runs_are_served()
    {
        using var place = new Workplace();
        place.WriteVectors("vectors.safetensors");
        place.Write("sweep.json",
            """{ "rows": 8000, "batch": 200, "autoencoder": { "latents": [24, 48, 96], "k": [2, 4, 8] } }""");
        (await place.Run("sweep", "sweep.json", "vectors.safetensors", "-o", "runs/grid")).Succeeded();
        (await place.Run("train", "vectors.safetensors", "--rows", "4000", "--batch", "200", "--latents", "24", "--k", "2", "-o",
            "runs/one")).Succeeded();
        await using (Site beside = await Site.Start(place["runs"]))
        {
            await using Browser browser = await Browser.Open(beside, "/");
            IPage page = browser.Page;
            await Expect(page.Locator("tr[data-run]")).ToHaveCountAsync(10);
            await page.GetByRole(AriaRole.Link, new() { Name = "grid", Exact = true }).ClickAsync();
            await Expect(page.Locator("h1")).ToHaveTextAsync("grid");
            ILocator lines = page.Locator("tr[data-run]");
            await Expect(lines).ToHaveCountAsync(9);
            await page.GetByRole(AriaRole.Button, new() { Name = "FVU" }).ClickAsync();
            await Expect(lines.First).ToContainTextAsync("k8"); // more active latents leave less unexplained
            await page.GetByRole(AriaRole.Button, new() { Name = "latents" }).ClickAsync();
            await page.GetByRole(AriaRole.Button, new() { Name = "latents" }).ClickAsync();
            await Expect(lines.First).ToContainTextAsync("latents96");
            await Expect(page.Locator(".plane-point")).ToHaveCountAsync(9);
            await Expect(page.Locator(".plane-front")).ToHaveCountAsync(1);
            await Expect(page.Locator(".law dd")).ToHaveCountAsync(6);
            await page.GetByRole(AriaRole.Link, new() { Name = "3-latents48-k2" }).First.ClickAsync();
            await Expect(page).ToHaveURLAsync(new Uri(beside.Address, "/runs/grid%3A3-latents48-k2").ToString());
            await Expect(page.Locator(".charts").First).ToBeVisibleAsync();
            browser.AssertClean();
        }

        await using Site alone = await Site.Start(place["runs/grid"]);
        await using Browser only = await Browser.Open(alone, "/");
        await Expect(only.Page.Locator("h1")).ToHaveTextAsync("grid");
        await only.Page.GetByRole(AriaRole.Link, new() { Name = "0-latents24-k2" }).First.ClickAsync();
        await Expect(only.Page).ToHaveURLAsync(new Uri(alone.Address, "/runs/0-latents24-k2").ToString());
        only.AssertClean();
        using HttpResponseMessage missing = await alone.Client.GetAsync("/sweeps/other", TestContext.Current.CancellationToken);
        Assert.Equal(System.Net.HttpStatusCode.NotFound, missing.StatusCode);
    }
}
