using System.Globalization;
using Unweave.Catalog;
using Unweave.Web.Components;

namespace Unweave.Web;

/// <summary>The commands that give on a terminal what the pages about features show.</summary>
internal static class FeatureCommands
{
    /// <summary>A feature.</summary>
    public static string Show(string folder, int latent) => $"unweave features show {CommandHint.Quote(folder)} {latent}";

    /// <summary>What a query finds.</summary>
    public static string List(string folder, FeatureQuery query)
    {
        List<string> words = ["unweave features list", CommandHint.Quote(folder)];
        void Add(string flag, string? value)
        {
            if (value is not null) words.Add($"{flag} {CommandHint.Quote(value)}");
        }

        if (!string.IsNullOrWhiteSpace(query.Text)) words.Add(CommandHint.Quote(query.Text.Trim()));
        foreach (Interpretation.FeatureKind kind in query.Kinds ?? []) Add("--kind", kind.ToString());
        Add("--min-score", Number(query.MinScore));
        Add("--min-frequency", Number(query.MinFrequency));
        Add("--max-frequency", Number(query.MaxFrequency));
        if (query.Starred) words.Add("--starred");
        Add("--list", query.List);
        Add("--sort", query.Order == FeatureOrder.Relevance ? null : query.Order.ToString());
        if (query.Descending) words.Add("--reverse");
        return string.Join(' ', words);
    }

    private static string? Number(double? value) => value?.ToString("R", CultureInfo.InvariantCulture);
}
