namespace Unweave.Apps.Tests;

public sealed class HelpTests
{
    [Theory]
    [InlineData("")]
    [InlineData("demo")]
    [InlineData("train")]
    [InlineData("sweep")]
    [InlineData("sweep show")]
    [InlineData("sweep eval")]
    [InlineData("sweep plot")]
    [InlineData("eval")]
    [InlineData("synth")]
    [InlineData("embed")]
    [InlineData("eval-search")]
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
    [InlineData("measure")]
    [InlineData("convert")]
    [InlineData("hooks")]
    [InlineData("harvest")]
    [InlineData("pull")]
    [InlineData("schema")]
    [InlineData("serve")]
    [InlineData("learn")]
    [InlineData("completion")]
    public async Task Every_command_has_help_with_an_example(string command)
    {
        using var place = new Workplace();
        Outcome help = (await place.Run([.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"])).Succeeded();
        Assert.Contains("Usage:", help.Output, StringComparison.Ordinal);
        Assert.Contains("--json", help.Output, StringComparison.Ordinal);
        Assert.Contains(HelpExamples.Of(help), example => example.StartsWith($"unweave {command}", StringComparison.Ordinal));
        Assert.All(help.Output.Split('\n'), line => Assert.True(line.Length <= 100, line));
        Assert.All(help.Output.Split('\n'), line => Assert.Equal(line.TrimEnd(), line));
        Assert.Equal("", help.Error);
    }

    [Fact]
    public async Task The_list_of_commands_fits_a_screen_with_a_line_for_each()
    {
        using var place = new Workplace();
        string[] lines = (await place.Run("--help")).Succeeded().Output.Split('\n');
        int from = Array.IndexOf(lines, "Commands:"), to = Array.IndexOf(lines, "Options:");
        string[] commands = lines[(from + 1)..(to - 1)];
        Assert.All(commands, line => Assert.Matches("^  [a-z-]+ +[A-Z].*[.]$", line));
        Assert.True(lines.Length <= 42, $"{lines.Length} lines");
    }

    [Fact]
    public async Task The_help_of_the_demo_has_the_defaults_that_the_demo_uses()
    {
        using var place = new Workplace();
        string help = string.Join(' ', (await place.Run("demo", "--help")).Succeeded().Output.Split((char[]?)null,
            StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("Rows of a batch. [default: 1024]", help, StringComparison.Ordinal);
        Assert.Contains("else 1e-3. [default: 0.001]", help, StringComparison.Ordinal);
        Assert.Contains("the trained autoencoder. [default: runs/demo]", help, StringComparison.Ordinal);
    }
}
