using System.Globalization;
using Microsoft.Playwright;
using Unweave.Apps.Tests.Web;
using Unweave.Learn.Training;

namespace Unweave.Apps.Tests.Learn;

/// <summary>The chapter on sparse autoencoders, as a reader uses it.</summary>
[Collection(LiveDemonstrations.Name)]
public sealed class SparseAutoencoderTests
{
    private const string Address = "/learn/sparse-autoencoder";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Image patches", "KL", 96)]
    [InlineData("Known features", "ReLU + L1", 64)]
    [InlineData("Known features", "TopK", 64)]
    public async Task TrainingReachesItsStatedEnd(string data, string sparsity, int all)
    {
        await using Site site = await Site.Learn();
        await using Browser browser = await Browser.Open(site, Address, dark: true);
        await Choose(browser.Page, data);
        await Choose(browser.Page, sparsity);
        await Press(browser.Page, "Start");
        await browser.Page.WaitForFunctionAsync(
            "() => Number(document.querySelector('[data-reading=step]').textContent.replace(',', '')) > 30");
        await browser.Page.GetByRole(AriaRole.Status).GetByText("Finished").WaitForAsync(new() { Timeout = LiveDemonstrations.Deadline });
        Assert.Equal("3,000", await Reading(browser.Page, "step"));
        string[] figure = (await Reading(browser.Page, string.Equals(sparsity, "KL", StringComparison.Ordinal) ? "near" : "recovered"))
            .Split(" of ");
        Assert.Equal(all, int.Parse(figure[1], CultureInfo.InvariantCulture));
        Assert.InRange(int.Parse(figure[0], CultureInfo.InvariantCulture), 0.9 * all, all);
        browser.AssertClean();
    }

    [Fact]
    public async Task StepsShowTheLibrarysNumbersAndResetTakesNewSettings()
    {
        await using Site site = await Site.Learn();
        await using Browser browser = await Browser.Open(site, Address);
        IPage page = browser.Page;
        Assert.Equal("0", await Reading(page, "step"));
        await Press(page, "Step");
        await At(page, 1);
        await Press(page, "Step");
        await At(page, 2);
        LiveSettings settings = LiveSettings.Default(DataKind.Patches, SparsityKind.TopK);
        await AssertShows(page, settings, steps: 2);

        // By keyboard; a run under way keeps its settings, and says so.
        ILocator k = page.GetByRole(AriaRole.Slider, new() { Name = "k, latents kept" });
        await k.FocusAsync();
        await page.Keyboard.PressAsync("ArrowRight");
        await page.GetByText("This run keeps the settings it started with").WaitForAsync();
        await Press(page, "Step");
        await At(page, 3);
        await AssertShows(page, settings, steps: 3);
        await Press(page, "Reset");
        await At(page, 0);
        await Press(page, "Step");
        await At(page, 1);
        await AssertShows(page, settings with { K = settings.K + 1 }, steps: 1);

        // Rows can be gone through.
        ILocator sum = page.GetByRole(AriaRole.Region, new() { Name = "One row as a sum" });
        await sum.GetByText("1 of 24").WaitForAsync();
        await sum.GetByRole(AriaRole.Button, new() { Name = "Previous" }).ClickAsync();
        await sum.GetByText("24 of 24").WaitForAsync();
        Assert.Equal(2 + 5 + 1, await sum.GetByRole(AriaRole.Img).CountAsync());
        browser.AssertClean();
    }

