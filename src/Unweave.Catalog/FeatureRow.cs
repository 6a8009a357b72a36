using Unweave.Interpretation;

namespace Unweave.Catalog;

/// <summary>A line of the table of features.</summary>
/// <param name="Latent">Number of the latent.</param>
/// <param name="Kind">What it is like.</param>
/// <param name="Frequency">Share of rows on which it fired.</param>
/// <param name="Density">Share of windows in which it fired.</param>
/// <param name="Max">Strongest activation.</param>
/// <param name="Label">The label to show: the user's own, else the best computed one that is above chance, else null.</param>
/// <param name="LabelMethod">How the label was found; <c>you</c> for the user's own, null without a label.</param>
/// <param name="Score">Detection score of the best computed label that is above chance, or null where none is.</param>
/// <param name="Starred">Whether the user starred it.</param>
/// <param name="HasNote">Whether the user wrote a note.</param>
/// <param name="TopTokens">The tokens that it fires on most, for a glance.</param>
/// <param name="Match">Where the text searched for is found; <see cref="FeatureMatch.None"/> where nothing is searched for.</param>
public sealed record FeatureRow(
    int Latent,
    FeatureKind Kind,
    double Frequency,
    double Density,
    float Max,
    string? Label,
    string? LabelMethod,
    double? Score,
    bool Starred,
    bool HasNote,
    string TopTokens,
    FeatureMatch Match = FeatureMatch.None);

/// <summary>Where a text that was searched for is found.</summary>
public enum FeatureMatch
{
    /// <summary>Nowhere: nothing was searched for, or the latent's number.</summary>
    None,

    /// <summary>In the user's label.</summary>
    OwnLabel,

    /// <summary>In a computed label.</summary>
    Label,

    /// <summary>In the user's note.</summary>
    Note,

    /// <summary>Among the words that the latent fires on.</summary>
    Fires,

    /// <summary>In the texts of examples alone.</summary>
    Examples,
}

/// <summary>Some lines of the table.</summary>
/// <param name="Total">Lines that match, all together.</param>
/// <param name="Rows">Those asked for.</param>
public sealed record FeatureRows(int Total, IReadOnlyList<FeatureRow> Rows);
