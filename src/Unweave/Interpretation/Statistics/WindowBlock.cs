using Unweave.Numerics;

namespace Unweave.Interpretation;

/// <summary>Rows that the model saw together: a window of a text, or one embedding.</summary>
/// <param name="Document">Id of the document.</param>
/// <param name="Row">Number of its first row in the pass.</param>
/// <param name="First">Its first row in the block.</param>
/// <param name="Count">Its rows.</param>
/// <param name="Text">Its text.</param>
/// <param name="Lengths">Length of each row's piece of the text, in UTF-16 code units.</param>
internal sealed record RowWindow(string Document, long Row, int First, int Count, string Text, int[] Lengths);

/// <summary>Some windows and their activations, whole windows only.</summary>
/// <param name="Rows">The activations, <c>[rows, d]</c>; the block's own.</param>
/// <param name="Tokens">Token id of each row; empty for embeddings.</param>
/// <param name="Positions">Position of each row in the model's window; empty for embeddings.</param>
/// <param name="Windows">The windows, in order, with no gap.</param>
internal sealed record WindowBlock(Matrix Rows, int[] Tokens, int[] Positions, IReadOnlyList<RowWindow> Windows) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Rows.Dispose();
}
