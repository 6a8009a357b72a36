using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using Unweave.Hosts;
using Unweave.Onnx;

namespace Unweave.Tests.Onnx.Tokenizers;

public sealed class WordPieceTests
{
    private static readonly string[] Vocabulary =
    [
        "[PAD]", "[UNK]", "[CLS]", "[SEP]", "cafe", "un", "##aff", "##able", "!", "中", "文", "the", "a", "##b", "i", "##\u0307", "ᄒ", "##ᅡ",
        "##ᆫ", "か", "$",
    ];

    [Theory]
    [InlineData("Café!", "cafe 0 4|! 4 1")]
    [InlineData("Cafe\u0301!", "cafe 0 5|! 5 1")] // the mark belongs to the letter before it
    [InlineData("the\nUNAFFABLE", "the 0 3|un 4 2|##aff 6 3|##able 9 4")] // a line end cuts words
    [InlineData(" 中文a", "中 1 1|文 2 1|a 3 1")]
    [InlineData("a\u0000b c", "a 0 1|##b 2 1|[UNK] 4 1")]
    [InlineData("한", "ᄒ 0 1|##ᅡ 1 0|##ᆫ 1 0")] // one syllable is three letters
    [InlineData("が", "か 0 1")]
    [InlineData("İ", "i 0 1")]
    [InlineData("[CLS]", "[UNK] 0 1|[UNK] 1 3|[UNK] 4 1")] // written in a text, it is text
    [InlineData("a$🙂", "a 0 1|$ 1 1|[UNK] 2 2")]
    [InlineData("a\u2260a", "a 0 1|[UNK] 1 1|a 2 1")] // decomposed, it is an equals sign, a word of its own
    [InlineData("$\u1FEFa", "$ 0 1|[UNK] 1 1|a 2 1")]
    [InlineData("", "")]
    public void Ids_and_places_are_those_worked_out_by_hand(string text, string expected)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllLines(folder["vocab.txt"], Vocabulary);
        ITokenizer tokenizer = TokenizerFile.Open(folder.Path);
        Assert.Equal(
            expected, string.Join('|', tokenizer.Encode(text).Select(token => $"{Vocabulary[token.Id]} {token.Start} {token.Length}")));
        Assert.Equal((2, 3, 0, Vocabulary.Length), (tokenizer.Start, tokenizer.End, tokenizer.Padding, tokenizer.VocabularySize));
    }

    [Fact]
    public void Case_and_accents_count_where_the_files_say_so()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllLines(folder["vocab.txt"], [.. Vocabulary, "Café", "İ"]);
        Assert.Equal([Vocabulary.Length, Vocabulary.Length + 1],
            TokenizerFile.Open(folder.Path).Encode("Café İ").Select(token => token.Id));
        File.WriteAllText(folder["tokenizer_config.json"], """{ "do_lower_case": true, "strip_accents": false }""");
        Token[] tokens = [.. TokenizerFile.Open(folder.Path).Encode("The İ")];
        Assert.Equal([new Token(11, 0, 3), new Token(14, 4, 1), new Token(15, 5, 0)], tokens);
    }

    [Fact]
    public void A_tokenizer_json_is_the_same_as_its_vocabulary()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllLines(folder["vocab.txt"], Vocabulary);
        ITokenizer lines = TokenizerFile.Open(folder.Path);
        File.WriteAllText(folder["tokenizer.json"], Json().ToJsonString());
        ITokenizer json = TokenizerFile.Open(folder.Path);
        Assert.Equal((2, 3), (json.Start, json.End));
        Assert.Equal("unaffable cafe", json.Decode([5, 6, 7, 4]));
        Gen.Char.Array[0, 12].Select(units => new string(units)).Sample(text => Assert.Equal(lines.Encode(text), json.Encode(text)));
    }

    [Fact]
    public void Places_are_in_order_and_within_the_text()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllLines(folder["vocab.txt"], Vocabulary);
        ITokenizer tokenizer = TokenizerFile.Open(folder.Path);
        Gen.OneOf(Gen.Char, Gen.Char['a', 'c'], Gen.Char['\u00C0', '\u01FF'], Gen.Char['\u0300', '\u0310'],
            Gen.Char['\uAC00', '\uAD00']).Array[0, 16].Select(units => new string(units)).Sample(text =>
        {
            int at = 0;
            foreach (Token token in tokenizer.Encode(text))
            {
                Assert.InRange(token.Start, at, text.Length);
                at = token.Start + token.Length;
                Assert.InRange(at, token.Start, text.Length);
            }
        });
    }

    [Fact]
    public void A_word_of_too_many_characters_is_unknown()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllLines(folder["vocab.txt"], Vocabulary);
        ITokenizer tokenizer = TokenizerFile.Open(folder.Path);
        Assert.Equal(100, tokenizer.Encode("a" + new string('b', 99)).Count);
        Assert.Equal([new Token(1, 0, 101)], tokenizer.Encode("a" + new string('b', 100)));
    }

    [Fact]
    public void A_piece_has_the_blank_of_a_word()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllLines(folder["vocab.txt"], Vocabulary);
        ITokenizer tokenizer = TokenizerFile.Open(folder.Path);
        Assert.Equal((" cafe", "aff", "!"), (tokenizer.PieceText(4), tokenizer.PieceText(6), tokenizer.PieceText(8)));
        Assert.Equal([new Token(11, 0, 3), new Token(3, 3, 5)], TokenizerFile.Open(folder.Path, special: true).Encode("the[SEP]"));
    }

    [Fact]
    public void Damaged_files_are_named()
    {
        using var folder = new TemporaryFolder();
        string[] bad =
        [
            Changed(json => json["normalizer"] = null),
            Changed(json => json["normalizer"] = new JsonObject { ["type"] = "NFKC" }),
            Changed(json => json["pre_tokenizer"]!["type"] = "Whitespace"),
            Changed(json => json["model"]!["unk_token"] = "<unk>"),
            Changed(json => json["model"]!["vocab"]!["the\n"] = 77),
            Changed(json => json["model"]!["vocab"]![""] = 77),
            Changed(json => json["model"]!["max_input_chars_per_word"] = -1),
            Changed(json => json["added_tokens"] = new JsonArray(new JsonObject { ["id"] = 99, ["content"] = "new" })),
        ];
        foreach (string text in bad)
        {
            File.WriteAllText(folder["tokenizer.json"], text);
            var error = Record.Exception(() => TokenizerFile.Open(folder.Path)) as InputException;
            Assert.True(error is not null, text);
            Assert.Contains(folder["tokenizer.json"], error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', error.Message);
        }

        foreach (string text in (string[])["", "the\nof\n"])
        {
            File.WriteAllText(folder["vocab.txt"], text);
            Assert.Contains(folder["vocab.txt"], Assert.Throws<InputException>(() => TokenizerFile.Open(folder["vocab.txt"])).Message,
                StringComparison.Ordinal);
        }
    }

    private static string Changed(Action<JsonObject> change)
    {
        JsonObject json = Json();
        change(json);
        return json.ToJsonString();
    }

    private static JsonObject Json() => new()
    {
        ["added_tokens"] = new JsonArray(new JsonObject { ["id"] = 2, ["content"] = "[CLS]", ["special"] = true }),
        ["normalizer"] = new JsonObject { ["type"] = "BertNormalizer", ["lowercase"] = true, ["strip_accents"] = null },
        ["pre_tokenizer"] = new JsonObject { ["type"] = "BertPreTokenizer" },
        ["post_processor"] = JsonNode.Parse("""{ "type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2] }"""),
        ["model"] = new JsonObject
        {
            ["type"] = "WordPiece",
            ["unk_token"] = "[UNK]",
            ["continuing_subword_prefix"] = "##",
            ["max_input_chars_per_word"] = 100,
            ["vocab"] = JsonSerializer.SerializeToNode(Vocabulary.Select((token, id) => (token, id))
                .ToDictionary(pair => pair.token, pair => pair.id, StringComparer.Ordinal)),
        },
    };
}
