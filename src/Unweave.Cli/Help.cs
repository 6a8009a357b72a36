using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Spectre.Console;

namespace Unweave.Cli;

/// <summary>The help of a command: what it does, its arguments and options, its settings group by group, and examples that run.</summary>
internal sealed class Help : SynchronousCommandLineAction
{
    private const int TextColumn = 33; // where descriptions start; longer names get a line of their own

    private readonly Dictionary<Command, string[]> examples = [];
    private readonly Dictionary<Command, SettingFlags> settings = [];

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <summary>Adds examples to a command: command lines as a user types them.</summary>
    public void AddExamples(Command command, params string[] lines) => examples[command] = lines;

    /// <summary>Adds the run file's settings to a command.</summary>
    public void AddSettings(Command command, SettingFlags flags) => settings[command] = flags;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        Command command = parseResult.CommandResult.Command;
        foreach (string paragraph in Paragraphs(command))
        {
            foreach (string line in Wrap(paragraph, Screen.Results.Profile.Width)) Screen.Results.WriteLine(line);
            if (Paragraphs(command) is [var first, _, ..] && ReferenceEquals(first, paragraph)) Screen.Results.WriteLine();
        }

        WriteList("Usage", [(Usage(command), "")]);
        WriteList("Commands", command.Subcommands.Where(subcommand => !subcommand.Hidden)
            .Select(subcommand => (subcommand.Name, Paragraphs(subcommand)[0])));
        WriteList("Arguments", command.Arguments.Select(argument => (Label(argument), argument.Description ?? "")));
        WriteList("Options", Options(command).Select(Row));
        if (settings.TryGetValue(command, out SettingFlags? flags))
        {
            foreach ((string title, IReadOnlyList<Option> options) in flags.Groups) WriteList(title, options.Select(Row));
        }

        string[] lines = examples.GetValueOrDefault(command, []);
        WriteList(lines.Length == 1 ? "Example" : "Examples", lines.Select(line => (Continued(line), "")));
        return ExitCode.Done;
    }

    // What a command is in a line, as the list of commands shows it; then, in paragraphs of their own, what else there is to say.
    private static string[] Paragraphs(Command command) => (command.Description ?? "").Split("\n\n");

    // A line that is too long for the screen goes on at a flag in the next one, so that it can be pasted as it stands.
    private static string Continued(string line)
    {
        int width = Screen.Results.Profile.Width - 4;
        if (line.Length <= width) return line;
        string[] parts = line.Split(" -");
        (string all, int length) = (parts[0], parts[0].Length);
        foreach (string part in parts[1..])
        {
            bool fits = length + 2 + part.Length <= width;
            all += (fits ? " -" : " \\\n      -") + part;
            length = fits ? length + 2 + part.Length : 5 + part.Length;
        }

        return all;
    }

    private static IEnumerable<Option> Options(Command command) =>
        command.Options.Concat(Ancestors(command).SelectMany(ancestor => ancestor.Options.Where(option => option.Recursive)))
            .Where(option => !option.Hidden);

    /// <summary>The commands that a command belongs to, the nearest first.</summary>
    public static IEnumerable<Command> Ancestors(Command command)
    {
        while (command.Parents.OfType<Command>().FirstOrDefault() is { } parent)
        {
            yield return parent;
            command = parent;
        }
    }

    private static string Usage(Command command)
    {
        var words = new List<string> { "unweave" };
        words.AddRange(Ancestors(command).Where(ancestor => ancestor is not RootCommand).Reverse().Select(ancestor => ancestor.Name));
        if (command is not RootCommand) words.Add(command.Name);
        if (command.Subcommands.Count > 0) words.Add("COMMAND");
        words.AddRange(command.Arguments.Select(Label));
        words.Add("[options]");
        return string.Join(' ', words);
    }

    private static string Label(Argument argument)
    {
        string name = argument.Arity.MaximumNumberOfValues > 1 ? argument.Name + "…" : argument.Name;
        return argument.Arity.MinimumNumberOfValues == 0 ? $"[{name}]" : name;
    }

    private static (string Name, string Text) Row(Option option)
    {
        IEnumerable<string> names = option.Aliases.Where(alias => alias.Length == 2 && alias[0] == '-' && alias[1] != '?')
            .Append(option.Name);
        string name = string.Join(", ", names) + (option.HelpName is null ? "" : " " + option.HelpName);
        string text = option is HelpOption ? "Show this help." : option is VersionOption ? "Show the version." : option.Description ?? "";
        return (name,
            option.HasDefaultValue && !option.Hidden && option.ValueType != typeof(bool)
                ? $"{text} [default: {Written(option.GetDefaultValue())}]"
                : text);
    }

    private static string Written(object? value) => value is Enum choice ? choice.ToString().ToLowerInvariant() : $"{value}";

    private static void WriteList(string title, IEnumerable<(string Name, string Text)> rows)
    {
        bool first = true;
        foreach ((string name, string text) in rows)
        {
            if (first)
            {
                Screen.Results.WriteLine();
                foreach (string line in Wrap($"{title}:", Screen.Results.Profile.Width))
                    Screen.Results.MarkupLine($"[bold]{Markup.Escape(line)}[/]");
            }

            first = false;
            string indented = "  " + name;
            if (text.Length == 0 || indented.Length >= TextColumn)
            {
                Screen.Results.WriteLine(indented);
                indented = "";
            }

            foreach (string line in Wrap(text, Math.Max(20, Screen.Results.Profile.Width - TextColumn)))
            {
                Screen.Results.WriteLine(indented.PadRight(TextColumn) + line);
                indented = "";
            }
        }
    }

    private static IEnumerable<string> Wrap(string text, int width)
    {
        string line = "";
        foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                yield return line;
                line = "";
            }

            line += line.Length == 0 ? word : " " + word;
        }

        if (line.Length > 0) yield return line;
    }
}
