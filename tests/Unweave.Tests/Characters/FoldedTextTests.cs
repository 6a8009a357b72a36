using System.Text;
using CsCheck;
using Unweave.Characters;

namespace Unweave.Tests.Characters;

public sealed class FoldedTextTests
{
    // Expected values by Python: unicodedata.normalize("NFKC", …) and CaseFolding.txt, statuses C and S.
    [Theory]
    [InlineData("Plain ASCII-09", "plain ascii-09")]
    [InlineData("CAFÉ", "café")]
    [InlineData("CAFE\u0301", "café")]
    [InlineData("\u1E69", "\u1E69")]
    [InlineData("s\u0307\u0323", "\u1E69")]
    [InlineData("ﬁnance", "finance")]
    [InlineData("ＦＵＬＬ１２", "full12")]
    [InlineData("\u212A\u212B", "k\u00E5")]
    [InlineData("ΣΊΣΥΦΟς", "σίσυφοσ")]
    [InlineData("Straße STRASSE ẞ", "straße strasse ß")]
    [InlineData("ſtop", "stop")]
    [InlineData("ｶﾞ", "ガ")]
    [InlineData("\u1112\u1161\u11AB", "\uD55C")]
    [InlineData("Ⅷ ① ½", "viii 1 1\u20442")]
    [InlineData("co\u00ADop", "coop")]
    [InlineData("☎\uFE0F", "☎")]
    [InlineData("don’t", "don't")]
    [InlineData("\uD801\uDC00", "\uD801\uDC28")]
    [InlineData("𝔘𝔫𝔴𝔢𝔞𝔳𝔢", "unweave")]
    [InlineData("ı İ", "ı i\u0307")]
    [InlineData("", "")]
    public void Text_is_folded(string text, string expected) => Assert.Equal(expected, new FoldedText().Fold(text).ToString());

    [Fact]
    public void What_is_folded_stays_as_it_is() => Gen.OneOf(Gen.Int[0, 0x24FF], Gen.Int[0xF900, 0xFFFD], Gen.Int[0x10000, 0x1FFFF])
        .Where(Rune.IsValid).Array[0, 12].Sample(points =>
        {
            var folded = new FoldedText();
            string once = folded.Fold(string.Concat(points.Select(point => new Rune(point)))).ToString();
            Assert.Equal(once, folded.Fold(once).ToString());
        });

    [Fact]
    public void Half_a_surrogate_pair_becomes_the_replacement_character() =>
        Assert.Equal("a\uFFFDb", new FoldedText().Fold("A\uD83DB").ToString());
}