    [Fact]
    public async Task PausedItStandsStillAndGoesOn()
    {
        await using Site site = await Site.Learn();
        await using Browser browser = await Browser.Open(site, Address, width: 380);
        IPage page = browser.Page;
        await Press(page, "Start");
        await page.WaitForFunctionAsync("() => document.querySelector('[data-reading=step]').textContent !== '0'");
        await Press(page, "Pause");
        await page.GetByRole(AriaRole.Status).GetByText("Paused").WaitForAsync();
        string at = await Reading(page, "step"), loss = await Reading(page, "loss");
        await page.WaitForTimeoutAsync(600);
        Assert.Equal((at, loss), (await Reading(page, "step"), await Reading(page, "loss")));
        await Press(page, "Continue");
        await page.WaitForFunctionAsync("at => document.querySelector('[data-reading=step]').textContent !== at", at);
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= document.documentElement.clientWidth"),
            "the page is wider than a phone");
        browser.AssertClean();
    }

    [Fact]
    public async Task ReadersTakeTurnsAndLeavingGivesUpTheSlot()
    {
        // A server that sees one processor trains for one reader at a time, whatever machine the test runs on.
        await using Site site = await Site.Learn(processors: 1);
        var readers = new List<Browser>();
        try
        {
            for (int i = 0; i < 4; i++) readers.Add(await Browser.Open(site, Address));

            // States are noted from before the press on: they last only until the next reader's turn. All press at once, while the
            // first one's training lasts.
            foreach (Browser reader in readers)
            {
                await reader.Page.EvaluateAsync("""
                    () => {
                      window.states = [];
                      new MutationObserver(() => window.states.push(document.querySelector('.run-state')?.textContent ?? ''))
                        .observe(document.body, { childList: true, characterData: true, subtree: true });
                    }
                    """);
            }

            await Task.WhenAll(readers.Select(reader => Press(reader.Page, "Start")));
            var first = new List<string>();
            foreach (Browser reader in readers)
            {
                await reader.Page.WaitForFunctionAsync("() => window.states.some(state => /^(Training|Waiting: )/.test(state))");
                first.Add(await reader.Page.EvaluateAsync<string>(
                    "() => window.states.find(state => /^(Training|Waiting: )/.test(state))"));
            }

            // Each has a place of its own, whoever came first.
            Assert.Equal(
                ["Training", "Waiting: 1 reader is ahead of you", "Waiting: 2 readers are ahead of you", "Waiting: you are next"],
                first.Order(StringComparer.Ordinal), StringComparer.Ordinal);

            // All leave but the last, who has the slot then.
            foreach (Browser reader in readers[..^1]) await reader.Page.GotoAsync(new Uri(site.Address, "/learn/kl").AbsoluteUri);
            IPage last = readers[^1].Page;
            await last.GetByRole(AriaRole.Status).GetByText("Finished").WaitForAsync(new() { Timeout = LiveDemonstrations.Deadline });
            Assert.Equal("3,000", await Reading(last, "step"));
        }
        finally
        {
            foreach (Browser reader in readers) await reader.DisposeAsync();
        }
    }

    [Fact]
    public async Task TheFirstViewIsSmall()
    {
        await using Site site = await Site.Learn();
        string page = await site.Client.GetStringAsync(new Uri(Address, UriKind.Relative), Cancellation);
        Assert.Contains("superposition", page, StringComparison.Ordinal);
        Assert.InRange(page.Length, 10_000, 150_000);
    }

    private static async Task AssertShows(IPage page, LiveSettings settings, int steps)
    {
        using var experiment = new Experiment(settings);
        for (int step = 0; step < steps; step++) experiment.Step();
        Snapshot expected = experiment.Capture();
        Assert.Equal(Figures.Short(expected.Report!.Loss.Total), await Reading(page, "loss"));
        Assert.Equal(Figures.Short(expected.Report.Loss.Reconstruction), await Reading(page, "reconstruction"));
        Assert.Equal(expected.Report.L0.ToString("F1", CultureInfo.InvariantCulture), await Reading(page, "l0"));
    }

    private static Task Choose(IPage page, string name) => page.GetByText(name, new() { Exact = true }).First.ClickAsync();

    private static Task Press(IPage page, string name) => page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true }).ClickAsync();

    private static async Task At(IPage page, int step) =>
        await page.WaitForFunctionAsync("at => document.querySelector('[data-reading=step]').textContent === at",
        step.ToString(CultureInfo.InvariantCulture));

    private static Task<string> Reading(IPage page, string name) => page.Locator($"[data-reading={name}]").InnerTextAsync();
}
