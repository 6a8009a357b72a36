using System.Runtime.InteropServices;
using System.Text;

namespace Unweave.Onnx;

/// <summary>Cuts a word into the pieces of a vocabulary. Pieces of the same character name the same place.</summary>
internal interface IWordModel
{
    /// <summary>The piece of what the vocabulary lacks; null where there is no such thing.</summary>
    int? Unknown { get; }

    /// <summary>The pieces of a word, in order.</summary>
    List<Piece> Cut(string word);
}

/// <summary>The tokens that stand for the bytes of characters that a vocabulary lacks.</summary>
internal sealed class ByteTokens
{
    private readonly int[] ids;

    private ByteTokens(int[] ids)
    {
        this.ids = ids;
    }

    /// <summary>Finds the 256 tokens, <c>&lt;0x00&gt;</c> to <c>&lt;0xFF&gt;</c>.</summary>
    /// <exception cref="InputException">Some are missing.</exception>
    public static ByteTokens Find(Func<string, int?> id, string file)
    {
        int?[] found = [.. Enumerable.Range(0, 256).Select(value => id($"<0x{value:X2}>"))];
        int missing = found.Count(one => one is null);
        return missing == 0 ? new ByteTokens([.. found.Select(one => one!.Value)]) : throw new InputException(
            $"{file} asks for byte_fallback, but lacks the tokens of {missing} of the 256 bytes, the first "
                + $"<0x{Array.IndexOf(found, null):X2}>; fetch it again.");
    }

    /// <summary>Adds the tokens of a character's bytes.</summary>
    public void Add(ReadOnlySpan<char> character, int start, List<Piece> pieces)
    {
        Span<byte> utf8 = stackalloc byte[4];
        foreach (byte value in utf8[..Encoding.UTF8.GetBytes(character, utf8)]) pieces.Add(new Piece(ids[value], start, character.Length));
    }
}

/// <summary>Characters merged pair by pair, by a list of pairs.</summary>
/// <param name="vocabulary">The tokens.</param>
/// <param name="pairs">The pairs.</param>
/// <param name="bytes">The tokens of bytes, or null.</param>
/// <param name="unknown">The token of characters that the vocabulary lacks; null drops them.</param>
/// <param name="fuse">Whether unknown characters beside each other are one token.</param>
/// <param name="wholeWords">Whether a word that is a token is taken whole, merges or not.</param>
internal sealed class MergedCharacters(
    Dictionary<string, int> vocabulary, ListedPairs pairs, ByteTokens? bytes, int? unknown, bool fuse, bool wholeWords) : IWordModel
{
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> ids =
        vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();

    public int? Unknown { get; } = bytes is null ? unknown : null;

    public List<Piece> Cut(string word)
    {
        if (wholeWords && vocabulary.TryGetValue(word, out int whole)) return [new Piece(whole, 0, word.Length)];
        var pieces = new List<Piece>(word.Length);
        int at = 0;
        bool afterUnknown = false;
        foreach (Rune rune in word.EnumerateRunes())
        {
            int length = rune.Utf16SequenceLength;
            ReadOnlySpan<char> character = word.AsSpan(at, length);
            bool known = ids.TryGetValue(character, out int id);
            if (known) pieces.Add(new Piece(id, at, length));
            else if (bytes is not null) bytes.Add(character, at, pieces);
            else if (unknown is not null && fuse && afterUnknown) pieces[^1] = pieces[^1] with { Length = at + length - pieces[^1].Start };
            else if (unknown is { } other) pieces.Add(new Piece(other, at, length));
            afterUnknown = !known && bytes is null;
            at += length;
        }

        PairMerges.Apply(pieces, pairs);
        return pieces;
    }
}

