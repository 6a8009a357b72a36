using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>Φ on a fine grid: bounds that spare most evaluations of it.</summary>
internal static class FiringTable
{
    private const int End = 8, StepsOfUnit = 64, Steps = 2 * End * StepsOfUnit;

    private static readonly double[] Probability = [.. Enumerable.Range(0, Steps + 1).Select(
        i => i == Steps ? 1 : StandardNormal.Cumulative(((double)i / StepsOfUnit) - End))];

    private static readonly double[] Hazard = [.. Probability.Select(p => p == 1 ? double.PositiveInfinity : -double.LogP1(-p))];

    /// <summary>A probability that Φ(w) does not exceed, and −ln(1 − it), the rate of an exponential that stays below 1 as often.</summary>
    public static (double Probability, double Hazard) Bound(float w)
    {
        int cell = Cell(w) + 1;
        return (Probability[cell], Hazard[cell]);
    }

    /// <summary>Whether u &lt; Φ(w).</summary>
    public static bool Fires(float w, double u)
    {
        int cell = Cell(w);
        if (u < Probability[cell] && w >= -End) return true;
        return u < Probability[cell + 1] && u < StandardNormal.Cumulative(w);
    }

    // Of values beyond the grid the first or the last cell.
    private static int Cell(float w) => Math.Clamp((int)MathF.Floor((w + End) * StepsOfUnit), 0, Steps - 1);
}
