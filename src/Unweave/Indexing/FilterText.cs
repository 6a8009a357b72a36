using System.Globalization;
using System.Text.RegularExpressions;
using Unweave.Retrieval;

namespace Unweave.Indexing;

/// <summary>
/// Filters as people write them: <c>field=value</c>, <c>field=a|b</c>, <c>field&gt;=3</c>, <c>field&lt;=3</c>, <c>field=3..7</c>,
/// <c>field^=beginning</c>, and <c>!</c> before any of these for its opposite.
/// </summary>
public static partial class FilterText
{
    /// <summary>Reads filters, all of which must hold.</summary>
    /// <param name="texts">The filters.</param>
    /// <returns>The filter; null for none.</returns>
    /// <exception cref="InputException">One is not written so.</exception>
    public static SearchFilter? Parse(IReadOnlyList<string> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        return texts.Count switch
        {
            0 => null,
            1 => Parse(texts[0]),
            _ => new SearchFilter.And([.. texts.Select(Parse)]),
        };
    }

    private static SearchFilter Parse(string text)
    {
        Match parts = Filter().Match(text);
        if (!parts.Success)
            throw new InputException($"the filter '{text}' cannot be read; write field=value, field=a|b, field>=3, field<=3, field=3..7 or "
                + "field^=beginning, with ! before it for the opposite.");
        string field = parts.Groups["field"].Value.Trim(), value = parts.Groups["value"].Value.Trim();
        SearchFilter filter = parts.Groups["operator"].Value switch
        {
            "^=" => new SearchFilter.Prefix(field, value),
            ">=" => new SearchFilter.Range(field, Number(text, value), null),
            "<=" => new SearchFilter.Range(field, null, Number(text, value)),
            _ when Range().Match(value) is { Success: true } range => new SearchFilter.Range(
                field, Number(text, range.Groups["least"].Value), Number(text, range.Groups["most"].Value)),
            _ => new SearchFilter.AnyOf(field, [.. value.Split('|').SelectMany(Values)]),
        };
        return parts.Groups["not"].Success ? new SearchFilter.Not(filter) : filter;
    }

    // A number or a truth may have been meant as one or as text.
    private static IEnumerable<FieldValue> Values(string value)
    {
        yield return value;
        if (double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number))
            yield return number;
        if (bool.TryParse(value, out bool truth)) yield return truth;
    }

    private static double Number(string filter, string value) =>
        double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number)
            ? number
            : throw new InputException($"the filter '{filter}' compares with '{value}', which is not a number.");

    [GeneratedRegex(@"^(?<not>!)?(?<field>[^=<>^!]+)(?<operator>\^=|>=|<=|=)(?<value>.*)$",
        RegexOptions.ExplicitCapture | RegexOptions.Singleline, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Filter();

    [GeneratedRegex(@"^(?<least>-?[0-9.]+)\.\.(?<most>-?[0-9.]+)$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Range();
}
