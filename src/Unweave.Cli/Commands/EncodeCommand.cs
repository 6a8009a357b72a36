using System.CommandLine;

namespace Unweave.Cli.Commands;

internal static class EncodeCommand
{
    public static Command Create(Help help, Option<bool> json) { var c = new Command("encode", "x"); help.AddExamples(c, json.Name); _ = new SettingFlags(c, help); return c; }
}
