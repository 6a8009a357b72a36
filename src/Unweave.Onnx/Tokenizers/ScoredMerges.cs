namespace Unweave.Onnx;

/// <summary>SentencePiece's byte-pair encoding: two neighbours may be merged where they are a piece together, the one of the highest score first.</summary>
internal sealed class ScoredMerges : PairMerging
{
    /// <summary>The id of a symbol that is never merged.</summary>
    private const int Fixed = -2;

    private readonly SentencePieces pieces;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> ids;
    private readonly PrefixTable? userDefined;
    private readonly int[] ranks;

    public ScoredMerges(SentencePieces pieces)
    {
        this.pieces = pieces;
        ids = pieces.Ids.GetAlternateLookup<ReadOnlySpan<char>>();
        userDefined = pieces.UserDefined;

        // Pieces of one score are of one rank, so that the leftmost of them goes first.
        Dictionary<float, int> rankOf = pieces.All.Select(piece => piece.Score).Distinct().OrderDescending()
            .Select((score, rank) => (score, rank)).ToDictionary(pair => pair.score, pair => pair.rank);
        ranks = [.. pieces.All.Select(piece => rankOf[piece.Score])];
    }

    public override void Encode(ReadOnlySpan<char> word, List<Piece> pieces)
    {
        Symbol[] symbols = Rent(word.Length);
        try
        {
            int count = 0;
            for (int i = 0; i < word.Length;)
            {
                int given = userDefined?.Longest(word[i..]).Length ?? 0;
                int length = given > 0 ? given : char.IsHighSurrogate(word[i]) ? 2 : 1;
                symbols[count++] = new Symbol { Id = given > 0 ? Fixed : 0, Start = i, Length = length };
                i += length;
            }

            Merge(word, symbols.AsSpan(0, count));
            int before = pieces.Count;
            for (int i = 0; i >= 0; i = symbols[i].Next)
            {
                int start = symbols[i].Start, length = symbols[i].Length;
                int id = ids.TryGetValue(word.Slice(start, length), out int known) ? known : this.pieces.Unknown;
                this.pieces.Add(id, word, start, length, pieces, before);
            }
        }
        finally
        {
            Return(symbols);
        }
    }

    protected override bool TryMerge(ReadOnlySpan<char> word, in Symbol left, in Symbol right, out int rank, out int id)
    {
        rank = id = 0;
        if (left.Id == Fixed || right.Id == Fixed || !ids.TryGetValue(word.Slice(left.Start, left.Length + right.Length), out id)) return false;
        rank = ranks[id];
        return true;
    }
}