/// <summary>The pieces of SentencePiece's BPE: a pair is merged when it is a piece, the one of the highest score first.</summary>
/// <param name="pieces">The pieces that merges make, with their ids.</param>
/// <param name="scores">The score of each id.</param>
/// <param name="unused">The ids that are only steps on the way to others.</param>
/// <param name="bytes">The tokens of bytes, or null.</param>
/// <param name="unknown">The token of characters that are no piece.</param>
internal sealed class ScoredPairs(
    Dictionary<string, int> pieces, float[] scores, HashSet<int> unused, ByteTokens? bytes, int unknown) : IWordModel
{
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> ids = pieces.GetAlternateLookup<ReadOnlySpan<char>>();
    private readonly int[] ranks = Ranks(scores);
    private readonly HashSet<int> unused = unused;

    public int? Unknown { get; } = bytes is null ? unknown : null;

    public List<Piece> Cut(string word)
    {
        var parts = new List<Piece>(word.Length);
        for (int at = 0, length; at < word.Length; at += length)
        {
            length = char.IsHighSurrogate(word[at]) && at + 1 < word.Length ? 2 : 1;
            parts.Add(new Piece(ids.TryGetValue(word.AsSpan(at, length), out int id) ? id : -1, at, length));
        }

        var splits = unused.Count > 0 ? new Dictionary<int, int>() : null;
        PairMerges.Apply(parts, new Rule(this, word, splits));
        var tokens = new List<Piece>(parts.Count);
        foreach (Piece part in parts) Add(part);
        return tokens;

        void Add(Piece part)
        {
            if (part.Id < 0 && bytes is not null)
            {
                bytes.Add(word.AsSpan(part.Start, part.Length), part.Start, tokens);
            }
            else if (part.Id >= 0 && splits is not null && unused.Contains(part.Id) && splits.TryGetValue(part.Id, out int left))
            {
                foreach (Piece half in (Piece[])[new(0, part.Start, left), new(0, part.Start + left, part.Length - left)])
                    Add(half with { Id = ids.TryGetValue(word.AsSpan(half.Start, half.Length), out int id) ? id : -1 });
            }
            else
            {
                tokens.Add(part.Id < 0 ? part with { Id = unknown } : part);
            }
        }
    }

    // The place of each score among all, the highest first; equal ones share it.
    private static int[] Ranks(float[] scores)
    {
        float[] ascending = [.. scores.Distinct().Order()];
        return [.. scores.Select(score => ascending.Length - 1 - Array.BinarySearch(ascending, score))];
    }

    private readonly struct Rule(ScoredPairs model, string word, Dictionary<int, int>? splits) : IMergeRule
    {
        public bool TryMerge(Piece left, Piece right, out int rank, out int id)
        {
            bool found = model.ids.TryGetValue(word.AsSpan(left.Start, left.Length + right.Length), out id);
            rank = found ? model.ranks[id] : 0;
            if (found && splits is not null && model.unused.Contains(id)) splits[id] = left.Length;
            return found;
        }
    }
}

/// <summary>The way through a word with the greatest sum of its pieces' scores.</summary>
/// <param name="trie">The pieces that a text can have.</param>
/// <param name="scores">The score of each id.</param>
/// <param name="least">The lowest score of a piece; an unknown character has less by ten.</param>
/// <param name="bytes">The tokens of bytes, or null.</param>
/// <param name="unknown">The token of characters that are no piece.</param>
/// <param name="single">Whether sums are kept in 32 bits, as SentencePiece has them.</param>
internal sealed class BestPath(TokenTrie trie, double[] scores, double least, ByteTokens? bytes, int unknown, bool single) : IWordModel
{
    private const double UnknownPenalty = 10;

    public int? Unknown { get; } = bytes is null ? unknown : null;

    public List<Piece> Cut(string word)
    {
        // For each place, the best way there: its sum, and the last piece.
        double[] sums = new double[word.Length + 1];
        int[] ids = new int[word.Length + 1], from = new int[word.Length + 1];
        Array.Fill(from, -1);
        double penalty = least - UnknownPenalty;
        if (single) penalty = (float)penalty;
        for (int start = 0, length; start < word.Length; start += length)
        {
            length = char.IsHighSurrogate(word[start]) && start + 1 < word.Length ? 2 : 1;
            bool known = false;
            for (int at = start, node = 0; at < word.Length && trie.TryStep(ref node, word[at], out int id); at++)
            {
                if (id < 0) continue;
                Offer(at + 1, scores[id], id);
                known |= at + 1 - start == length;
            }

            if (!known) Offer(start + length, penalty, unknown);

            void Offer(int end, double score, int id)
            {
                // In 32 bits a sum is rounded where it is kept, and that of an unknown character before it is compared too.
                double sum = sums[start] + score;
                if (single && id == unknown) sum = (float)sum;
                if (from[end] < 0 || sum > sums[end]) (sums[end], ids[end], from[end]) = (single ? (float)sum : sum, id, start);
            }
        }

        var pieces = new List<Piece>();
        for (int end = word.Length; end > 0; end = from[end])
        {
            var piece = new Piece(ids[end], from[end], end - from[end]);
            if (piece.Id == unknown && bytes is null && pieces.Count > 0 && pieces[^1].Id == unknown)
                pieces[^1] = piece with { Length = piece.Length + pieces[^1].Length };
            else pieces.Add(piece);
        }

        pieces.Reverse();
        if (bytes is null || !pieces.Exists(piece => piece.Id == unknown)) return pieces;
        var spelled = new List<Piece>(pieces.Count);
        foreach (Piece piece in CollectionsMarshal.AsSpan(pieces))
        {
            if (piece.Id == unknown) bytes.Add(word.AsSpan(piece.Start, piece.Length), piece.Start, spelled);
            else spelled.Add(piece);
        }

        return spelled;
    }
}

/// <summary>Whole words.</summary>
/// <param name="vocabulary">The words.</param>
/// <param name="unknown">The token of all others; null drops them.</param>
internal sealed class WholeWords(Dictionary<string, int> vocabulary, int? unknown) : IWordModel
{
    public int? Unknown => unknown;

    public List<Piece> Cut(string word) =>
        vocabulary.TryGetValue(word, out int id) ? [new Piece(id, 0, word.Length)]
            : unknown is { } other ? [new Piece(other, 0, word.Length)] : [];
}
