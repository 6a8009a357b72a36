using System.Globalization;
using Bunit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Unweave.Apps.Tests.Web;
using Unweave.Learn.Adversarial;
using Unweave.Learn.Neighbors;
using Unweave.Learn.Variational;
using Unweave.Learn.Live;

namespace Unweave.Apps.Tests.Learn;

/// <summary>The chapter on where else KL works: three demonstrations that train live.</summary>
[Collection(LiveDemonstrations.Name)]
public sealed class KlElsewhereTests
{
    private const string Address = "/learn/kl-elsewhere";

    private static CancellationToken Cancellation => Xunit.TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_map_by_tSNE_is_laid_out_its_KL_falls_and_it_starts_afresh()
    {
        await using Site site = await Site.Learn();
        await using Browser browser = await Browser.Open(site, Address);
        ILocator demo = Demo(browser, "t-SNE");
        await Click(demo, "Start");
        await Reaches(demo, "finished");
        await Assertions.Expect(Reading(demo, "step")).ToHaveTextAsync("500 of 500");
        string line = await demo.GetByRole(AriaRole.Img, new() { Name = "KL(P‖Q), nats" }).GetAttributeAsync("aria-label") ?? "";
        double[] ends = [.. line[(line.IndexOf("from", StringComparison.Ordinal) + 5)..].Split(" to ").Select(Number)];
        double loss = Number(await Reading(demo, "loss").InnerTextAsync());
        Assert.True(loss < ends[0] / 3, line);
        Assert.Equal(ends[1], loss, 2e-3);
        Assert.True(await Drawn(demo) > 1000, "the map is empty");

        await demo.GetByRole(AriaRole.Slider, new() { Name = "Perplexity" }).PressAsync("ArrowRight");
        await Reaches(demo, "ready");
        await Assertions.Expect(Reading(demo, "loss")).ToHaveTextAsync("–");
        Assert.Equal(0, await Drawn(demo));
        browser.AssertClean();
    }

    [Fact]
    public async Task A_variational_autoencoder_trains_and_any_place_of_its_plane_gives_a_picture()
    {
        await using Site site = await Site.Learn();
        await using Browser browser = await Browser.Open(site, Address);
        ILocator demo = Demo(browser, "Variational autoencoder"),
            picture = demo.GetByRole(AriaRole.Img, new() { Name = "Picture decoded from z" });
        await Click(demo, "Start");
        await Reaches(demo, "finished");
        double likelihood = Number(await Reading(demo, "likelihood").InnerTextAsync()),
            kl = Number(await Reading(demo, "kl").InnerTextAsync()), elbo = Number(await Reading(demo, "elbo").InnerTextAsync());
        Assert.Equal(likelihood - kl, elbo, 0.011);
        Assert.InRange(elbo, -290, -240); // it begins near −385
        Assert.InRange(kl, 3, 12);
        Assert.True(await Drawn(demo) > 1000, "the plane is empty");
        await Assertions.Expect(demo.GetByRole(AriaRole.Img, new() { Name = "10 × 10 pictures" })).ToBeVisibleAsync();

        string middle = await picture.GetAttributeAsync("src") ?? "";
        await demo.GetByRole(AriaRole.Slider, new() { Name = "z₁" }).PressAsync("End");
        await Assertions.Expect(picture).Not.ToHaveAttributeAsync("src", middle);
        await Assertions.Expect(picture).ToHaveAttributeAsync("alt", "Picture decoded from z = (3.5, 0.0)");

        ILocator plane = demo.GetByRole(AriaRole.Group, new() { Name = "Plane of codes" });
        await plane.PressAsync("ArrowLeft");
        await Assertions.Expect(picture).ToHaveAttributeAsync("alt", "Picture decoded from z = (3.4, 0.0)");
        await plane.PressAsync("Shift+ArrowDown");
        await Assertions.Expect(picture).ToHaveAttributeAsync("alt", "Picture decoded from z = (3.4, -0.5)");
        await plane.ScrollIntoViewIfNeededAsync();
        LocatorBoundingBoxResult box = (await plane.BoundingBoxAsync())!;
        await browser.Page.Mouse.MoveAsync(box.X + (box.Width / 2), box.Y + (box.Height / 2));
        await browser.Page.Mouse.DownAsync();
        await browser.Page.Mouse.MoveAsync(box.X + (box.Width / 4), box.Y + (box.Height / 4), new() { Steps = 4 });
        await browser.Page.Mouse.UpAsync();
        await Assertions.Expect(picture)
            .ToHaveAttributeAsync("alt",
            new System.Text.RegularExpressions.Regex("^Picture decoded from z = [(]-1[.][78], 1[.][78][)]$",
            System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(1)));
        browser.AssertClean();
    }

