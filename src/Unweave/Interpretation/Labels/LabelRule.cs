namespace Unweave.Interpretation;

/// <summary>What a label says of a text, as it is checked: one of its patterns holds.</summary>
/// <param name="patterns">The patterns.</param>
internal sealed class LabelRule(Pattern[] patterns)
{
    private readonly HashSet<Pattern> set = [.. patterns];
    private readonly List<Pattern> scratch = [];

    /// <summary>Whether it holds of a text on which the latent fires.</summary>
    public bool Matches(LabelText text) => MatchesAt(text, Enumerable.Range(0, text.Spots.Length));

    /// <summary>Whether it holds of a text on which the latent is silent.</summary>
    public bool Matches(PooledText text) => patterns.Any(pattern => pattern.IsIn(text.Patterns));

    /// <summary>Whether a pattern holds at the text's strongest activation, or of the text as a whole.</summary>
    public bool HoldsWhereItFires(LabelText text) => Holds(text, text.Marked.Length == 0 ? [] : [text.Example.Peak],
        Enumerable.Range(0, text.Spots.Length));

    /// <summary>Whether one of the patterns holds at some places.</summary>
    public bool MatchesAt(LabelText text, IEnumerable<int> places) => Holds(text, places, places);

    private bool Holds(LabelText text, IEnumerable<int> at, IEnumerable<int> around)
    {
        if (set.Contains(new Pattern(PatternKind.Source, text.Source))) return true;
        scratch.Clear();
        foreach (int place in at) Pattern.At(text.Spots, place, text.Source, scratch);
        foreach (int place in around) Pattern.Around(text.Spots, place, scratch);
        return scratch.Exists(set.Contains);
    }
}
