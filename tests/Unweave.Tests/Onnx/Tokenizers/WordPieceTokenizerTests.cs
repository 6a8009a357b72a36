using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using Microsoft.ML.Tokenizers;
using Unweave.Hosts;
using Unweave.Onnx;
using static Unweave.Tests.Onnx.TokenizerFixture;

namespace Unweave.Tests.Onnx;

public sealed class WordPieceTokenizerTests
{
    private static readonly string[] Vocabulary =
    [
        "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "un", "##able", "##aff", "cafe", "##s", "the", "in", "##dia", "istanbul", "i", ",", "!", "[", "]", "中", "文", "sep", "a", "##a", "𠀀", "日", "##𝒜",
    ];

    private static readonly ITokenizer Tokenizer = Open(Bert(Vocabulary));

    // The example of the paper's own code (unaffable), then one case a rule: case, marks in both forms, ideographs, punctuation, control characters.
    [Theory]
    [InlineData("unaffable", "un@0+2 ##aff@2+3 ##able@5+4")]
    [InlineData(" UNaffABLE ", "un@1+2 ##aff@3+3 ##able@6+4")]
    [InlineData("Cafés", "cafe@0+4 ##s@4+1")]
    [InlineData("Cafe\u0301s!", "cafe@0+4 ##s@5+1 !@6+1")]
    [InlineData("the,\tINDIA", "the@0+3 ,@3+1 in@5+2 ##dia@7+3")]
    [InlineData("中文the", "中@0+1 文@1+1 the@2+3")]
    [InlineData("𠀀a", "𠀀@0+2 a@2+1")]
    [InlineData("th\u200Be", "the@0+4")]
    [InlineData("t\0he", "the@0+4")]
    [InlineData("İstanbul", "istanbul@0+8")]
    [InlineData("the\uD800", "the@0+3")]
    [InlineData("unknown the", "[UNK]@0+7 the@8+3")]
    [InlineData("a😀", "[UNK]@0+3")]
    [InlineData("a𝒜", "a@0+1 ##𝒜@1+2")]
    [InlineData("[SEP]", "[@0+1 sep@1+3 ]@4+1")]
    [InlineData("", "")]
    [InlineData(" \n", "")]
    public void Words_become_the_longest_pieces_and_know_their_place(string text, string expected) => Assert.Equal(expected, Shown(Tokenizer, text, id => Vocabulary[id]));

