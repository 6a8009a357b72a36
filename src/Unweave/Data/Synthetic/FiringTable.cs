using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Unweave.Numerics;

namespace Unweave.Data;

/// <summary>Φ on a fine grid: bounds that spare most evaluations of it.</summary>
internal static class FiringTable
{
    private const int End = 8, StepsOfUnit = 64, Steps = 2 * End * StepsOfUnit;
    private const float Least = -End, Most = End - (0.5f / StepsOfUnit);

    private static readonly double[] Probability = [.. Enumerable.Range(0, Steps + 1).Select(
        i => i == Steps ? 1 : StandardNormal.Cumulative(((double)i / StepsOfUnit) - End))];

    private static readonly double[] Hazard = [.. Probability.Select(p => p == 1 ? double.PositiveInfinity : -double.LogP1(-p))];

    /// <summary>The cells of the grid that numbers are in; of numbers beyond it the first or the last.</summary>
    public static Vector128<int> Cells(Vector128<float> w)
    {
        Vector128<float> inside = Vector128.Min(Vector128.Max(w, Vector128.Create(Least)), Vector128.Create(Most));
        return Vector128.ConvertToInt32((inside + Vector128.Create((float)End)) * Vector128.Create((float)StepsOfUnit));
    }

    /// <summary>A probability that no Φ(w) of a cell exceeds.</summary>
    public static double Bound(int cell) => Probability[cell + 1];

    /// <summary>−ln(1 − <see cref="Bound"/>), the rate of an exponential number that is below 1 with that probability.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Rate(int cell) => Hazard[cell + 1];

    /// <summary>Whether u &lt; Φ(w).</summary>
    public static bool Fires(float w, double u)
    {
        int cell = (int)((Math.Clamp(w, Least, Most) + End) * StepsOfUnit);
        if (u < Probability[cell] && w >= Least) return true;
        return u < Probability[cell + 1] && u < StandardNormal.Cumulative(w);
    }
}
