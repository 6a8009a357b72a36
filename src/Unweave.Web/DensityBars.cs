
namespace Unweave.Web;

/// <summary>How often latents fire: bars of log₁₀ frequency, a quarter of a decade each, those that never fired left out.</summary>
internal static class DensityBars
{
    private const double Step = 0.25;
    private const int Lowest = -6;

    /// <summary>Counts latents by frequency.</summary>
    public static IReadOnlyList<Bar> Of(IReadOnlyList<double> frequencies)
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
            string range = bin == 0 ? $"below {Figures.Percent(Math.Pow(10, from + Step))}" : $"{Figures.Percent(Math.Pow(10, from))} to {Figures.Percent(Math.Pow(10, from + Step))}";
            return new Bar($"{range}: {Figures.Count(count)} latents", count, bin % 4 == 0 ? $"{(int)Math.Round(from)}".Replace('-', '−') : null);
        })];
    }
}
