using System.Text;
using Unweave.Hosts;

namespace Unweave.Interpretation;

/// <summary>
/// The text of token ids, a piece a token, for ids whose original text is no longer at hand. A character that several tokens share goes to
/// the first of them.
/// </summary>
internal sealed class TokenPieces(ITokenizer tokenizer)
{
    private const char Replacement = '\uFFFD';
    private const int MostOfOneCharacter = 6;

    private readonly string?[] known = new string?[tokenizer.VocabularySize];

    /// <summary>The text of ids and the length of each one's piece.</summary>
    public (string Text, int[] Lengths) Decode(ReadOnlySpan<int> ids)
    {
        var text = new StringBuilder();
        int[] lengths = new int[ids.Length];
        for (int i = 0; i < ids.Length;)
        {
            string piece = Decode(ids[i]);
            int end = i + 1;

            // Part of a character: take tokens until it is whole, if it ever is.
            if (piece.Contains(Replacement, StringComparison.Ordinal))
            {
                for (int more = 2; more <= Math.Min(MostOfOneCharacter, ids.Length - i); more++)
                {
                    string longer = tokenizer.Decode(ids.Slice(i, more));
                    if (longer.Contains(Replacement, StringComparison.Ordinal)) continue;
                    (piece, end) = (longer, i + more);
                    break;
                }
            }

            lengths[i] = piece.Length;
            text.Append(piece);
            i = end;
        }

        return (text.ToString(), lengths);
    }

    /// <summary>The text of one id.</summary>
    public string Decode(int id) => known[id] ??= tokenizer.PieceText(id);
}
