using System.CommandLine;
using System.Text.Json.Nodes;
using Unweave.Training;

namespace Unweave.Cli;

/// <summary>
/// The settings of the run file as flags of a command, read off the run file's schema, and <c>--config</c>, which they override.
/// </summary>
internal sealed class SettingFlags
{
    private const int LongestList = 60;

    private readonly Option<string> config = new("--config", "-c")
    {
        HelpName = "FILE",
        Description = "Run file (JSON) with any of the settings below, which override it; `unweave schema` prints its schema.",
    };

    private readonly List<(RunFileSetting[] Settings, Option Option)> flags = []; // settings of several architectures may share a flag
    private readonly string? output;
    private readonly JsonObject shown;

    /// <summary>Adds the flags to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="help">Lists them group by group.</param>
    /// <param name="output">The output folder where none is named; null leaves that to the command.</param>
    /// <param name="defaults">
    /// What the command takes where a setting is left out, as JSON, for the help; settings that it does not name have the run file's
    /// defaults.
    /// </param>
    /// <param name="without">Settings that the command decides on itself.</param>
    public SettingFlags(Command command, Help help, string? output = null, string defaults = "{}", params string[] without)
    {
        this.output = output;
        shown = JsonNode.Parse(defaults)!.AsObject();
        command.Add(config);
        foreach (IGrouping<string, RunFileSetting> named in RunFileSetting.All.GroupBy(setting => setting.Name, StringComparer.Ordinal))
        {
            if (without.Contains(named.Key, StringComparer.Ordinal)) continue;
            RunFileSetting[] settings = [.. named];
            Option option = Create(settings);
            flags.Add((settings, option));
            command.Add(option);
        }

        help.AddSettings(command, this);
    }

    /// <summary>The flags by what they belong to, for the help.</summary>
    public IEnumerable<(string Title, IReadOnlyList<Option> Options)> Groups =>
        flags.GroupBy(flag => Title(flag.Settings), StringComparer.Ordinal)
            .Select(group => (group.Key, (IReadOnlyList<Option>)[.. group.Select(flag => flag.Option)]));

    /// <summary>The settings given: those of the run file, overridden by the flags.</summary>
    public RunFileDraft Read(ParseResult parsed)
    {
        RunFileDraft draft = parsed.GetValue(config) is { } file ? RunFileDraft.Open(file) : new RunFileDraft();
        foreach ((RunFileSetting[] settings, Option option) in flags)
        {
            if (parsed.GetResult(option) is { Implicit: false } result)
                draft.Set(settings[0], [.. result.Tokens.Select(token => token.Value)]);
        }

        return output is null ? draft : draft.Over(RunFileDraft.Parse($$"""{ "output": "{{output}}" }""", "the default"));
    }

    private Option Create(RunFileSetting[] settings)
    {
        RunFileSetting setting = settings[0];
        string[] aliases =
        [
            .. setting.Name is "output" ? ["-o"] : (string[])[], .. setting.EarlierName is { } earlier ? ["--" + earlier] : (string[])[],
        ];
        string name = setting.Kind switch
        {
            SettingKind.Integer => "N",
            SettingKind.Number => "X",
            SettingKind.Choice => Listed(setting) ?? "NAME",
            SettingKind.Integers => "N,N,…",
            SettingKind.Texts => "FILE",
            _ => setting.Name is "output" ? "FOLDER" : "NAME",
        };

        // Words, not numbers: the draft says what a value has to be, the same for a flag and for the file. Hidden from the plain list of
        // options, because the help has groups for them.
        string description = Describe(settings);
        bool isSwitch = settings.All(one => one.Kind == SettingKind.Boolean);
        bool isList = settings.Any(one => one.Kind is SettingKind.Texts or SettingKind.Integers)
            || settings.Any(one => one.Kind != setting.Kind);
        if (isSwitch) return new Option<bool>(setting.Flag, aliases) { Description = description, Hidden = true };
        if (isList)
        {
            return new Option<string[]>(setting.Flag, aliases)
            {
                HelpName = name,
                Description = description,
                Arity = ArgumentArity.OneOrMore,
                Hidden = true,
            };
        }

        var one = new Option<string>(setting.Flag, aliases) { HelpName = name, Description = description, Hidden = true };
        if (setting.Kind == SettingKind.Choice) one.CompletionSources.Add([.. setting.Choices]);
        return one;
    }

    // Once where the architectures mean the same by the flag, else each architecture's own meaning.
    private string Describe(RunFileSetting[] settings)
    {
        string[] texts =
        [
            .. settings.Select(one => Usual(one) is "[]" ? Told(one) : $"{Told(one)} [default: {Usual(one).Trim('"')}]"),
        ];
        return texts.Distinct(StringComparer.Ordinal).Count() == 1
            ? texts[0]
            : string.Join(" ", settings.Zip(texts, (one, text) => $"{one.Architecture}: {text}"));
    }

    // The names that a choice takes stand beside its flag while they fit there, else in its description.
    private static string? Listed(RunFileSetting setting) =>
        string.Join('|', setting.Choices) is { Length: <= LongestList } all ? all : null;

    private static string Told(RunFileSetting setting) => setting.Kind == SettingKind.Choice && Listed(setting) is null
        ? $"{setting.Description} One of {string.Join(", ", setting.Choices)}."
        : setting.Description;

    private string Usual(RunFileSetting setting) => shown[setting.Name] is { } own ? own.ToJsonString()
        : setting.Name is "output" ? output ?? "[]"
        : setting.Default;

    private static string Title(RunFileSetting[] settings) => settings switch
    {
        [{ IsArchitecture: true }] => "Autoencoder",
        [{ Architecture: null }] => "Run",
        [var only] => $"Architecture {only.Architecture}",
        _ => $"Architectures {string.Join(", ", settings.Select(setting => setting.Architecture))}",
    };
}
