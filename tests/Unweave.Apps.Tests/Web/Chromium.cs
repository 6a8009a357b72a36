using Microsoft.Playwright;

[assembly: AssemblyFixture(typeof(Unweave.Apps.Tests.Web.Chromium))]

namespace Unweave.Apps.Tests.Web;

/// <summary>The system's Chromium, started by the first test that needs it and ended, as is the explainer, with the last test.</summary>
public sealed class Chromium : IAsyncDisposable
{
    private const string Program = "/usr/bin/chromium";

    private static readonly string[] Arguments =
    [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync",
    ];

    private static readonly Lazy<Task<(IPlaywright Driver, IBrowser Browser)>> Started = new(Start);

    /// <summary>The browser; the test is skipped where there is no Chromium.</summary>
    public static async Task<IBrowser> Get()
    {
        Assert.SkipUnless(File.Exists(Program), $"There is no Chromium at {Program}; install it (on Debian: apt-get install chromium).");
        return (await Started.Value).Browser;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Site.EndExplainer();
        if (!Started.IsValueCreated) return;
        (IPlaywright driver, IBrowser browser) = await Started.Value;
        await browser.DisposeAsync();
        driver.Dispose();
    }

    private static async Task<(IPlaywright, IBrowser)> Start()
    {
        IPlaywright driver = await Playwright.CreateAsync();
        var options = new BrowserTypeLaunchOptions { ExecutablePath = Program, Headless = true, Args = Arguments };
        return (driver, await driver.Chromium.LaunchAsync(options));
    }
}
