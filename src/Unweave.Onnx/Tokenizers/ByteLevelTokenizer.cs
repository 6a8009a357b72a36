using System.Text;
using Unweave.Hosts;

namespace Unweave.Onnx;

/// <summary>Byte pairs over the bytes of UTF-8, each written as a printable character.</summary>
internal sealed class ByteLevelTokenizer : WordTokenizer
{
    private static readonly char[] Letters = ByteLetters();

    private readonly BytePairs pairs;
    private readonly ListedPairs merges;
    private readonly int[] letterIds;
    private readonly byte[]?[] bytes;
    private readonly AddedTokens written, composed;

    public ByteLevelTokenizer(BytePairs pairs, TokenizerSource source, TextFrame frame)
        : base("byte-level BPE", source, Vocabularies.Size(pairs.Vocabulary, pairs.Added), frame)
    {
        this.pairs = pairs;
        merges = new ListedPairs(pairs.Vocabulary, pairs.Merges, source.File);
        bytes = new byte[VocabularySize][];
        var byLetter = Letters.Select((letter, value) => (letter, (byte)value)).ToDictionary(pair => pair.letter, pair => pair.Item2);
        foreach ((string token, int id) in pairs.Vocabulary)
            bytes[id] = token.All(byLetter.ContainsKey) ? [.. token.Select(letter => byLetter[letter])] : Encoding.UTF8.GetBytes(token);
        foreach (AddedToken token in pairs.Added) bytes[token.Id] = Encoding.UTF8.GetBytes(token.Content);
        int[] missing = [.. Enumerable.Range(0, 256).Where(value => !pairs.Vocabulary.ContainsKey(Letters[value].ToString()))];
        if (missing.Length > 0)
        {
            throw new InputException($"{source.File} has no token for {missing.Length} of the 256 bytes, the first {missing[0]}; texts "
                + "with them cannot be encoded. Fetch the file again.");
        }

        letterIds = [.. Letters.Select(letter => pairs.Vocabulary[letter.ToString()])];
        AddedToken[] sought = [.. pairs.Added.Where(token => !token.Special || source.ParsesSpecial)];
        written = new AddedTokens(sought.Where(token => !token.Normalized));
        composed = new AddedTokens(sought.Where(token => token.Normalized).Select(token => !pairs.Composed ? token
            : token with { Content = CanonicalForm.Apply(AlignedText.Align(token.Content), compose: true).Units.ToString() }));
    }

    // In the order of the library of tokenizer.json: tokens of the text as it is written, composing what stands between, tokens of that.
    protected override void Encode(string text, List<Token> tokens) =>
        Around(written, text, tokens, pairs.Composed ? Composed : Parts);

    private void Composed(string text, Range range, List<Token> tokens)
    {
        (int start, int length) = range.GetOffsetAndLength(text.Length);
        var original = AlignedText.Align(text.Substring(start, length));
        AlignedText made = CanonicalForm.Apply(original, compose: true);
        if (ReferenceEquals(made, original))
        {
            Parts(text, range, tokens);
            return;
        }

        string composedText = made.Units.ToString();
        int first = tokens.Count;
        Parts(composedText, 0..composedText.Length, tokens);
        Trace(tokens, first, made);
        for (int i = first; i < tokens.Count; i++) tokens[i] = tokens[i] with { Start = start + tokens[i].Start };
    }

    // Back from places in the composed text to those in the text as it was written. What several tokens share goes to the first of them.
    private static void Trace(List<Token> tokens, int first, AlignedText text)
    {
        int covered = 0;
        for (int i = first; i < tokens.Count; i++)
        {
            Token token = tokens[i];
            int start = Math.Max(token.Start < text.Length ? text.StartOf(token.Start) : text.EndOf(text.Length - 1), covered);
            covered = token.Length == 0 ? start : Math.Max(text.EndOf(token.Start + token.Length - 1), start);
            tokens[i] = token with { Start = start, Length = covered - start };
        }
    }

    private void Parts(string text, Range range, List<Token> tokens)
    {
        if (composed.IsEmpty)
        {
            Plain(text, range, tokens);
            return;
        }

        (int start, int length) = range.GetOffsetAndLength(text.Length);
        int first = tokens.Count;
        Around(composed, text.Substring(start, length), tokens, Plain);
        for (int i = first; i < tokens.Count; i++) tokens[i] = tokens[i] with { Start = start + tokens[i].Start };
    }

