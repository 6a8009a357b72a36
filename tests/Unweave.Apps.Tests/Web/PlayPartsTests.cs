using Bunit;
using Microsoft.AspNetCore.Components.Web;
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
        Assert.Equal([2, 1, 4], joined.Select(token => token.Token));
        Assert.Equal(0.5, joined[0].Move, 12);
        Assert.Equal(-0.45, joined[1].Move, 12);
        Assert.Null(joined[2].Without);
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
