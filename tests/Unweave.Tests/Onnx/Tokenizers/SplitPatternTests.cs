using System.Globalization;
using System.Text;
using CsCheck;
using Unweave.Onnx;

namespace Unweave.Tests.Onnx;

public sealed class SplitPatternTests
{
    private const string Llama3 = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    [Theory]
    [InlineData("Don'T pay 123456 !?\n", "Don|'T| pay| |123|456| !?\n")]
    [InlineData("a  b\n\n c", "a| | b|\n\n| c")]
    [InlineData("x'ſa", "x|'ſ|a")]
    [InlineData("ab𝒜𠀀c 𝟘𝟙𝟚𝟛", "ab𝒜𠀀c| |𝟘𝟙𝟚|𝟛")]
    [InlineData("😀😀 👍🏽x", "😀😀| 👍🏽|x")]
    public void Text_is_split_as_the_expression_says(string text, string expected) => Assert.Equal(expected, Split(Llama3, text));

    [Theory]
    [InlineData("I've  paid $12.50!", "I|'ve| | paid| $|12|.|50|!")]
    [InlineData("naïve 日本 한국", "naïve| 日本| 한국")]
    [InlineData("e\u0301x", "e|\u0301|x")]
    [InlineData("a𠀀b 🅰", "a𠀀b| 🅰")]
    public void Gpt2_splits_letters_numbers_and_the_rest(string text, string expected) => Assert.Equal(expected, Split(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", text));

    [Theory]
    [InlineData(SplitBehavior.Removed, "The|final|countdown")]
    [InlineData(SplitBehavior.Isolated, "The|-|final|-|-|countdown")]
    [InlineData(SplitBehavior.MergedWithPrevious, "The-|final-|-|countdown")]
    [InlineData(SplitBehavior.MergedWithNext, "The|-final|-|-countdown")]
    [InlineData(SplitBehavior.Contiguous, "The|-|final|--|countdown")]
    internal void Matches_are_kept_dropped_or_joined(SplitBehavior behavior, string expected)
    {
        Assert.Equal(expected, Shown(new LiteralSplit("-", behavior, invert: false), "The-final--countdown"));
        Assert.Equal(expected, Shown(new PatternSplit(new SplitPattern(@"\-", "here"), behavior, invert: false), "The-final--countdown"));
    }

    [Fact]
    public void An_inverted_expression_matches_what_lies_between() =>
        Assert.Equal("The|final|countdown", Shown(new PatternSplit(new SplitPattern("[^-]+", "here"), SplitBehavior.Removed, invert: true), "The-final--countdown"));

    [Theory]
    [InlineData(@"\w+", @"\w")]
    [InlineData(@"\b", @"\b")]
    [InlineData(@"^a", "anchor ^")]
    [InlineData(@"a$", "anchor $")]
    [InlineData(@"\p{Han}+", @"\p{Han}")]
    [InlineData(@"\pL", @"\p")]
    [InlineData(@"[a-z&&[aeiou]]", "&&")]
    [InlineData(@"[[:alpha:]]", "class within")]
    [InlineData(@"[]a]", "starts with ]")]
    [InlineData(@"(?<name>a)", "group")]
    [InlineData(@"(?x)a b", "group")]
    [InlineData(@"a{,3}", "{,")]
    [InlineData(@"[\u0080-\uFFEF]", "U+FFEF")]
    [InlineData("[一-\uFFEF]", "U+FFEF")]
    [InlineData("\U0001F600", "U+FFFF")]
    [InlineData(@"\ud83d", "surrogates")]
    [InlineData(@"(?i:é)", "beyond ASCII")]
    [InlineData(@"a\", "backslash")]
    [InlineData(@"\p{L}++", ".NET cannot")]
    [InlineData(@"(a", ".NET cannot")]
    public void An_expression_that_would_be_read_differently_is_refused(string pattern, string named)
    {
        string message = Assert.Throws<InputException>(() => new SplitPattern(pattern, "tokenizer.json")).Message;
        Assert.StartsWith("tokenizer.json: ", message, StringComparison.Ordinal);
        Assert.Contains(named, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Ranges_of_other_characters_are_read_as_they_are() => Assert.Equal("ab|日本|c", Split("[一-龥]+|[^一-龥]+", "ab日本c"));

    [Fact]
    public void Every_character_beyond_the_first_plane_has_a_stand_in_of_its_category()
    {
        for (int point = 0x10000; point <= 0x10FFFF; point++)
        {
            var rune = new Rune(point);
            Assert.Equal(Rune.GetUnicodeCategory(rune), CharUnicodeInfo.GetUnicodeCategory(SplitPattern.StandIn(rune)));
        }
    }

    [Fact]
    public void Parts_make_up_the_text() => TokenizerFixture.AnyText.Sample(text =>
    {
        AlignedText aligned = AlignedText.Of(text);
        Assert.Equal(aligned.Units.ToString(), string.Concat(Split(Llama3, text, separator: "")));
    }, iter: 500);

    private static string Split(string pattern, string text, string separator = "|") => Shown(new PatternSplit(new SplitPattern(pattern, "here"), SplitBehavior.Isolated, invert: false), text, separator);

    private static string Shown(SplitStep step, string text, string separator = "|")
    {
        Words words = step.Apply(Words.Of(AlignedText.Of(text)));
        return string.Join(separator, words.Ranges.Select(range => words.Text.Units[range.Start..range.End].ToString()));
    }
}
