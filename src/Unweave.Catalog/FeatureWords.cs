using System.Text;
using Unweave.Interpretation;

namespace Unweave.Catalog;

/// <summary>The words of a feature that the full-text index takes.</summary>
/// <param name="Tokens">Its tokens.</param>
/// <param name="Examples">The texts of its examples.</param>
internal readonly record struct FeatureWords(string Tokens, string Examples)
{
    private const int GlanceTokens = 6, LongestGlance = 80;

    /// <summary>Those of a feature.</summary>
    public static FeatureWords From(Feature feature)
    {
        IEnumerable<FeatureExample> examples = feature.Top.Concat(feature.Quantiles.SelectMany(group => group.Examples)).DistinctBy(
            example => (example.Document, example.Row));
        return new(
            SearchText.Plain(string.Join(' ', feature.Tokens.Select(token => token.Text))),
            SearchText.Plain(string.Join('\n', examples.Select(example => example.Text))));
    }

    /// <summary>The first tokens, for a glance: without the spaces around them, each once.</summary>
    public static string Glance(Feature feature)
    {
        var glance = new StringBuilder();
        foreach (string token in feature.Tokens.Select(token => Visible(token.Text)).Where(text => text.Length > 0)
            .Distinct(StringComparer.Ordinal).Take(GlanceTokens))
        {
            if (glance.Length + token.Length > LongestGlance) break;
            if (glance.Length > 0) glance.Append(" · ");
            glance.Append(token);
        }

        return glance.ToString();
    }

    private static string Visible(string token) =>
        string.Concat(token.Trim().Select(c => c == '\n' ? '↵' : char.IsControl(c) || char.IsSurrogate(c) ? ' ' : c)).Trim();
}
