using Spectre.Console;
using Unweave.Evaluation;

namespace Unweave.Cli.Rendering;

/// <summary>Metrics, a row each, of an autoencoder and its baselines, a column each.</summary>
internal static class MetricsTable
{
    /// <summary>Writes the table.</summary>
    public static void Write(Comparison comparison)
    {
        EvaluationReport trained = comparison.Trained;
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumn("");
        table.AddColumn(Heading.Number("autoencoder"));
        List<EvaluationReport> reports = [trained];
        if (comparison.FiringOnly is { } firing)
        {
            table.AddColumn(Heading.Words("latents above 0.5 only").RightAligned());
            reports.Add(firing);
        }

        table.AddColumn(new TableColumn($"PCA ({Figures.Count((long)(comparison.Pca.L0 ?? 0))})").RightAligned());
        reports.Add(comparison.Pca);
        if (comparison.RandomDictionary is { } random)
        {
            table.AddColumn(Heading.Number("random dictionary"));
            reports.Add(random);
        }

        void Add(string name, Func<EvaluationReport, double?> figure) =>
            table.AddRow(
                [name, .. reports.Select(report => figure(report) is { } value && double.IsFinite(value) ? Figures.Short(value) : "")]);
        Add("FVU (variance unexplained)", report => report.Fvu);
        bool hasOutliers = trained.OutlierRows > 0;
        if (hasOutliers) Add("FVU without outlier rows", report => report.OrdinaryFvu);
        Add("explained variance", report => report.ExplainedVariance);
        Add("mean squared error", report => report.Mse);
        Add("cosine", report => report.Cosine);
        Add("L2 ratio", report => report.L2Ratio);
        Add("relative bias", report => report.RelativeReconstructionBias);
        Add("L0 (numbers a row)", report => report.L0);
        if (trained.L1 is not null) Add("L1", report => report.L1);
        Screen.Results.Write(table);
        if (hasOutliers)
            Console.Out.WriteLine($"{Figures.Count(trained.OutlierRows ?? 0)} of {Figures.Count(trained.Rows)} rows are outliers, over "
                + "10 times as long as half of the rows are: they hide how well the others are reconstructed.");
    }
}
