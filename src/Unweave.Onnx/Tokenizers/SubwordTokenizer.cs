using System.Runtime.InteropServices;
using Unweave.Hosts;

namespace Unweave.Onnx;

/// <summary>The parts of a tokenizer, as its file describes them.</summary>
internal sealed record TokenizerParts
{
    /// <summary>What kind it is.</summary>
    public required string Kind { get; init; }

    /// <summary>The tokens, in the order of their ids.</summary>
    public required string[] Tokens { get; init; }

    /// <summary>Tokens looked for before anything else.</summary>
    public IReadOnlyList<AddedToken> Added { get; init; } = [];

    /// <summary>How text is normalised, or null where it is not.</summary>
    public TextStep? Normalizing { get; init; }

    /// <summary>How normalised text is split into words, or null where it is one word.</summary>
    public SplitStep? Splitting { get; init; }

    /// <summary>How a word becomes tokens.</summary>
    public required SubwordModel Model { get; init; }

    /// <summary>How tokens become text.</summary>
    public required IReadOnlyList<DecodeStep> Decoding { get; init; }

    /// <summary>The tokens put around a text.</summary>
    public required FrameTokens Frame { get; init; }
}

/// <summary>The tokens put around a text, or null where there is none.</summary>
/// <param name="Start">Before it.</param>
/// <param name="End">After it.</param>
/// <param name="Padding">After shorter ones of a batch.</param>
internal sealed record FrameTokens(int? Start, int? End, int? Padding);

/// <summary>A tokenizer put together from the steps that its file names. It holds nothing that changes.</summary>
internal sealed class SubwordTokenizer : ITokenizer
{
    private readonly TokenizerParts parts;
    private readonly AddedTokens? raw;
    private readonly AddedTokens? normalized;

    public SubwordTokenizer(TokenizerParts parts, string path, string hash)
    {
        this.parts = parts;
        Name = $"{parts.Kind} {path}";
        Hash = hash;
        raw = AddedTokens.In(parts.Added, normalized: false, parts.Normalizing);
        normalized = AddedTokens.In(parts.Added, normalized: true, parts.Normalizing);
    }

    public string Name { get; }

    public string Hash { get; }

    public int VocabularySize => parts.Tokens.Length;

    public int? Start => parts.Frame.Start;

    public int? End => parts.Frame.End;

    public int? Padding => parts.Frame.Padding;

    public IReadOnlyList<Token> Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var tokens = new List<Token>(text.Length / 3);
        int covered = 0;
        foreach ((AlignedText part, int? added) in Split(raw, AlignedText.Of(text)))
        {
            if (added is { } id) AddToken(id, part, 0, part.Length);
            else EncodePart(parts.Normalizing is null ? part : parts.Normalizing.Apply(part));
        }

        return tokens;

        void EncodePart(AlignedText part)
        {
            var pieces = new List<Piece>();
            foreach ((AlignedText between, int? added) in Split(normalized, part))
            {
                if (added is { } id)
                {
                    AddToken(id, between, 0, between.Length);
                    continue;
                }

                Words words = Words.Of(between);
                if (parts.Splitting is not null) words = parts.Splitting.Apply(words);
                foreach ((int start, int end) in words.Ranges)
                {
                    pieces.Clear();
                    parts.Model.Encode(words.Text.Units[start..end], pieces);
                    foreach (Piece piece in CollectionsMarshal.AsSpan(pieces)) AddToken(piece.Id, words.Text, start + piece.Start, piece.Length);
                }
            }
        }

        void AddToken(int id, AlignedText from, int unit, int length)
        {
            // Each character of the original belongs to the first token that has some of it: what several tokens share (bytes, parts
            // of a ligature, what a rule expands) is not counted twice, and a token that only has more of it covers nothing, there.
            int start = from.StartOf(unit), end = from.EndOf(unit + length - 1);
            if (end <= covered)
            {
                tokens.Add(new Token(id, start, 0));
                return;
            }

            start = Math.Max(start, covered);
            tokens.Add(new Token(id, start, end - start));
            covered = end;
        }
    }

    public string Decode(ReadOnlySpan<int> ids)
    {
        var tokens = new List<string>(ids.Length);
        foreach (int id in ids)
        {
            if ((uint)id >= (uint)VocabularySize) throw new ArgumentOutOfRangeException(nameof(ids), id, $"{Name} has the ids 0 to {VocabularySize - 1}.");
            tokens.Add(parts.Tokens[id]);
        }

        return string.Concat(parts.Decoding.Aggregate(tokens, (current, step) => step.Apply(current)));
    }

    private static IEnumerable<(AlignedText Part, int? Id)> Split(AddedTokens? added, AlignedText text) => added is null ? [(text, null)] : added.Split(text);
}
