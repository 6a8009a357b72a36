using System.Diagnostics;

namespace Unweave.Apps.Tests;

/// <summary>Shells complete commands, flags and their values.</summary>
public sealed class CompletionTests
{
    [Theory]
    [InlineData("tr", "train")]
    [InlineData("features sh", "show")]
    [InlineData("train --architecture to", "topk")]
    [InlineData("train --architecture=to", "topk")]
    [InlineData("train -o x --laten", "--latents")]
    [InlineData("features list sae --sort sc", "score")]
    [InlineData("eval sae/ --js", "--json")]
    [InlineData("convert sae/ --to spar", "sparsify")]
    [InlineData("completion z", "zsh")]
    [InlineData("train --config", "--config")]
    [InlineData("train --config ", "")] // a file: the shell knows those
    [InlineData("train vec", "")]
    public async Task A_word_is_completed_to_what_the_command_line_takes_there(string typed, string expected)
    {
        using var place = new Workplace();
        Outcome found = (await place.Run(["[suggest]", .. typed.Split(' ')])).Succeeded();
        Assert.Equal(expected, found.Output.TrimEnd());
    }

    [Fact]
    public async Task Every_command_is_offered_where_nothing_is_typed()
    {
        using var place = new Workplace();
        string[] found = (await place.Run("[suggest]", "")).Succeeded().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains("demo", found, StringComparer.Ordinal);
        Assert.Contains("completion", found, StringComparer.Ordinal);
        Assert.Equal(found.Order(StringComparer.Ordinal), found, StringComparer.Ordinal);
    }

    [Fact]
    public async Task The_script_for_bash_completes_in_bash()
    {
        Assert.SkipUnless(File.Exists("/bin/bash") && !OperatingSystem.IsWindows(), "There is no bash.");
        using var place = new Workplace();
        place.Write("complete.bash", (await place.Run("completion", "bash")).Succeeded().Output);
        // What bash does when Tab is pressed: the function that `complete` registered, called with the words and the cursor's place.
        place.Write("try.bash", """
            program=$1
            unweave() { dotnet "$program" "$@"; }
            source complete.bash
            complete -p unweave
            tab() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _unweave; echo "$*: ${COMPREPLY[*]}"; }
            tab unweave tr
            tab unweave features list sae --so
            tab unweave train --architecture = batch
            tab unweave encode --sae ""
            """);
        var start = new ProcessStartInfo("/bin/bash", ["--norc", "try.bash", Path.Combine(AppContext.BaseDirectory, "Unweave.Cli.dll")])
        {
            WorkingDirectory = place.Folder,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        using var bash = Process.Start(start)!;
        string said = await bash.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await bash.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(
            """
            complete -o default -F _unweave unweave
            unweave tr: train
            unweave features list sae --so: --sort
            unweave train --architecture = batch: batchtopk
            unweave encode --sae :
            """.ReplaceLineEndings("\n"), said.TrimEnd().ReplaceLineEndings("\n"));
    }

    [Theory]
    [InlineData("zsh", "compdef _unweave unweave")]
    [InlineData("fish", "complete -c unweave")]
    [InlineData("pwsh", "Register-ArgumentCompleter")]
    public async Task Other_shells_have_scripts_of_their_own_which_ask_in_the_same_way(string shell, string registers)
    {
        using var place = new Workplace();
        string script = (await place.Run("completion", shell)).Succeeded().Output;
        Assert.Contains(registers, script, StringComparison.Ordinal);
        Assert.Contains("unweave '[suggest]'", script, StringComparison.Ordinal);
        (await place.Run("completion", "tcsh")).Refused("it must be one of bash, zsh, fish, pwsh");
    }
}
