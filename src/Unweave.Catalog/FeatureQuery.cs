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

    /// <summary>How well the text searched for matches, best first; how interesting the latent is where nothing is searched for.</summary>
    Relevance,

    /// <summary>
    /// How much a reader gains from it, most first: the score of its label, times the share of its activation on words of content, less the
    /// more of it is on a single token; dense and dead latents come last.
    /// </summary>
    Interest,
}

/// <summary>Orders as people read them.</summary>
public static class FeatureOrders
{
    /// <summary>Whether an order is read from its largest value down.</summary>
    public static bool StartsLargest(this FeatureOrder order) => order is FeatureOrder.Score or FeatureOrder.Frequency or FeatureOrder.Max;
}

/// <summary>Which features, in which order.</summary>
public sealed record FeatureQuery
{
    /// <summary>
    /// Words to find in labels, notes and the words that a latent fires on; whole words, or beginnings where <c>*</c> follows. Any text is
    /// allowed, nothing else in it is syntax except a number alone, which also finds the latent of that number. Null or white space finds
    /// all.
    /// </summary>
    public string? Text { get; init; }

    /// <summary>Whether the words are also looked for in all of the examples' texts.</summary>
    public bool InExamples { get; init; }

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
