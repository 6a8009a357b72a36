namespace Unweave.Components;

/// <summary>Round numbers along an axis.</summary>
internal static class AxisTicks
{
    /// <summary>Ends of an axis that holds a range, with three to six round values on it.</summary>
    public static (double Low, double High, IReadOnlyList<double> Values) Between(double low, double high, bool log)
    {
        if (log)
        {
            int from = (int)Math.Floor(Math.Log10(low)), to = (int)Math.Ceiling(Math.Log10(high));
            int stride = Math.Max(1, (to - from + 4) / 5);
            return (
                Math.Pow(10, from),
                Math.Pow(10, to),
                [.. Enumerable.Range(0, (to - from) / stride + 1).Select(i => Math.Pow(10, from + (i * stride)))]);
        }

        if (high <= low) (low, high) = high == 0 ? (0, 1) : (Math.Min(low, 0), Math.Max(high, 0));
        double step = Step((high - low) / 4);
        double first = Math.Floor((low / step) + 1e-9), last = Math.Ceiling((high / step) - 1e-9);
        return (first * step, last * step, [.. Enumerable.Range(0, (int)(last - first) + 1).Select(i => (first + i) * step)]);
    }

    /// <summary>The next 1, 2 or 5 times a power of ten.</summary>
    private static double Step(double least)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(least)));
        return (least / power) switch { <= 1 => power, <= 2 => 2 * power, <= 5 => 5 * power, _ => 10 * power };
    }
}
