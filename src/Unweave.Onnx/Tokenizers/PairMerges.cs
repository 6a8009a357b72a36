using System.Runtime.InteropServices;

namespace Unweave.Onnx;

/// <summary>A part of a word, in UTF-16 units, with the id of its token; −1 where it has none.</summary>
internal readonly record struct Piece(int Id, int Start, int Length);

/// <summary>Which pairs of neighbors become one.</summary>
internal interface IMergeRule
{
    /// <summary>Whether two neighbors become one; the lowest rank, which is not negative, is merged first.</summary>
    bool TryMerge(Piece left, Piece right, out int rank, out int id);
}

/// <summary>
/// Byte pair encoding: the pair of the lowest rank in a word is merged, the leftmost of equals, until none is left. The pairs wait in a
/// queue, so that time grows little faster than the length of a word.
/// </summary>
internal static class PairMerges
{
    /// <summary>Merges the pieces of a word in place.</summary>
    public static void Apply<TRule>(List<Piece> pieces, TRule rule)
        where TRule : struct, IMergeRule
    {
        if (pieces.Count < 2) return;
        Span<Piece> parts = CollectionsMarshal.AsSpan(pieces);
        int count = parts.Length;
        int[] before = new int[count], after = new int[count];
        for (int i = 0; i < count; i++) (before[i], after[i]) = (i - 1, i + 1);

        // What a pair becomes, in the order of its rank and then of its place, which are one number.
        var first = new List<(int Id, long Order)>();
        for (int i = 0; i + 1 < count; i++)
        {
            if (rule.TryMerge(parts[i], parts[i + 1], out int rank, out int id)) first.Add((id, Order(rank, i)));
        }

        var waiting = new PriorityQueue<int, long>(first);
        while (waiting.TryDequeue(out int due, out long order))
        {
            // Either part may have become another since; what counts is what they would become.
            int left = (int)(order & int.MaxValue), right = after[left];
            if (parts[left].Length < 0 || right >= count) continue;
            if (!rule.TryMerge(parts[left], parts[right], out _, out int id) || id != due) continue;
            parts[left] = new Piece(id, parts[left].Start, parts[left].Length + parts[right].Length);
            parts[right] = parts[right] with { Length = -1 };
            after[left] = after[right];
            if (after[left] < count) before[after[left]] = left;
            if (before[left] >= 0) Wait(parts, before[left]);
            Wait(parts, left);
        }

        int written = 0;
        for (int i = 0; i < count; i = after[i]) parts[written++] = parts[i];
        pieces.RemoveRange(written, count - written);

        void Wait(Span<Piece> all, int left)
        {
            int right = after[left];
            if (right < count && rule.TryMerge(all[left], all[right], out int rank, out int id)) waiting.Enqueue(id, Order(rank, left));
        }

        static long Order(int rank, int left) => ((long)rank << 32) | (uint)left;
    }
}

/// <summary>Pairs that are listed, the first to be merged first.</summary>
internal readonly struct ListedPairs : IMergeRule
{
    private readonly Dictionary<(int Left, int Right), (int Rank, int Id)> pairs;

    /// <param name="vocabulary">The tokens.</param>
    /// <param name="merges">Pairs with a blank between.</param>
    /// <param name="file">The file, for messages.</param>
    public ListedPairs(Dictionary<string, int> vocabulary, IReadOnlyList<string> merges, string file)
    {
        pairs = new Dictionary<(int, int), (int, int)>(merges.Count);
        for (int rank = 0; rank < merges.Count; rank++)
        {
            string merge = merges[rank];
            int blank = merge.IndexOf(' ', StringComparison.Ordinal);
            if (blank <= 0 || blank == merge.Length - 1 || merge.IndexOf(' ', blank + 1) >= 0)
                throw new InputException($"{file} has the merge '{merge}', which is not two tokens with a blank between; fetch it again.");
            string left = merge[..blank], right = merge[(blank + 1)..];
            if (!pairs.TryAdd((Id(left), Id(right)), (rank, Id(left + right))))
                throw new InputException($"{file} has the merge '{merge}' twice; the file was edited or is damaged.");

            int Id(string token) => vocabulary.TryGetValue(token, out int id) ? id : throw new InputException(
                $"{file} merges '{merge}', of which '{token}' is no token; the file was edited or is damaged.");
        }
    }

    public bool TryMerge(Piece left, Piece right, out int rank, out int id)
    {
        bool found = pairs.TryGetValue((left.Id, right.Id), out (int Rank, int Id) pair);
        (rank, id) = (pair.Rank, pair.Id);
        return found;
    }
}
