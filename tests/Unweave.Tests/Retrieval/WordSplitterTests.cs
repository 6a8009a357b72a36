using CsCheck;
using Unweave.Retrieval;

namespace Unweave.Tests.Retrieval;

public sealed class WordSplitterTests
{
    [Theory]
    [InlineData("The quick (“brown”) fox can’t jump 32.3 feet, right?", "the quick brown fox can't jump 32.3 feet right")]
    [InlineData("foo_bar e-mail C3PO 1,024 U.S.A. x=y", "foo_bar e mail c3po 1,024 u.s.a x y")]
    [InlineData("Ünïcode CAFE\u0301 Σίσυφος", "ünïcode café σίσυφοσ")]
    [InlineData("我的猫 cat", "我 的 我的 猫 的猫 cat")]
    [InlineData("猫,犬", "猫 犬")]
    [InlineData("カタカナとひらがな", "カタカナ と ひ とひ ら ひら が らが な がな")]
    [InlineData("한국어 텍스트", "한국어 텍스트")]
    [InlineData("สวัสดี", "ส วั สวั ส วัส ดี สดี")]
    [InlineData("№5 ½ — … ☎ 🎉", "5 1\u20442")]
    [InlineData(" \r\n\t", "")]
    [InlineData("", "")]
    public void A_text_is_split(string text, string expected) =>
        Assert.Equal(expected, string.Join(' ', Split(text).Select(word => word.Term)));

    [Theory]
    [InlineData("wings wing's wing’s wing WINGS’", "wing wing wing wing wing")]
    [InlineData("queries bodies' ties", "query body ty")]
    [InlineData("boxes shoes bees algae", "boxe shoe bee algae")]
    [InlineData("virus glass glass's his is gas", "virus glass glass hi is ga")]
    [InlineData("cafés naïves don't 1990s s '", "cafés naïves don't 1990 s")]
    public void Plurals_and_possessives_are_the_same_term(string text, string expected)
    {
        Assert.Equal(expected, string.Join(' ', Split(text).Select(word => word.Term)));
    }

    [Fact]
    public void Plurals_stay_where_they_are_asked_to()
    {
        foreach (Word word in new WordSplitter(stem: false).Split("Wings")) Assert.Equal("wings", word.Term.ToString());
    }

    [Fact]
    public void Words_know_where_they_are()
    {
        const string Text = "A CAFE\u0301, 我的猫!";
        Assert.Equal(["A", "CAFE\u0301", "我", "的", "我的", "猫", "的猫"],
            Split(Text).Select(word => Text.Substring(word.Start, word.Length)), StringComparer.Ordinal);
    }

    // What a word folds to is the word's own: a part of a text that is one word is the same word alone.
    [Fact]
    public void A_word_alone_is_the_same_word() => Gen.OneOf(Gen.Char['a', 'z'], Gen.Char[' ', '~'], Gen.Char['À', 'ž'], Gen.Char['א', 'ת'],
        Gen.Char['぀', 'ヿ'], Gen.Char['一', '丏'], Gen.Char['\uD83C', '\uDFFF']).Array[0, 24].Select(units => new string(units)).Sample(text =>
        {
            int last = 0;
            foreach ((string term, int start, int length) in Split(text))
            {
                Assert.True(start + length >= last && length > 0 && start + length <= text.Length);
                last = start + length;
                Assert.Contains(Split(text.Substring(start, length)), word => word == (term, 0, length));
            }
        });

    internal static List<(string Term, int Start, int Length)> Split(string text)
    {
        List<(string, int, int)> words = [];
        foreach (Word word in new WordSplitter().Split(text)) words.Add((word.Term.ToString(), word.Start, word.Length));
        return words;
    }
}
