using Unweave.Onnx;

namespace Unweave.Tests.Onnx;

public sealed class CanonicalFormTests
{
    // From the examples of Unicode Standard Annex 15: singletons, pairs, order of marks, Hangul, exclusions.
    [Theory]
    [InlineData("plain", "plain", "plain")]
    [InlineData("é", "e\u0301", "é")]
    [InlineData("e\u0301", "e\u0301", "é")]
    [InlineData("\u212B", "A\u030A", "\u00C5")]
    [InlineData("\u2126", "\u03A9", "\u03A9")]
    [InlineData("\u1E9B\u0323", "\u017F\u0323\u0307", "\u1E9B\u0323")]
    [InlineData("\u1E69", "s\u0323\u0307", "\u1E69")]
    [InlineData("\u1E0B\u0323", "d\u0323\u0307", "\u1E0D\u0307")]
    [InlineData("q\u0307\u0323", "q\u0323\u0307", "q\u0323\u0307")]
    [InlineData("\uAC00", "\u1100\u1161", "\uAC00")]
    [InlineData("\u1112\u1161\u11AB", "\u1112\u1161\u11AB", "\uD55C")]
    [InlineData("\uAC00\u11A8", "\u1100\u1161\u11A8", "\uAC01")]
    [InlineData("\u0958", "\u0915\u093C", "\u0915\u093C")]
    [InlineData("\u0344", "\u0308\u0301", "\u0308\u0301")]
    [InlineData("\uFB01", "\uFB01", "\uFB01")]
    [InlineData("\uD834\uDD5E", "\uD834\uDD57\uD834\uDD65", "\uD834\uDD57\uD834\uDD65")]
    [InlineData("a\u0F74\u0F73", "a\u0F71\u0F72\u0F74", "a\u0F71\u0F72\u0F74")]
    [InlineData("\u0BC6\u0BBE", "\u0BC6\u0BBE", "\u0BCA")]
    public void Text_is_decomposed_and_composed(string text, string decomposed, string composed)
    {
        Assert.Equal(decomposed, CanonicalForm.Apply(AlignedText.Align(text), compose: false).Units.ToString());
        Assert.Equal(composed, CanonicalForm.Apply(AlignedText.Align(text), compose: true).Units.ToString());
    }

    [Fact]
    public void What_is_composed_stands_for_all_of_its_parts()
    {
        AlignedText text = CanonicalForm.Apply(AlignedText.Align("xe\u0301y"), compose: true);
        Assert.Equal("xéy", text.Units.ToString());
        Assert.Equal([(0, 1), (1, 3), (3, 4)], Enumerable.Range(0, 3).Select(i => (text.StartOf(i), text.EndOf(i))));
    }

    [Fact]
    public void What_is_decomposed_stands_for_the_whole()
    {
        AlignedText text = CanonicalForm.Apply(AlignedText.Align("xéy"), compose: false);
        Assert.Equal([(0, 1), (1, 2), (1, 2), (2, 3)], Enumerable.Range(0, 4).Select(i => (text.StartOf(i), text.EndOf(i))));
    }
}