    [Fact]
    public async Task The_game_is_paused_goes_on_ends_near_its_target_and_is_played_again()
    {
        await using Site site = await Site.Learn();
        await using Browser browser = await Browser.Open(site, Address, width: 380, dark: true);
        ILocator demo = Demo(browser, "Generative adversarial network");
        await Click(demo, "Start");
        await Assertions.Expect(Reading(demo, "js")).ToContainTextAsync("nats");
        await Click(demo, "Pause");
        await Reaches(demo, "paused");
        string at = await Reading(demo, "step").InnerTextAsync();
        Assert.DoesNotContain("2,000 of", at, StringComparison.Ordinal);
        await browser.Page.WaitForTimeoutAsync(400);
        await Assertions.Expect(Reading(demo, "step")).ToHaveTextAsync(at);
        await Click(demo, "Continue");
        await Reaches(demo, "finished");

        // The number shown is the library's for the same game.
        var game = new Game(TargetDistribution.OnePeak, 1);
        while (!game.Finished) game.Next();
        double js = Unweave.Numerics.Divergence.Js(TargetDistribution.OnePeak.Shares, game.Shares());
        await Assertions.Expect(Reading(demo, "js")).ToHaveTextAsync(string.Create(CultureInfo.InvariantCulture, $"{js:F3} nats"));
        Assert.True(js < 0.1, $"{js}");

        await Click(demo, "Reset");
        await Reaches(demo, "ready");
        await Assertions.Expect(Reading(demo, "js")).ToHaveTextAsync("–");
        await demo.GetByText("Two peaks").ClickAsync();
        await Assertions.Expect(demo.GetByRole(AriaRole.Radio, new() { Name = "Two peaks" })).ToBeCheckedAsync();
        Assert.Equal(0, await browser.Page.EvaluateAsync<int>(
            "() => Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)"));
        browser.AssertClean();
    }

    [Fact]
    public async Task Leaving_gives_the_place_to_the_next_reader()
    {
        // As many readers as there are places, each at work on a game; then all leave, and one comes back: a place is free.
        await using Site site = await Site.Learn();
        await using Browser browser = await Browser.Open(site, Address);
        var readers = new List<IPage>();
        for (int i = 0; i < Environment.ProcessorCount; i++)
        {
            IPage reader = await browser.Page.Context.Browser!.NewPageAsync();
            readers.Add(reader);
            await reader.GotoAsync(new Uri(site.Address, Address).AbsoluteUri);
            await reader.WaitForFunctionAsync("() => document.documentElement.dataset.alive === 'yes'");
            ILocator theirs = reader.GetByRole(AriaRole.Figure, new() { Name = "Variational autoencoder", Exact = true });
            await theirs.GetByRole(AriaRole.Button, new() { Name = "Start" }).ClickAsync();
            await Reaches(theirs, "running");
        }

        ILocator demo = Demo(browser, "Generative adversarial network");
        await Click(demo, "Start");
        foreach (IPage reader in readers) await reader.GotoAsync("about:blank");
        await Reaches(demo, "finished");
        browser.AssertClean();
    }

    [Fact]
    public async Task A_reader_who_leaves_stops_the_work()
    {
        using var slots = new Context();
        IRenderedComponent<GameOnALine> demo = slots.Render<GameOnALine>();
        GameOnALine game = demo.Instance;
        demo.Find("button.main").Click();
        await Until(() => game.Steps.Done > 20);
        Assert.Equal(1, slots.Slots.Taken);

        await slots.DisposeComponentsAsync();
        await Until(() => slots.Slots.Taken == 0);
        await Until(() => game.Steps.Done == 0); // what it held is given back
        await Task.Delay(200, Cancellation);
        Assert.Equal(0, game.Steps.Done);
    }

