using System.Text;

namespace Unweave.Onnx;

/// <summary>Finds the tokens that are looked for in a text before it is cut: from left to right, the longest first.</summary>
internal sealed class AddedTokens
{
    private readonly TokenTrie trie = new();
    private readonly List<AddedToken> tokens = [];

    public AddedTokens(IEnumerable<AddedToken> tokens)
    {
        foreach (AddedToken token in tokens)
        {
            trie.Add(token.Content, this.tokens.Count);
            this.tokens.Add(token);
        }
    }

    /// <summary>Whether there is none to find.</summary>
    public bool IsEmpty => trie.IsEmpty;

    /// <summary>The tokens in a text with their places, in order, not overlapping.</summary>
    public List<Piece> Find(ReadOnlySpan<char> text)
    {
        var found = new List<Piece>();
        if (IsEmpty) return found;
        int end = 0;
        for (int at = 0; at < text.Length;)
        {
            (int index, int length) = trie.Longest(text[at..]);
            if (length == 0)
            {
                at++;
                continue;
            }

            AddedToken token = tokens[index];
            int from = at;
            at += length;
            if (token.SingleWord && (EndsInWord(text[..from]) || StartsWithWord(text[at..]))) continue;
            int to = at;
            if (token.Lstrip)
            {
                while (from > end && char.IsWhiteSpace(text[from - 1])) from--;
            }

            if (token.Rstrip)
            {
                while (to < text.Length && char.IsWhiteSpace(text[to])) to++;
            }

            from = Math.Max(from, end);
            found.Add(new Piece(token.Id, from, to - from));
            end = to;
        }

        return found;
    }

    private static bool EndsInWord(ReadOnlySpan<char> text) =>
        Rune.DecodeLastFromUtf16(text, out Rune rune, out _) == System.Buffers.OperationStatus.Done && Cuts.IsWordCharacter(rune);

    private static bool StartsWithWord(ReadOnlySpan<char> text) =>
        Rune.DecodeFromUtf16(text, out Rune rune, out _) == System.Buffers.OperationStatus.Done && Cuts.IsWordCharacter(rune);
}
