namespace Unweave.Components;

/// <summary>The pieces around one of a text, cut where words begin and end.</summary>
internal static class WordSpan
{
    /// <summary>Pieces that a span grows by at most, so that scripts without blanks are cut too.</summary>
    private const int Longest = 6;

    /// <summary>The first piece, and the one after the last.</summary>
    /// <param name="pieces">The text, a piece a token.</param>
    /// <param name="center">The piece in the middle.</param>
    /// <param name="reach">Pieces to either side, without those that finish a word.</param>
    /// <param name="torn">Whether the text itself may begin within a word.</param>
    public static (int First, int End) Around(IReadOnlyList<string> pieces, int center, int reach, bool torn)
    {
        int first = Math.Max(0, center - reach), end = Math.Min(pieces.Count, center + reach + 1);
        for (int i = 0; i < Longest && first > 0 && Joined(pieces, first); i++) first--;
        if (first == 0 && torn && Inside(pieces, 0))
        {
            int next = 1;
            while (next < center && Joined(pieces, next)) next++;
            if (next < center && next <= Longest) first = next;
        }

        // A mark that ends what was cut away says nothing.
        if ((first > 0 || torn) && first < center && pieces[first].Trim() is { Length: > 0 } mark && mark.All(IsClosing)) first++;
        for (int i = 0; i < Longest && end < pieces.Count && Joined(pieces, end); i++) end++;
        return (first, end);
    }

    private static bool IsClosing(char c) => c is '.' or ',' or ';' or ':' or '!' or '?' or ')' or ']' or '”' or '’';

    // Whether a word goes on from the piece before.
    private static bool Joined(IReadOnlyList<string> pieces, int at) =>
        Inside(pieces, at) && (pieces[at - 1].Length == 0 || char.IsLetterOrDigit(pieces[at - 1][^1]));

    private static bool Inside(IReadOnlyList<string> pieces, int at) => pieces[at].Length == 0 || char.IsLetterOrDigit(pieces[at][0]);
}
