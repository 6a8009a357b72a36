using Unweave.Interpretation;

namespace Unweave.Catalog;

/// <summary>What the table is sorted by.</summary>
public enum FeatureOrder
{
    /// <summary>Number of the latent.</summary>
    Latent,

    /// <summary>Frequency.</summary>
    Frequency,

    /// <summary>Strongest activation.</summary>
    Max,

    /// <summary>Score of the label; latents without one come last either way.</summary>
    Score,

    /// <summary>The label's text; latents without one come last either way.</summary>
    Label,

    /// <summary>How well the text searched for matches, best first; the number where nothing is searched for.</summary>
    Relevance,
}

/// <summary>Which features, in which order.</summary>
public sealed record FeatureQuery
{
    /// <summary>
    /// Words to find in labels, notes, tokens and examples; any text is allowed, nothing in it is syntax except a number alone, which also
    /// finds the latent of that number. Null or white space finds all.
    /// </summary>
    public string? Text { get; init; }

    /// <summary>Only these kinds; null for all.</summary>
    public IReadOnlyCollection<FeatureKind>? Kinds { get; init; }

    /// <summary>Least frequency.</summary>
    public double? MinFrequency { get; init; }

    /// <summary>Largest frequency.</summary>
    public double? MaxFrequency { get; init; }

    /// <summary>Least score of the label.</summary>
    public double? MinScore { get; init; }

    /// <summary>True for those with a label, false for those without, null for both.</summary>
    public bool? Labelled { get; init; }

    /// <summary>Only starred ones.</summary>
    public bool Starred { get; init; }

    /// <summary>Only members of this list; null for all.</summary>
    public string? List { get; init; }

    /// <summary>Order.</summary>
    public FeatureOrder Order { get; init; } = FeatureOrder.Relevance;

    /// <summary>Whether the order is reversed.</summary>
    public bool Descending { get; init; }

    /// <summary>Lines to skip.</summary>
    public int Skip { get; init; }

    /// <summary>Lines to give at most.</summary>
    public int Take { get; init; } = 50;
}
