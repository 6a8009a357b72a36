namespace Unweave.Hosts;

/// <summary>What a hook reads.</summary>
public enum HookKind
{
    /// <summary>Any tensor of the graph, known by its own name.</summary>
    Tensor,

    /// <summary>The stream that the first block reads: embeddings, with positions where they are added.</summary>
    Embedding,

    /// <summary>The residual stream after a block.</summary>
    Residual,

    /// <summary>The residual stream inside a block, between attention and MLP.</summary>
    ResidualMiddle,

    /// <summary>What attention adds to the residual stream.</summary>
    AttentionOutput,

    /// <summary>What the heads of an attention give, before the output's projection.</summary>
    AttentionHeads,

    /// <summary>What an MLP (or another branch, of convolutions for instance) adds to the residual stream.</summary>
    BranchOutput,

    /// <summary>The neurons of an MLP, after the nonlinearity.</summary>
    Neurons,

    /// <summary>What the unembedding reads: the stream after the last normalization.</summary>
    Final,
}

/// <summary>A place in a host model where activations can be read and replaced: one tensor of its graph.</summary>
/// <param name="Name">
/// Short name (<c>blocks.3</c>, <c>blocks.3.mlp</c>, <c>embed</c>) where the graph's shape shows one, otherwise the tensor's name.
/// </param>
/// <param name="Tensor">The tensor's name in the graph.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Shape">
/// Its axes: lengths, or names of those that follow the input (<c>batch</c>, <c>sequence</c>); <c>?</c> where not known.
/// </param>
/// <param name="Width">Length of an activation vector: d.</param>
/// <param name="FeatureAxis">
/// The axis of <paramref name="Shape"/> along which an activation vector lies: the last, or 1 where channels come first.
/// </param>
public sealed record Hook(string Name, string Tensor, HookKind Kind, IReadOnlyList<string> Shape, int Width, int FeatureAxis)
{
    /// <summary>True when there is one activation vector for each token.</summary>
    public bool PerToken =>
        (Shape is [Axes.Batch, Axes.Sequence, _] && FeatureAxis == 2) || (Shape is [Axes.BatchSequence, _] && FeatureAxis == 1);

    /// <inheritdoc/>
    public override string ToString() => $"{Name} [{string.Join(", ", Shape)}]";
}

/// <summary>Names of the axes that follow the input.</summary>
internal static class Axes
{
    /// <summary>Number of inputs in the batch.</summary>
    public const string Batch = "batch";

    /// <summary>Tokens of the longest input.</summary>
    public const string Sequence = "sequence";

    /// <summary>The two together in one axis.</summary>
    public const string BatchSequence = "batch·sequence";

    /// <summary>A length that could not be found out.</summary>
    public const string Unknown = "?";
}
