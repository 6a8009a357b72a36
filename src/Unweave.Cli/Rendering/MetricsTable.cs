using Spectre.Console;
using Unweave.Evaluation;

namespace Unweave.Cli.Rendering;

/// <summary>An autoencoder and its baselines, a row each, with their metrics.</summary>
internal static class MetricsTable
{
    /// <summary>Writes the table.</summary>
    public static void Write(Comparison comparison)
    {
        EvaluationReport trained = comparison.Trained;
        bool hasOutliers = trained.OutlierRows > 0;
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumn("");
        table.AddColumn(Heading.Number("FVU"));
        if (hasOutliers) table.AddColumn(Heading.Words("FVU without outliers").RightAligned());
        foreach (string heading in (string[])["MSE", "cosine"]) table.AddColumn(Heading.Number(heading));
        foreach (string heading in (string[])["L2 ratio", "relative bias", "numbers a row"])
            table.AddColumn(Heading.Words(heading).RightAligned());
        table.AddColumn(Heading.Number("dead"));
        Add("autoencoder", trained, bold: true);
        if (comparison.FiringOnly is { } firing) Add("its latents above 0.5 only", firing, bold: true);
        foreach ((BaselineKind _, EvaluationReport report) in comparison.Baselines) Add(report.Name, report, bold: false);
        Screen.Results.Write(table);
        Console.Out.WriteLine("FVU: fraction of variance unexplained. MSE: mean squared error of a row, summed over its elements.");
        if (hasOutliers)
            Console.Out.WriteLine($"{Figures.Count(trained.OutlierRows ?? 0)} of {Figures.Count(trained.Rows)} rows are outliers, over "
                + "10 times as long as half of the rows are: they hide how well the others are reconstructed.");

        void Add(string name, EvaluationReport report, bool bold)
        {
            List<double?> figures = [report.Fvu];
            if (hasOutliers) figures.Add(report.OrdinaryFvu);
            figures.AddRange([report.Mse, report.Cosine, report.L2Ratio, report.RelativeReconstructionBias, report.L0, report.Dead]);
            IEnumerable<string> cells = figures.Select((figure, i) => figure is not { } value || !double.IsFinite(value) ? ""
                : i == figures.Count - 1 ? Figures.Count((long)value) : Figures.Short(value));
            table.AddRow(
                [.. cells.Prepend(name).Select(cell => new Markup(bold ? $"[bold]{Markup.Escape(cell)}[/]" : Markup.Escape(cell)))]);
        }
    }
}
