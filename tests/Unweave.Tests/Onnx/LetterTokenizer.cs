using Unweave.Hosts;

namespace Unweave.Tests.Onnx;

/// <summary>One token a letter, with a start token before them.</summary>
internal sealed class LetterTokenizer(int size = Graphs.Vocabulary, bool start = true, int? padding = null) : ITokenizer
{
    public string Name => "letters";

    public string Hash => "0123";

    public int VocabularySize => size;

    public int? Start => start ? 0 : null;

    public int? End => null;

    public int? Padding => padding;

    public IReadOnlyList<Token> Encode(string text) => [.. text.Select((letter, i) => new Token(1 + (letter % 40), i, 1))];

    public string Decode(ReadOnlySpan<int> ids) => string.Join(' ', ids.ToArray());
}
