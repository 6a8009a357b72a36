namespace Unweave.Evaluation;

/// <summary>How often latents fire: a histogram of log₁₀ frequency, with those that never fired apart.</summary>
/// <remarks>
/// Frequency is the share of rows on which a latent fired. Bins are half a decade wide, from 10⁻⁶ to 1; rarer ones are in the first.
/// </remarks>
public sealed record DensityHistogram
{
    private const double Lowest = -6, Step = 0.5;

    /// <summary>Counts latents by frequency.</summary>
    /// <param name="fired">Rows on which each latent fired.</param>
    /// <param name="rows">Number of rows.</param>
    public static DensityHistogram From(ReadOnlySpan<long> fired, long rows)
    {
        int bins = (int)Math.Round(-Lowest / Step);
        int[] counts = new int[bins];
        int dead = 0;
        foreach (long times in fired)
        {
            if (times == 0) dead++;
            else counts[Math.Clamp((int)Math.Floor((Math.Log10((double)times / rows) - Lowest) / Step), 0, bins - 1)]++;
        }

        return new DensityHistogram
        {
            Edges = [.. Enumerable.Range(0, bins + 1).Select(i => Lowest + (i * Step))],
            Counts = counts,
            Dead = dead,
        };
    }

    /// <summary>Bounds of the bins in log₁₀ frequency: bin i is from edge i to edge i + 1.</summary>
    public required IReadOnlyList<double> Edges { get; init; }

    /// <summary>Latents in each bin.</summary>
    public required IReadOnlyList<int> Counts { get; init; }

    /// <summary>Latents that never fired.</summary>
    public required int Dead { get; init; }
}
