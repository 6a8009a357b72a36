using Unweave.Hosts;

namespace Unweave.Interpretation;

/// <summary>The pieces of a text, one a token, that together are the text: what a tokenizer drops goes to the token after it, and what is left at the end to the last.</summary>
internal static class TextPieces
{
    /// <summary>The pieces.</summary>
    public static string[] Of(string text, IReadOnlyList<Token> tokens)
    {
        string[] pieces = new string[tokens.Count];
        int end = 0;
        for (int i = 0; i < pieces.Length; i++)
        {
            int next = i + 1 == pieces.Length ? text.Length : Math.Max(end, tokens[i].Start + tokens[i].Length);
            pieces[i] = text[end..next];
            end = next;
        }

        return pieces;
    }
}
