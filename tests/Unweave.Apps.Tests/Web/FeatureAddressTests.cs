using CsCheck;
using Unweave.Catalog;
using Unweave.Interpretation;
using Unweave.Web.Routing;
using Unweave.Web.Runs;

namespace Unweave.Apps.Tests.Web;

public sealed class FeatureAddressTests
{
    private static readonly Gen<FeatureQuery> Queries =
        from text in Gen.String[0, 30].Null()
        from kinds in Gen.Enum<FeatureKind>().Array[0, 4]
        from min in Gen.Double[1e-6, 1].Nullable()
        from score in Gen.Double[0, 1].Nullable()
        from labelled in Gen.Bool.Nullable()
        from starred in Gen.Bool
        from list in Gen.String[Gen.Char.AlphaNumeric, 1, 10].Null()
        from order in Gen.Enum<FeatureOrder>()
        from down in Gen.Bool
        select new FeatureQuery
        {
            Text = Meant(text),
            Kinds = kinds.Length == 0 ? null : [.. kinds.Distinct().Order()],
            MinFrequency = min,
            MinScore = score,
            Labelled = labelled,
            Starred = starred,
            List = list,
            Order = order,
            Descending = down,
        };

    [Fact]
    public void A_query_comes_back_from_its_address() => Queries.Sample(query =>
    {
        FeatureQuery back = FeatureAddress.Read("http://localhost/runs/a/features" + FeatureAddress.Write(query));
        return (back with { Kinds = null }) == (query with { Kinds = null }) && (back.Kinds ?? []).SequenceEqual(query.Kinds ?? []);
    });

    [Theory]
    [InlineData("")]
    [InlineData("?kind=nonsense&min=x&max=-1&score=NaN&sort=color&labelled=maybe&starred=1&q=%20")]
    [InlineData("?min=1e999&kind=,,&order=up")]
    public void What_an_address_gets_wrong_is_left_out(string address) =>
        Assert.Equal("", FeatureAddress.Write(FeatureAddress.Read(address)));

    [Fact]
    public void What_is_on_the_screen_can_be_had_by_a_command() => Assert.Equal(
        "unweave features list 'my run' 'it'\\''s; $x' --kind dead --min-score 0.7 --starred --sort score",
        TerminalCommands.ListFeatures("my run", FeatureAddress.Read("?q=it's; $x&kind=dead&score=0.7&starred=yes&sort=score&order=down")));

    [Fact]
    public void A_long_text_is_cut() => Assert.Equal(200, FeatureAddress.Read("?q=" + new string('a', 5000)).Text!.Length);

    [Theory]
    [InlineData("run 1", "/runs/run%201/features/3?q=a")]
    [InlineData("a/../b", "/runs/a%2F..%2Fb/features/3?q=a")]
    [InlineData("50%#?", "/runs/50%25%23%3F/features/3?q=a")]
    public void Names_of_runs_are_encoded_in_addresses(string run, string expected)
    {
        string address = Links.Feature(run, 3, "?q=a");
        Assert.Equal(expected, address);
        Assert.Equal(run, Links.RunOf(address));
    }

    private static string? Meant(string? text) =>
        string.IsNullOrWhiteSpace(text)
            ? null
            : new string([.. text.Where(c => !char.IsSurrogate(c))]) is { } plain && !string.IsNullOrWhiteSpace(plain)
            ? plain
            : null;
}