    [Fact]
    public void Case_and_marks_are_kept_where_the_normaliser_says_so()
    {
        JsonObject json = Bert(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "Café", "café", "i\u0307"]);
        json["normalizer"]!["lowercase"] = false;
        Assert.Equal([5, 6, 1], Open(json).Ids("Café café cafe"));
        json["normalizer"]!["lowercase"] = true;
        json["normalizer"]!["strip_accents"] = false;
        Assert.Equal([6, 6, 1], Open(json).Ids("Café café cafe"));
        Assert.Equal([new Token(7, 0, 1)], Open(json).Encode("İ"));
    }

    [Fact]
    public void Ideographs_are_words_only_where_the_normaliser_says_so()
    {
        JsonObject json = Bert(Vocabulary);
        json["normalizer"]!["handle_chinese_chars"] = false;
        Assert.Equal([1], Open(json).Ids("中文"));
    }

    [Fact]
    public void A_word_of_too_many_characters_is_unknown()
    {
        JsonObject json = Bert(Vocabulary);
        Assert.Equal(100, Open(json).Encode(new string('a', 100)).Count);
        Assert.Equal([new Token(1, 0, 101)], Open(json).Encode(new string('a', 101)));
        json["model"]!["max_input_chars_per_word"] = 3;
        Assert.Equal(3, Open(json).Encode("a𝒜a").Count);
        Assert.Equal([1], Open(json).Ids("aaaa"));
    }

    [Fact]
    public void Pieces_are_those_of_trying_every_length() => Gen.Char["abc"].Array[1, 12].Select(letters => new string(letters)).Sample(word =>
    {
        string[] vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "ab", "b", "abcab", "##a", "##bc", "##b", "##cab", "##ca", "##bcab"];
        Assert.Equal([.. Pieces(word, vocabulary).Select(piece => Array.IndexOf(vocabulary, piece))], Open(Bert(vocabulary)).Ids(word));
    }, iter: 300);

    [Fact]
    public void Another_implementation_finds_the_same_pieces()
    {
        var other = WordPieceTokenizer.Create(new MemoryStream(Encoding.UTF8.GetBytes(string.Join('\n', Vocabulary))));
        foreach (string word in Vocabulary.Skip(5).SelectMany(first => Vocabulary.Skip(5).Select(second => (first + second).Replace("#", "", StringComparison.Ordinal))).Where(word => word.All(char.IsAsciiLetter)))
            Assert.Equal(other.EncodeToIds(word), Tokenizer.Ids(word));
    }

    [Fact]
    public void The_marks_of_a_text_are_those_of_the_template()
    {
        Assert.Equal((2, 3, 0), (Tokenizer.Start, Tokenizer.End, Tokenizer.Padding));
        Assert.Equal($"WordPiece {Vocabulary.Length}", $"{Tokenizer.Name.Split(' ')[0]} {Tokenizer.VocabularySize}");
    }

    [Fact]
    public void Decoding_joins_pieces_and_takes_back_blanks_before_punctuation()
    {
        Assert.Equal("unaffable, the cafes!", Tokenizer.Decode(Tokenizer.Ids("unaffable , the cafés !")));
        JsonObject json = Bert(Vocabulary);
        json["decoder"]!["cleanup"] = false;
        Assert.Equal("unaffable , the", Open(json).Decode(Tokenizer.Ids("unaffable, the")));
    }

    [Fact]
    public void Tokens_stay_in_order_and_within_the_text() => AnyText.Sample(text =>
    {
        int end = 0;
        foreach (Token token in Tokenizer.Encode(text))
        {
            Assert.True(token.Start >= end || token.Length == 0, $"{token} after {end}");
            end = Math.Max(end, token.Start + token.Length);
            Assert.InRange(end, 0, text.Length);
        }
    }, iter: 1000);

    [Fact]
    public void A_vocabulary_as_lines_is_the_same_tokenizer()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["vocab.txt"], string.Join("\r\n", Vocabulary) + "\r\n");
        ITokenizer tokenizer = TokenizerFile.Open(folder.Path);
        Assert.Equal(Tokenizer.Ids("Unaffable Cafés, 中文 the India"), tokenizer.Ids("Unaffable Cafés, 中文 the India"));
        Assert.Equal((2, 3, 0), (tokenizer.Start, tokenizer.End, tokenizer.Padding));
    }

    [Fact]
    public void Case_counts_in_a_vocabulary_with_capitals_unless_its_configuration_says_otherwise()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllLines(folder["vocab.txt"], ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "The", "the"]);
        Assert.Equal([5, 6], TokenizerFile.Open(folder.Path).Ids("The the"));
        File.WriteAllText(folder["tokenizer_config.json"], """{ "do_lower_case": true }""");
        Assert.Equal([6, 6], TokenizerFile.Open(folder.Path).Ids("The the"));
    }

    [Theory]
    [InlineData("the\nthe\n", "lines 1 and 2")]
    [InlineData("the\nof\n", "[UNK]")]
    [InlineData("", "empty")]
    public void A_vocabulary_that_is_none_is_named(string content, string named)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["vocab.txt"], content);
        string message = Assert.Throws<InputException>(() => TokenizerFile.Open(folder.Path)).Message;
        Assert.StartsWith(folder["vocab.txt"] + ": ", message, StringComparison.Ordinal);
        Assert.Contains(named, message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_vocabulary_that_is_not_text_is_named()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["vocab.txt"], [0x61, 0x0A, 0xFF, 0xFE]);
        Assert.Contains("UTF-8", Assert.Throws<InputException>(() => TokenizerFile.Open(folder.Path)).Message, StringComparison.Ordinal);
    }

    private static JsonObject Bert(string[] vocabulary) => new()
    {
        ["added_tokens"] = new JsonArray([.. vocabulary.Index().Take(5).Select(entry => (JsonNode)Added(entry.Item, entry.Index))]),
        ["normalizer"] = new JsonObject { ["type"] = "BertNormalizer", ["clean_text"] = true, ["handle_chinese_chars"] = true, ["strip_accents"] = null, ["lowercase"] = true },
        ["pre_tokenizer"] = new JsonObject { ["type"] = "BertPreTokenizer" },
        ["post_processor"] = JsonNode.Parse("""
            {
              "type": "TemplateProcessing",
              "single": [{ "SpecialToken": { "id": "[CLS]", "type_id": 0 } }, { "Sequence": { "id": "A", "type_id": 0 } }, { "SpecialToken": { "id": "[SEP]", "type_id": 0 } }],
              "pair": [],
              "special_tokens": { "[CLS]": { "id": "[CLS]", "ids": [2], "tokens": ["[CLS]"] }, "[SEP]": { "id": "[SEP]", "ids": [3], "tokens": ["[SEP]"] } }
            }
            """),
        ["padding"] = new JsonObject { ["pad_id"] = 0, ["pad_token"] = "[PAD]" },
        ["decoder"] = new JsonObject { ["type"] = "WordPiece", ["prefix"] = "##", ["cleanup"] = true },
        ["model"] = new JsonObject
        {
            ["type"] = "WordPiece",
            ["unk_token"] = "[UNK]",
            ["continuing_subword_prefix"] = "##",
            ["max_input_chars_per_word"] = 100,
            ["vocab"] = new JsonObject(Numbered(vocabulary).Select(entry => KeyValuePair.Create<string, JsonNode?>(entry.Key, entry.Value))),
        },
    };

    /// <summary>The longest piece first, as the paper has it; nothing found at a place makes the word unknown.</summary>
    private static List<string> Pieces(string word, string[] vocabulary)
    {
        var pieces = new List<string>();
        for (string rest = word; rest.Length > 0;)
        {
            string? longest = vocabulary.Where(token => token[0] != '[')
                .Where(token => pieces.Count == 0 ? rest.StartsWith(token, StringComparison.Ordinal) : token.StartsWith("##", StringComparison.Ordinal) && rest.StartsWith(token[2..], StringComparison.Ordinal))
                .MaxBy(token => token.Length);
            if (longest is null) return ["[UNK]"];
            pieces.Add(longest);
            rest = rest[longest.Replace("#", "", StringComparison.Ordinal).Length..];
        }

        return pieces;
    }
}
