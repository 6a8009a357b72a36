using Unweave.Interpretation;
using Unweave.Numerics;

namespace Unweave.Tests.Interpretation;

public sealed class FeatureLabelTests
{
    // Labels that say yes at random, about as often as they are right: by luck, one in twenty may be above chance.
    [Theory]
    [InlineData(50, 40, 0.5)]
    [InlineData(20, 80, 0.5)]
    [InlineData(10, 40, 0.5)]
    [InlineData(5, 40, 0.5)]
    [InlineData(40, 5, 0.5)]
    [InlineData(10, 40, 0.7)]
    public void A_guess_is_above_chance_about_once_in_twenty(int firing, int others, double yes)
    {
        const int Guesses = 20_000;
        var rng = new Rng(5);
        int above = 0;
        for (int guess = 0; guess < Guesses; guess++)
        {
            int found = Enumerable.Range(0, firing).Count(_ => rng.NextDouble() < yes);
            int spared = Enumerable.Range(0, others).Count(_ => rng.NextDouble() >= yes);
            double detection = (((double)found / firing) + ((double)spared / others)) / 2;
            if (new FeatureLabel("a guess", "words", detection, double.NaN, firing + others, firing).AboveChance) above++;
        }

        // Scores of few texts come in steps, so that the share is not 5% exactly; the bound of the variance is reached at one half only.
        Assert.InRange((double)above / Guesses, yes == 0.5 ? 0.025 : 0.005, FeatureLabel.LuckyShare + 0.02);
    }

    [Fact]
    public void Without_the_number_of_each_half_of_the_texts_is_taken()
    {
        // 0.5 + 1.645·¼·√(1/32 + 1/32) = 0.6028
        Assert.False(new FeatureLabel("a", "words", 0.602, double.NaN, 64).AboveChance);
        Assert.True(new FeatureLabel("a", "words", 0.603, double.NaN, 64).AboveChance);
        Assert.False(new FeatureLabel("a", "words", 0.602, double.NaN, 64, 32).AboveChance);

        // 0.5 + 1.645·¼·√(1/5 + 1/40) = 0.6951
        Assert.False(new FeatureLabel("a", "words", 0.695, double.NaN, 45, 5).AboveChance);
        Assert.True(new FeatureLabel("a", "words", 0.696, double.NaN, 45, 5).AboveChance);
        Assert.False(new FeatureLabel("a", "words", 1, double.NaN, 5, 5).AboveChance);
        Assert.False(new FeatureLabel("a", "words", 1, double.NaN, 0).AboveChance);
    }
}
