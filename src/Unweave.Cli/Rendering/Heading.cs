using Spectre.Console;

namespace Unweave.Cli.Rendering;

/// <summary>Columns of tables: their headings stand out where the terminal can show that.</summary>
internal static class Heading
{
    /// <summary>A column of words, which wrap.</summary>
    public static TableColumn Words(string heading) => new($"[bold]{Markup.Escape(heading)}[/]");

    /// <summary>A column of numbers.</summary>
    public static TableColumn Number(string heading) => Words(heading).RightAligned().NoWrap();
}
