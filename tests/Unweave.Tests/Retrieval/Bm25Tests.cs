using CsCheck;
using Unweave.Retrieval;

namespace Unweave.Tests.Retrieval;

public sealed class Bm25Tests
{
    // Python: math.log(1 + (N - n + .5) / (n + .5)).
    [Theory]
    [InlineData(1000, 0, 7.6019019599)]
    [InlineData(1000, 1, 6.5032896712)]
    [InlineData(1000, 500, 0.6931471806)]
    [InlineData(1000, 1000, 0.0004996253)]
    [InlineData(0, 0, 0.6931471806)]
    public void Rare_terms_tell_more(long documents, long with, double expected) =>
        Assert.Equal(expected, Bm25.Idf(documents, with), 1e-9);

    // Python: f / (f + k1 * (1 - b + b * length / average)).
    [Theory]
    [InlineData(1, 10, 10, 1.2, 0.75, 0.4545454545)]
    [InlineData(3, 20, 10, 1.2, 0.75, 0.5882352941)]
    [InlineData(3, 5, 10, 0.9, 0.4, 0.8064516129)]
    [InlineData(2, 50, 10, 1.2, 0, 0.625)]
    [InlineData(2, 50, 10, 0, 0.75, 1)]
    [InlineData(0, 10, 10, 0, 0.75, 0)]
    [InlineData(1, 0, 0, 1.2, 0.75, 0.4545454545)]
    public void Occurrences_saturate(double frequency, double length, double average, double k1, double b, double expected) =>
        Assert.Equal(expected, Bm25.Saturation(frequency, length, average, k1, b), 1e-9);

    [Fact]
    public void More_occurrences_count_more_and_longer_documents_less() =>
        Gen.Select(Gen.Int[1, 50], Gen.Int[1, 500], Gen.Double[1, 300]).Sample((frequency, length, average) =>
        {
            double counts = Bm25.Saturation(frequency, length, average);
            Assert.InRange(counts, 0, 1);
            Assert.True(Bm25.Saturation(frequency + 1, length, average) > counts);
            Assert.True(Bm25.Saturation(frequency, length + 1, average) < counts);
        });

    [Theory]
    [InlineData("900 30 260 0", "no yes no no")]
    [InlineData("250 251", "yes no")]
    [InlineData("900 800 0", "yes yes no")]
    [InlineData("0 0", "no no")]
    [InlineData("", "")]
    public void Common_terms_are_left_out_while_a_rarer_one_remains(string documentsWith, string expected)
    {
        int[] with = [.. documentsWith.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)];
        bool[] counts = new bool[with.Length];
        Bm25.Choose(with, 1000, counts, common: 0.25);
        Assert.Equal(expected, string.Join(' ', counts.Select(each => each ? "yes" : "no")));
    }
}
