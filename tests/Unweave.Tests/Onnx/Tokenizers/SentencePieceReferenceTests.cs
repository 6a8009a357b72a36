using System.Runtime.CompilerServices;
using System.Text.Json;
using Unweave.Hosts;
using Unweave.Onnx;

namespace Unweave.Tests.Onnx.Tokenizers;

/// <summary>Models that SentencePiece itself trained, with user-defined pieces, and its own ids; <c>golden/make.py</c> made both.</summary>
public sealed class SentencePieceReferenceTests
{
    [Theory]
    [InlineData("unigram")]
    [InlineData("unigram-bytes")]
    [InlineData("bpe")]
    [InlineData("bpe-bytes")]
    public void Ids_are_those_of_the_library(string name)
    {
        ITokenizer tokenizer = TokenizerFile.Open(Golden($"{name}.model"));
        var expected = JsonSerializer.Deserialize<Dictionary<string, int[]>>(File.ReadAllBytes(Golden($"{name}.json")))!;
        Assert.True(expected.Count > 60);
        string[] wrong =
        [
            .. expected.Select(entry => (entry.Key, Due: string.Join(' ', entry.Value), Is: Ids(entry.Key)))
                .Where(entry => !string.Equals(entry.Due, entry.Is, StringComparison.Ordinal))
                .Select(entry => $"'{entry.Key}': {entry.Due}, not {entry.Is}"),
        ];
        Assert.True(wrong.Length == 0, string.Join('\n', wrong));

        string Ids(string text) => string.Join(' ', tokenizer.Encode(text).Select(token => token.Id));
    }

    private static string Golden(string name, [CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "golden", name);
}
