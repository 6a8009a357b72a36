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
    /// <summary>Behind the name of a hook in that of its mean.</summary>
    internal const string MeanSuffix = ".mean";

    /// <summary>Number of heads whose vectors, one behind the other, make up an activation vector; 1 where none are known.</summary>
    public int Heads { get; init; } = 1;

    /// <summary>
    /// True when a text has one vector: the mean of those of its tokens, start and end tokens left out unless they are kept.
    /// </summary>
    public bool IsMean { get; init; }

    /// <summary>True when there is one activation vector for each token; of a tensor with heads, that of all heads together.</summary>
    public bool PerToken => !IsMean && LiesPerToken;

    /// <summary>True when there is one activation vector for each text: what a model pools, or the mean over a text's tokens.</summary>
    public bool PerText => IsMean || (Before is [Axes.Batch] && WholeFrom(FeatureAxis));

    /// <summary>The part of the tensor that is read, or null for all of it.</summary>
    internal HookPart? Part { get; init; }

    /// <summary>True when vectors lie one after another in the tensor: their numbers are those of the last axes.</summary>
    internal bool Adjacent => WholeFrom(FeatureAxis);

    /// <summary>True when each head has the vectors of all tokens of a text, instead of each token those of all heads.</summary>
    internal bool HeadsFirst => FeatureAxis == 1 && Heads > 1
        && Shape is [Axes.Batch, _, Axes.Sequence, { } each] && Length(each) is { } length && (long)Heads * length == Width;

    private bool LiesPerToken => HeadsFirst || (WholeFrom(FeatureAxis)
        && Before is [Axes.Batch, Axes.Sequence] or [Axes.Sequence, Axes.Batch] or [Axes.BatchSequence]);

    // The axes that count vectors.
    private string[] Before => [.. Shape.Take(FeatureAxis).Where(axis => axis is not "1")];

    /// <summary>One head of a tensor that has several, as a hook of its own.</summary>
    /// <param name="head">Its number, from 0.</param>
    /// <exception cref="InputException">There is no such head.</exception>
    public Hook OfHead(int head)
    {
        if (Heads < 2 || head < 0 || head >= Heads)
        {
            throw new InputException($"{this} has {(Heads < 2 ? "no heads that are known" : $"the heads 0 to {Heads - 1}")}; there is no "
                + $"{Name}.{head}.");
        }

        // Heads that share the last axis leave it as long as one is; those with an axis of their own, 1 on that axis.
        int width = Width / Heads;
        bool shared = FeatureAxis == Shape.Count - 1;
        string[] shape = [.. Shape];
        shape[FeatureAxis] = (shared ? width : 1).ToString(System.Globalization.CultureInfo.InvariantCulture);
        return this with
        {
            Name = $"{Name}.{head}",
            Shape = shape,
            Width = width,
            FeatureAxis = Shape.Count - 1,
            Heads = 1,
            Part = shared ? new HookPart(FeatureAxis, head * width, width, Width) : new HookPart(FeatureAxis, head, 1, Heads),
        };
    }

    /// <summary>The mean over the tokens of a text, as a hook of its own.</summary>
    /// <exception cref="InputException">There is not one vector for each token.</exception>
    public Hook OfMean() => PerToken
        ? this with { Name = Name + MeanSuffix, IsMean = true }
        : throw new InputException($"{this} does not have one vector for each token, so there is no mean over the tokens of a text; choose "
            + "another hook.");

    // Whether the axes from one on have known lengths and make up the width.
    private bool WholeFrom(int axis)
    {
        long width = 1;
        for (int i = axis; i < Shape.Count; i++)
        {
            if (Length(Shape[i]) is not { } length) return false;
            width *= length;
        }

        return axis < Shape.Count && width == Width;
    }

    private static int? Length(string axis) =>
        int.TryParse(axis, System.Globalization.CultureInfo.InvariantCulture, out int length) ? length : null;

    /// <inheritdoc/>
    public override string ToString() => $"{Name} [{string.Join(", ", Shape)}]";
}

/// <summary>Some of the numbers along one axis of a tensor.</summary>
/// <param name="Axis">The axis.</param>
/// <param name="From">The first of them.</param>
/// <param name="Count">How many they are.</param>
/// <param name="Whole">Length of the axis.</param>
internal sealed record HookPart(int Axis, int From, int Count, int Whole);

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
