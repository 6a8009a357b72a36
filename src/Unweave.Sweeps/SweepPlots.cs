using System.Globalization;
using ScottPlot;
using ScottPlot.TickGenerators;
using Unweave.Runs;

namespace Unweave.Sweeps;

/// <summary>Draws what a sweep found: L0 against FVU, L0 against the loss recovered, and the fitted law against the points.</summary>
internal static class SweepPlots
{
    private const int Width = 1100, Height = 720;

    // Colors come again after ten.
    private static readonly MarkerShape[] Shapes = [MarkerShape.FilledCircle, MarkerShape.FilledSquare, MarkerShape.FilledTriangleUp];

    /// <summary>Writes <c>pareto.png</c>, and <c>recovered.png</c> and <c>scaling-NAME.png</c> where there is something to draw.</summary>
    /// <param name="record">What was found.</param>
    /// <param name="folder">Where to; it exists.</param>
    /// <returns>The files.</returns>
    public static IReadOnlyList<string> Write(SweepRecord record, string folder)
    {
        ArgumentNullException.ThrowIfNull(record);
        var files = new List<string>();
        string title = $"{record.Points.Count} autoencoders" + (record.Data is { } data ? $" on {Shortened(data)}" : "");
        if (record.Points.Any(point => point is { L0: > 0, Fvu: > 0 }))
        {
            files.Add(Path.Combine(folder, "pareto.png"));
            Pareto(record, title, "FVU of held-out rows: variance unexplained", point => point.Fvu, lower: true, files[^1]);
        }

        if (record.Points.Any(point => point is { L0: > 0, Recovered: not null }))
        {
            files.Add(Path.Combine(folder, "recovered.png"));
            Pareto(record, title, "share of the model's loss recovered over zeros", point => point.Recovered, lower: false, files[^1]);
        }

        foreach (ScalingLaw law in record.Laws)
        {
            files.Add(Path.Combine(folder, $"scaling-{law.Architecture}.png"));
            Scaling(record, law, files[^1]);
        }

        return files;
    }

    private static void Pareto(
        SweepRecord record, string title, string vertical, Func<SweepEntry, double?> value, bool lower, string path)
    {
        using var plot = new Plot();
        SweepEntry[] drawn = [.. record.Points.Where(point => point.L0 > 0 && value(point) is { } y && (!lower || y > 0))];
        double Up(double y) => lower ? Math.Log10(y) : y;
        IReadOnlyList<(double L0, double Value)> front = ParetoFront.Of(drawn.Where(point => point.Status != SweepStatus.Stopped)
            .Select(point => (point.L0!.Value, value(point)!.Value)), lower);
        if (front.Count > 1)
        {
            var line = Line(plot, front.Select(point => Math.Log10(point.L0)), front.Select(point => Up(point.Value)), Colors.Black);
            line.LineWidth = 9;
            line.LineColor = Colors.Black.WithAlpha(.10);
            line.LegendText = "best for its L0";
        }

        var palette = new ScottPlot.Palettes.Category10();
        int series = 0;
        bool sizes = drawn.Select(point => point.Latents).Distinct().Count() > 1;
        foreach (var group in drawn.GroupBy(point => (point.Architecture, point.Latents)))
        {
            Color color = palette.GetColor(series % palette.Colors.Length);
            MarkerShape shape = Shapes[series++ / palette.Colors.Length % Shapes.Length];
            SweepEntry[] whole = [.. group.Where(point => point.Status != SweepStatus.Stopped)
                .GroupBy(point => Math.Round(point.L0!.Value, 2)).Select(same => lower ? same.MinBy(value)! : same.MaxBy(value)!)
                .OrderBy(point => point.L0)];
            string name = sizes && group.Key.Latents is { } latents
                ? $"{group.Key.Architecture}, {latents.ToString("N0", CultureInfo.InvariantCulture)}" : group.Key.Architecture;
            if (whole.Length > 1)
            {
                var line = Line(plot, whole.Select(At), whole.Select(point => Up(value(point)!.Value)), color);
                line.LineWidth = 1.5f;
            }

            bool named = false;
            foreach (SweepEntry point in group)
            {
                bool stopped = point.Status == SweepStatus.Stopped;
                var marker = plot.Add.Marker(At(point), Up(value(point)!.Value), stopped ? MarkerShape.OpenCircle : shape, 10, color);
                if (stopped) marker.MarkerLineWidth = 1.5f;
                if (named || stopped) continue;
                marker.LegendText = name;
                named = true;
            }
        }

        if (drawn.Any(point => point.Status == SweepStatus.Stopped)) title += "; hollow ones were stopped";
        plot.Title(title, 18);
        plot.XLabel("L0: active latents of a row", 15);
        plot.YLabel(vertical, 15);
        plot.Axes.Bottom.TickGenerator = Own([.. drawn.Select(point => point.L0!.Value)]);
        if (lower) plot.Axes.Left.TickGenerator = Ticks([.. drawn.Select(point => value(point)!.Value)]);
        Finish(plot, path);

        static double At(SweepEntry point) => Math.Log10(point.L0!.Value);
    }

