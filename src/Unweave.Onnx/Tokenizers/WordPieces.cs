using System.Text;
using Microsoft.ML.Tokenizers;
using Unweave.Hosts;

namespace Unweave.Onnx;

/// <summary>Word pieces as BERT has them: the longest token that a word starts with, then the longest for the rest.</summary>
internal sealed class WordPieces : WordTokenizer
{
    private readonly WordPieceTokenizer package;
    private readonly BertText text;
    private readonly string?[] tokens;
    private readonly WordPieceOptions options;
    private readonly int longestWord;

    /// <param name="vocabulary">The tokens.</param>
    /// <param name="added">Tokens besides these.</param>
    /// <param name="text">How text is cut into words.</param>
    /// <param name="unknown">The token for words that cannot be made of others.</param>
    /// <param name="prefix">What the later tokens of a word start with.</param>
    /// <param name="longestWord">Words of more characters are unknown.</param>
    /// <param name="source">The files.</param>
    /// <param name="frame">The tokens around a text.</param>
    public WordPieces(
        Dictionary<string,
        int> vocabulary,
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
        this.longestWord = longestWord;
        if (!vocabulary.ContainsKey(unknown))
        {
            throw new InputException($"{source.File} lacks the token '{unknown}' for unknown words; it is not a vocabulary of word "
                + "pieces, or incomplete.");
        }

        tokens = new string?[VocabularySize];
        foreach ((string token, int id) in vocabulary) tokens[id] = token;

        // The package reads one token a line, the id being the line, and skips empty lines; its limit counts UTF-16 units.
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

        options = new WordPieceOptions { UnknownToken = unknown, ContinuingSubwordPrefix = prefix, MaxInputCharsPerWord = 2 * longestWord };
        using var lines = new MemoryStream(Encoding.UTF8.GetBytes(string.Join('\n', tokens)));
        package = WordPieceTokenizer.Create(lines, options);
        foreach (AddedToken token in added) tokens[token.Id] = token.Content;
    }

    protected override void Encode(string text, List<Token> tokens) => this.text.Words(text, (word, places) =>
    {
        // Units that come from one character share its place; only the first of their tokens has it.
        int covered = 0;
        foreach (Token token in Tokens(word))
        {
            int from = Math.Max(places[token.Start].From, covered);
            covered = Math.Max(places[token.Start + token.Length - 1].To, from);
            tokens.Add(new Token(token.Id, from, covered - from));
        }
    });

    protected override Token[] Cut(string word) => word.EnumerateRunes().Count() > longestWord
        ? [new Token(package.UnknownTokenId, 0, word.Length)]
        : [.. package.EncodeToTokens(word, out _, considerPreTokenization: false, considerNormalization: false)
            .Select(token => new Token(token.Id, token.Offset.Start.Value, token.Offset.End.Value - token.Offset.Start.Value))];

    protected override string Text(ReadOnlySpan<int> ids)
    {
        var words = new StringBuilder();
        foreach (int id in ids)
        {
            string token = tokens[id] ?? "";
            bool later = token.StartsWith(options.ContinuingSubwordPrefix, StringComparison.Ordinal);
            if (!later && words.Length > 0) words.Append(' ');
            words.Append(later ? token.AsSpan(options.ContinuingSubwordPrefix.Length) : token);
        }

        return words.ToString();
    }
}
