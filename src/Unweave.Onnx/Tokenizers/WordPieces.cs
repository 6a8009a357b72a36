namespace Unweave.Onnx;

/// <summary>WordPiece: the longest token that the rest of a word starts with, again and again; a word that runs into a dead end is unknown as a whole.</summary>
internal sealed class WordPieces : SubwordModel
{
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> first;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> later;
    private readonly int longest;
    private readonly int unknown;
    private readonly int wordLimit;

    /// <param name="vocabulary">Ids by token.</param>
    /// <param name="special">Ids that no text has.</param>
    /// <param name="unknown">The token of a word that cannot be pieced together.</param>
    /// <param name="continuingPrefix">What the vocabulary writes before a token that is not a word's first.</param>
    /// <param name="wordLimit">Words of more characters than this are unknown.</param>
    public WordPieces(Dictionary<string, int> vocabulary, IReadOnlySet<int> special, int unknown, string continuingPrefix, int wordLimit)
    {
        var whole = new Dictionary<string, int>(StringComparer.Ordinal);
        var continuing = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach ((string token, int id) in vocabulary)
        {
            if (special.Contains(id)) continue;
            whole.Add(token, id);
            longest = Math.Max(longest, token.Length);
            if (token.StartsWith(continuingPrefix, StringComparison.Ordinal)) continuing.Add(token[continuingPrefix.Length..], id);
        }

        first = whole.GetAlternateLookup<ReadOnlySpan<char>>();
        later = continuing.GetAlternateLookup<ReadOnlySpan<char>>();
        this.unknown = unknown;
        this.wordLimit = wordLimit;
    }

    public override void Encode(ReadOnlySpan<char> word, List<Piece> pieces)
    {
        int before = pieces.Count;
        bool known = Characters(word) <= wordLimit;
        for (int start = 0; known && start < word.Length;)
        {
            known = false;
            for (int length = Math.Min(longest, word.Length - start); length > 0 && !known; length--)
            {
                known = (start == 0 ? first : later).TryGetValue(word.Slice(start, length), out int id);
                if (known) pieces.Add(new Piece(id, start, length));
            }

            if (known) start += pieces[^1].Length;
        }

        if (known) return;
        pieces.RemoveRange(before, pieces.Count - before);
        pieces.Add(new Piece(unknown, 0, word.Length));
    }

    private static int Characters(ReadOnlySpan<char> word)
    {
        int count = 0;
        foreach (char unit in word) count += char.IsLowSurrogate(unit) ? 0 : 1;
        return count;
    }
}
