namespace Unweave.Web.Runs;

/// <summary>How often latents fire: bars of log₁₀ frequency, a quarter of a decade each, those that never fired left out.</summary>
internal static class DensityBars
{
    private const double Step = 0.25;
    private const int Lowest = -6;

    /// <summary>Counts latents by frequency.</summary>
    public static IReadOnlyList<ChartBar> Count(IReadOnlyList<double> frequencies)
    {
        int bins = (int)(-Lowest / Step);
        int[] counts = new int[bins];
        foreach (double frequency in frequencies)
        {
            if (frequency > 0) counts[Math.Clamp((int)Math.Floor((Math.Log10(frequency) - Lowest) / Step), 0, bins - 1)]++;
        }

        return [.. counts.Select((count, bin) =>
        {
            double from = Lowest + (bin * Step);
            string end = Figures.Percent(Math.Pow(10, from + Step));
            string range = bin == 0 ? $"below {end}" : $"{Figures.Percent(Math.Pow(10, from))} to {end}";
            string? tick = bin % 4 == 0 ? $"{(int)Math.Round(from)}".Replace('-', '−') : null;
            return new ChartBar($"{range}: {Figures.Count(count)} latents", count, tick);
        })];
    }
}
