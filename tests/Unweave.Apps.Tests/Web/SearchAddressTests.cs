using Unweave.Retrieval;
using Unweave.Web.Components;
using Unweave.Web.Routing;

namespace Unweave.Apps.Tests.Web;

/// <summary>A search in an address, and the text of a hit.</summary>
public sealed class SearchAddressTests
{
    [Fact]
    public void An_address_holds_all_of_a_search()
    {
        TextSearch search = new TextSearch { Text = "a & b ü", WordWeight = 0, Distinct = true }
            .LikeThis("id 1").LikeThis("x=y").Seek(3).Raise(5).Raise(5).Lower(6).Weigh(7, 0).Require(8).Exclude(9).Exclude(10)
            .Filter("kind=a|b").Filter("!year>=1990") with
        {
            Count = 30,
        };
        string written = SearchAddress.Write(search);
        TextSearch read = SearchAddress.Read(written, 11);
        Assert.Equal(written, SearchAddress.Write(read));
        Assert.Equal((search.Text, 0, true, 30), (read.Text, read.WordWeight, read.Distinct, read.Count));
        Assert.Equal(["id 1", "x=y"], read.Like);
        Assert.Equal([3], read.Latents);
        Assert.Equal([(5, 4f), (6, 0.5f), (7, 0f)], read.Factors.Select(factor => (factor.Key, factor.Value)));
        Assert.Equal([8], read.Required);
        Assert.Equal([9, 10], read.Excluded);
        Assert.Equal(["kind=a|b", "!year>=1990"], read.Filters);
        Assert.Equal("", SearchAddress.Write(new TextSearch()));
    }

    [Theory]
    [InlineData("?exclude=11&require=-1&latent=x&weigh=3&weigh=12%3D2&weigh=4%3DNaN&filter=nonsense&words=7&count=0&distinct=2&like=%20")]
    [InlineData("?count=1e9&words=&weigh=3%3D1&exclude=")]
    public void What_an_address_gets_wrong_is_left_out(string address) =>
        Assert.Equal("", SearchAddress.Write(SearchAddress.Read(address, 11)));

    [Fact]
    public void An_edit_made_twice_is_undone_and_none_contradicts_another()
    {
        TextSearch search = new TextSearch().Exclude(3);
        Assert.Empty(search.Exclude(3).Excluded);
        Assert.Equal((0, 1), (search.Require(3).Excluded.Count, search.Require(3).Required.Count));
        Assert.Empty(search.Raise(4).Lower(4).Factors);
        Assert.Equal(0, search.Lower(4).Lower(4).Lower(4).FactorOf(4));
        Assert.Equal(4, search.Raise(4).Raise(4).Raise(4).FactorOf(4));
        Assert.False(search.Plain().IsEdited);
    }

    [Fact]
    public void The_words_of_a_hit_are_marked_where_they_are_and_a_long_text_is_cut_around_them()
    {
        string text = string.Concat(Enumerable.Repeat("lorem ipsum ", 60)) + "the violin\nplays "
            + string.Concat(Enumerable.Repeat("dolor ", 60));
        int at = text.IndexOf("violin", StringComparison.Ordinal);
        var hit = new SearchHit("key", 1, text, new Dictionary<string, FieldValue>(StringComparer.Ordinal), null, 1, [],
            [new WordShare("violin", 1, [new TextSpan(at, 6)])]);
        (string Text, bool Marked)[] cut = [.. HitText.Pieces(hit, whole: false)], all = [.. HitText.Pieces(hit, whole: true)];
        Assert.Equal("violin", Assert.Single(cut, piece => piece.Marked).Text);
        Assert.Equal(text.Replace('\n', ' '), string.Concat(all.Select(piece => piece.Text)));
        string shown = string.Concat(cut.Select(piece => piece.Text));
        Assert.StartsWith("… ", shown, StringComparison.Ordinal);
        Assert.EndsWith(" …", shown, StringComparison.Ordinal);
        Assert.InRange(shown.Length, 200, 400);
        Assert.Contains("the violin plays", shown, StringComparison.Ordinal);
    }
}
