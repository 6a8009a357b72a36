using System.Globalization;

namespace Unweave.Web.Routing;

/// <summary>The state of a page as the query of its address.</summary>
internal static class PageAddress
{
    /// <summary>UTF-16 code units of a text that an address holds; a longer one is left out.</summary>
    public const int LongestText = 1500;

    /// <summary>An address whose query has the values that are not null.</summary>
    public static string Build(string page, params IEnumerable<(string Name, string? Value)> query)
    {
        IEnumerable<string> written = query
            .Where(pair => pair.Value is not null)
            .Select(pair => $"{pair.Name}={Uri.EscapeDataString(WithoutHalfCharacters(pair.Value!))}");
        string all = string.Join('&', written);
        return all.Length == 0 ? page : $"{page}?{all}";
    }

    /// <summary>Numbers separated by commas, each below a bound and once; other words are skipped.</summary>
    public static IEnumerable<int> ParseNumbers(string? text, int below) => (text ?? "")
        .Split(',')
        .Select(word => int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : -1)
        .Where(number => number >= 0 && number < below)
        .Distinct();

    // Half a surrogate pair has no place in an address.
    private static string WithoutHalfCharacters(string text) => string.Concat(text.EnumerateRunes().Select(rune => rune.ToString()));
}
