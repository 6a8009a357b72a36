using System.Text;

namespace Unweave.Onnx;

/// <summary>SentencePiece's unigram model: of all ways to cut a text into pieces, the one with the highest sum of scores.</summary>
internal sealed class UnigramPieces : SubwordModel
{
    /// <summary>How much worse than the worst piece an unknown character is.</summary>
    private const float UnknownPenalty = 10;

    private readonly SentencePieces pieces;
    private readonly PrefixTable table;
    private readonly (float Score, bool UserDefined)[] scores;
    private readonly float unknownScore;
    private readonly float bestScore;

    public UnigramPieces(SentencePieces pieces)
    {
        this.pieces = pieces;
        table = new PrefixTable(pieces.Ids.Where(entry => pieces.All[entry.Value].Kind != PieceKind.Unused));

        scores = [.. pieces.All.Select(piece => (piece.Score, piece.Kind == PieceKind.UserDefined))];

        // The bounds start where those of the reference start: a positive number next to nothing, and the largest there is.
        float worst = float.MaxValue, best = 1.17549435E-38f;
        foreach ((_, float score, _) in pieces.All.Where(piece => piece.Kind == PieceKind.Normal))
        {
            worst = Math.Min(worst, score);
            best = Math.Max(best, score);
        }

        unknownScore = worst - UnknownPenalty;
        bestScore = best;
    }

    public override void Encode(ReadOnlySpan<char> word, List<Piece> pieces)
    {
        // The best way to cut the text up to each place: its score, and its last piece.
        (int Id, int Start, float Score)[] best = new (int, int, float)[word.Length + 1];
        Array.Fill(best, (-1, -1, 0));
        for (int start = 0; start < word.Length;)
        {
            Rune.DecodeFromUtf16(word[start..], out Rune rune, out int character);
            float here = best[start].Score;
            bool single = false;
            int utf8 = 0;
            PrefixTable.Search search = table.Start();
            for (int end = start; end < word.Length && search.Advance(word[end]);)
            {
                utf8 += Utf8Length(word[end++]);
                if (search.Match is not { } id) continue;

                // A piece of the user's own scores better than any other way to write it. Sums are kept in single precision, as the reference keeps them.
                double score = scores[id].UserDefined ? (utf8 * bestScore) - 0.1 : scores[id].Score;
                Improve(ref best[end], id, start, score + here);
                single |= end - start == character;
            }

            if (!single) Improve(ref best[start + character], this.pieces.Unknown, start, unknownScore + here);
            start += character;
        }

        var cuts = new Stack<int>();
        for (int end = word.Length; end > 0; end = best[end].Start) cuts.Push(end);
        int before = pieces.Count;
        foreach (int end in cuts) this.pieces.Add(best[end].Id, word, best[end].Start, end - best[end].Start, pieces, before);
    }

    private static void Improve(ref (int Id, int Start, float Score) best, int id, int start, double score)
    {
        if (best.Start < 0 || score > best.Score) best = (id, start, (float)score);
    }

    /// <summary>How many bytes of UTF-8 a unit adds; the two halves of a pair add two each.</summary>
    private static int Utf8Length(char unit) => unit < 0x80 ? 1 : unit < 0x800 || char.IsSurrogate(unit) ? 2 : 3;
}
