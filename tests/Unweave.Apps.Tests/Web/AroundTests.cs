using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Unweave.Apps.Tests.Web;

/// <summary>
/// What surrounds the pages of a run: the page of the API, the page where there is none, the footer, the box of a lost server.
/// </summary>
public sealed class AroundTests
{
    [Fact]
    public async Task The_page_of_the_API_has_every_operation_with_an_example_that_works()
    {
        using var place = new Workplace();
        SampleCatalog.Build(place["run"], 20);
        await using Site site = await Site.Start(place.Folder);
        JsonNode document = JsonNode.Parse(await Get(site, "/api/openapi.json"))!;
        (string Method, string Path)[] operations =
        [
            .. document["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject().Select(method => (method.Key, path.Key))),
        ];
        Assert.NotEmpty(operations);
        await using Browser browser = await Browser.Open(site, "/");
        IPage page = browser.Page;
        await page.GetByRole(AriaRole.Link, new() { Name = "HTTP API" }).ClickAsync();
        await Expect(page.Locator("h1")).ToHaveTextAsync("HTTP API");
        await Expect(page.Locator(".operation")).ToHaveCountAsync(operations.Length);
        foreach ((string method, string path) in operations)
        {
            ILocator title = page.Locator(".operation h3").GetByText($"{method.ToUpperInvariant()}{path}", new() { Exact = true });
            await Expect(title).ToHaveCountAsync(1);
        }

        IReadOnlyList<string> commands = await page.Locator(".operation .command code").AllTextContentsAsync();
        foreach (string command in commands)
        {
            using HttpResponseMessage answer = await Run(site, command);
            // This run has no model, no autoencoder and no index of texts; all else is answered.
            bool needsMore = new[] { "/encode", "/predict", "/steer", "/attribute", "/search" }.Any(command.Contains);
            Assert.True(needsMore ? answer.StatusCode is HttpStatusCode.Conflict : answer.IsSuccessStatusCode
                || (answer.StatusCode is HttpStatusCode.NotFound && command.Contains("DELETE", StringComparison.Ordinal)),
                $"{command}: {answer.StatusCode}");
        }

        browser.AssertClean();
    }

    [Fact]
    public async Task The_examples_of_a_server_that_asks_for_a_token_send_it()
    {
        using var place = new Workplace();
        SampleCatalog.Build(place["run"], 20);
        const string Secret = "sixteen characters at least";
        await using Site site = await Site.Start(place.Folder, Secret);
        await using Browser browser = await Browser.Open(site, "/api", token: Secret);
        await Expect(browser.Page.Locator(".operation .command code").First)
            .ToContainTextAsync("-H \"Authorization: Bearer $UNWEAVE_TOKEN\"");
        browser.AssertClean();
    }

    [Theory]
    [InlineData("/nope", "Look at the address")]
    [InlineData("/nope/deeper.html", "Look at the address")]
    [InlineData("/runs/nowhere", "There is no run “nowhere”")]
    [InlineData("/runs/run/features/99", "There is no latent 99 in run; its latents are 0 to 19.")]
    public async Task An_address_without_a_page_gets_one_that_says_why_in_the_look_of_the_others(string path, string why)
    {
        using var place = new Workplace();
        SampleCatalog.Build(place["run"], 20);
        await using Site site = await Site.Start(place.Folder);
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/html"));
        using HttpResponseMessage answer = await site.Client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        string page = WebUtility.HtmlDecode(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Contains(why, page, StringComparison.Ordinal);
        Assert.Contains("dashboard", page, StringComparison.Ordinal); // the stylesheet
        Assert.Contains("MIT license", page, StringComparison.Ordinal); // the footer
        using HttpResponseMessage program =
            await site.Client.GetAsync(new Uri($"/api{path}x", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal("application/problem+json", program.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task The_license_is_served_with_the_pages()
    {
        using var place = new Workplace();
        SampleCatalog.Build(place["run"], 20);
        await using Site site = await Site.Start(place.Folder);
        Assert.Contains("Permission is hereby granted", await Get(site, "/license"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_lost_server_is_said_in_the_colors_of_the_page_and_the_keys_are_shown_in_the_middle()
    {
        using var place = new Workplace();
        SampleCatalog.Build(place["run"], 20);
        await using Site site = await Site.Start(place.Folder);
        await using Browser browser = await Browser.Open(site, "/runs/run", dark: true);
        IPage page = browser.Page;
        await page.Keyboard.PressAsync("?");
        Assert.True(await page.GetByRole(AriaRole.Dialog).EvaluateAsync<bool>(
            "at => { const box = at.getBoundingClientRect(); return Math.abs(box.left + box.right - innerWidth) < 40 && box.top > 40; }"));
        await page.Keyboard.PressAsync("Escape");
        ILocator box = page.Locator("#components-reconnect-modal .lost");
        await Expect(box).ToBeHiddenAsync();
        await site.Stop();
        await Expect(box).ToBeVisibleAsync();
        await Expect(box).ToContainTextAsync("What you typed is kept.");
        int[] color = await box.EvaluateAsync<int[]>("at => getComputedStyle(at).backgroundColor.match(/\\d+/g).map(Number)");
        Assert.All(color.Take(3), part => Assert.InRange(part, 0, 80));
    }

    private static Task<string> Get(Site site, string path) =>
        site.Client.GetStringAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);

    // Runs an example: curl -s [-X METHOD] 'URL' [-H … -d 'BODY'].
    private static async Task<HttpResponseMessage> Run(Site site, string command)
    {
        string[] quoted = [.. command.Split('\'').Where((_, i) => i % 2 == 1)];
        string url = quoted[0], body = command.Contains(" -d ", StringComparison.Ordinal) ? quoted[^1] : "";
        string method = command.Contains("-X PUT", StringComparison.Ordinal) ? "PUT"
            : command.Contains("-X DELETE", StringComparison.Ordinal) ? "DELETE" : body.Length > 0 ? "POST" : "GET";
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(url));
        if (body.Length > 0) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        return await site.Client.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
