using System.CommandLine;
using System.CommandLine.Completions;

namespace Unweave.Cli;

/// <summary>
/// What a word of a command line may be completed to, read off the commands and their flags. A shell's script asks for it with
/// <c>unweave '[suggest]' WORDS</c>: the words after <c>unweave</c> up to the cursor, the last one, perhaps empty, being completed.
/// </summary>
internal static class Completion
{
    /// <summary>The word that asks for completions; no file, flag or command is called that.</summary>
    public const string Question = "[suggest]";

    /// <summary>What the last word may be completed to; empty where files may be meant.</summary>
    public static IReadOnlyList<string> Of(Command root, IReadOnlyList<string> words)
    {
        // Shells take --flag=value apart at the sign, or leave it whole.
        List<string> typed = [.. words.SelectMany(word => word.StartsWith("--", StringComparison.Ordinal) ? word.Split('=', 2) : [word])];
        typed.RemoveAll(word => word is "=");
        if (words is [.., "="]) typed.Add("");
        string last = typed is [.., var end] ? end : "";
        (Command command, Option? open) = Follow(root, typed.Take(typed.Count - 1));
        IEnumerable<string> candidates = open is not null ? Choices(open)
            : last.StartsWith('-') ? Flags(command).Select(option => option.Name)
            : command.Subcommands.Where(subcommand => !subcommand.Hidden).Select(subcommand => subcommand.Name)
                .Concat(command.Arguments.SelectMany(argument => argument.GetCompletions(CompletionContext.Empty))
                    .Select(item => item.Label));
        return [.. candidates.Where(name => name.StartsWith(last, StringComparison.Ordinal)).Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)];
    }

    // The command that the words lead to, and the flag whose value comes next.
    private static (Command, Option?) Follow(Command root, IEnumerable<string> words)
    {
        (Command command, Option? open) = (root, null);
        foreach (string word in words)
        {
            if (open is not null)
            {
                open = null;
            }
            else if (word.StartsWith('-'))
            {
                Option? option = Flags(command).FirstOrDefault(one =>
                    one.Aliases.Append(one.Name).Contains(word, StringComparer.Ordinal));
                open = option is { Arity.MinimumNumberOfValues: > 0 } ? option : null;
            }
            else
            {
                command = command.Subcommands.FirstOrDefault(one => string.Equals(one.Name, word, StringComparison.Ordinal)) ?? command;
            }
        }

        return (command, open);
    }

    private static IEnumerable<Option> Flags(Command command) => command.Options
        .Concat(Help.Ancestors(command).SelectMany(ancestor => ancestor.Options.Where(option => option.Recursive)));

    /// <summary>The values that the help lists: a|b|c. A name such as FILE says that any word may come.</summary>
    internal static string[] Choices(Option option) =>
        option.HelpName is { } names && names.Contains('|', StringComparison.Ordinal)
            ? names.Split('|')
            : [.. option.GetCompletions(CompletionContext.Empty).Select(item => item.Label)];
}
