using Unweave.Hosts;
using Unweave.Numerics;

namespace Unweave.Interpretation;

/// <summary>The latents of a text.</summary>
/// <param name="Pieces">The text, a piece a token.</param>
/// <param name="Codes">The codes, a row a piece.</param>
public sealed record TextCodes(IReadOnlyList<string> Pieces, SparseCodes Codes)
{
    /// <summary>How many pieces the tokenizer's vocabulary lacks: the model sees the same token for all of them.</summary>
    public int UnknownPieces { get; init; }
}

/// <summary>A text cut where its tokens are.</summary>
internal static class TextPieces
{
    /// <summary>One piece a token; together they are the text.</summary>
    /// <remarks>
    /// Where several tokens share a character, the first has it and the others are empty. Text that the tokenizer skips goes to the token
    /// after it, or to the last.
    /// </remarks>
    public static string[] Cut(string text, IReadOnlyList<Token> tokens)
    {
        string[] pieces = new string[tokens.Count];
        int done = 0;
        for (int i = 0; i < pieces.Length; i++)
        {
            Token token = tokens[i];
            int end = i == pieces.Length - 1 ? text.Length : token.Length == 0 ? done : Math.Clamp(
                token.Start + token.Length, done, text.Length);
            pieces[i] = text[done..end];
            done = end;
        }

        return pieces;
    }
}
