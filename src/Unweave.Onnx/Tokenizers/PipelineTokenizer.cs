using System.Globalization;
using System.Text;
using Unweave.Hosts;

namespace Unweave.Onnx;

/// <summary>What a tokenizer of steps is made of.</summary>
/// <param name="Model">Cuts a word into tokens.</param>
/// <param name="Vocabulary">The model's tokens.</param>
/// <param name="Added">Tokens besides these.</param>
/// <param name="Rewrites">What a text goes through before it is cut.</param>
/// <param name="Cuts">How a text is cut into words.</param>
/// <param name="Mark">What stands for a blank in tokens; null where blanks are dropped.</param>
/// <param name="Prefixed">Whether a text gets a blank before it.</param>
/// <param name="Bytes">Whether tokens of bytes stand for these.</param>
internal sealed record Pipeline(
    IWordModel Model,
    Dictionary<string, int> Vocabulary,
    IReadOnlyList<AddedToken> Added,
    IReadOnlyList<Rewrite> Rewrites,
    IReadOnlyList<Cut> Cuts,
    char? Mark,
    bool Prefixed,
    bool Bytes);

/// <summary>
/// The steps of <c>tokenizer.json</c> in the order of its library: added tokens, rewriting, added tokens of the rewritten text, cutting,
/// the model.
/// </summary>
internal sealed class PipelineTokenizer : WordTokenizer
{
    private readonly Pipeline pipeline;
    private readonly AddedTokens written, rewritten;
    private readonly string?[] tokens;

    public PipelineTokenizer(string kind, Pipeline pipeline, TokenizerSource source, TextFrame frame)
        : base(kind, source, Vocabularies.Size(pipeline.Vocabulary, pipeline.Added), frame)
    {
        this.pipeline = pipeline;
        AddedToken[] sought = [.. pipeline.Added.Where(token => !token.Special || source.ParsesSpecial)];
        written = new AddedTokens(sought.Where(token => !token.Normalized));
        rewritten = new AddedTokens(sought.Where(token => token.Normalized).Select(
            token => token with { Content = Rewritten(AlignedText.Align(token.Content)).Units.ToString() }));
        tokens = new string?[VocabularySize];
        foreach ((string token, int id) in pipeline.Vocabulary) tokens[id] = token;
        foreach (AddedToken token in pipeline.Added) tokens[token.Id] = token.Content;
    }

    public override int? Unknown => pipeline.Model.Unknown;

    protected override void Encode(string text, List<Token> tokens)
    {
        int covered = 0;
        Around(written, AlignedText.Align(text), part => Around(rewritten, Rewritten(part), Words));

        void Around(AddedTokens sought, AlignedText part, Action<AlignedText> rest)
        {
            int end = 0;
            foreach (Piece found in sought.Find(part.Units))
            {
                if (found.Start > end) rest(part.Slice(end, found.Start - end));
                Place(part, found.Id, found.Start, found.Length);
                end = found.Start + found.Length;
            }

            if (end < part.Length) rest(part.Slice(end, part.Length - end));
        }

        void Words(AlignedText part)
        {
            IEnumerable<AlignedText> words = [part];
            foreach (Cut cut in pipeline.Cuts) words = words.SelectMany(word => word.Length == 0 ? [] : cut(word));
            foreach (AlignedText word in words)
            {
                foreach (Token token in Tokens(word.Units)) Place(word, token.Id, token.Start, token.Length);
            }
        }

        // What several tokens share goes to the first of them.
        void Place(AlignedText part, int id, int start, int length)
        {
            int from = Math.Max(part.StartOf(start), covered);
            covered = Math.Max(part.EndOf(start + length - 1), from);
            tokens.Add(new Token(id, from, covered - from));
        }
    }

    protected override Token[] Cut(string word) =>
        [.. pipeline.Model.Cut(word).Select(piece => new Token(piece.Id, piece.Start, piece.Length))];

    protected override string Text(ReadOnlySpan<int> ids)
    {
        string text = Joined(ids);
        return pipeline.Prefixed && text.StartsWith(' ') ? text[1..] : text;
    }

    protected override string Piece(int id) => pipeline.Mark is null ? " " + Joined([id]) : Joined([id]);

    // Only tokens of single bytes are less than characters.
    protected override byte[]? Bytes(int id) =>
        pipeline.Bytes && tokens[id] is ['<', '0', 'x', _, _, '>'] token && byte.TryParse(
            token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value) ? [value] : null;

    private string Joined(ReadOnlySpan<int> ids)
    {
        using var utf8 = new MemoryStream();
        foreach (int id in ids)
        {
            if (Bytes(id) is { } own)
            {
                utf8.Write(own);
                continue;
            }

            string token = tokens[id] ?? "";
            if (pipeline.Mark is null && utf8.Length > 0) utf8.WriteByte((byte)' ');
            utf8.Write(Encoding.UTF8.GetBytes(pipeline.Mark is { } mark ? token.Replace(mark, ' ') : token));
        }

        return Encoding.UTF8.GetString(utf8.GetBuffer(), 0, (int)utf8.Length);
    }

    private AlignedText Rewritten(AlignedText text)
    {
        foreach (Rewrite rewrite in pipeline.Rewrites) text = rewrite(text);
        return text;
    }
}
