using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Interpretation;

/// <summary>A token on which a latent fired, with the tokens around it.</summary>
/// <param name="Document">Id of the document.</param>
/// <param name="Row">Row of the token in its harvest.</param>
/// <param name="Tokens">Ids of the tokens, of one document, in order.</param>
/// <param name="Activations">The latent's activation on each, 0 where it does not fire.</param>
/// <param name="Peak">Which of <paramref name="Tokens"/> is the token itself.</param>
public sealed record TokenContext(string Document, long Row, IReadOnlyList<int> Tokens, IReadOnlyList<float> Activations, int Peak)
{
    /// <summary>The surroundings of a row of a harvest.</summary>
    /// <param name="autoencoder">The autoencoder.</param>
    /// <param name="source">A hook of the harvest.</param>
    /// <param name="latent">The latent.</param>
    /// <param name="row">The row.</param>
    /// <param name="before">Tokens before it, fewer at the start of a document.</param>
    /// <param name="after">Tokens after it, fewer at the end of a document.</param>
    public static TokenContext Of(SparseAutoencoder autoencoder, HarvestSource source, int latent, long row, int before, int after)
    {
        ArgumentNullException.ThrowIfNull(autoencoder);
        ArgumentNullException.ThrowIfNull(source);
        ArgumentOutOfRangeException.ThrowIfNegative(before);
        ArgumentOutOfRangeException.ThrowIfNegative(after);
        long first = Math.Max(0, row - before);
        int count = (int)(Math.Min(source.Rows, row + after + 1) - first), own = (int)(row - first);
        long[] documents = new long[count];
        source.Harvest.ReadDocuments(first, documents);
        int start = own, end = own + 1;
        while (start > 0 && documents[start - 1] == documents[own]) start--;
        while (end < count && documents[end] == documents[own]) end++;
        int[] tokens = new int[end - start];
        source.Harvest.ReadTokens(first + start, tokens);
        using Matrix x = source.Rows(first + start, tokens.Length);
        SparseCodes codes = autoencoder.Encode(x);
        float[] activations = [.. Enumerable.Range(0, tokens.Length).Select(i => Activation(codes, i, latent))];
        return new TokenContext(source.Harvest.DocumentId(documents[own]), row, tokens, activations, own - start);
    }

    private static float Activation(SparseCodes codes, int row, int latent)
    {
        int at = codes.Latents(row).IndexOf(latent);
        return at < 0 ? 0 : codes.Values(row)[at];
    }
}
