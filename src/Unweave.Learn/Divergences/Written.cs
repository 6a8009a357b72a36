using System.Globalization;
using Unweave.Numerics;
using Unweave.Components;

namespace Unweave.Learn.Divergences;

/// <summary>How divergences are written: as many digits as it takes to see two ways of computing them differ.</summary>
internal static class Written
{
    private static readonly double NatsOfBit = Math.Log(2);

    /// <summary>A divergence.</summary>
    /// <param name="value">In any unit.</param>
    public static string Format(double value) => value switch
    {
        double.PositiveInfinity => "∞",
        0 => "0",
        < 0.00005 => Figures.Short(value),
        < 10 => value.ToString("F4", CultureInfo.InvariantCulture),
        < 100 => value.ToString("F3", CultureInfo.InvariantCulture),
        _ => value.ToString("N1", CultureInfo.InvariantCulture),
    };

    /// <summary>A divergence in nats, in a unit.</summary>
    /// <param name="nats">In nats.</param>
    /// <param name="unit">The unit to write it in.</param>
    public static string Format(double nats, LogBase unit) => Format(unit == LogBase.Bits ? nats / NatsOfBit : nats);

    /// <summary>How many times as long.</summary>
    /// <param name="times">At least 1.</param>
    public static string Times(double times) => times < 1.05 ? "a little more than" : $"{Figures.Short(times)} times";

    /// <summary>Where a number lies on a scale, as a percentage for CSS.</summary>
    public static string Place(double value, double from, double to) => Figures.Css(100 * (value - from) / (to - from)) + "%";
}
