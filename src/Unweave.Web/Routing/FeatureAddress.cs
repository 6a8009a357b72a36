using System.Globalization;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;
using Unweave.Catalog;
using Unweave.Interpretation;

namespace Unweave.Web.Routing;

/// <summary>
/// The browser's query as the query string of an address, so that what is on the screen can be linked. What an address gets wrong is
/// left out.
/// </summary>
internal static class FeatureAddress
{
    private const int LongestText = 200;

    private static readonly Dictionary<string, FeatureKind> Kinds = ByName<FeatureKind>();

    private static readonly Dictionary<string, FeatureOrder> Orders = ByName<FeatureOrder>();

    /// <summary>Reads an address.</summary>
    /// <param name="address">An address or its query string.</param>
    public static FeatureQuery Read(string address)
    {
        int mark = address.IndexOf('?', StringComparison.Ordinal);
        Dictionary<string, StringValues> values = QueryHelpers.ParseQuery(mark < 0 ? "" : address[mark..].Split('#')[0]);
        string? Text(string name) =>
            values.TryGetValue(name, out StringValues value) && value[^1] is { } last && !string.IsNullOrWhiteSpace(last)
                ? last[..Math.Min(last.Length, LongestText)]
                : null;
        double? Number(string name) =>
            double.TryParse(Text(name), NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
                && double.IsFinite(number) && number >= 0
                ? number
                : null;
        FeatureKind[] kinds = [.. (Text("kind") ?? "").Split(',').Where(Kinds.ContainsKey).Select(name => Kinds[name]).Distinct().Order()];
        return new FeatureQuery
        {
            Text = Text("q"),
            InExamples = Text("in") is "examples",
            Kinds = kinds.Length is 0 or 5 ? null : kinds,
            MinFrequency = Number("min"),
            MaxFrequency = Number("max"),
            MinScore = Number("score"),
            Labelled = Text("labelled") switch { "yes" => true, "no" => false, _ => null },
            Starred = Text("starred") is "yes",
            List = Text("list"),
            Order = Orders.GetValueOrDefault(Text("sort") ?? "", FeatureOrder.Relevance),
            Descending = Text("order") is "down",
        };
    }

    /// <summary>Writes a query, without the lines it skips and takes; empty for all features in their usual order.</summary>
    public static string Write(FeatureQuery query)
    {
        var values = new List<KeyValuePair<string, string?>>();
        void Add(string name, string? value)
        {
            if (!string.IsNullOrWhiteSpace(value)) values.Add(new(name, value));
        }

        Add("q", query.Text);
        Add("in", query.InExamples ? "examples" : null);
        IEnumerable<string> kinds = (query.Kinds ?? []).Order().Select(kind => kind.ToString().ToLowerInvariant());
        Add("kind", string.Join(',', kinds));
        Add("min", Number(query.MinFrequency));
        Add("max", Number(query.MaxFrequency));
        Add("score", Number(query.MinScore));
        Add("labelled", query.Labelled switch { true => "yes", false => "no", null => null });
        Add("starred", query.Starred ? "yes" : null);
        Add("list", query.List);
        Add("sort", query.Order == FeatureOrder.Relevance ? null : query.Order.ToString().ToLowerInvariant());
        Add("order", query.Descending ? "down" : null);
        return QueryHelpers.AddQueryString("", values);
    }

    private static Dictionary<string, T> ByName<T>()
        where T : struct, Enum
        => Enum.GetValues<T>().ToDictionary(value => value.ToString().ToLowerInvariant(), StringComparer.OrdinalIgnoreCase);

    private static string? Number(double? value) => value?.ToString("R", CultureInfo.InvariantCulture);
}
