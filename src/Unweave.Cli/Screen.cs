using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace Unweave.Cli;

/// <summary>Where results and progress go: results to standard output, progress to standard error, so that results can be piped.</summary>
internal static class Screen
{
    /// <summary>Width of what is not a terminal: what tables are made for.</summary>
    private const int LogWidth = 100;

    /// <summary>How results are written with <c>--json</c>: an object on one line.</summary>
    public static JsonSerializerOptions Json { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Standard output, for results.</summary>
    public static IAnsiConsole Results { get; } = Create(Console.Out);

    /// <summary>Standard error, for progress.</summary>
    public static IAnsiConsole Progress { get; } = Create(Console.Error);

    /// <summary>True when progress is on a terminal that can redraw lines.</summary>
    public static bool ProgressIsLive => Progress.Profile.Out.IsTerminal && Progress.Profile.Capabilities.Ansi;

    /// <summary>Writes a command's result with <c>--json</c>.</summary>
    public static void WriteJson(JsonNode result) => Console.Out.WriteLine(result.ToJsonString(Json));

    private static IAnsiConsole Create(TextWriter writer)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer) });
        if (!console.Profile.Out.IsTerminal) console.Profile.Width = LogWidth;
        return console;
    }
}
