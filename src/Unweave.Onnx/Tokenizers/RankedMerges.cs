using System.Globalization;
using System.Text;

namespace Unweave.Onnx;

/// <summary>How a vocabulary of ranked merges treats the ends of words and what it does not know.</summary>
internal sealed record RankedMergesOptions
{
    /// <summary>The token of what has none; without it, such characters have no token at all.</summary>
    public int? Unknown { get; init; }

    /// <summary>Whether unknown characters in a row are one token.</summary>
    public bool FuseUnknown { get; init; }

    /// <summary>Whether an unknown character becomes the tokens of its bytes, &lt;0x00&gt; to &lt;0xFF&gt;.</summary>
    public bool ByteFallback { get; init; }

    /// <summary>Whether a word that is a token is that token, whatever the merges say.</summary>
    public bool IgnoreMerges { get; init; }

    /// <summary>What the vocabulary writes before every character but a word's first.</summary>
    public string ContinuingPrefix { get; init; } = "";

    /// <summary>What the vocabulary writes after a word's last character.</summary>
    public string EndSuffix { get; init; } = "";
}

/// <summary>Byte-pair encoding by a list of merges, best first.</summary>
internal sealed class RankedMerges : PairMerging
{
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> vocabulary;
    private readonly Dictionary<long, (int Rank, int Id)> merges = [];
    private readonly IReadOnlySet<int> special;
    private readonly int[]? bytes;
    private readonly RankedMergesOptions options;

    /// <param name="vocabulary">Ids by token.</param>
    /// <param name="merges">Pairs of tokens, best first.</param>
    /// <param name="special">Ids that no text has.</param>
    /// <param name="options">How to treat ends of words and unknown characters.</param>
    /// <param name="where">The file, for messages.</param>
    public RankedMerges(Dictionary<string, int> vocabulary, IReadOnlyList<(string Left, string Right)> merges, IReadOnlySet<int> special, RankedMergesOptions options, string where)
    {
        this.vocabulary = vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        this.special = special;
        this.options = options;
        for (int rank = 0; rank < merges.Count; rank++)
        {
            (string left, string right) = merges[rank];
            if (!right.StartsWith(options.ContinuingPrefix, StringComparison.Ordinal))
                throw new InputException($"{where}: merge {rank + 1} ({left} {right}) has a right part without the prefix {options.ContinuingPrefix} that continues a word.");
            string merged = left + right[options.ContinuingPrefix.Length..];
            int id = IdOf(merged);
            this.merges[Key(IdOf(left), IdOf(right))] = (rank, id);

            int IdOf(string token) => vocabulary.TryGetValue(token, out int known)
                ? known
                : throw new InputException($"{where}: merge {rank + 1} ({left} {right}) needs the token '{token}', which the vocabulary lacks; the merges and the vocabulary are not of one tokenizer.");
        }

        int[] found = [.. Enumerable.Range(0, 256).Select(value => vocabulary.GetValueOrDefault(string.Create(CultureInfo.InvariantCulture, $"<0x{value:X2}>"), -1))];
        if (options.ByteFallback) bytes = found;
    }

    public override void Encode(ReadOnlySpan<char> word, List<Piece> pieces)
    {
        if (options.IgnoreMerges && vocabulary.TryGetValue(word, out int whole) && !special.Contains(whole))
        {
            pieces.Add(new Piece(whole, 0, word.Length));
            return;
        }

        // A unit has three bytes at most, and there is one symbol a byte.
        Symbol[] symbols = Rent(checked(3 * word.Length));
        try
        {
            int count = Characters(word, symbols);
            if (count == 0) return;
            Merge(word, symbols.AsSpan(0, count));
            for (int i = 0; i >= 0; i = symbols[i].Next) pieces.Add(new Piece(symbols[i].Id, symbols[i].Start, symbols[i].Length));
        }
        finally
        {
            Return(symbols);
        }
    }

    protected override bool TryMerge(ReadOnlySpan<char> word, in Symbol left, in Symbol right, out int rank, out int id)
    {
        bool found = merges.TryGetValue(Key(left.Id, right.Id), out (int Rank, int Id) merge);
        (rank, id) = merge;
        return found;
    }

    private static long Key(int left, int right) => ((long)left << 32) | (uint)right;

    private int Characters(ReadOnlySpan<char> word, Symbol[] symbols)
    {
        int count = 0;
        bool afterUnknown = false;
        Span<byte> encoded = stackalloc byte[4];
        for (int i = 0; i < word.Length;)
        {
            Rune.DecodeFromUtf16(word[i..], out Rune rune, out int length);
            int start = i;
            i += length;
            if (TryFind(word.Slice(start, length), start == 0, i == word.Length, out int id))
            {
                symbols[count++] = new Symbol { Id = id, Start = start, Length = length };
                afterUnknown = false;
            }
            else if (bytes is not null && Known(encoded[..rune.EncodeToUtf8(encoded)]))
            {
                foreach (byte part in encoded[..rune.Utf8SequenceLength]) symbols[count++] = new Symbol { Id = bytes[part], Start = start, Length = length };
                afterUnknown = false;
            }
            else if (options.Unknown is { } unknown)
            {
                if (options.FuseUnknown && afterUnknown) symbols[count - 1].Length += length;
                else symbols[count++] = new Symbol { Id = unknown, Start = start, Length = length };
                afterUnknown = true;
            }
        }

        return count;
    }

    private bool Known(ReadOnlySpan<byte> parts)
    {
        foreach (byte part in parts)
            if (bytes![part] < 0) return false;
        return true;
    }

    private bool TryFind(ReadOnlySpan<char> character, bool first, bool last, out int id)
    {
        string prefix = first ? "" : options.ContinuingPrefix, suffix = last ? options.EndSuffix : "";
        return prefix.Length + suffix.Length == 0
            ? vocabulary.TryGetValue(character, out id)
            : vocabulary.TryGetValue(string.Concat(prefix, character, suffix), out id);
    }
}
