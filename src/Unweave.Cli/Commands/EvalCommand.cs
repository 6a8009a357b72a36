using System.CommandLine;

namespace Unweave.Cli.Commands;

internal static class EvalCommand
{
    public static Command Create(Help help, Option<bool> json) { var c = new Command("eval", "x"); help.AddExamples(c, json.Name); _ = new SettingFlags(c, help); return c; }
}
