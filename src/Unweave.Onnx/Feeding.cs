namespace Unweave.Onnx;

/// <summary>What a mask's ones stand for.</summary>
internal enum MaskMeaning
{
    /// <summary>Tokens of the text.</summary>
    Attended,

    /// <summary>Filling, which is to be ignored, as PyTorch's padding masks mean it.</summary>
    Ignored,

    /// <summary>Nothing: the mask is added to scores, 0 for the text and a large negative number for the filling.</summary>
    Added,
}

/// <summary>
/// How texts are laid out for a graph: what it declares, or what a probe settled where it does not say or says it wrongly.
/// </summary>
/// <param name="Batch">The batch size that it insists on, or null.</param>
/// <param name="Length">The number of tokens that it insists on, or null.</param>
/// <param name="SequenceFirst">Whether the tokens are the first axis and the texts the second.</param>
/// <param name="Mask">What its attention masks mean.</param>
internal sealed record Feeding(int? Batch, int? Length, bool SequenceFirst, MaskMeaning Mask = MaskMeaning.Attended);
