using System.Text.Json.Nodes;
using Unweave.Hosts;
using Unweave.Interpretation;
using Unweave.Onnx;

namespace Unweave.Tests.Onnx.Tokenizers;

public sealed class PipelineTokenizerTests
{
    public static TheoryData<string> Names => [.. TokenizerFiles.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Ids_are_those_of_the_reference_and_places_are_in_order(string name)
    {
        using var folder = new TemporaryFolder();
        ITokenizer tokenizer = TokenizerFiles.Open(folder, TokenizerFiles.All[name](), special: true);
        foreach (string text in TokenizerFiles.Texts)
        {
            int at = 0;
            foreach (Token token in tokenizer.Encode(text))
            {
                Assert.InRange(token.Start, at, text.Length);
                at = token.Start + token.Length;
                Assert.InRange(at, token.Start, text.Length);
            }
        }

        // The reference is the library of tokenizer.json itself, in machine code for Linux.
        if (!OperatingSystem.IsLinux() || System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture
            != System.Runtime.InteropServices.Architecture.X64)
            Assert.Skip("The reference runs on 64-bit Linux.");
        using var reference = new global::Tokenizers.DotNet.Tokenizer(folder["tokenizer.json"]);
        string[] wrong = [.. TokenizerFiles.Texts.Where(text => !reference.Encode(text).Select(id => (int)id).SequenceEqual(
            tokenizer.Encode(text).Select(token => token.Id)))];
        Assert.True(wrong.Length == 0, $"{wrong.Length} of {TokenizerFiles.Texts.Count} differ, the first '{wrong.FirstOrDefault()}'");
        Assert.True(TokenizerFiles.Texts.Count >= 300);
    }

    [Theory]
    [InlineData("pairs, Llama", "the abc", "▁the 0 3|▁ 3 1|abc 4 3")]
    [InlineData("pairs, Llama", "====", "▁ 0 0|==== 0 4")]
    [InlineData("pairs, Gemma", "a日Я", "a 0 1|日 1 1|<0xD0> 2 1|<0xAF> 3 0")]
    [InlineData("words", "the hello, A", "the 0 3|hello 4 5|, 9 1|A 11 1")]
    [InlineData("unigram, T5", "ﬁ", "▁ 0 0|f 0 1|i 1 0")]
    public void Ids_and_places_are_those_worked_out_by_hand(string name, string text, string expected)
    {
        using var folder = new TemporaryFolder();
        JsonObject json = TokenizerFiles.All[name]();
        ITokenizer tokenizer = TokenizerFiles.Open(folder, json);
        string[] tokens = json["model"]!["vocab"] is JsonArray list ? [.. list.Select(piece => piece![0]!.GetValue<string>())]
            : [.. json["model"]!["vocab"]!.AsObject().OrderBy(token => token.Value!.GetValue<int>()).Select(token => token.Key)];
        Assert.Equal(
            expected, string.Join('|', tokenizer.Encode(text).Select(token => $"{tokens[token.Id]} {token.Start} {token.Length}")));
    }

    [Fact]
    public void A_piece_keeps_its_blank_and_a_text_has_none_before_it()
    {
        using var folder = new TemporaryFolder();
        ITokenizer pairs = TokenizerFiles.Open(folder, TokenizerFiles.All["pairs, Llama"]());
        int[] ids = [.. pairs.Encode("the abc 日Я").Select(token => token.Id)];
        Assert.Equal("the abc 日Я", pairs.Decode(ids));
        Assert.Equal(" the", pairs.PieceText(ids[0]));
        Assert.Equal("abc", pairs.PieceText(ids[2]));
        ITokenizer words = TokenizerFiles.Open(folder, TokenizerFiles.All["words"]());
        Assert.Equal("the hello", words.Decode([1, 3]));
        Assert.Equal(" hello", words.PieceText(3));
        Assert.Throws<ArgumentOutOfRangeException>(() => words.PieceText(words.VocabularySize));
    }

    // As texts of a harvest are put together again, of which only the ids are kept.
    [Fact]
    public void Pieces_put_together_keep_the_blanks_between_words()
    {
        using var folder = new TemporaryFolder();
        foreach (string name in (string[])["pairs, Llama", "unigram, T5", "words"])
        {
            ITokenizer tokenizer = TokenizerFiles.Open(folder, TokenizerFiles.All[name]());
            int[] ids = [.. tokenizer.Encode("the a the").Select(token => token.Id)];
            Assert.Equal(" the a the", new TokenPieces(tokenizer).Decode(ids).Text);
        }

        ITokenizer pieces = TokenizerFiles.Open(folder, TokenizerFiles.All["bert lower"]());
        int[] of = [.. pieces.Encode("the thing, the").Select(token => token.Id)];
        Assert.StartsWith(" the th", new TokenPieces(pieces).Decode(of).Text, StringComparison.Ordinal);
        Assert.EndsWith(", the", new TokenPieces(pieces).Decode(of).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Special_tokens_in_a_text_are_found_where_asked_for()
    {
        using var folder = new TemporaryFolder();
        foreach (string name in (string[])["pairs, Llama", "unigram, first"])
        {
            JsonObject json = TokenizerFiles.All[name]();
            Assert.DoesNotContain(TokenizerFiles.Open(folder, json).Encode("a<s>b"), token => token.Id == 1);
            ITokenizer finding = TokenizerFiles.Open(folder, json, special: true);
            Assert.True(finding.FindsSpecial);
            Assert.Contains(new Token(1, 1, 3), finding.Encode("a<s>b"));
        }
    }

    [Fact]
    public void The_model_beside_a_tokenizer_json_that_cannot_be_read_is_taken()
    {
        using var folder = new TemporaryFolder();
        JsonObject json = TokenizerFiles.All["unigram, first"]();
        json["normalizer"] = new JsonObject { ["type"] = "NFKC" };
        File.WriteAllText(folder["tokenizer.json"], json.ToJsonString());
        Assert.Contains("NFKC", Assert.Throws<InputException>(() => TokenizerFile.Open(folder.Path)).Message, StringComparison.Ordinal);
        File.WriteAllText(folder["tokenizer.model"], "no model");
        string both = Assert.Throws<InputException>(() => TokenizerFile.Open(folder.Path)).Message;
        Assert.Contains("NFKC", both, StringComparison.Ordinal);
        Assert.Contains("tokenizer.model", both, StringComparison.Ordinal);
        File.WriteAllBytes(folder["tokenizer.model"], SentencePieceTests.Small());
        Assert.Contains("tokenizer.model", TokenizerFile.Open(folder.Path).Name, StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_done_exactly_is_named()
    {
        using var folder = new TemporaryFolder();
        (string Name, string Said, Action<JsonObject> Change)[] cases =
        [
            ("pairs, Llama", "the normalizer NFKC", json => json["normalizer"] = Typed("NFKC")),
            ("pairs, Llama", "<0x07>", json => Rename(json, "<0x07>")),
            ("pairs, Llama", "'none'", json => json["model"]!["unk_token"] = "none"),
            ("pairs, Llama", "dropout", json => json["model"]!["dropout"] = 0.5),
            ("pairs, Llama", "suffix", json => json["model"]!["end_of_word_suffix"] = "</w>"),
            ("pairs, Mistral", "prepend_scheme", json => json["pre_tokenizer"]!["prepend_scheme"] = "second"),
            ("pairs, Mistral", "blanks marked", json => json["pre_tokenizer"]!["replacement"] = "ab"),
            ("pairs, Gemma", "pattern", json => json["pre_tokenizer"]!["pattern"] = new JsonObject { ["String"] = "" }),
            ("pairs, Gemma", "behavior", json => json["pre_tokenizer"]!["behavior"] = "Sideways"),
            ("pairs, Gemma", "the pre-tokenizer UnicodeScripts", json => json["pre_tokenizer"] = Typed("UnicodeScripts")),
            ("unigram, first", "unk_id", json => json["model"]!["unk_id"] = null),
            ("unigram, first", "piece 999", json => json["model"]!["unk_id"] = 999),
            ("unigram, first", "a score", json => json["model"]!["vocab"]!.AsArray().Add(new JsonArray("x"))),
            ("unigram, first", "a score", json => json["model"]!["vocab"]!.AsArray().Add(new JsonArray("x", "y"))),
            ("unigram, first", "list of pieces", json => json["model"]!["vocab"] = new JsonObject()),
            ("unigram, T5", "precompiled_charsmap", json => json["normalizer"]!["precompiled_charsmap"] = "AAAA"),
            ("unigram, T5", "base 64", json => json["normalizer"]!["precompiled_charsmap"] = "?"),
            ("words", "unknown", json => json["model"]!["unk_token"] = null),
        ];
        foreach ((string name, string said, Action<JsonObject> change) in cases)
        {
            JsonObject json = TokenizerFiles.All[name]();
            change(json);
            var error = Record.Exception(() => TokenizerFiles.Open(folder, json)) as InputException;
            Assert.True(error is not null, said);
            Assert.Contains(said, error.Message, StringComparison.Ordinal);
            Assert.Contains(folder["tokenizer.json"], error.Message, StringComparison.Ordinal);
        }

        static JsonObject Typed(string type) => new() { ["type"] = type };

        static void Rename(JsonObject json, string token)
        {
            JsonObject vocabulary = json["model"]!["vocab"]!.AsObject();
            int id = vocabulary[token]!.GetValue<int>();
            vocabulary.Remove(token);
            vocabulary["other"] = id;
        }
    }

    // In well under a second each; where work grew with the square of the length, this would not end.
    [Theory]
    [MemberData(nameof(Names))]
    public void A_word_of_a_million_letters_is_read(string name)
    {
        using var folder = new TemporaryFolder();
        ITokenizer tokenizer = TokenizerFiles.Open(folder, TokenizerFiles.All[name]());
        string word = LongWord(1_000_000);
        Assert.Equal(word.Length, tokenizer.Encode(word).Sum(token => token.Length));
    }

    private static string LongWord(int letters) =>
        string.Concat(Enumerable.Range(0, letters).Select(i => (char)('a' + (((i * 7919) + (i / 13)) % 26))));
}
