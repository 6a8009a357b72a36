using Unweave.Numerics;

namespace Unweave.Tests.Numerics;

public sealed class StandardNormalTests
{
    // from math import erfc, sqrt; [0.5*erfc(-x/sqrt(2)) for x in (-12, -7.5, -7, -3.1, -0.5, 0, 0.3, 1, 2.5, 6)]
    [Theory]
    [InlineData(-12, 1.776482112077702e-33)]
    [InlineData(-7.5, 3.19089167291092e-14)]
    [InlineData(-7, 1.279812543885835e-12)]
    [InlineData(-3.1, 0.0009676032132183562)]
    [InlineData(-0.5, 0.3085375387259869)]
    [InlineData(0, 0.5)]
    [InlineData(0.3, 0.6179114221889526)]
    [InlineData(1, 0.8413447460685429)]
    [InlineData(2.5, 0.9937903346742238)]
    [InlineData(6, 0.9999999990134123)]
    public void Cumulative_matches_the_error_function(double x, double expected) =>
        Assert.Equal(1, StandardNormal.Cumulative(x) / expected, 1e-8);

    [Theory]
    [InlineData(1e-12)]
    [InlineData(0.0005)]
    [InlineData(0.4)]
    [InlineData(0.5)]
    [InlineData(0.97)]
    public void Quantile_is_the_inverse(double p) => Assert.Equal(1, StandardNormal.Cumulative(StandardNormal.Quantile(p)) / p, 1e-12);

    [Fact]
    public void Quantiles_of_0_and_1_are_infinite()
    {
        Assert.Equal(double.NegativeInfinity, StandardNormal.Quantile(0));
        Assert.Equal(double.PositiveInfinity, StandardNormal.Quantile(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => StandardNormal.Quantile(1.1));
    }
}
