using Spectre.Console;
using Unweave.Interpretation;

namespace Unweave.Cli.Rendering;

/// <summary>What the features of an autoencoder are, in a few lines and two tables: labels that hold, and labels that do not.</summary>
internal static class FeatureTable
{
    /// <summary>Writes the report.</summary>
    public static void Write(FeatureReport report)
    {
        string kinds = string.Join(", ", Enum.GetValues<FeatureKind>()
            .Where(kind => report.Count(kind) > 0).Select(kind => $"{Figures.Count(report.Count(kind))} {Words(kind)}"));
        Screen.Results.MarkupLine($"{kinds}.");
        if (report.Live == 0) return;
        string good =
            $"{Figures.Count(report.Good)} of {Figures.Count(report.Live)} live latents "
            + $"({Figures.Percent((double)report.Good / report.Live)})";
        Screen.Results.MarkupLine(
            $"[bold]{good}[/] have a label that tells texts on which they fire from others, near misses among them, with a balanced "
            + "accuracy "
            + $"above {FeatureReport.GoodScore:0.00} on texts that it was not made from; {Figures.Count(report.Labelled)} are above "
            + "chance, where "
            + $"guesses would give about {Figures.Count(report.Lucky)} by luck. Labels made of each latent's three top tokens: "
            + $"{Figures.Count(report.GoodBaseline)}."
            + (report.MedianCoverage is { } median ? $" The median of these labels explains {Figures.Percent(median)} of the activation in "
                + "the upper half of its latent's range." : ""));
        Write("\nTen of interest:", report.Best());
        Write("The five worst, shown nowhere as labels:", report.Worst());
    }

    private static void Write(string heading, IReadOnlyList<FeatureReport.Line> lines)
    {
        if (lines.Count == 0) return;
        Screen.Results.MarkupLine(heading);
        Table table = new Table().Border(TableBorder.Simple)
            .AddColumn(Heading.Number("latent")).AddColumn(Heading.Words("label")).AddColumn(Heading.Number("detection"))
            .AddColumn(Heading.Number("fuzzing"))
            .AddColumn(Heading.Words("fires strongest on"));
        foreach (FeatureReport.Line line in lines)
        {
            table.AddRow(
                new Text($"{line.Latent}"), new Text(line.Label), new Text($"{line.Detection:0.00}"),
                new Text(double.IsNaN(line.Fuzzing) ? "" : $"{line.Fuzzing:0.00}"), new Text("…" + line.Example.ReplaceLineEndings("⏎")));
        }

        Screen.Results.Write(table);
    }

    private static string Words(FeatureKind kind) => kind switch
    {
        FeatureKind.Dead => "dead",
        FeatureKind.Dense => "dense",
        FeatureKind.Token => "of a single token",
        FeatureKind.Position => "of positions",
        _ => "ordinary",
    };
}
