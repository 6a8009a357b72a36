using System.Text;
using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;
using Unweave.Hosts;

namespace Unweave.Onnx;

/// <summary>The pieces of SentencePiece, in which a blank is the character ▁.</summary>
internal sealed class SentencePieces : WordTokenizer
{
    private const char Blank = '\u2581';

    private readonly SentencePieceModel model;
    private readonly SentencePieceTokenizer package;
    private readonly Regex? fixedPieces;

    private SentencePieces(SentencePieceModel model, SentencePieceTokenizer package, TokenizerSource source, TextFrame frame)
        : base("SentencePiece", source, model.Count, frame)
    {
        this.model = model;
        this.package = package;
        string[] found = [.. model.Fixed.Where(piece => piece.Length > 0).OrderByDescending(piece => piece.Length).Select(Regex.Escape)];
        if (found.Length > 0) fixedPieces = new Regex(string.Join('|', found), RegexOptions.CultureInvariant, TimeSpan.FromSeconds(20));
    }

    /// <summary>Reads a model.</summary>
    public static SentencePieces Read(TokenizerSource source)
    {
        SentencePieceModel read = SentencePieceModel.Read(source.Read(source.File), source.File, out MemoryStream forPackage);
        using (forPackage)
        {
            try
            {
                SentencePieceTokenizer made = SentencePieceTokenizer.Create(
                    forPackage, addBeginningOfSentence: false, addEndOfSentence: false);
                TextFrame named = Frames.Configured(source, read.Id, byteLevel: false);
                int? start = source.Flag("add_bos_token") is false ? null : named.Start ?? Known(read.Start);
                int? end = source.Flag("add_eos_token") is true ? named.End ?? Known(read.End) : named.End;
                return new SentencePieces(read, made, source, new TextFrame(start, end, named.Padding ?? Known(read.Padding)));
            }
            catch (Exception e) when (
                e is ArgumentException or InvalidOperationException or IndexOutOfRangeException
                    or Google.Protobuf.InvalidProtocolBufferException)
            {
                throw new InputException($"{source.File} is not a SentencePiece model that can be used "
                    + $"({e.Message.ReplaceLineEndings(" ")}); fetch it again.", e);
            }
        }

        int? Known(int id) => read.IsControl(id) ? id : null;
    }

    protected override void Encode(string text, List<Token> tokens)
    {
        // The package's own rules for blanks lose the places, and texts of one character.
        var shown = new StringBuilder(text.Length + 1);
        var places = new List<int>(text.Length + 1);
        int from = 0, to = text.Length;
        if (model.RemovesExtraBlanks)
        {
            while (from < to && text[from] == ' ') from++;
            while (to > from && text[to - 1] == ' ') to--;
        }

        if (from == to) return;
        if (model.HasDummyPrefix) Add(Blank, from);
        for (int i = from; i < to; i++)
        {
            if (text[i] != ' ') Add(text[i], i);
            else if (!model.RemovesExtraBlanks || text[i - 1] != ' ') Add(Blank, i);
        }

        places.Add(to);
        string all = shown.ToString();
        int end = 0;
        if (fixedPieces is not null)
        {
            foreach (ValueMatch match in fixedPieces.EnumerateMatches(all))
            {
                Pieces(end, match.Index);
                end = match.Index + match.Length;
                Place(model.Id(all[match.Index..end])!.Value, match.Index, end);
            }
        }

        Pieces(end, all.Length);

        void Add(char unit, int place)
        {
            shown.Append(unit);
            places.Add(place);
        }

        void Pieces(int first, int last)
        {
            if (first == last) return;
            foreach (Token token in Tokens(all.AsSpan(first, last - first)))
                Place(token.Id, first + token.Start, first + token.Start + token.Length);
        }

        // Unknown characters beside each other are one token.
        void Place(int id, int first, int last)
        {
            int covered = tokens.Count == 0
                ? from
                : tokens[^1].Start + tokens[^1].Length, start = Math.Max(places[first], covered), length = Math
                    .Max(places[last] - start, 0);
            if (id == model.Unknown && tokens.Count > 0 && tokens[^1].Id == id)
                tokens[^1] = tokens[^1] with { Length = start + length - tokens[^1].Start };
            else tokens.Add(new Token(id, start, length));
        }
    }

    protected override Token[] Cut(string word) =>
        [.. package.EncodeToTokens(word, out _, addBeginningOfSentence: false, addEndOfSentence: false, considerNormalization: false)
            .Select(token => new Token(token.Id, token.Offset.Start.Value, token.Offset.End.Value - token.Offset.Start.Value))];

    protected override string Text(ReadOnlySpan<int> ids)
    {
        using var utf8 = new MemoryStream();
        foreach (int id in ids) utf8.Write(model.Bytes(id));
        string text = Encoding.UTF8.GetString(utf8.GetBuffer(), 0, (int)utf8.Length).Replace(Blank, ' ');
        return model.HasDummyPrefix && text.StartsWith(' ') ? text[1..] : text;
    }
}
