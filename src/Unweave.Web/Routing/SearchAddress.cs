using System.Globalization;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;
using Unweave.Indexing;
using Unweave.Web.Runs;

namespace Unweave.Web.Routing;

/// <summary>
/// A search as the query string of an address, with the names of the HTTP API, so that what is on the screen can be linked and asked for by
/// a program. What an address gets wrong is left out.
/// </summary>
internal static class SearchAddress
{
    /// <summary>Reads an address.</summary>
    /// <param name="address">An address or its query string.</param>
    /// <param name="latents">How many latents the index has: none beyond is named.</param>
    public static TextSearch Read(string address, int latents)
    {
        int mark = address.IndexOf('?', StringComparison.Ordinal);
        Dictionary<string, StringValues> values = QueryHelpers.ParseQuery(mark < 0 ? "" : address[mark..].Split('#')[0]);
        IEnumerable<string> Several(string name, int longest) => values.GetValueOrDefault(name)
            .Where(value => !string.IsNullOrWhiteSpace(value) && value.Length <= longest).Select(value => value!)
            .Distinct(StringComparer.Ordinal).Take(Limits.Sought);
        int[] Numbers(string name) => [.. Several(name, 9).SelectMany(value => PageAddress.ParseNumbers(value, latents)).Distinct()];
        double? Number(string name) => double.TryParse(values.GetValueOrDefault(name).LastOrDefault(), NumberStyles.Float,
            CultureInfo.InvariantCulture, out double number) ? number : null;
        var factors = new SortedDictionary<int, float>();
        foreach (string text in Several("weigh", Limits.Filter))
        {
            if (FactorText.TryParse(text, out (int Latent, float Value) factor) && factor.Latent < latents && factor.Value != 1)
                factors[factor.Latent] = factor.Value;
        }

        string sought = values.GetValueOrDefault("query").LastOrDefault() ?? "";
        int[] required = Numbers("require");
        return new TextSearch
        {
            Text = sought.Length > Limits.Text ? sought[..Limits.Text] : sought,
            Like = [.. Several("like", Limits.Filter)],
            Latents = Numbers("latent"),
            Factors = factors,
            Required = required,
            Excluded = [.. Numbers("exclude").Except(required)],
            Filters = [.. Several("filter", Limits.Filter).Where(IsFilter)],
            WordWeight = Number("words") is >= 0 and <= 1 and { } weight ? weight : 0.5,
            Distinct = Number("distinct") is < 1,
            Count = Number("count") is >= 1 and <= Limits.Hits and { } count ? (int)count : TextSearch.FirstHits,
        };
    }

    /// <summary>Writes a search; empty for nothing sought.</summary>
    public static string Write(TextSearch search)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        IEnumerable<(string, string?)> Several<T>(string name, IEnumerable<T> values) =>
            values.Select(value => (name, Convert.ToString(value, culture)));
        return PageAddress.Build(
            "",
            [
                ("query", search.Text.Length is 0 or > PageAddress.LongestText ? null : search.Text),
                .. Several("like", search.Like), .. Several("latent", search.Latents),
                .. Several("weigh", search.Factors.Select(factor => FactorText.Write(factor.Key, factor.Value))),
                .. Several("require", search.Required), .. Several("exclude", search.Excluded), .. Several("filter", search.Filters),
                ("words", search.WordWeight == 0.5 ? null : search.WordWeight.ToString(culture)),
                ("distinct", search.Distinct ? TextSearch.NearDuplicate.ToString(culture) : null),
                ("count", search.Count == TextSearch.FirstHits ? null : search.Count.ToString(culture)),
            ]);
    }

    private static bool IsFilter(string text)
    {
        try
        {
            FilterText.Parse([text]);
            return true;
        }
        catch (InputException)
        {
            return false;
        }
    }
}
