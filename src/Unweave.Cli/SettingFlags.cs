using System.CommandLine;
using Unweave.Training;

namespace Unweave.Cli;

/// <summary>The settings of the run file as flags of a command, read off the run file's schema, and <c>--config</c>, which they override.</summary>
internal sealed class SettingFlags
{
    private readonly Option<string> config = new("--config", "-c") { HelpName = "FILE", Description = "Run file (JSON) with any of the settings below, which override it; `unweave schema` prints its schema." };
    private readonly List<(RunFileSetting Setting, Option Option)> flags = [];

    /// <summary>Adds the flags to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="help">Lists them group by group.</param>
    /// <param name="without">Settings that the command decides on itself.</param>
    public SettingFlags(Command command, Help help, params string[] without)
    {
        command.Add(config);
        foreach (RunFileSetting setting in RunFileSetting.All)
        {
            if (without.Contains(setting.Name, StringComparer.Ordinal)) continue;
            Option option = Create(setting);
            flags.Add((setting, option));
            command.Add(option);
        }

        help.AddSettings(command, this);
    }

    /// <summary>The flags by what they belong to, for the help.</summary>
    public IEnumerable<(string Title, IReadOnlyList<Option> Options)> Groups =>
        flags.GroupBy(flag => Title(flag.Setting), StringComparer.Ordinal).Select(group => (group.Key, (IReadOnlyList<Option>)[.. group.Select(flag => flag.Option)]));

    /// <summary>The settings given: those of the run file, overridden by the flags.</summary>
    public RunFileDraft Read(ParseResult parsed)
    {
        RunFileDraft draft = parsed.GetValue(config) is { } file ? RunFileDraft.Open(file) : new RunFileDraft();
        foreach ((RunFileSetting setting, Option option) in flags)
        {
            if (parsed.GetResult(option) is { Implicit: false } result) draft.Set(setting, [.. result.Tokens.Select(token => token.Value)]);
        }

        return draft;
    }

    private static Option Create(RunFileSetting setting)
    {
        string[] aliases = setting.Name is "output" ? ["-o"] : [];
        string description = setting.Default is "[]" ? setting.Description : $"{setting.Description} [default: {setting.Default.Trim('"')}]";
        string name = setting.Kind switch
        {
            SettingKind.Integer => "N",
            SettingKind.Number => "X",
            SettingKind.Choice => string.Join('|', setting.Choices),
            SettingKind.Integers => "N,N,…",
            SettingKind.Texts => "FILE",
            _ => setting.Name is "output" ? "FOLDER" : "NAME",
        };
        // Words, not numbers: the draft says what a value has to be, the same for a flag and for the file. Hidden from the plain list of options, because the help has groups for them.
        return setting.Kind switch
        {
            SettingKind.Boolean => new Option<bool>(setting.Flag, aliases) { Description = description, Hidden = true },
            SettingKind.Texts or SettingKind.Integers => new Option<string[]>(setting.Flag, aliases) { HelpName = name, Description = description, Arity = ArgumentArity.OneOrMore, Hidden = true },
            _ => new Option<string>(setting.Flag, aliases) { HelpName = name, Description = description, Hidden = true },
        };
    }

    private static string Title(RunFileSetting setting) => setting switch
    {
        { IsArchitecture: true } => "Autoencoder",
        { Architectures: [] } => "Run",
        { Architectures.Count: 1 } => $"Architecture {setting.Architectures[0]}",
        _ => $"Architectures {string.Join(", ", setting.Architectures)}",
    };
}