    private static void Scaling(SweepRecord record, ScalingLaw law, string path)
    {
        using var plot = new Plot();
        SweepEntry[] drawn = [.. record.Points.Where(point => point is { Status: SweepStatus.Finished, Latents: > 0, L0: > 0, Fvu: > 0 }
            && string.Equals(point.Architecture, law.Architecture, StringComparison.Ordinal))];
        double least = drawn.Min(point => point.Latents!.Value), most = drawn.Max(point => point.Latents!.Value);
        var shades = new ScottPlot.Colormaps.Viridis();
        var groups = drawn.GroupBy(point => Math.Round(Math.Log2(point.L0!.Value), 1)).OrderBy(group => group.Key).ToArray();
        for (int i = 0; i < groups.Length; i++)
        {
            Color color = shades.GetColor(groups.Length < 2 ? 0 : 0.9 * i / (groups.Length - 1));
            double k = groups[i].Average(point => point.L0!.Value);
            double[] n = [.. Enumerable.Range(0, 65).Select(j => least * Math.Pow(most / least, j / 64.0))];
            var line = Line(plot, n.Select(Math.Log10), n.Select(latents => Math.Log10(law.At(latents, k))), color);
            line.LineWidth = 1.5f;
            foreach (SweepEntry point in groups[i])
                plot.Add.Marker(Math.Log10(point.Latents!.Value), Math.Log10(point.Fvu!.Value), MarkerShape.FilledCircle, 10, color);
            line.LegendText = string.Create(CultureInfo.InvariantCulture, $"k = {k:0.#}");
        }

        plot.Title(string.Create(CultureInfo.InvariantCulture,
            $"{law.Architecture}: loss against size, off the fitted law by {100 * law.Residual:0.0#}% (root mean square)"), 18);
        plot.XLabel("n: latents", 15);
        plot.YLabel("FVU of held-out rows: variance unexplained", 15);
        plot.Axes.Bottom.TickGenerator = Own([.. drawn.Select(point => (double)point.Latents!.Value)]);
        plot.Axes.Left.TickGenerator = Ticks([.. drawn.Select(point => point.Fvu!.Value)]);
        Finish(plot, path);
    }

    private static ScottPlot.Plottables.Scatter Line(Plot plot, IEnumerable<double> x, IEnumerable<double> y, Color color) =>
        plot.Add.ScatterLine(x.ToArray(), y.ToArray(), color);

    private static void Finish(Plot plot, string path)
    {
        plot.Font.Set("DejaVu Sans"); // where it is not installed, the system's own
        plot.Axes.Margins(0.06, 0.08);
        plot.Axes.Bottom.TickLabelStyle.FontSize = plot.Axes.Left.TickLabelStyle.FontSize = 14;
        plot.Legend.FontSize = 14;
        plot.ShowLegend(Edge.Right);
        plot.SavePng(path, Width, Height);
    }

    // At the values themselves where they are few.
    private static NumericManual Own(double[] values)
    {
        double[] own = [.. values.Select(value => Math.Round(value, 1)).Distinct().Order()];
        if (own.Length > 10) return Ticks(values);
        var ticks = new NumericManual();
        double last = double.NegativeInfinity;
        foreach (double value in own.Where(value => value > 0))
        {
            double at = Math.Log10(value);
            bool near = at - last < 0.05; // its number would lie on the one before
            ticks.AddMajor(at, near ? "" : Written(value));
            if (!near) last = at;
        }

        return ticks;
    }

    // At 1, 2, 5 of each decade where there are few, at 1.5, 3 and 7 too within less than one.
    private static NumericManual Ticks(double[] values)
    {
        var ticks = new NumericManual();
        (double low, double high) = (Math.Log10(values.Min()), Math.Log10(values.Max()));
        double[] steps = high - low < 0.7 ? [1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9]
            : high - low < 1.5 ? [1, 1.5, 2, 3, 4, 5, 7] : high - low < 4 ? [1, 2, 5] : [1];
        for (int power = (int)Math.Floor(low) - 1; power <= Math.Ceiling(high) + 1; power++)
        {
            foreach (double step in steps)
                ticks.AddMajor(power + Math.Log10(step), Written(step * Math.Pow(10, power)));
        }

        return ticks;
    }

    private static string Written(double value) => value >= 1000
        ? value.ToString("N0", CultureInfo.InvariantCulture) : value.ToString("0.######", CultureInfo.InvariantCulture);

    private static string Shortened(string text) => text.Length <= 70 ? text : "…" + text[^69..];
}
