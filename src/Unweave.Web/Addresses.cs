using System.Globalization;

namespace Unweave.Web;

/// <summary>The state of a page in its address.</summary>
internal static class Addresses
{
    /// <summary>An address with those values of its query that there are.</summary>
    public static string Of(string page, params IEnumerable<(string Name, string? Value)> query)
    {
        string written = string.Join('&', query.Where(pair => pair.Value is not null).Select(pair => $"{pair.Name}={Uri.EscapeDataString(Whole(pair.Value!))}"));
        return written.Length == 0 ? page : $"{page}?{written}";
    }

    /// <summary>Numbers parted by commas, each below a bound and once; what is none is passed over.</summary>
    public static IEnumerable<int> Numbers(string? text, int below) =>
        (text ?? "").Split(',').Select(word => int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : -1).Where(number => number >= 0 && number < below).Distinct();

    // Half a surrogate pair has no place in an address.
    private static string Whole(string text) => string.Concat(text.EnumerateRunes().Select(rune => rune.ToString()));
}
