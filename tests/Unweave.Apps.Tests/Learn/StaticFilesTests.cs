using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Logging;
using Microsoft.Playwright;
using Unweave.Apps.Tests.Web;
using Unweave.Learn;
using Unweave.Learn.Divergences;
using Unweave.Learn.Superposition;
using static Microsoft.Playwright.Assertions;

namespace Unweave.Apps.Tests.Learn;

/// <summary>
/// The explainer as static files. Publishing them takes a minute, so it is done only when asked for: <c>UNWEAVE_STATIC=1</c>.
/// </summary>
[Collection(LiveDemonstrations.Name)]
public sealed class StaticFilesTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_chapter_opens_at_its_address_and_the_small_demonstrations_run_in_the_browser()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("UNWEAVE_STATIC") is "1",
            "Publishing the static files takes a minute; set UNWEAVE_STATIC=1 to test them.");
        using var place = new Workplace();
        await Publish(place["site"]);
        foreach (Chapter chapter in Chapter.All)
            Assert.True(File.Exists(Path.Combine(place["site"], "wwwroot", chapter.Address[1..], "index.html")), chapter.Address);

        await using WebApplication server = Serve(Path.Combine(place["site"], "wwwroot"));
        await server.StartAsync(Cancellation);
        var root = new Uri(server.Urls.First());
        await using IBrowserContext profile = await (await Chromium.Get()).NewContextAsync(new() { ReducedMotion = ReducedMotion.Reduce });
        IPage page = await profile.NewPageAsync();
        var troubles = new List<string>();
        page.Console += (_, message) =>
        {
            if (message.Type is "error") troubles.Add(message.Text);
        };
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(root.AbsoluteUri, StringComparison.Ordinal)
                && !request.Url.StartsWith("data:", StringComparison.Ordinal)) troubles.Add(request.Url);
        };
        foreach (Chapter chapter in Chapter.All)
        {
            await page.GotoAsync(new Uri(root, chapter.Address).AbsoluteUri);
            await Expect(page.Locator("h1")).ToHaveTextAsync(chapter.Title);
        }

        // The library's numbers, computed in the browser.
        await page.GotoAsync(new Uri(root, "/learn/kl").AbsoluteUri);
        await KlTests.Slide(page, "Mean of q", 47.5);
        await Expect(page.Locator("figure.demo").First.Locator("[data-value=kl-pq]"))
            .ToHaveTextAsync(Written.Format(new GaussianPair(40, 20, 47.5, 20).Exact.PToQ));
        await page.Locator("a[rel=next]").ClickAsync();
        ILocator demo = page.GetByRole(AriaRole.Figure, new() { Name = "Superposition", Exact = true });
        await demo.GetByRole(AriaRole.Button, new() { Name = "Start" }).ClickAsync();
        await demo.Locator("[data-stage=finished]").WaitForAsync(new() { Timeout = LiveDemonstrations.Deadline });
        var model = new ToyModel(presence: 0.05, seed: 1);
        while (!model.Finished) model.Next();
        await Expect(demo.Locator("[data-response='0-0']")).ToHaveTextAsync(Figures.Score(model.Response(0)[0]));
        await page.GotoAsync(new Uri(root, "/learn/autoencoder").AbsoluteUri);
        await Expect(page.Locator("figure.demo")).ToContainTextAsync("unweave learn");
        Assert.Empty(troubles);
    }

    private static async Task Publish(string folder)
    {
        string sources = AppContext.BaseDirectory[..AppContext.BaseDirectory.IndexOf("artifacts", StringComparison.Ordinal)];
        using Process publishing = Process.Start(new ProcessStartInfo("dotnet",
            ["publish", "-c", "Release", Path.Combine(sources, "src", "Unweave.Learn.Browser"), "-o", folder])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        })!;
        string said = await publishing.StandardOutput.ReadToEndAsync(Cancellation);
        await publishing.WaitForExitAsync(Cancellation);
        Assert.True(publishing.ExitCode == 0, said);
    }

    private static WebApplication Serve(string folder)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        WebApplication server = builder.Build();
        var types = new FileExtensionContentTypeProvider();
        types.Mappings[".dat"] = "application/octet-stream";
        server.UseFileServer(new FileServerOptions
        {
            FileProvider = new PhysicalFileProvider(folder),
            StaticFileOptions = { ContentTypeProvider = types },
        });
        return server;
    }
}
