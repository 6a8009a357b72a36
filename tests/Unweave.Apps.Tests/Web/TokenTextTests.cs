using AngleSharp.Dom;
using Bunit;
using Unweave.Interpretation;

namespace Unweave.Apps.Tests.Web;

public sealed class TokenTextTests
{
    [Fact]
    public void Markup_and_control_characters_are_shown_and_not_run()
    {
        using var context = new BunitContext();
        FeatureExample example = SampleCatalog.Feature(SampleCatalog.Hostile).Top[0];
        IRenderedComponent<TokenText> shown = context.Render<TokenText>(parameters =>
            parameters.Add(text => text.Example, example).Add(text => text.Max, 12f));

        Assert.Empty(shown.FindAll("script, img, b, i"));
        string text = shown.Find("[data-tokens]").TextContent;
        Assert.Contains(SampleCatalog.Markup, text, StringComparison.Ordinal);
        Assert.Contains("&amp;", text, StringComparison.Ordinal);
        foreach (string mark in (string[])["‹NUL›", "‹ESC›", "⇥", "‹202E›", "‹200B›", "↵"])
            Assert.Contains(mark, text, StringComparison.Ordinal);
        Assert.DoesNotContain(text, c => char.IsControl(c) && c != '\n');
        Assert.DoesNotContain('\u202e', text);
    }

    [Fact]
    public void Color_follows_the_activation_relative_to_the_strongest()
    {
        using var context = new BunitContext();
        var example = new FeatureExample("d", 0, 1, ["a", " b", " c", "d"], [0, 10, 5, 0.001f], 1);
        IRenderedComponent<TokenText> shown = context.Render<TokenText>(parameters =>
            parameters.Add(text => text.Example, example).Add(text => text.Max, 20f));

        IElement[] fires = [.. shown.FindAll(".fires")];
        Assert.Equal(["b", "c", "d"], fires.Select(token => token.FirstChild!.TextContent), StringComparer.Ordinal);
        Assert.Equal(["--a:0.5", "--a:0.25", "--a:0.06"], fires.Select(token => token.GetAttribute("style")), StringComparer.Ordinal);
        Assert.Equal("10", fires[0].GetAttribute("data-value"));
        Assert.True(fires[0].ClassList.Contains("peak"));
        Assert.False(fires[1].ClassList.Contains("peak"));
        Assert.Equal("0", shown.Find("[data-tokens]").GetAttribute("tabindex"));
    }

    [Fact]
    public void A_screen_reader_gets_the_activation_of_each_token_that_fires_and_of_no_other()
    {
        using var context = new BunitContext();
        var example = new FeatureExample("d", 0, 1, ["a", " b", " c"], [0, 10, 5], 1);
        IRenderedComponent<TokenText> shown = context.Render<TokenText>(parameters => parameters.Add(text => text.Example, example));
        IElement[] spoken = [.. shown.FindAll("[data-spoken]")];
        Assert.Equal([" (activation 10)", " (activation 5)"], spoken.Select(text => text.TextContent), StringComparer.Ordinal);
        Assert.All(spoken, text =>
        {
            Assert.True(text.ClassList.Contains("unseen"));
            Assert.True(text.ParentElement!.ClassList.Contains("fires"));
            Assert.Null(text.GetAttribute("aria-hidden"));
        });
    }

    [Theory]
    [InlineData("king", "king")]
    [InlineData(" king", "king")]
    [InlineData(" ", "space")]
    [InlineData("\n", "line feed")]
    [InlineData(".\n", ". line feed")]
    [InlineData("\u202e", "U+202E")]
    public void Every_token_has_a_name_that_can_be_spoken(string token, string expected) =>
        Assert.Equal(expected, VisibleText.Spoken(token));

    [Theory]
    [InlineData(0, 10, "ab", false, true)]
    [InlineData(5, 10, "efg", true, true)]
    [InlineData(9, 10, "ij", true, false)]
    public void Only_the_pieces_around_the_peak_are_shown_where_that_is_asked(int peak, int count, string expected, bool before, bool after)
    {
        using var context = new BunitContext();
        var example = new FeatureExample("d", 0, 1, [.. Enumerable.Range(0, count).Select(i => $" {(char)('a' + i)}")],
            [.. Enumerable.Range(0, count).Select(i => i == peak ? 1f : 0f)], peak);
        IRenderedComponent<TokenText> shown = context.Render<TokenText>(parameters =>
            parameters.Add(text => text.Example, example).Add(text => text.Around, 1));
        Assert.Equal(expected, string.Concat(shown.FindAll(".token").Select(token => token.FirstChild!.TextContent.Trim())));
        string[] parts = [.. shown.Find("[data-tokens]").Children.Select(child => child.ClassName ?? "")];
        Assert.Equal(before, parts[0] is "cut");
        Assert.Equal(after, parts[^1] is "cut");
    }

    [Fact]
    public void Text_that_does_not_fire_is_no_stop_for_the_keyboard()
    {
        using var context = new BunitContext();
        IRenderedComponent<TokenText> shown = context.Render<TokenText>(parameters =>
            parameters.Add(text => text.Pieces, ["a", "b"]).Add(text => text.Activations, [0f, 0f]));
        Assert.Null(shown.Find("[data-tokens]").GetAttribute("tabindex"));
        Assert.Empty(shown.FindAll(".fires"));
    }

    [Fact]
    public void Half_a_character_can_be_seen() => Assert.Equal("a‹D83D›b‹DE00›", VisibleText.OneLine("a\ud83db\ude00"));

    [Theory]
    [InlineData("\ud83d\ude00", "\ud83d\ude00")]
    [InlineData("a\u2028b", "a‹2028›b")]
    [InlineData("\u007f\u0085", "‹DEL›‹0085›")]
    [InlineData("naïve 鯨", "naïve 鯨")]
    public void Every_character_can_be_seen(string text, string expected) => Assert.Equal(expected, VisibleText.OneLine(text));
}
