using System.Globalization;
using Unweave.Catalog;
using Unweave.Web.Runs;

namespace Unweave.Web.Api;

/// <summary>The table of features as text that spreadsheets and data frames read: a line of names, then a line a latent.</summary>
/// <param name="separator">What stands between the values of a line.</param>
internal sealed class TableExport(char separator)
{
    private static readonly string[] Names =
        ["latent", "label", "method", "score", "frequency", "density", "max", "kind", "starred", "tokens"];

    /// <summary>Values apart by commas, quoted where need be.</summary>
    public static TableExport Csv => new(',');

    /// <summary>Values apart by tabs, none of which is inside a value.</summary>
    public static TableExport Tsv => new('\t');

    /// <summary>Its type of content.</summary>
    public string ContentType => separator == ',' ? "text/csv; charset=utf-8" : "text/tab-separated-values; charset=utf-8";

    /// <summary>Writes all that a query finds, in its order.</summary>
    public async Task Write(Stream stream, CatalogSnapshot catalog, FeatureQuery query, CancellationToken cancellationToken)
    {
        await using var writer = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
        await writer.WriteLineAsync(string.Join(separator, Names));
        for (int skip = 0; ; skip += Limits.Rows)
        {
            IReadOnlyList<FeatureRow> rows = catalog.Find(query with { Skip = skip, Take = Limits.Rows }).Rows;
            foreach (FeatureRow row in rows)
            {
                cancellationToken.ThrowIfCancellationRequested();
                await writer.WriteLineAsync(string.Join(separator, Values(row).Select(Value)));
            }

            if (rows.Count < Limits.Rows) return;
        }
    }

    private static IEnumerable<string> Values(FeatureRow row) =>
    [
        Number(row.Latent), row.Label ?? "", row.LabelMethod ?? "", row.Score is { } score ? Number(score) : "", Number(row.Frequency),
        Number(row.Density), Number(row.Max), Figures.Kind(row.Kind), row.Starred ? "yes" : "", row.TopTokens,
    ];

    private static string Number(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);

    private string Value(string text)
    {
        string line = text.ReplaceLineEndings(" ");
        if (separator != ',') return line.Replace('\t', ' ');
        return line.AsSpan().ContainsAny(",\"") ? $"\"{line.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : line;
    }
}
