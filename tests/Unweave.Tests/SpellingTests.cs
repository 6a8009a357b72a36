namespace Unweave.Tests;

public sealed class SpellingTests
{
    private static readonly string[] Names = ["tokens", "batch", "learningRate", "k"];

    [Theory]
    [InlineData("tokenz", "tokens")]
    [InlineData("Tokens", "tokens")]
    [InlineData("batc", "batch")]
    [InlineData("bacth", "batch")]
    [InlineData("learning_rate", "learningRate")]
    [InlineData("K", "k")]
    [InlineData("zebra", null)]
    [InlineData("", null)]
    public void The_nearest_name_is_found_and_only_when_near(string written, string? expected) =>
        Assert.Equal(expected, Spelling.Nearest(written, Names));
}
