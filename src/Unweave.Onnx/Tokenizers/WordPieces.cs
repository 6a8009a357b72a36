using System.Globalization;
using System.Text;
using Unweave.Hosts;

namespace Unweave.Onnx;

/// <summary>Word pieces as BERT has them: the longest token that a word starts with, then the longest for the rest.</summary>
internal sealed class WordPieces : WordTokenizer
{
    private readonly BertText text;
    private readonly TokenTrie starts = new(), rests = new();
    private readonly AddedTokens special;
    private readonly string?[] tokens;
    private readonly string prefix;
    private readonly int unknown, longestWord;

    /// <param name="vocabulary">The tokens.</param>
    /// <param name="added">Tokens besides these.</param>
    /// <param name="text">How text is cut into words.</param>
    /// <param name="unknown">The token for words that cannot be made of others.</param>
    /// <param name="prefix">What the later tokens of a word start with.</param>
    /// <param name="longestWord">Words of more characters are unknown.</param>
    /// <param name="source">The files.</param>
    /// <param name="frame">The tokens around a text.</param>
    public WordPieces(
        Dictionary<string, int> vocabulary,
        IReadOnlyList<AddedToken> added,
        BertText text,
        string unknown,
        string prefix,
        int longestWord,
        TokenizerSource source,
        TextFrame frame)
        : base("WordPiece", source, Vocabularies.Size(vocabulary, added), frame)
    {
        this.text = text;
        this.prefix = prefix;
        this.longestWord = longestWord;
        if (!vocabulary.TryGetValue(unknown, out this.unknown))
        {
            throw new InputException($"{source.File} lacks the token '{unknown}' for unknown words; it is not a vocabulary of word "
                + "pieces, or incomplete.");
        }

        tokens = new string?[VocabularySize];
        if (vocabulary.Keys.FirstOrDefault(token => token.Length == 0 || token.AsSpan().ContainsAny('\n', '\r')) is { } wrong)
        {
            throw new InputException($"{source.File} has the token '{wrong.ReplaceLineEndings(" ")}' with id {vocabulary[wrong]}, which "
                + $"is empty or has a line end; the file is damaged.");
        }

        if (longestWord is < 1 or > 10_000)
        {
            throw new InputException($"{source.File} takes words of up to {longestWord} characters (max_input_chars_per_word); this is "
                + "100 in BERT and 1 to 10000 here.");
        }

        foreach ((string token, int id) in vocabulary)
        {
            tokens[id] = token;
            starts.Add(token, id);
            if (token.StartsWith(prefix, StringComparison.Ordinal)) rests.Add(token[prefix.Length..], id);
        }

        foreach (AddedToken token in added) tokens[token.Id] = token.Content;
        special = new AddedTokens(source.ParsesSpecial ? added : []);
    }

    public override int? Unknown => unknown;

    protected override void Encode(string text, List<Token> tokens)
    {
        var all = AlignedText.Align(text);
        int end = 0;
        foreach (Piece token in special.Find(all.Units))
        {
            Plain(all.Slice(end, token.Start - end), tokens);
            tokens.Add(new Token(token.Id, token.Start, token.Length));
            end = token.Start + token.Length;
        }

        Plain(all.Slice(end, all.Length - end), tokens);
    }

    protected override Token[] Cut(string word)
    {
        if (word.EnumerateRunes().Count() > longestWord) return [new Token(unknown, 0, word.Length)];
        var found = new List<Token>();
        for (int at = 0; at < word.Length;)
        {
            (int id, int length) = (at == 0 ? starts : rests).Longest(word.AsSpan(at));
            if (length == 0) return [new Token(unknown, 0, word.Length)];
            found.Add(new Token(id, at, length));
            at += length;
        }

        return [.. found];
    }

    private void Plain(AlignedText part, List<Token> tokens)
    {
        foreach (AlignedText word in text.Words(part))
        {
            // Units that come from one character share its place; only the first of their tokens has it.
            int covered = word.StartOf(0);
            foreach (Token token in Tokens(word.Units))
            {
                int start = Math.Max(word.StartOf(token.Start), covered);
                covered = Math.Max(word.EndOf(token.Start + token.Length - 1), start);
                tokens.Add(new Token(token.Id, start, covered - start));
            }
        }
    }

    // Marks and punctuation stand where they are; a word has a blank before it.
    protected override string Piece(int id)
    {
        string token = tokens[id] ?? "";
        if (token.StartsWith(prefix, StringComparison.Ordinal) && token.Length > prefix.Length) return token[prefix.Length..];
        return token.Length > 0 && (char.IsPunctuation(token, 0) || char.GetUnicodeCategory(token, 0) is UnicodeCategory.NonSpacingMark)
            ? token : " " + token;
    }

    protected override string Text(ReadOnlySpan<int> ids)
    {
        var words = new StringBuilder();
        foreach (int id in ids)
        {
            string token = tokens[id] ?? "";
            bool later = token.StartsWith(prefix, StringComparison.Ordinal);
            if (!later && words.Length > 0) words.Append(' ');
            words.Append(later ? token.AsSpan(prefix.Length) : token);
        }

        return words.ToString();
    }
}
