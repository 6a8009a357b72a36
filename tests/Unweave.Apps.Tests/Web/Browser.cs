using System.Collections.Concurrent;
using Microsoft.Playwright;

namespace Unweave.Apps.Tests.Web;

/// <summary>
/// A page in the system's Chromium, with a profile of its own in the one process that all tests share. It notes each request that would
/// leave
/// the machine and each error on the console.
/// </summary>
internal sealed class Browser : IAsyncDisposable
{
    private readonly IBrowserContext profile;
    private readonly ConcurrentQueue<string> elsewhere = new(), errors = new();

    // The default of five seconds is short for a machine that runs other tests too.
    static Browser() => Assertions.SetDefaultExpectTimeout(180_000);

    private Browser(IBrowserContext profile, IPage page, Uri site)
    {
        this.profile = profile;
        Page = page;
        page.Request += (_, request) =>
        {
            if (Uri.TryCreate(request.Url, UriKind.Absolute, out Uri? address) && address.Scheme is not ("data" or "blob" or "about")
                && !string.Equals(address.Authority, site.Authority, StringComparison.Ordinal))
                elsewhere.Enqueue(request.Url);
        };
        page.Console += (_, message) =>
        {
            if (message.Type is "error") errors.Enqueue(message.Text);
        };
        page.PageError += (_, message) => errors.Enqueue(message);
    }

    /// <summary>The page.</summary>
    public IPage Page { get; }

    /// <summary>Opens a page of a site; the test is skipped where there is no Chromium.</summary>
    /// <param name="site">The site.</param>
    /// <param name="path">What to open.</param>
    /// <param name="width">Width of the window.</param>
    /// <param name="dark">Whether the reader prefers dark.</param>
    /// <param name="motion">Whether the reader likes motion; otherwise nothing starts by itself.</param>
    /// <param name="token">The token to log in with, where the site asks for one.</param>
    public static async Task<Browser> Open(Site site, string path, int width = 1400, bool dark = false, string? token = null,
        bool motion = false)
    {
        IBrowser chromium = await Chromium.Get();
        IBrowserContext fresh = await chromium.NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = width, Height = 900 },
            ColorScheme = dark ? ColorScheme.Dark : ColorScheme.Light,
            ReducedMotion = motion ? ReducedMotion.NoPreference : ReducedMotion.Reduce,
        });
        IPage page = await fresh.NewPageAsync();
        page.SetDefaultTimeout(180_000);
        var opened = new Browser(fresh, page, site.Address);
        await page.GotoAsync(new Uri(site.Address, path).AbsoluteUri);
        if (token is not null)
        {
            await page.GetByLabel("Token").FillAsync(token);
            await page.GetByRole(AriaRole.Button, new() { Name = "Log in" }).ClickAsync();
        }

        await opened.Alive();
        return opened;
    }

    /// <summary>Goes to an address and waits until the page is alive.</summary>
    public async Task Go(Uri address)
    {
        await Page.GotoAsync(address.AbsoluteUri);
        await Alive();
    }

    /// <summary>Waits until the page has its connection to the server, so that clicks are answered.</summary>
    public Task Alive() => Page.WaitForFunctionAsync("() => document.documentElement.dataset.alive === 'yes'");

    /// <summary>Asserts that nothing left the machine and nothing failed in the page.</summary>
    public void AssertClean()
    {
        Assert.Empty(elsewhere);
        Assert.Empty(errors);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => profile.DisposeAsync();
}
