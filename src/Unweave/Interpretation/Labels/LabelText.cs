namespace Unweave.Interpretation;

/// <summary>An example of a latent as labels see it.</summary>
/// <param name="Example">The example.</param>
/// <param name="Spots">What patterns can ask about each piece.</param>
/// <param name="Marked">
/// The pieces on which the latent fires at least 0.3 times as strongly as on the peak; none in a text of one piece.
/// </param>
/// <param name="Source">Where the text is from, as a number of a pattern; 0 where its document's id does not say.</param>
internal sealed record LabelText(FeatureExample Example, PieceTraits[] Spots, int[] Marked, int Source)
{
    private const double Strong = 0.3;


    /// <summary>Reads an example.</summary>
    public static LabelText Read(FeatureExample example, TextSpots reader)
    {
        int source = reader.Source(example.Document);
        PieceTraits[] spots = reader.Read(TextPool.Readable(example.Pieces));
        if (example.Pieces.Count == 1) return new LabelText(example, spots, [], source);
        var marked = new List<int>();
        for (int i = 0; i < spots.Length; i++)
            if (example.Activations[i] > 0 && example.Activations[i] >= Strong * example.Activation) marked.Add(i);
        return new LabelText(example, spots, [.. marked], source);
    }
}
