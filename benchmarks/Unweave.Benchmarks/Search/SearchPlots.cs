using ScottPlot;

namespace Unweave.Benchmarks.Search;

/// <summary>Draws recall against latency and against bytes.</summary>
internal static class SearchPlots
{
    private const int Width = 1000, Height = 640;

    // Colors come again after ten.
    private static readonly MarkerShape[] Shapes = [MarkerShape.FilledCircle, MarkerShape.FilledSquare, MarkerShape.FilledTriangleUp];

    /// <summary>Writes <c>recall-latency.png</c> and <c>recall-bytes.png</c>.</summary>
    /// <param name="figures">What was measured.</param>
    /// <param name="folder">Where to; made if it is not there.</param>
    /// <returns>The files.</returns>
    public static IReadOnlyList<string> Write(IReadOnlyList<SearchFigures> figures, string folder)
    {
        Directory.CreateDirectory(folder);
        return
        [
            Draw(figures, Path.Combine(folder, "recall-latency.png"), "Recall against latency, one thread", "median query, ms",
                each => each.Median),
            Draw(figures, Path.Combine(folder, "recall-bytes.png"), "Recall against memory", "bytes a row", each => each.BytesPerRow),
        ];
    }

    private static string Draw(
        IReadOnlyList<SearchFigures> figures, string path, string title, string horizontal, Func<SearchFigures, double> value)
    {
        using var plot = new Plot();
        plot.Add.Palette = new ScottPlot.Palettes.Category10();
        int drawn = 0;
        foreach (IGrouping<string, SearchFigures> rival in figures.GroupBy(each => each.Rival, StringComparer.Ordinal))
        {
            SearchFigures[] points = [.. rival.OrderBy(value)];
            double[] places = [.. points.Select(each => Math.Log10(value(each)))], recalls = [.. points.Select(each => each.Recall10)];
            var line = plot.Add.Scatter(places, recalls);
            line.LegendText = rival.Key;
            line.MarkerSize = 9;
            line.MarkerShape = Shapes[drawn++ / plot.Add.Palette.Colors.Length % Shapes.Length];
        }

        plot.Title(title);
        plot.XLabel(horizontal);
        plot.YLabel("recall@10");
        plot.Axes.SetLimitsY(0, 1.02);
        var ticks = new ScottPlot.TickGenerators.NumericManual();
        double[] values = [.. figures.Select(value).Where(each => each > 0)];
        for (double power = Math.Floor(Math.Log10(values.Min())); power <= Math.Ceiling(Math.Log10(values.Max())); power++)
        {
            ticks.AddMajor(power, Math.Pow(10, power).ToString("0.#####"));
            for (int i = 2; i < 10; i++) ticks.AddMinor(power + Math.Log10(i));
        }

        plot.Axes.Bottom.TickGenerator = ticks;
        plot.ShowLegend(Edge.Right);
        plot.SavePng(path, Width, Height);
        return path;
    }
}
