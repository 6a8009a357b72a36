using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Unweave.Hosts;

namespace Unweave.Onnx;

/// <summary>
/// A tokenizer that cuts a text into words, and each word into tokens: the package sees a word once, then it is remembered.
/// </summary>
internal abstract class WordTokenizer(string kind, TokenizerSource source, int vocabularySize, TextFrame frame) : ITokenizer
{
    private const int MostWords = 1 << 17, LongestWord = 64;

    private readonly ConcurrentDictionary<string, Token[]> words = new(StringComparer.Ordinal);
    private int remembered;

    public string Name { get; } = $"{kind} tokenizer {source.File}";

    public string Hash { get; } = source.Hash;

    public int VocabularySize { get; } = vocabularySize;

    public int? Start => frame.Start;

    public int? End => frame.End;

    public int? Padding => frame.Padding;

    public virtual int? Unknown => null;

    public bool FindsSpecial { get; } = source.ParsesSpecial;

    public string? Note { get; init; }

    public IReadOnlyList<Token> Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var tokens = new List<Token>(text.Length / 4);
        Encode(WellFormed(text), tokens);
        return tokens;
    }

    public string Decode(ReadOnlySpan<int> ids)
    {
        foreach (int id in ids)
        {
            if ((uint)id >= (uint)VocabularySize)
                throw new ArgumentOutOfRangeException(nameof(ids), id, $"{Name} has ids in [0, {VocabularySize}).");
        }

        return Text(ids);
    }

    public string PieceText(int id) => (uint)id < (uint)VocabularySize ? Piece(id)
        : throw new ArgumentOutOfRangeException(nameof(id), id, $"{Name} has ids in [0, {VocabularySize}).");

    public string TokenName(int id)
    {
        string text = PieceText(id);
        if (!text.Contains('\uFFFD', StringComparison.Ordinal) || Bytes(id) is not { } utf8) return text;
        var name = new StringBuilder();
        for (ReadOnlySpan<byte> rest = utf8; !rest.IsEmpty;)
        {
            bool whole = Rune.DecodeFromUtf8(rest, out Rune rune, out int used) == OperationStatus.Done;
            if (whole) name.Append(rune);
            else foreach (byte value in rest[..used]) name.Append(CultureInfo.InvariantCulture, $"<0x{value:X2}>");
            rest = rest[used..];
        }

        return name.ToString();
    }

    /// <summary>The text that an id, which is in range, adds within a text.</summary>
    protected virtual string Piece(int id) => Text([id]);

    /// <summary>The bytes that an id, which is in range, stands for; null where its tokens are whole characters.</summary>
    protected virtual byte[]? Bytes(int id) => null;

    /// <summary>Appends the tokens of a text without half surrogate pairs.</summary>
    protected abstract void Encode(string text, List<Token> tokens);

    /// <summary>The text of ids, which are all in range.</summary>
    protected abstract string Text(ReadOnlySpan<int> ids);

    /// <summary>The tokens of a word, at places in the word.</summary>
    protected abstract Token[] Cut(string word);

    /// <summary>The tokens of a word, at places in the word, remembered.</summary>
    protected Token[] Tokens(ReadOnlySpan<char> word)
    {
        if (word.Length > LongestWord) return Cut(word.ToString());
        if (words.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(word, out Token[]? tokens)) return tokens;
        string key = word.ToString();
        tokens = Cut(key);
        if (Volatile.Read(ref remembered) < MostWords && words.TryAdd(key, tokens)) Interlocked.Increment(ref remembered);
        return tokens;
    }

    // As the encoding to UTF-8 would have it; the length stays.
    private static string WellFormed(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF')) return text;
        return string.Create(text.Length, text, (units, original) =>
        {
            original.CopyTo(units);
            for (int i = 0; i < units.Length; i++)
            {
                if (!char.IsSurrogate(units[i])) continue;
                if (i + 1 < units.Length && char.IsSurrogatePair(units[i], units[i + 1])) i++;
                else units[i] = '\uFFFD';
            }
        });
    }
}
