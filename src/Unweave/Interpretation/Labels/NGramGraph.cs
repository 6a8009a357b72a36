namespace Unweave.Interpretation;

/// <summary>
/// The n-gram graph of a latent, in the manner of Neuron to Graph (Foote et al. 2023): a tree for each token it fires on, growing backwards through
/// the tokens before it as far as they are needed to tell its firing from its silence.
/// </summary>
/// <remarks>Neuron to Graph prunes each example by running the model again on shorter ones. Here a context is long enough when no more than a tenth of the places where its n-gram stands, in the latent's examples and in random texts, are places where the latent is silent.</remarks>
internal static class NGramGraph
{
    private const int Longest = 4, MostRoots = 8, MostBefore = 4;
    private const double Silent = 0.1;

    /// <summary>The graph.</summary>
    /// <param name="examples">Examples of the latent.</param>
    /// <param name="contrasts">Texts on which it is silent.</param>
    public static IReadOnlyList<NGramNode> Of(IReadOnlyList<FeatureExample> examples, IReadOnlyList<FeatureExample> contrasts)
    {
        FeatureExample[] texts = [.. examples.Where(example => example.Pieces.Count > 1)];
        FeatureExample[] all = [.. texts, .. contrasts.Where(example => example.Pieces.Count > 1)];
        return Nodes([.. texts.Select(example => (example, example.Peak))], [], MostRoots, all);
    }

    // The nodes that come before a suffix; the first call has none, and gives the firing tokens.
    private static NGramNode[] Nodes(IReadOnlyList<(FeatureExample Example, int At)> ends, IReadOnlyList<string> suffix, int most, FeatureExample[] all) =>
        [.. ends.Where(end => end.At >= 0)
            .GroupBy(end => Same(end.Example.Pieces[end.At]), StringComparer.Ordinal)
            .OrderByDescending(group => group.Count()).ThenBy(group => group.Key, StringComparer.Ordinal)
            .Take(most)
            .Select(group =>
            {
                string[] longer = [group.Key, .. suffix];
                bool enough = longer.Length == Longest || group.Count() < 2 || SilentShare(longer, all) <= Silent;
                return new NGramNode(
                    group.First().Example.Pieces[group.First().At],
                    group.Count(),
                    group.Average(end => end.Example.Activation),
                    enough ? [] : Nodes([.. group.Select(end => (end.Example, end.At - 1))], longer, MostBefore, all));
            })];

    private static double SilentShare(string[] suffix, FeatureExample[] all)
    {
        int silent = 0, count = 0;
        foreach (FeatureExample example in all)
        {
            for (int at = suffix.Length - 1; at < example.Pieces.Count; at++)
            {
                bool here = true;
                for (int i = 0; i < suffix.Length && here; i++) here = string.Equals(Same(example.Pieces[at - i]), suffix[^(i + 1)], StringComparison.Ordinal);
                if (!here) continue;
                count++;
                if (example.Activations[at] <= 0) silent++;
            }
        }

        return count == 0 ? 0 : (double)silent / count;
    }

    private static string Same(string piece) => piece.ToLowerInvariant();
}
