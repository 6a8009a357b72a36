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

    /// <summary>A divergence with a minus sign before it; 0 has none.</summary>
    /// <param name="value">Not negative, in any unit.</param>
    public static string Minus(double value) => Format(value) is "0" ? "0" : "−" + Format(value);

    /// <summary>A shared area; one too small to see is said to be that.</summary>
    /// <param name="share">From 0 to 1.</param>
    public static string Overlap(double share) => share is > 0 and < 0.0001 ? "less than 0.01%" : Figures.Percent(share);

    /// <summary>How many times as large.</summary>
    /// <param name="times">At least 1.</param>
    public static string Times(double times) => times < 1.05 ? "slightly larger than" : $"{Figures.Short(times)} times";

    /// <summary>Where a number lies on a scale, as a percentage for CSS.</summary>
    public static string Place(double value, double from, double to) => Figures.Css(100 * (value - from) / (to - from)) + "%";
}
