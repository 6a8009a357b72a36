using System.Text;
using Unweave.Hosts;

namespace Unweave.Onnx;

/// <summary>The pieces of SentencePiece, in which a blank is the character ▁.</summary>
internal sealed class SentencePieces : WordTokenizer
{
    private const char Blank = '\u2581';

    private readonly SentencePieceModel model;
    private readonly IWordModel cutter;
    private readonly TokenTrie keptPieces = new();
    private readonly AddedTokens fixedPieces, controls;
    private readonly bool byWords;

    private SentencePieces(SentencePieceModel model, TokenizerSource source, TextFrame frame)
        : base("SentencePiece", source, model.Count, frame)
    {
        this.model = model;
        cutter = model.Cutter(source.File);
        byWords = model.EndsWithWords(Blank);
        foreach (AddedToken piece in model.Fixed) keptPieces.Add(piece.Content, piece.Id);
        fixedPieces = new AddedTokens(model.IsBytePairs ? model.Fixed : []);
        controls = new AddedTokens(source.ParsesSpecial ? model.Controls : []);
    }

    public override int? Unknown => cutter.Unknown;

    /// <summary>Reads a model.</summary>
    public static SentencePieces Read(TokenizerSource source)
    {
        var read = SentencePieceModel.Read(source.Read(source.File), source.File);
        TextFrame named = Frames.Configured(source, read.Id, byteLevel: false);
        int? start = source.Flag("add_bos_token") is false ? null : named.Start ?? Known(read.Start);
        int? end = source.Flag("add_eos_token") is true ? named.End ?? Known(read.End) : named.End;
        return new SentencePieces(read, source, new TextFrame(start, end, named.Padding ?? Known(read.Padding)));

        int? Known(int id) => read.IsControl(id) ? id : null;
    }

    protected override void Encode(string text, List<Token> tokens)
    {
        var all = AlignedText.Align(text);
        int end = 0;
        foreach (Piece control in controls.Find(all.Units))
        {
            if (control.Start > end) Part(all.Slice(end, control.Start - end), tokens);
            tokens.Add(new Token(control.Id, control.Start, control.Length));
            end = control.Start + control.Length;
        }

        if (end < all.Length) Part(all.Slice(end, all.Length - end), tokens);
    }

    protected override Token[] Cut(string word) => [.. cutter.Cut(word).Select(piece => new Token(piece.Id, piece.Start, piece.Length))];

    protected override string Text(ReadOnlySpan<int> ids)
    {
        string text = Joined(ids);
        return model.HasDummyPrefix && text.StartsWith(' ') ? text[1..] : text;
    }

    protected override string Piece(int id) => Joined([id]);

    protected override byte[] Bytes(int id) => model.Bytes(id);

    private string Joined(ReadOnlySpan<int> ids)
    {
        using var utf8 = new MemoryStream();
        foreach (int id in ids) utf8.Write(model.Bytes(id));
        return Encoding.UTF8.GetString(utf8.GetBuffer(), 0, (int)utf8.Length).Replace(Blank, ' ');
    }

    private void Part(AlignedText text, List<Token> tokens)
    {
        AlignedText shown = Shown(text);
        int end = 0, first = tokens.Count;
        foreach (Piece piece in fixedPieces.Find(shown.Units))
        {
            Pieces(end, piece.Start);
            Place(piece.Id, piece.Start, piece.Start + piece.Length);
            end = piece.Start + piece.Length;
        }

        Pieces(end, shown.Length);

        void Pieces(int from, int to)
        {
            for (int next = from; from < to; from = next)
            {
                next = byWords ? Words.End(shown.Units, from, to, Blank) : to;
                foreach (Token token in Tokens(shown.Units[from..next]))
                    Place(token.Id, from + token.Start, from + token.Start + token.Length);
            }
        }

        // What several tokens share goes to the first of them. Unknown characters beside each other are one token.
        void Place(int id, int from, int to)
        {
            int covered = tokens.Count == first ? 0 : tokens[^1].Start + tokens[^1].Length;
            int start = Math.Max(shown.StartOf(from), covered), length = Math.Max(shown.EndOf(to - 1) - start, 0);
            if (id == model.Unknown && tokens.Count > first && tokens[^1].Id == id)
                tokens[^1] = tokens[^1] with { Length = start + length - tokens[^1].Start };
            else tokens.Add(new Token(id, start, length));
        }
    }

    /// <summary>The text as the pieces have it: characters mapped, blanks made into marks, the superfluous ones dropped.</summary>
    private AlignedText Shown(AlignedText text)
    {
        var output = new AlignedText.Builder(text.Length + 1);
        int at = 0;
        if (model.RemovesExtraBlanks)
        {
            while (at < text.Length && Next(at) is (" ", var length)) at += length;
        }

        if (at == text.Length) return text.Slice(0, 0);
        if (model.HasDummyPrefix) output.Add(Blank, text.StartOf(at), text.StartOf(at));
        bool afterBlank = model.RemovesExtraBlanks;
        while (at < text.Length)
        {
            (string written, int length) = Next(at);
            string kept = afterBlank ? written.TrimStart(' ') : written;
            foreach (char unit in kept) output.Add(unit == ' ' ? Blank : unit, text.StartOf(at), text.EndOf(at + length - 1));
            if (kept.Length > 0) afterBlank = model.RemovesExtraBlanks && kept.EndsWith(' ');
            at += length;
        }

        AlignedText shown = output.ToText();
        return model.RemovesExtraBlanks ? shown.Slice(0, shown.Units.TrimEnd(Blank).Length) : shown;

        (string Written, int Length) Next(int at)
        {
            ReadOnlySpan<char> rest = text.Units[at..];
            int kept = keptPieces.Longest(rest).Length;
            if (kept > 0) return (rest[..kept].ToString(), kept);
            if (model.Characters?.Longest(rest) is { } mapped) return mapped;
            int one = text.RuneAt(at).Utf16SequenceLength;
            return (rest[..one].ToString(), one);
        }
    }
}
