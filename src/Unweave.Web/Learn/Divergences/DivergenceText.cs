using System.Globalization;

namespace Unweave.Web.Learn.Divergences;

/// <summary>How divergences are written: four decimals, and ∞ as such.</summary>
internal static class DivergenceText
{
    /// <summary>A divergence in words.</summary>
    public static string Of(double value) => double.IsPositiveInfinity(value) ? "∞" : Math.Abs(value).ToString("F4", CultureInfo.InvariantCulture);
}
