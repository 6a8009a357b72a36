using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
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
        Vector128<float> inside = Vector128.MinNative(Vector128.MaxNative(w, Vector128.Create(Least)), Vector128.Create(Most));
        return Vector128.ConvertToInt32((inside + Vector128.Create((float)End)) * Vector128.Create((float)StepsOfUnit));
    }

    /// <summary>A probability that no Φ(w) of a cell exceeds.</summary>
    public static double Bound(int cell) => Probability[cell + 1];

    /// <summary>−ln(1 − <see cref="Bound"/>), the rate of an exponential number that is below 1 with that probability.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Rate(int cell)
    {
        Debug.Assert((uint)cell < Steps, "Cells are in the table.");
        return Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Hazard), cell + 1);
    }

    /// <summary>Whether u &lt; Φ(w).</summary>
    public static bool Fires(float w, double u)
    {
        if (!(w >= Least)) return u < StandardNormal.Cumulative(w);
        int cell = (int)((Math.Min(w, Most) + End) * StepsOfUnit);
        return u < Probability[cell] || (u < Probability[cell + 1] && u < StandardNormal.Cumulative(w));
    }
}
