using Bunit;
using Microsoft.AspNetCore.Components.Web;
using Unweave.Catalog;
using Unweave.Interpretation;
using Unweave.Web;
using Unweave.Web.Components;
using Unweave.Web.Routing;
using Unweave.Web.Runs;
using Unweave.Web.Steering;

namespace Unweave.Apps.Tests.Web;

/// <summary>The parts of Try it and Steer, without a browser.</summary>
public sealed class PlayPartsTests
{
    [Fact]
    public async Task A_few_run_at_once_some_wait_and_the_rest_are_sent_away()
    {
        using var gate = new ModelGate(TimeProvider.System, running: 1, waiting: 1, TimeSpan.FromMinutes(5));
        IDisposable first = await gate.EnterAsync();
        Task<IDisposable> second = gate.EnterAsync();
        Assert.False(second.IsCompleted);
        await Assert.ThrowsAsync<BusyException>(() => gate.EnterAsync());
        first.Dispose();
        first.Dispose();
        using (await second)
        {
            Task<IDisposable> third = gate.EnterAsync();
            Assert.False(third.IsCompleted);
        }
    }

    [Fact]
    public async Task Waiting_ends_with_patience_or_with_the_one_who_waits()
    {
        using var gate = new ModelGate(TimeProvider.System, running: 1, waiting: 4, TimeSpan.FromMilliseconds(20));
        using IDisposable held = await gate.EnterAsync();
        await Assert.ThrowsAsync<BusyException>(() => gate.EnterAsync());
        using var gone = new CancellationTokenSource();
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gate.EnterAsync(gone.Token));
    }

    [Fact]
    public void Changes_come_back_from_their_address_and_nonsense_is_skipped()
    {
        LatentEdit[] read =
        [
            .. LatentEdit.Parse("12:steer:1.5,7:ablate,3:clamp:0.25,x,99:steer:1,12:ablate,5:steer:NaN,6:steer:1e300,8:7:1", latents: 50),
        ];
        Assert.Equal(["12:steer:1.5", "7:ablate", "3:clamp:0.25", "5:steer:1", "6:steer:3", "8:steer:1"],
            read.Select(change => change.ToString()), StringComparer.Ordinal);
        read[0].Unit = 4;
        Assert.Equal(new Intervention(12, InterventionKind.Steer, 6), read[0].ToIntervention());
        Assert.Equal(new Intervention(7, InterventionKind.Ablate), read[1].ToIntervention());
    }

    [Fact]
    public void An_address_holds_any_text()
    {
        Assert.Equal("/p", PageAddress.Build("/p", ("a", null)));
        string address = PageAddress.Build("/p", ("a", "x & y=z#\ud800 😀"), ("b", "1,2"));
        Assert.Equal("/p?a=x%20%26%20y%3Dz%23%EF%BF%BD%20%F0%9F%98%80&b=1%2C2", address);
        Assert.Equal([3, 4], PageAddress.ParseNumbers("3,4,4,-1,x,100,", 100));
    }

    [Fact]
    public void Next_tokens_of_both_runs_are_joined_and_those_not_listed_are_left_open()
    {
        NextToken[] without = [new(1, " a", 2, 0.5), new(2, " b", 1, 0.3), new(3, " c", 0, 0.01)],
            with = [new(2, " b", 3, 0.8), new(4, " d", 0, 0.1), new(1, " a", -1, 0.05)];
        IReadOnlyList<ChangedToken> joined = ChangedToken.Join(without, with, 2);
        // That which moved most comes first, not that which is likeliest.
        IReadOnlyList<ChangedToken> fallen = ChangedToken.Join([new(1, " a", 0, 0.6), new(2, " b", 0, 0.3)],
            [new(1, " a", 0, 0.61), new(2, " b", 0, 0.01)], 2);
        Assert.Equal([2, 1], fallen.Select(token => token.Token));
        Assert.Equal([2, 1, 4], joined.Select(token => token.Token));
        Assert.Equal(0.5, joined[0].Move, 12);
        Assert.Equal(-0.45, joined[1].Move, 12);
        Assert.Null(joined[2].Without);
    }

    [Fact]
    public void What_is_unusual_comes_before_what_is_strong_and_dense_latents_are_left_out_unless_asked_for()
    {
        using var place = new Workplace();
        Feature Made(int latent, FeatureKind kind, double frequency, float max) =>
            SampleCatalog.Feature(latent, 4) with { Kind = kind, Frequency = frequency, Max = max };
        Directory.CreateDirectory(place["run"]);
        FeatureCatalog.Build(place["run"], SampleCatalog.Source(4),
        [
            Made(0, FeatureKind.Dense, 0.5, 10), Made(1, FeatureKind.Ordinary, 0.25, 10), Made(2, FeatureKind.Ordinary, 1 / 1024.0, 4),
            Made(3, FeatureKind.Ordinary, 1 / 16.0, 4),
        ]);
        using var runs = new ServedRuns(new ServeOptions { Folder = place.Folder });
        Assert.True(runs.TryGet("run", out ServedRun? run));
        Firing[] firings = [new(0, 9), new(1, 8), new(2, 3), new(3, 4)];
        FiringRank Rank(bool raw, bool dense) => new(new LatentRows(run), raw, dense);
        // 2: 3/4 of its strongest times 10 bits; 3: all of it times 4; 1: 8/10 times 2; 0: 9/10 times 1.
        Assert.Equal([2, 3, 1], Rank(raw: false, dense: false).First(firings, 9).Select(firing => firing.Latent));
        Assert.Equal([2, 3, 1, 0], Rank(raw: false, dense: true).First(firings, 9).Select(firing => firing.Latent));
        Assert.Equal([0, 1], Rank(raw: true, dense: true).First(firings, 2).Select(firing => firing.Latent));
        Assert.Equal([0], Rank(raw: false, dense: false).First([new(0, 9)], 9).Select(firing => firing.Latent));
        FiringRank rank = Rank(raw: false, dense: false);
        _ = rank.First(firings, 9);
        Assert.Equal(7.5, rank.Weight(firings[2]), 6);
    }

    [Fact]
    public void Words_that_a_label_names_are_found_in_pieces_of_a_text()
    {
        Assert.Equal(["relations", "sotu", "treaty"],
            NamedWords.Of("“relations”, “treaty”; capitalized words in “sotu”").Order(StringComparer.Ordinal), StringComparer.Ordinal);
        Assert.Equal(["foreign", "relations"], NamedWords.Of("foreign relations").Order(StringComparer.Ordinal), StringComparer.Ordinal);
        Assert.Empty(NamedWords.Of(null));
        string[] pieces = [" Our", " rel", "ations", " and", " a", " Treaty", "."];
        Assert.Equal([false, true, true, false, false, true, false],
            NamedWords.In(pieces, NamedWords.Of("“relations”, “treaty”")));
        Assert.DoesNotContain(true, NamedWords.In([" relation", "ships"], NamedWords.Of("“relations”")));
    }

    [Fact]
    public void Trials_of_steering_are_of_latents_that_raise_whole_words_and_the_best_are_kept()
    {
        using var place = new Workplace();
        SampleCatalog.Build(place["run"], 120);
        using FeatureCatalog catalog = FeatureCatalog.Open(place["run"]);
        using CatalogSnapshot snapshot = catalog.Snapshot();
        IReadOnlyList<SteeringPreset> candidates = SteeringPresets.Candidates(snapshot);
        Assert.InRange(candidates.Count, 5, 32);
        Assert.All(candidates, one => Assert.True(one.Row is { Kind: FeatureKind.Ordinary, Score: >= 0.7 } && one.Raised.Count == 3));
        // No word of theme 6 (" ten", …) that is too short stands among the raised ones.
        Assert.DoesNotContain("ten", candidates.SelectMany(one => one.Raised), StringComparer.Ordinal);
        SteeringPreset[] tried = [.. candidates.Select((one, i) => one with { Effect = i == 0 ? 0 : 1.0 / i })];
        Assert.Equal(tried[1..7].Select(one => one.Row.Latent), SteeringPresets.Best(tried.Reverse()).Select(one => one.Row.Latent));
    }

    [Fact]
    public void Tokens_are_shown_as_text_with_their_strength()
    {
        using var context = new BunitContext();
        IRenderedComponent<LiveTokens> shown = context.Render<LiveTokens>(parameters =>
            parameters.Add(tokens => tokens.Pieces, ["<b>", " x", "\u202e"]).Add(tokens => tokens.Activations, [0f, 2f, 0f])
                .Add(tokens => tokens.Max, 4f).Add(tokens => tokens.Selected, 1));
        Assert.Empty(shown.FindAll("b"));
        Assert.Equal("<b>", shown.Find("[data-i='0']").TextContent);
        AngleSharp.Dom.IElement second = shown.Find("[data-i='1']");
        Assert.Equal("--a:0.5", second.GetAttribute("style"), StringComparer.Ordinal);
        Assert.True(second.ClassList.Contains("at"));
        Assert.Equal("U+202E", shown.Find("[data-i='2'] .mark").GetAttribute("title"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_token_that_can_be_pointed_at_is_a_button_with_a_name_that_is_pressed_while_it_is_held(bool held)
    {
        using var context = new BunitContext();
        IRenderedComponent<LiveTokens> shown = context.Render<LiveTokens>(parameters => parameters
            .Add(tokens => tokens.Pieces, ["The", " king", "\n"])
            .Add(tokens => tokens.Activations, [0f, 2f, 0f])
            .Add(tokens => tokens.Selected, 1)
            .Add(tokens => tokens.Held, held));
        IReadOnlyList<AngleSharp.Dom.IElement> buttons = shown.FindAll("[data-live] [role=button]");
        string?[] names = [.. buttons.Select(button => button.GetAttribute("aria-label"))];
        Assert.Equal(["The", "king, activation 2", "line feed"], names, StringComparer.Ordinal);
        string?[] pressed = [.. buttons.Select(button => button.GetAttribute("aria-pressed"))];
        Assert.Equal(["false", held ? "true" : "false", "false"], pressed, StringComparer.Ordinal);
        Assert.Equal("1", Assert.Single(buttons, button => button.GetAttribute("tabindex") is "0").GetAttribute("data-i"));
    }

    [Fact]
    public void A_latent_is_found_by_a_word_and_taken_with_the_keyboard()
    {
        using var workplace = new Workplace();
        SampleCatalog.Build(workplace["run"]);
        using var runs = new ServedRuns(new ServeOptions { Folder = workplace["run"] });
        Assert.True(runs.TryGet("run", out ServedRun? run));
        using var context = new BunitContext();
        int picked = -1;
        IRenderedComponent<LatentPicker> picker = context.Render<LatentPicker>(parameters =>
            parameters.Add(box => box.Run, run).Add(box => box.Picked, latent => picked = latent));
        picker.Find("input").Input("whales");
        picker.WaitForAssertion(() => Assert.NotEmpty(picker.FindAll("[role=option]")), TimeSpan.FromSeconds(20));
        string second = picker.FindAll("[role=option] .mono")[1].TextContent;
        picker.Find(".picker").KeyDown(new KeyboardEventArgs { Key = "ArrowDown" });
        picker.Find(".picker").KeyDown(new KeyboardEventArgs { Key = "Enter" });
        picker.WaitForAssertion(() => Assert.Equal(second, picked.ToString()), TimeSpan.FromSeconds(20));
        Assert.Empty(picker.FindAll("[role=option]"));
    }
}
