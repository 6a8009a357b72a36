using Spectre.Console;

namespace Unweave.Cli.Rendering;

/// <summary>A horizontal bar, in eighths of a character where the terminal has them.</summary>
internal static class Bar
{
    private const string Eighths = " ▏▎▍▌▋▊▉█";

    /// <summary>A bar that shows a share of its full width, the rest dimmed, as Spectre markup.</summary>
    public static string Draw(double share, int width, IAnsiConsole console)
    {
        int full = (int)Math.Round(Math.Clamp(share, 0, 1) * width);
        return console.Profile.Capabilities.Unicode
            ? $"[green]{new string('━', full)}[/][grey]{new string('─', width - full)}[/]"
            : new string('#', full) + new string('.', width - full);
    }

    /// <summary>A solid bar as long as its share of the width, as text.</summary>
    public static string Solid(double share, int width, IAnsiConsole console)
    {
        double length = Math.Clamp(share, 0, 1) * width;
        if (!console.Profile.Capabilities.Unicode) return new string('#', (int)Math.Round(length));
        int full = (int)length, eighths = (int)Math.Round((length - full) * 8);
        string bar = new string('█', full) + (eighths > 0 ? Eighths[eighths] : "");
        // What is there at all is seen.
        return bar.Length == 0 && share > 0 ? "▏" : bar;
    }
}
