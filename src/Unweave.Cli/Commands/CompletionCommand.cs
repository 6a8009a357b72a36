using System.CommandLine;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave completion</c>: prints the script that makes a shell complete commands, flags and their values.</summary>
internal static class CompletionCommand
{
    private const string Bash = """
        # unweave: completion for bash. Load it now with   source <(unweave completion bash)
        # or for good with                                 unweave completion bash >> ~/.bash_completion
        _unweave() {
            local IFS=$'\n'
            COMPREPLY=($(unweave '[suggest]' "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
        }
        complete -o default -F _unweave unweave
        """;

    private const string Zsh = """
        #compdef unweave
        # unweave: completion for zsh. Load it now with    source <(unweave completion zsh)
        # or for good with                                 unweave completion zsh > "${fpath[1]}/_unweave"
        _unweave() {
            local -a found
            found=("${(@f)$(unweave '[suggest]' "${(@)words[2,CURRENT]}" 2>/dev/null)}")
            if [[ -n "${found[1]}" ]]; then compadd -- "${found[@]}"; else _files; fi
        }
        compdef _unweave unweave
        """;

    private const string Fish = """
        # unweave: completion for fish. Load it now with   unweave completion fish | source
        # or for good with                                 unweave completion fish > ~/.config/fish/completions/unweave.fish
        function __unweave_suggest
            set -l before (commandline -opc)
            unweave '[suggest]' $before[2..-1] (commandline -ct | string collect --allow-empty) 2>/dev/null
        end
        complete -c unweave -a '(__unweave_suggest)'
        """;

    private const string Pwsh = """
        # unweave: completion for PowerShell. Load it now with   unweave completion pwsh | Out-String | Invoke-Expression
        # or for good by adding that line to                     $PROFILE
        Register-ArgumentCompleter -Native -CommandName unweave -ScriptBlock {
            param($wordToComplete, $commandAst, $cursorPosition)
            $words = @($commandAst.CommandElements | Select-Object -Skip 1 |
                Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.ToString() }) + "$wordToComplete"
            unweave '[suggest]' @words 2>$null |
                ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
        }
        """;

    private static readonly (string Shell, string Script)[] Scripts = [("bash", Bash), ("zsh", Zsh), ("fish", Fish), ("pwsh", Pwsh)];

    /// <summary>Makes the command.</summary>
    public static Command Create(Help help)
    {
        string[] shells = [.. Scripts.Select(script => script.Shell)];
        var shell = new Argument<string>("SHELL") { Description = $"The shell: {string.Join(", ", shells)}." };
        shell.CompletionSources.Add(shells);
        var command = new Command("completion", "Prints the script that makes a shell complete commands and flags.") { shell };
        help.AddExamples(command, "unweave completion bash", "unweave completion pwsh");
        command.SetAction(parsed =>
        {
            string named = parsed.GetValue(shell)!;
            string? script = Scripts.FirstOrDefault(one => string.Equals(one.Shell, named, StringComparison.Ordinal)).Script;
            Console.Out.WriteLine(script
                ?? throw new InputException($"SHELL is '{named}'; it must be one of {string.Join(", ", shells)}."));
        });
        return command;
    }
}
