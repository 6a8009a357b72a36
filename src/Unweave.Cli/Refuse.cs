using System.CommandLine;
using System.CommandLine.Parsing;

namespace Unweave.Cli;

/// <summary>Refuses a command line that is not understood, in one line with the likely fix.</summary>
internal static class Refuse
{
    /// <summary>Throws for the first mistake on a command line.</summary>
    /// <exception cref="InputException">There is one.</exception>
    public static void Mistakes(ParseResult parsed)
    {
        if (parsed.Action is Help) return;
        Command command = parsed.CommandResult.Command;
        foreach (SymbolResult result in parsed.CommandResult.Children)
        {
            // An unknown flag would otherwise be taken for the name of a file.
            if (result is ArgumentResult { Tokens: var tokens }
                && tokens.FirstOrDefault(token => token.Value.Length > 1 && token.Value[0] == '-') is { } flag)
                throw Unknown(flag.Value, command);
        }

        // So would the next flag for the value of one that lacks its own.
        if (parsed.CommandResult.Children.OfType<OptionResult>()
            .FirstOrDefault(result => result.Tokens.Any(token => token.Value.StartsWith("--", StringComparison.Ordinal))) is { } option)
            throw new InputException($"{NeedsValue(option)} {SeeHelp(command)}");
        if (parsed.UnmatchedTokens is [var token, ..]) throw Unknown(token, command);
        if (parsed.Errors is [var error, ..]) throw new InputException($"{Explain(error, command)} {SeeHelp(command)}");
    }

    private static string Explain(ParseError error, Command command) => error.SymbolResult switch
    {
        OptionResult { Tokens: [] } option => NeedsValue(option),
        OptionResult { Tokens.Count: > 1 } option when option.Option.Arity.MaximumNumberOfValues == 1 =>
            $"{option.Option.Name} is given twice; leave one out.",
        OptionResult { Tokens: [var token, ..] } option =>
            $"{option.Option.Name} is '{token.Value}'; it must be "
                + (Completion.Choices(option.Option) is [_, ..] choices ? $"one of {string.Join(", ", choices)}."
                    : $"{Values(option.Option.ValueType)}."),
        ArgumentResult { Tokens: [var token, ..] } argument =>
            $"{argument.Argument.Name} is '{token.Value}'; it must be {Values(argument.Argument.ValueType)}.",
        ArgumentResult { Tokens: [] } argument => $"{FullName(command)} needs {argument.Argument.Name}.",
        CommandResult when command.Subcommands.Count > 0 =>
            $"{FullName(command)} needs one of: {string.Join(", ", command.Subcommands.Select(subcommand => subcommand.Name))}.",
        _ => error.Message,
    };

    private static string Values(Type type)
    {
        Type one = type.IsArray ? type.GetElementType()! : Nullable.GetUnderlyingType(type) ?? type;
        return one.IsEnum ? $"one of {string.Join(", ", Enum.GetNames(one)).ToLowerInvariant()}"
            : one == typeof(bool) ? "true or false"
            : one == typeof(int) || one == typeof(long) ? "a whole number"
            : "a number";
    }

    private static string NeedsValue(OptionResult option) => $"{option.Option.Name} needs a value.";

    private static InputException Unknown(string word, Command command)
    {
        bool flag = word.StartsWith('-');
        IEnumerable<string> names = flag
            ? command.Options.Concat(Help.Ancestors(command).SelectMany(ancestor => ancestor.Options.Where(option => option.Recursive)))
                .SelectMany(option => option.Aliases.Append(option.Name)).Where(name => name.StartsWith("--", StringComparison.Ordinal))
            : command.Subcommands.Select(subcommand => subcommand.Name);
        string guess = Spelling.DidYouMean(word.Split('=')[0], names);
        return new InputException(
            $"there is no {(flag ? "flag" : command.Subcommands.Count > 0 ? "command" : "argument")} "
            + $"'{word}'{(command is RootCommand ? "" : $" of {FullName(command)}")}."
            + (guess.Length > 0 ? guess : " " + SeeHelp(command)));
    }

    private static string SeeHelp(Command command) =>
        $"`unweave {(command is RootCommand ? "" : FullName(command) + " ")}--help` lists what there is.";

    private static string FullName(Command command) => command is RootCommand ? "unweave" :
        string.Join(' ',
            Help.Ancestors(command).Where(ancestor => ancestor is not RootCommand).Reverse().Append(command).Select(each => each.Name));
}
