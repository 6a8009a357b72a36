using Unweave.Numerics;

namespace Unweave.Hosts;

/// <summary>Turns texts into vectors of one width, such that texts of like meaning have like vectors. Safe to use from several threads.
/// </summary>
public interface ITextEmbedder
{
    /// <summary>Length of a vector.</summary>
    int Width { get; }

    /// <summary>
    /// A hash of what decides the vectors (the model, the tokenizer, the pooling, prefixes, the most tokens of a text): vectors of
    /// embedders of one identity may be compared, those of others may not.
    /// </summary>
    string Identity { get; }

    /// <summary>The vectors of texts, one row a text in their order, each of unit length.</summary>
    /// <param name="texts">The texts. An empty one has the vector that the model gives to no words.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    /// <returns><c>[texts, width]</c>, the caller's to dispose.</returns>
    /// <exception cref="InputException">A vector came out that is not finite.</exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    Matrix Embed(IReadOnlyList<string> texts, CancellationToken cancellationToken = default);
}
