using System.CommandLine;

namespace Unweave.Cli;

/// <summary>The flag that says what the files of a checkpoint do not.</summary>
internal sealed class SetFlag
{
    private readonly Option<string[]> set = new("--set")
    {
        HelpName = "KEY=VALUE",
        Description = "What the files of some libraries do not say, such as k=32. May be given several times.",
    };

    /// <summary>Adds the flag to a command.</summary>
    public SetFlag(Command command) => command.Add(set);

    /// <summary>What is given, by key.</summary>
    /// <exception cref="InputException">One is not of the form KEY=VALUE.</exception>
    public IReadOnlyDictionary<string, string> Read(ParseResult parsed)
    {
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string one in parsed.GetValue(set) ?? [])
        {
            int at = one.IndexOf('=', StringComparison.Ordinal);
            if (at <= 0) throw new InputException($"--set {one} is not of the form KEY=VALUE; write for instance --set k=32.");
            given[one[..at]] = one[(at + 1)..];
        }

        return given;
    }
}
