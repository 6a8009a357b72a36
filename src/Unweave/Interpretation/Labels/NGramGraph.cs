namespace Unweave.Interpretation;

/// <summary>
/// The n-gram graph of a latent, in the manner of Neuron to Graph (Foote et al. 2023): a tree for each token it fires on, growing backwards
/// through the tokens before it as far as they are needed to tell its firing from its silence.
/// </summary>
/// <remarks>
/// Neuron to Graph prunes each example by running the model again on shorter ones. Here a context is long enough when no more than a tenth
/// of the places where its n-gram stands, in the latent's examples and in random texts, are places where the latent is silent.
/// </remarks>
internal static class NGramGraph
{
    private const int Longest = 4, MostRoots = 8, MostBefore = 4;
    private const double Silent = 0.1;

    /// <summary>The graph.</summary>
    /// <param name="examples">Examples of the latent.</param>
    /// <param name="contrasts">Texts on which it is silent.</param>
    public static IReadOnlyList<NGramNode> Build(IReadOnlyList<LabelText> examples, IReadOnlyList<PooledText> contrasts)
    {
        LabelText[] texts = [.. examples.Where(text => text.Example.Pieces.Count > 1)];
        return Nodes([.. texts.Select(text => (text, text.Example.Peak))], [], MostRoots, texts, contrasts);
    }

    // The nodes that come before a suffix; the first call has none, and gives the firing tokens.
    private static NGramNode[] Nodes(
        IReadOnlyList<(LabelText Text, int At)> ends, int[] suffix, int most, LabelText[] texts, IReadOnlyList<PooledText> contrasts) =>
        [.. ends.Where(end => end.At >= 0)
            .GroupBy(end => end.Text.Spots[end.At].Piece)
            .OrderByDescending(group => group.Count()).ThenBy(group => group.First().Text.Example.Row)
            .Take(most)
            .Select(group =>
            {
                int[] longer = [group.Key, .. suffix];
                bool enough = longer.Length == Longest || group.Count() < 2 || SilentShare(longer, texts, contrasts) <= Silent;
                return new NGramNode(
                    group.First().Text.Example.Pieces[group.First().At],
                    group.Count(),
                    group.Average(end => end.Text.Example.Activation),
                    enough ? [] : Nodes([.. group.Select(end => (end.Text, end.At - 1))], longer, MostBefore, texts, contrasts));
            })];

    private static double SilentShare(int[] suffix, LabelText[] texts, IReadOnlyList<PooledText> contrasts)
    {
        int silent = 0, count = 0;
        foreach (LabelText text in texts)
        {
            for (int at = suffix.Length - 1; at < text.Spots.Length; at++)
            {
                if (!Stands(suffix, text.Spots, at)) continue;
                count++;
                if (text.Example.Activations[at] <= 0) silent++;
            }
        }

        foreach (PooledText text in contrasts)
        {
            for (int at = suffix.Length - 1; at < text.Spots.Length; at++)
            {
                if (!Stands(suffix, text.Spots, at)) continue;
                count++;
                silent++;
            }
        }

        return count == 0 ? 0 : (double)silent / count;
    }

    private static bool Stands(int[] suffix, PieceTraits[] spots, int at)
    {
        for (int i = 0; i < suffix.Length; i++)
            if (spots[at - i].Piece != suffix[^(i + 1)]) return false;
        return true;
    }
}
