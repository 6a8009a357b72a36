using System.Globalization;
using Unweave.Interpretation;

namespace Unweave.Components;

/// <summary>How numbers are written for people.</summary>
internal static class Figures
{
    /// <summary>A count with its digits in groups of three.</summary>
    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A number to about three significant digits.</summary>
    public static string Short(double value) => value switch
    {
        _ when double.IsNaN(value) => "–",
        _ when double.IsInfinity(value) => value > 0 ? "∞" : "−∞",
        0 => "0",
        < 0 => "−" + Short(-value),
        >= 1e6 or < 1e-3 => value.ToString("0.##e+0", CultureInfo.InvariantCulture),
        >= 1000 => value.ToString("N0", CultureInfo.InvariantCulture),
        >= 100 => value.ToString("0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("0.#", CultureInfo.InvariantCulture),
        >= 1 => value.ToString("0.##", CultureInfo.InvariantCulture),
        _ => value.ToString("0.###", CultureInfo.InvariantCulture),
    };

    /// <summary>
    /// Numbers to be compared, all with as many decimals as the smallest of them needs for three digits; empty where there is none.
    /// </summary>
    public static IReadOnlyList<string> Aligned(IReadOnlyList<double> values)
    {
        double[] sizes = [.. values.Where(double.IsFinite).Select(Math.Abs).Where(size => size > 0)];
        double least = sizes.DefaultIfEmpty(1).Min();
        bool whole = sizes.All(size => size == Math.Floor(size));
        int decimals = whole ? 0 : Math.Clamp(2 - (int)Math.Floor(Math.Log10(least)), 0, 5);
        string Write(double value) => double.IsNaN(value) ? ""
            : !double.IsFinite(value) || (value != 0 && Math.Abs(value) < 1e-5) ? Short(value)
            : value.ToString($"N{decimals}", CultureInfo.InvariantCulture).Replace('-', '−');
        return [.. values.Select(Write)];
    }

    /// <summary>A count and which share of a whole it is: <c>4,026 (98%)</c>.</summary>
    public static string CountAndShare(long count, long whole) =>
        count == 0 || whole <= 0 ? Count(count) : $"{Count(count)} ({Percent((double)count / whole)})";

    /// <summary>A share as a percentage, to two significant digits where it is small.</summary>
    public static string Percent(double share) => share switch
    {
        _ when double.IsNaN(share) => "–",
        0 => "0%",
        < 0.00001 => "<0.001%",
        < 0.0001 => (share * 100).ToString("0.####", CultureInfo.InvariantCulture) + "%",
        < 0.001 => (share * 100).ToString("0.###", CultureInfo.InvariantCulture) + "%",
        < 0.01 => (share * 100).ToString("0.##", CultureInfo.InvariantCulture) + "%",
        < 0.1 => (share * 100).ToString("0.#", CultureInfo.InvariantCulture) + "%",
        _ => (share * 100).ToString("0", CultureInfo.InvariantCulture) + "%",
    };

    /// <summary>A duration in its two largest units: <c>2 min 10 s</c>.</summary>
    public static string Duration(TimeSpan duration)
    {
        var whole = TimeSpan.FromSeconds(Math.Max(0, Math.Round(duration.TotalSeconds)));
        return whole switch
        {
            { TotalDays: >= 1 } => $"{Count((long)whole.TotalDays)} d {whole.Hours} h",
            { TotalHours: >= 1 } => $"{whole.Hours} h {whole.Minutes} min",
            { TotalMinutes: >= 1 } => $"{whole.Minutes} min {whole.Seconds} s",
            _ => $"{whole.Seconds} s",
        };
    }

    /// <summary>A score to two digits.</summary>
    public static string Score(double value) => double.IsNaN(value) ? "–" : value.ToString("0.00", CultureInfo.InvariantCulture);

    /// <summary>An activation to about three significant digits.</summary>
    public static string Activation(double value) => Short(value);

    /// <summary>A kind in a word.</summary>
    public static string Kind(FeatureKind kind) => kind switch
    {
        FeatureKind.Ordinary => "ordinary",
        FeatureKind.Dead => "dead",
        FeatureKind.Dense => "dense",
        FeatureKind.Token => "single token",
        FeatureKind.Position => "position",
        _ => kind.ToString(),
    };

    /// <summary>What a kind says, in a sentence.</summary>
    public static string KindMeaning(FeatureKind kind) => kind switch
    {
        FeatureKind.Dead => "It never fired on the texts that were read.",
        FeatureKind.Dense => "It fires on more than a tenth of all rows: too often to be about one thing.",
        FeatureKind.Token => "Nine tenths of its activation are on one token.",
        FeatureKind.Position => "Nine tenths of its activation are on a few positions of the window.",
        _ => "It is neither dead nor dense, and not about a single token or position.",
    };

    /// <summary>A number as CSS and SVG read it.</summary>
    public static string Css(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    /// <summary>A factor, such as 2.4 times.</summary>
    public static string Times(double factor) => $"{Short(factor)} times";
}
