namespace Unweave.Apps.Tests;

public sealed class HelpTests
{
    [Theory]
    [InlineData("")]
    [InlineData("demo")]
    [InlineData("train")]
    [InlineData("eval")]
    [InlineData("encode")]
    [InlineData("features")]
    [InlineData("features build")]
    [InlineData("features list")]
    [InlineData("features show")]
    [InlineData("features explain")]
    [InlineData("features export")]
    [InlineData("features mark")]
    [InlineData("features map")]
    [InlineData("read")]
    [InlineData("steer")]
    [InlineData("attribute")]
    [InlineData("inspect")]
    [InlineData("hooks")]
    [InlineData("harvest")]
    [InlineData("pull")]
    [InlineData("schema")]
    [InlineData("serve")]
    [InlineData("learn")]
    public async Task Every_command_has_help_with_an_example(string command)
    {
        using var place = new Workplace();
        Outcome help = (await place.Run([.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"])).Succeeded();
        Assert.Contains("Usage:", help.Output, StringComparison.Ordinal);
        Assert.Contains("--json", help.Output, StringComparison.Ordinal);
        Assert.Contains(HelpExamples.Of(help), example => example.StartsWith($"unweave {command}", StringComparison.Ordinal));
        Assert.All(help.Output.Split('\n'), line => Assert.True(line.Length <= 100, line));
        Assert.Equal("", help.Error);
    }
}
