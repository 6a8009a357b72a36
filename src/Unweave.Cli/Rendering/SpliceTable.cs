using System.Globalization;
using Spectre.Console;
using Unweave.Evaluation;

namespace Unweave.Cli.Rendering;

/// <summary>What a splice costs the model, in all and by position.</summary>
internal static class SpliceTable
{
    /// <summary>Writes the tables.</summary>
    public static void Write(SpliceReport report)
    {
        Table table = new Table { Border = TableBorder.Simple }.AddColumn($"activations at {Markup.Escape(report.Hook)}");
        foreach (string heading in (string[])["loss, nats a token", "perplexity", "recovered over zeros", "over the mean"])
            table.AddColumn(new TableColumn(heading).RightAligned());
        Add("as they are", report.Clean, 1, 1, bold: false);
        Add("the autoencoder's", report.Spliced, report.RecoveredOverZero, report.RecoveredOverMean, bold: true);
        Add("their mean", report.Mean, (report.Zero - report.Mean) / (report.Zero - report.Clean), 0, bold: false);
        Add("zeros", report.Zero, 0, null, bold: false);
        Screen.Results.Write(table);
        EvaluationReport rows = report.Reconstruction;
        string sparse = rows.L0 is { } l0
            ? string.Create(CultureInfo.InvariantCulture,
                $"L0 {l0:F2}, {Figures.Count(rows.Dead ?? 0)} of {Figures.Count(rows.Latents ?? 0)} latents silent, ")
            : "";
        Console.Out.WriteLine(
            $"Over {Figures.Count(report.Predictions)} predictions: {sparse}FVU {Figures.Short(rows.Fvu)}{Outliers(rows)},");
        Console.Out.WriteLine(
            $"KL from the model's own predictions {Figures.Short(report.Divergence)} nats, the same most likely token in "
            + $"{Figures.Percent(report.Agreement)}.");
        WritePositions(report);
        Console.Out.WriteLine($"Windows of {report.Context} tokens; start and end tokens keep their activations, padding is not counted.");

        void Add(string name, double loss, double? zero, double? mean, bool bold)
        {
            string[] cells =
            [
                name, loss.ToString("F4", CultureInfo.InvariantCulture), Figures.Short(Math.Exp(loss)), Share(zero), Share(mean),
            ];
            table.AddRow([.. cells.Select(cell => new Markup(bold ? $"[bold]{Markup.Escape(cell)}[/]" : Markup.Escape(cell)))]);
        }
    }

    private static void WritePositions(SpliceReport report)
    {
        Table table = new Table { Border = TableBorder.Simple }.AddColumn(Heading.Words("position"));
        foreach (string heading in (string[])["predictions", "loss as it is", "spliced", "recovered", "KL, nats", "same token"])
            table.AddColumn(new TableColumn(heading).RightAligned());
        foreach (IGrouping<int, SplicePosition> group in report.Positions.GroupBy(position =>
            position.Position < 4 ? position.Position : 1 << (31 - int.LeadingZeroCount(position.Position))))
        {
            double count = group.Sum(position => position.Predictions);
            double Mean(Func<SplicePosition, double> figure) => group.Sum(position => figure(position) * position.Predictions) / count;
            double clean = Mean(position => position.Clean), spliced = Mean(position => position.Spliced),
                zero = Mean(position => position.Zero);
            int last = group.Max(position => position.Position);
            table.AddRow(
                last == group.Key ? $"{last}" : $"{group.Key} to {last}", Figures.Count((long)count),
                clean.ToString("F3", CultureInfo.InvariantCulture), spliced.ToString("F3", CultureInfo.InvariantCulture),
                Share((zero - spliced) / (zero - clean)), Figures.Short(Mean(position => position.Divergence)),
                Figures.Percent(Mean(position => position.Agreement)));
        }

        Screen.Results.Write(table);
    }

    private static string Outliers(EvaluationReport rows) => rows is { OutlierRows: > 0 and long count, OrdinaryFvu: { } fvu }
        ? $" ({Figures.Short(fvu)} without {Figures.Count(count)} outlier rows)"
        : "";

    private static string Share(double? share) =>
        share is { } value && double.IsFinite(value) ? string.Create(CultureInfo.InvariantCulture, $"{value * 100:F1}%") : "";
}
