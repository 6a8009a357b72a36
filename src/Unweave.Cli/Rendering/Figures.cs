using System.Globalization;

namespace Unweave.Cli.Rendering;

/// <summary>How numbers are written for people: short, and of one width where they stand in a line that is redrawn.</summary>
internal static class Figures
{
    /// <summary>A duration as minutes and seconds, or hours, minutes and seconds.</summary>
    public static string Duration(TimeSpan duration)
    {
        double seconds = Math.Max(0, Math.Round(duration.TotalSeconds));
        if (seconds > 359_999) return "over 99 h";
        var whole = TimeSpan.FromSeconds(seconds);
        return whole.TotalHours >= 1
            ? whole.ToString(@"h\:mm\:ss", CultureInfo.InvariantCulture)
            : whole.ToString(@"m\:ss", CultureInfo.InvariantCulture);
    }

    /// <summary>A count with its digits in groups of three.</summary>
    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A number to three or four significant digits.</summary>
    public static string Short(double value) => value switch
    {
        _ when double.IsNaN(value) => "–",
        0 => "0",
        _ when Math.Abs(value) is >= 1e6 or < 1e-3 => value.ToString("0.00e+0", CultureInfo.InvariantCulture),
        _ when Math.Abs(value) >= 1000 => value.ToString("N0", CultureInfo.InvariantCulture),
        _ when Math.Abs(value) >= 100 => value.ToString("F1", CultureInfo.InvariantCulture),
        _ when Math.Abs(value) >= 10 => value.ToString("F2", CultureInfo.InvariantCulture),
        _ when Math.Abs(value) >= 1 => value.ToString("F3", CultureInfo.InvariantCulture),
        _ => value.ToString("F4", CultureInfo.InvariantCulture),
    };

    /// <summary>A share as a percentage.</summary>
    public static string Percent(double share) => share switch
    {
        0 => "0%",
        < 0.0005 => "<0.1%",
        < 0.1 => string.Create(CultureInfo.InvariantCulture, $"{share * 100:F1}%"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{share * 100:F0}%"),
    };

    /// <summary>A size in bytes, KiB, MiB or GiB.</summary>
    public static string Bytes(long bytes) => bytes switch
    {
        < 1 << 10 => $"{bytes} bytes",
        < 1 << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:F1} KiB"),
        < 1 << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:F1} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1073741824.0:F1} GiB"),
    };
}
