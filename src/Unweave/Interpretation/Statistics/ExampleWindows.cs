namespace Unweave.Interpretation;

/// <summary>The windows that a feature's examples are cut from, for as long as their pass keeps them.</summary>
/// <param name="spool">The texts of all windows.</param>
/// <param name="options">How far examples reach.</param>
/// <param name="kept">The strongest examples, then those of each band, in the order of the feature.</param>
internal sealed class ExampleWindows(WindowSpool spool, FeatureStatisticsOptions options, IReadOnlyList<KeptExample> kept)
{
    /// <summary>For each example the window's place, which piece of it the example begins with, and the window's activations.</summary>
    public IEnumerable<(long Place, int First, PieceActivation[] Firing)> Examples =>
        kept.Select(example => (example.Place, Math.Max(0, example.Peak - options.Before), example.Pieces));

    /// <summary>The pieces of a window.</summary>
    public string[] Pieces(long place) => spool.Read(place).Pieces;
}