    private static void Around(AddedTokens sought, string text, List<Token> tokens, Action<string, Range, List<Token>> rest)
    {
        int end = 0;
        foreach (Piece token in sought.Find(text))
        {
            if (token.Start > end) rest(text, end..token.Start, tokens);
            end = token.Start + token.Length;
            tokens.Add(new Token(token.Id, token.Start, token.Length));
        }

        if (end < text.Length) rest(text, end..text.Length, tokens);
    }

    protected override string Text(ReadOnlySpan<int> ids)
    {
        using var text = new MemoryStream();
        foreach (int id in ids) text.Write(bytes[id]);
        return Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length);
    }

    protected override byte[]? Bytes(int id) => bytes[id];

    protected override Token[] Cut(string word)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(word);
        var pieces = new List<Piece>(utf8.Length);
        if (pairs.WholeWords && pairs.Vocabulary.TryGetValue(Spelled(utf8), out int whole)) pieces.Add(new Piece(whole, 0, utf8.Length));
        else for (int i = 0; i < utf8.Length; i++) pieces.Add(new Piece(letterIds[utf8[i]], i, 1));
        PairMerges.Apply(pieces, merges);

        // A character counts for the token with its first byte.
        var tokens = new Token[pieces.Count];
        int at = 0, unit = 0;
        for (int i = 0; i < tokens.Length; i++)
        {
            int from = unit;
            for (int end = at + pieces[i].Length; at < end; at++) unit += (utf8[at] & 0xC0) == 0x80 ? 0 : utf8[at] >= 0xF0 ? 2 : 1;
            tokens[i] = new Token(pieces[i].Id, from, unit - from);
        }

        return tokens;
    }

    private static string Spelled(byte[] utf8) => string.Create(utf8.Length, utf8, (units, values) =>
    {
        for (int i = 0; i < units.Length; i++) units[i] = Letters[values[i]];
    });

    private void Plain(string text, Range range, List<Token> tokens)
    {
        (int start, int length) = range.GetOffsetAndLength(text.Length);
        if (length == 0) return;
        ReadOnlySpan<char> piece = text.AsSpan(start, length);
        bool prefixed = pairs.PrefixSpace && piece[0] != ' ';
        if (prefixed) piece = string.Concat(" ", piece);
        Words(piece, prefixed ? start - 1 : start, start, 0, tokens);
    }

    private void Words(ReadOnlySpan<char> piece, int at, int first, int depth, List<Token> tokens)
    {
        if (depth < pairs.Patterns.Count)
        {
            foreach (Range word in pairs.Patterns[depth].Words(piece)) Words(piece[word], at + word.Start.Value, first, depth + 1, tokens);
            return;
        }

        // What is before the first unit is the space that was put there.
        foreach (Token token in Tokens(piece))
        {
            int from = Math.Max(at + token.Start, first);
            tokens.Add(new Token(token.Id, from, Math.Max(at + token.Start + token.Length - from, 0)));
        }
    }

    /// <summary>The character for each byte: itself where it is printable and no blank, else the next one from U+0100 on.</summary>
    private static char[] ByteLetters()
    {
        char[] letters = new char[256];
        char other = '\u0100';
        for (int value = 0; value < 256; value++)
            letters[value] = value is (>= '!' and <= '~') or (>= 0xA1 and not 0xAD) ? (char)value : other++;
        return letters;
    }
}

/// <summary>What a byte-level tokenizer is made of.</summary>
/// <param name="Vocabulary">The tokens.</param>
/// <param name="Merges">Pairs with a blank between, the first to be merged first.</param>
/// <param name="Patterns">Cut the text, each what the one before left whole.</param>
/// <param name="PrefixSpace">Whether a text gets a space before it if it has none.</param>
/// <param name="WholeWords">Whether a word that is a token is taken whole, merges or not.</param>
/// <param name="Added">Tokens besides the vocabulary.</param>
/// <param name="Composed">Whether a text is brought to NFC before it is cut.</param>
internal sealed record BytePairs(
    Dictionary<string,
    int> Vocabulary,
    IReadOnlyList<string> Merges,
    IReadOnlyList<WordPattern> Patterns,
    bool PrefixSpace,
    bool WholeWords,
    IReadOnlyList<AddedToken> Added,
    bool Composed = false);