    [Fact]
    public async Task A_browser_that_never_answers_holds_no_place()
    {
        using var slots = new Context();
        slots.JSInterop.SetupModule("./_content/Unweave.Web/learn/kl-elsewhere.js").SetupVoid("scatter", _ => true); // and no result, ever
        IRenderedComponent<NeighborMap> demo = slots.Render<NeighborMap>();
        demo.Find("button.main").Click();
        await Until(() => slots.Slots.Taken == 1 && demo.Instance.Steps.Done > 0);
        _ = slots.DisposeComponentsAsync();
        await Until(() => slots.Slots.Taken == 0);
    }

    [Fact]
    public async Task A_reader_who_has_to_wait_is_told_the_place_and_may_leave_it()
    {
        using var slots = new Context();
        IDisposable other = await slots.Slots.Take(_ => { }, Cancellation);
        IRenderedComponent<GameOnALine> demo = slots.Render<GameOnALine>();
        demo.Find("button.main").Click();
        await demo.WaitForAssertionAsync(() =>
            Assert.Contains("you are next", demo.Find("[role=status]").TextContent, StringComparison.Ordinal));
        demo.Find("button.main").Click(); // Pause
        await demo.WaitForAssertionAsync(() => Assert.Equal("ready", demo.Find("[role=status]").GetAttribute("data-stage")));
        Assert.Equal(0, slots.Slots.Waiting);

        demo.Find("button.main").Click();
        await Until(() => slots.Slots.Waiting == 1);
        other.Dispose();
        await Until(() => demo.Instance.Steps.Done > 0);
    }

    [Fact]
    public void Pictures_over_the_plane_are_those_of_its_places()
    {
        using var training = new PlaneTraining(beta: 1);
        byte[] grid = training.Grid(), corner = training.Picture(-2.25, 2.25), right = training.Picture(2.25, -2.25);
        const int Width = 280;
        for (int row = 0; row < 28; row++)
        {
            Assert.Equal(corner[(row * 28)..((row + 1) * 28)], grid[(row * Width)..((row * Width) + 28)]);
            int from = ((row + 252) * Width) + 252;
            Assert.Equal(right[(row * 28)..((row + 1) * 28)], grid[from..(from + 28)]);
        }

        Assert.Equal(8 * PictureSets.Test, training.Places().Length);
    }

    private static ILocator Demo(Browser browser, string name) =>
        browser.Page.GetByRole(AriaRole.Figure, new() { Name = name, Exact = true });

    private static ILocator Reading(ILocator demo, string name) => demo.Locator($"[data-reading={name}]");

    private static Task Click(ILocator demo, string button) =>
        demo.GetByRole(AriaRole.Button, new() { Name = button, Exact = true }).ClickAsync();

    private static Task Reaches(ILocator demo, string stage) =>
        demo.Locator($"[data-stage={stage}]").WaitForAsync(new() { Timeout = LiveDemonstrations.Deadline });

    private static double Number(string text) =>
        double.Parse(text.Replace('−', '-').Replace(" nats", "", StringComparison.Ordinal).Replace(",", "", StringComparison.Ordinal),
        CultureInfo.InvariantCulture);

    // Pixels of the canvas that something was drawn on, dots only: lines and circles are gray.
    private static Task<int> Drawn(ILocator demo) => demo.Locator(".scatter canvas").EvaluateAsync<int>("""
        canvas => {
          if (!canvas.width) return 0;
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          let n = 0;
          for (let i = 0; i < data.length; i += 4)
              if (data[i + 3] > 150 && Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]) > 40) n++;
          return n;
        }
        """);

    private static async Task Until(Func<bool> met)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        while (!met()) await Task.Delay(20, limit.Token);
    }

    private sealed class Context : BunitContext
    {
        public Context()
        {
            JSInterop.Mode = JSRuntimeMode.Loose;
            Services.AddSingleton(Slots).AddSingleton(TimeProvider.System);
        }

        public TrainingSlots Slots { get; } = new(1, longest: 8);
    }
}
