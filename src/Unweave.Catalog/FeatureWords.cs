using System.Text;
using Unweave.Interpretation;

namespace Unweave.Catalog;

/// <summary>The words of a feature that the full-text index takes.</summary>
/// <param name="Fires">
/// The whole words that it fires on in its examples, at least 0.3 times as strongly as at the peak, each as often as it is there: a search
/// puts a latent that fires on a word in most examples before one that does in a single example.
/// </param>
/// <param name="Examples">The texts of its examples.</param>
/// <param name="Interest"><see cref="Feature.Interest"/>.</param>
internal readonly record struct FeatureWords(string Fires, string Examples, double Interest)
{
    private const int GlanceTokens = 6, LongestGlance = 80;
    private const double Strong = 0.3;

    /// <summary>Those of a feature.</summary>
    public static FeatureWords From(Feature feature)
    {
        IEnumerable<FeatureExample> examples = feature.Top.Concat(feature.Quantiles.SelectMany(group => group.Examples)).DistinctBy(
            example => (example.Document, example.Row));
        return new(
            SearchText.Plain(string.Join('\n', examples.SelectMany(FiringWords))),
            SearchText.Plain(string.Join('\n', examples.Select(example => example.Text))),
            feature.Interest);
    }

    private static IEnumerable<string> FiringWords(FeatureExample example) =>
        Enumerable.Range(0, example.Pieces.Count)
            .Where(at => at == example.Peak || example.Activations[at] >= Strong * example.Activation)
            .Select(at => WordAt(example.Pieces, at));

    // A word whole: the pieces around one up to a space or a mark on either side. Of a text of one piece, all of it.
    private static string WordAt(IReadOnlyList<string> pieces, int at)
    {
        if (pieces.Count == 1) return pieces[0];
        int first = at, end = at + 1;
        while (first > 0 && Joins(pieces[first - 1], pieces[first])) first--;
        while (end < pieces.Count && Joins(pieces[end - 1], pieces[end])) end++;
        return string.Concat(pieces.Skip(first).Take(end - first)).Trim();
    }

    private static bool Joins(string left, string right) =>
        left.Length > 0 && right.Length > 0 && char.IsLetterOrDigit(left[^1]) && char.IsLetterOrDigit(right[0]);

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
