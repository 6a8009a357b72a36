using System.Globalization;
using Unweave.Evaluation;

namespace Unweave.Cli.Rendering;

/// <summary>How often latents fire, as bars: a line for each half decade of frequency.</summary>
internal static class DensityChart
{
    private const int LabelWidth = 18, CountWidth = 8;

    /// <summary>Writes the chart, from the rarest frequency that occurs.</summary>
    /// <param name="density">The histogram.</param>
    /// <param name="rows">Rows that it was counted over.</param>
    public static void Write(DensityHistogram density, long rows)
    {
        int latents = density.Dead + density.Counts.Sum();
        Console.Out.WriteLine($"How often the {Figures.Count(latents)} latents fire, as a share of {Figures.Count(rows)} rows:");
        int most = Math.Max(1, Math.Max(density.Dead, density.Counts.Max()));
        int width = Math.Clamp(Screen.Results.Profile.Width - LabelWidth - CountWidth - 3, 10, 60);
        void Line(string label, int count) =>
            Console.Out.WriteLine(
                $"{label,LabelWidth} {Figures.Count(count),CountWidth} {Bar.Solid((double)count / most, width, Screen.Results)}".TrimEnd());
        Line("never", density.Dead);
        int first = density.Counts.TakeWhile(count => count == 0).Count(),
            last = density.Counts.Count - density.Counts.Reverse().TakeWhile(count => count == 0).Count();
        for (int bin = first; bin < last; bin++)
            Line($"{Percent(density.Edges[bin])} to {Percent(density.Edges[bin + 1])}", density.Counts[bin]);
    }

    private static string Percent(double exponent)
    {
        double percent = Math.Pow(10, exponent + 2);
        return percent.ToString(percent >= 10 ? "F0" : "G2", CultureInfo.InvariantCulture) + "%";
    }
}
