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
/// The axis of <paramref name="Shape"/> along which an activation vector lies: the last, or that of the channels where they come before
/// places; of a tensor with heads, the axis of the heads, and a vector has those of all.
/// </param>
public sealed record Hook(string Name, string Tensor, HookKind Kind, IReadOnlyList<string> Shape, int Width, int FeatureAxis)
{
    /// <summary>True when there is one activation vector for each token; of a tensor with heads, that of all heads together.</summary>
    public bool PerToken => Shape switch
    {
        [Axes.Batch, Axes.Sequence, ..] or [Axes.Sequence, Axes.Batch, ..] => FeatureAxis == 2 && WholeFrom(2),
        [Axes.BatchSequence, ..] => FeatureAxis == 1 && WholeFrom(1),
        _ => false,
    };

    /// <summary>True when vectors lie one after another in the tensor: their numbers are those of the last axes.</summary>
    internal bool Adjacent => WholeFrom(FeatureAxis);

    // Whether the axes from one on have known lengths and make up the width.
    private bool WholeFrom(int axis)
    {
        long width = 1;
        for (int i = axis; i < Shape.Count; i++)
        {
            if (!int.TryParse(Shape[i], System.Globalization.CultureInfo.InvariantCulture, out int length)) return false;
            width *= length;
        }

        return axis < Shape.Count && width == Width;
    }

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
