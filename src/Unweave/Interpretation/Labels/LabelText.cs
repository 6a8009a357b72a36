namespace Unweave.Interpretation;

/// <summary>An example of a latent as labels see it.</summary>
/// <param name="Example">The example.</param>
/// <param name="Spots">What patterns can ask about each piece.</param>
/// <param name="Marked">
/// The pieces on which the latent fires at least 0.3 times as strongly as on the peak; none in a text of one piece.
/// </param>
internal sealed record LabelText(FeatureExample Example, PieceTraits[] Spots, int[] Marked)
{
    private const double Strong = 0.3;

    /// <summary>Reads an example.</summary>
    public static LabelText Read(FeatureExample example, TextSpots reader)
    {
        PieceTraits[] spots = reader.Read(TextPool.Readable(example.Pieces));
        if (example.Pieces.Count == 1) return new LabelText(example, spots, []);
        var marked = new List<int>();
        for (int i = 0; i < spots.Length; i++)
            if (example.Activations[i] > 0 && example.Activations[i] >= Strong * example.Activation) marked.Add(i);
        return new LabelText(example, spots, [.. marked]);
    }

    /// <summary>Whether one of some patterns holds anywhere in the text.</summary>
    public bool Matches(IReadOnlySet<Pattern> patterns, List<Pattern> scratch) =>
        MatchesAt(Enumerable.Range(0, Spots.Length), patterns, scratch);

    /// <summary>Whether one of some patterns holds at some places.</summary>
    public bool MatchesAt(IEnumerable<int> places, IReadOnlySet<Pattern> patterns, List<Pattern> scratch)
    {
        foreach (int at in places)
        {
            scratch.Clear();
            Pattern.At(Spots, at, scratch);
            Pattern.Around(Spots, at, scratch);
            foreach (Pattern pattern in scratch)
                if (patterns.Contains(pattern)) return true;
        }

        return false;
    }
}
