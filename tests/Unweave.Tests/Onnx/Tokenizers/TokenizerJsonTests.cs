using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using Unweave.Hosts;
using Unweave.Onnx;
using static Unweave.Tests.Onnx.TokenizerFixture;

namespace Unweave.Tests.Onnx;

public sealed class TokenizerJsonTests
{
    private static readonly string[] Bytes = [.. Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>")];

    private static readonly string[] Llama2Tokens = ["<unk>", "<s>", "</s>", .. Bytes, "▁", "a", "b", "▁a", "ab", "▁ab", "<", "s", ">"];

    private static readonly (string, string)[] Llama2Merges = [("▁", "a"), ("a", "b"), ("▁a", "b")];

    // By hand: ▁+a goes first, so that "ab" at the start of a word is ▁a+b = ▁ab, and within one a+b.
    [Theory]
    [InlineData("ab", "▁ab@0+2")]
    [InlineData(" ab", "▁@0+0 ▁ab@0+3")]
    [InlineData("aab a", "▁a@0+1 ab@1+2 ▁a@3+2")]
    [InlineData("é😀b", "▁@0+0 <0xC3>@0+1 <0xA9>@0+0 <0xF0>@1+2 <0x9F>@1+0 <0x98>@1+0 <0x80>@1+0 b@3+1")]
    [InlineData("<s>", "▁@0+0 <@0+1 s@1+1 >@2+1")]
    [InlineData("", "")]
    public void Blanks_are_written_out_and_unknown_characters_become_bytes(string text, string expected)
    {
        Assert.Equal(expected, Shown(Open(Llama2()), text, id => Llama2Tokens[id]));

        // Newer files say the same with a pre-tokenizer, but do not put a blank before a blank.
        JsonObject newer = Llama2();
        newer["normalizer"] = null;
        newer["pre_tokenizer"] = new JsonObject { ["type"] = "Metaspace", ["replacement"] = "▁", ["prepend_scheme"] = "first", ["split"] = false };
        Assert.Equal(text.StartsWith(' ') ? "▁ab@0+3" : expected, Shown(Open(newer), text, id => Llama2Tokens[id]));
    }

    [Fact]
    public void Decoding_takes_back_the_blank_before_a_text()
    {
        ITokenizer tokenizer = Open(Llama2());
        AnyText.Sample(text => Assert.Equal(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)).Replace('▁', ' '), tokenizer.Decode(tokenizer.Ids(text))), iter: 1000);
        Assert.Equal("\uFFFDb", tokenizer.Decode([3 + 0xE6, Array.IndexOf(Llama2Tokens, "b")]));
    }

    [Fact]
    public void A_blank_before_words_splits_them()
    {
        JsonObject json = Llama2();
        json["normalizer"] = null;
        json["pre_tokenizer"] = new JsonObject { ["type"] = "Metaspace", ["replacement"] = "▁", ["add_prefix_space"] = true };
        json["decoder"] = new JsonObject { ["type"] = "Metaspace", ["replacement"] = "▁", ["add_prefix_space"] = true };
        ITokenizer tokenizer = Open(json);
        Assert.Equal("▁ab@0+2 ▁@2+1 ▁a@3+2", Shown(tokenizer, "ab  a", id => Llama2Tokens[id]));
        Assert.Equal("ab  a", tokenizer.Decode(tokenizer.Ids("ab  a")));
        json["pre_tokenizer"] = new JsonObject { ["type"] = "Metaspace", ["replacement"] = "▁", ["prepend_scheme"] = "never" };
        Assert.Equal("ab@0+2 ▁a@2+2", Shown(Open(json), "ab a", id => Llama2Tokens[id]));
        json["pre_tokenizer"] = new JsonObject { ["type"] = "Metaspace", ["replacement"] = "▁", ["prepend_scheme"] = "always", ["add_prefix_space"] = false };
        Assert.Contains("contradicts", Refusal(json), StringComparison.Ordinal);
    }

    [Fact]
    public void Unknown_characters_are_one_token_each_one_together_or_none()
    {
        JsonObject json = Llama2();
        json["model"]!["byte_fallback"] = false;
        Assert.Equal("▁@0+0 <unk>@0+2 b@2+1", Shown(Open(json), "xyb", id => Llama2Tokens[id]));
        json["model"]!["fuse_unk"] = false;
        Assert.Equal("▁@0+0 <unk>@0+1 <unk>@1+1 b@2+1", Shown(Open(json), "xyb", id => Llama2Tokens[id]));
        json["model"]!["unk_token"] = null;
        Assert.Equal("▁@0+0 b@2+1", Shown(Open(json), "xyb", id => Llama2Tokens[id]));
    }

    [Fact]
    public void Ends_of_words_are_written_as_the_vocabulary_has_them()
    {
        // As CLIP and the first GPT have it: the last character of a word carries </w>.
        string[] tokens = ["<unk>", "a", "b", "a</w>", "b</w>", "ab</w>"];
        JsonObject json = new()
        {
            ["normalizer"] = new JsonObject { ["type"] = "Lowercase" },
            ["pre_tokenizer"] = new JsonObject { ["type"] = "WhitespaceSplit" },
            ["decoder"] = new JsonObject { ["type"] = "BPEDecoder", ["suffix"] = "</w>" },
            ["model"] = BytePairModel(Numbered(tokens), [("a", "b</w>")]),
        };
        json["model"]!["end_of_word_suffix"] = "</w>";
        Assert.Equal("ab</w>@0+2 b@3+1 a</w>@4+1", Shown(Open(json), "AB ba", id => tokens[id]));
        Assert.Equal("ab ba", Open(json).Decode(Open(json).Ids("AB ba")));
    }

    [Fact]
    public void Continued_words_are_written_as_the_vocabulary_has_them()
    {
        string[] tokens = ["[UNK]", "a", "##b", "##c", "ab", "##bc", "abc"];
        JsonObject json = new() { ["pre_tokenizer"] = new JsonObject { ["type"] = "Whitespace" }, ["model"] = BytePairModel(Numbered(tokens), [("##b", "##c"), ("a", "##bc")]) };
        json["model"]!["continuing_subword_prefix"] = "##";
        json["model"]!["unk_token"] = "[UNK]";
        Assert.Equal("abc@0+3 a@4+1 ##b@5+1 [UNK]@6+1 [UNK]@7+1", Shown(Open(json), "abc ab!b", id => tokens[id]));
    }

    [Fact]
    public void Text_is_normalised_in_the_order_of_the_file_and_keeps_its_place()
    {
        JsonObject json = Letters("aéxİ_");
        json["normalizer"] = JsonNode.Parse("""
            { "type": "Sequence", "normalizers": [
              { "type": "Strip", "strip_left": true, "strip_right": true }, { "type": "NFD" }, { "type": "StripAccents" }, { "type": "Lowercase" },
              { "type": "Replace", "pattern": { "String": "aa" }, "content": "x" }, { "type": "Prepend", "prepend": "_" } ] }
            """);
        Assert.Equal("_@1+0 x@1+2 x@3+1 a@4+1", Shown(Open(json), " ÀAXá ", Name));

        json["normalizer"] = new JsonObject { ["type"] = "NFC" };
        Assert.Equal("a@0+1 é@1+2 x@3+1", Shown(Open(json), "ae\u0301x", Name));

        static string Name(int id) => "aéxİ_"[id].ToString();
    }

    [Fact]
    public void Digits_punctuation_and_strings_split()
    {
        JsonObject json = Letters("a12.,-");
        json["model"]!["merges"] = new JsonArray();
        foreach (string pair in (string[])["12", "a1", "2.", ".,", "a-", "-a"])
        {
            ((JsonObject)json["model"]!["vocab"]!).Add(pair, json["model"]!["vocab"]!.AsObject().Count);
            json["model"]!["merges"]!.AsArray().Add($"{pair[0]} {pair[1]}");
        }

        string[] tokens = ["a", "1", "2", ".", ",", "-", "12", "a1", "2.", ".,", "a-", "-a"];
        Assert.Equal("a 12 ., a-", Split(null));
        Assert.Equal("a 1 2 ., a-", Split("""{ "type": "Digits", "individual_digits": true }"""));
        Assert.Equal("a 12 ., a-", Split("""{ "type": "Digits", "individual_digits": false }"""));
        Assert.Equal("a 12 . , a -", Split("""{ "type": "Punctuation" }"""));
        Assert.Equal("a 12 ., a -", Split("""{ "type": "Punctuation", "behavior": "Contiguous" }"""));
        Assert.Equal("a 12 a-", Split("""{ "type": "Split", "pattern": { "String": ".," }, "behavior": "Removed", "invert": false }"""));
        Assert.Equal("a 12 . ,", Split("""{ "type": "Sequence", "pretokenizers": [{ "type": "Split", "pattern": { "Regex": "a-" }, "behavior": "Removed" }, { "type": "Punctuation" }] }"""));

        string Split(string? step)
        {
            json["pre_tokenizer"] = step is null ? null : JsonNode.Parse(step);
            return string.Join(' ', Open(json).Ids("a12.,a-").Select(id => tokens[id]));
        }
    }

    [Fact]
    public void Added_tokens_that_are_not_special_are_found_in_the_text()
    {
        // As in GPT-NeoX: runs of blanks; of two that fit, the longer.
        JsonObject json = Letters("ab ");
        JsonObject stripping = Added("<m>", 5, special: false);
        stripping["lstrip"] = true;
        JsonObject alone = Added("ba", 6, special: false);
        alone["single_word"] = true;
        json["added_tokens"] = new JsonArray(Added("  ", 3, special: false), Added("   ", 4, special: false), stripping, alone, Added("B", 7, special: false, normalized: true), Added("ab", 8));
        Assert.Equal("0@0+1 4@1+3 2@4+1 1@5+1", Ids("a    b"));
        Assert.Equal("0@0+1 5@1+4 1@5+1", Ids("a <m>b"));
        Assert.Equal("6@0+2 2@2+1 6@3+2", Ids("ba ba"));
        Assert.Equal("1@0+1 0@1+1 0@2+1", Ids("baa"));
        Assert.Equal("0@0+1 1@1+1", Ids("ab"));
        Assert.Equal("0@0+1 7@1+1", Ids("aB"));
        json["normalizer"] = new JsonObject { ["type"] = "Lowercase" };
        Assert.Equal("0@0+1 7@1+1", Ids("Ab"));

        string Ids(string text) => Shown(Open(json), text, id => id.ToString());
    }

    [Theory]
    [InlineData("""{ "type": "RobertaProcessing", "sep": ["b", 1], "cls": ["a", 0], "trim_offsets": true, "add_prefix_space": false }""", 0, 1)]
    [InlineData("""{ "type": "BertProcessing", "sep": ["b", 1], "cls": ["a", 0] }""", 0, 1)]
    [InlineData("""{ "type": "ByteLevel", "trim_offsets": true }""", null, null)]
    [InlineData("""{ "type": "Sequence", "processors": [{ "type": "ByteLevel" }, { "type": "TemplateProcessing", "single": [{ "SpecialToken": { "id": "b", "type_id": 0 } }, { "Sequence": { "id": "A", "type_id": 0 } }], "special_tokens": { "b": { "id": "b", "ids": [1], "tokens": ["b"] } } }] }""", 1, null)]
    [InlineData("""{ "type": "TemplateProcessing", "single": [{ "Sequence": { "id": "A", "type_id": 0 } }, { "SpecialToken": { "id": "b", "type_id": 0 } }], "special_tokens": { "b": { "id": "b", "ids": [1], "tokens": ["b"] } } }""", null, 1)]
    public void The_ends_of_a_text_are_those_of_the_post_processor(string processor, int? start, int? end)
    {
        JsonObject json = Letters("ab");
        json["post_processor"] = JsonNode.Parse(processor);
        ITokenizer tokenizer = Open(json);
        Assert.Equal((start, end), (tokenizer.Start, tokenizer.End));
    }

    [Theory]
    [InlineData("""{ "bos_token": "b", "eos_token": "a", "pad_token": "a" }""", 1, null, 0)]
    [InlineData("""{ "bos_token": { "content": "b" }, "add_bos_token": true, "eos_token": "a", "add_eos_token": true }""", 1, 0, null)]
    [InlineData("""{ "bos_token": "b", "add_bos_token": false }""", null, null, null)]
    [InlineData("""{ "bos_token": "<|endoftext|>", "add_bos_token": false }""", 2, null, null)]
    [InlineData("""{ "bos_token": null }""", null, null, null)]
    [InlineData("""{ "model_max_length": 1024 }""", 2, null, null)]
    public void What_stands_beside_a_file_names_the_ends_it_leaves_open(string config, int? start, int? end, int? padding)
    {
        JsonObject json = Letters("ab");
        json["pre_tokenizer"] = ByteLevel();
        json["added_tokens"] = new JsonArray(Added("<|endoftext|>", 2));
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["tokenizer.json"], json.ToJsonString());
        File.WriteAllText(folder["tokenizer_config.json"], config);
        Assert.Equal((start, end, padding), Ends());

        // Flags are the configuration's alone; tokens can also be named by the map.
        if (config.Contains("add_", StringComparison.Ordinal)) return;
        File.Move(folder["tokenizer_config.json"], folder["special_tokens_map.json"]);
        Assert.Equal((start, end, padding), Ends());

        (int?, int?, int?) Ends()
        {
            ITokenizer tokenizer = TokenizerFile.Open(folder.Path);
            return (tokenizer.Start, tokenizer.End, tokenizer.Padding);
        }
    }

    [Theory]
    [InlineData("normalizer", """{ "type": "NFKC" }""", "normaliser NFKC")]
    [InlineData("normalizer", """{ "type": "Precompiled", "precompiled_charsmap": "" }""", "normaliser Precompiled")]
    [InlineData("normalizer", """{ "type": "Sequence", "normalizers": [{ "type": "NFC" }, { "type": "Nmt" }] }""", "normalizer.normalizers[1]")]
    [InlineData("normalizer", """{ "type": "Replace", "pattern": { "Regex": "a+" }, "content": "a" }""", "regular expression")]
    [InlineData("normalizer", """{ "type": "Replace", "pattern": { "String": "" }, "content": "a" }""", "is empty")]
    [InlineData("normalizer", """{ }""", "normalizer has no 'type'")]
    [InlineData("normalizer", "\"NFC\"", "normalizer should be an object")]
    [InlineData("pre_tokenizer", """{ "type": "UnicodeScripts" }""", "pre-tokenizer UnicodeScripts")]
    [InlineData("pre_tokenizer", """{ "type": "Split", "pattern": { "Regex": "\\w+" }, "behavior": "Isolated" }""", "\\w")]
    [InlineData("pre_tokenizer", """{ "type": "Split", "pattern": { "String": "a" }, "behavior": "Some" }""", "MergedWithPrevious")]
    [InlineData("pre_tokenizer", """{ "type": "ByteLevel", "add_prefix_space": "yes" }""", "pre_tokenizer.add_prefix_space should be true or false")]
    [InlineData("pre_tokenizer", """{ "type": "Metaspace", "replacement": "__" }""", "one character")]
    [InlineData("post_processor", """{ "type": "Magic" }""", "post-processor Magic")]
    [InlineData("post_processor", """{ "type": "BertProcessing", "sep": ["b", 7], "cls": ["a", 0] }""", "id 7")]
    [InlineData("post_processor", """{ "type": "BertProcessing", "sep": ["b"], "cls": ["a", 0] }""", "token and its id")]
    [InlineData("post_processor", """{ "type": "TemplateProcessing", "single": [{ "SpecialToken": { "id": "a" } }, { "SpecialToken": { "id": "a" } }, { "Sequence": { "id": "A" } }], "special_tokens": { "a": { "ids": [0] } } }""", "more than one token")]
    [InlineData("decoder", """{ "type": "CTC" }""", "decoder CTC")]
    [InlineData("padding", """{ "pad_id": 9 }""", "padding.pad_id")]
    [InlineData("added_tokens", """[{ "id": 2, "content": "" }]""", "added_tokens[0] has no content")]
    [InlineData("added_tokens", """[{ "id": 0, "content": "b" }]""", "'b' has the id 1 in one place and 0 in another")]
    [InlineData("added_tokens", """[{ "id": 1, "content": "c" }]""", "same id 1")]
    [InlineData("added_tokens", """[{ "id": 5, "content": "c" }]""", "no token has the id 2")]
    [InlineData("added_tokens", """[{ "id": -1, "content": "c" }]""", "added_tokens[0].id")]
    [InlineData("added_tokens", "{}", "added_tokens should be an array")]
    [InlineData("model", "null", "no 'model'")]
    [InlineData("model", """{ "type": "WordLevel", "vocab": { "a": 0 } }""", "type WordLevel")]
    [InlineData("model", """{ "type": "Unigram", "vocab": [] }""", ".model")]
    [InlineData("model", """{ "type": "BPE", "vocab": {}, "merges": [] }""", "vocabulary is empty")]
    [InlineData("model", """{ "type": "BPE", "vocab": { "a": 0, "b": 0 }, "merges": [] }""", "same id 0")]
    [InlineData("model", """{ "type": "BPE", "vocab": { "a": 0, "b": 2 }, "merges": [] }""", "no token has the id 1")]
    [InlineData("model", """{ "type": "BPE", "vocab": { "a": 0, "b": 2000000000 }, "merges": [] }""", "2000000000")]
    [InlineData("model", """{ "type": "BPE", "vocab": { "a": 0, "b": 1.5 }, "merges": [] }""", "whole number")]
    [InlineData("model", """{ "type": "BPE", "vocab": [], "merges": [] }""", "model.vocab should be an object")]
    [InlineData("model", """{ "type": "BPE", "vocab": { "a": 0, "b": 1 }, "merges": ["a b"] }""", "needs the token 'ab'")]
    [InlineData("model", """{ "type": "BPE", "vocab": { "a": 0, "ac": 1 }, "merges": [["a", "c"]] }""", "needs the token 'c'")]
    [InlineData("model", """{ "type": "BPE", "vocab": { "a": 0 }, "merges": ["a b c"] }""", "merges[0] should be two tokens")]
    [InlineData("model", """{ "type": "BPE", "vocab": { "a": 0 }, "merges": [7] }""", "merges[0]")]
    [InlineData("model", """{ "type": "BPE", "vocab": { "a": 0 } }""", "model has no 'merges'")]
    [InlineData("model", """{ "type": "BPE", "vocab": { "a": 0 }, "merges": [], "unk_token": "<unk>" }""", "model.unk_token")]
    [InlineData("model", """{ "type": "BPE", "vocab": { "a": 0 }, "merges": [], "dropout": 0.1 }""", "random")]
    [InlineData("model", """{ "type": "WordPiece", "vocab": { "a": 0 } }""", "[UNK]")]
    public void What_is_wrong_or_cannot_be_done_is_named(string member, string value, string named)
    {
        JsonObject json = Letters("ab");
        json[member] = JsonNode.Parse(value);
        string message = Refusal(json);
        Assert.Contains("tokenizer.json: ", message, StringComparison.Ordinal);
        Assert.Contains(named, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [Theory]
    [InlineData("", "not valid JSON")]
    [InlineData("{", "not valid JSON")]
    [InlineData("[]", "should be an object")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "a": 0, "a": 1 }, "merges": [] } }""", "not valid JSON")]
    [InlineData("""{ "model": { "type": "BPE", "vocab": { "\ud83d": 0 }, "merges": [] } }""", "surrogate")]
    [InlineData("version https://git-lfs.github.com/spec/v1", "not valid JSON")]
    public void A_file_that_is_no_tokenizer_is_named(string content, string named)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["tokenizer.json"], content);
        string message = Assert.Throws<InputException>(() => TokenizerFile.Open(folder.Path)).Message;
        Assert.StartsWith(folder["tokenizer.json"] + ": ", message, StringComparison.Ordinal);
        Assert.Contains(named, message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_file_is_refused_or_read_never_a_crash()
    {
        byte[] whole = Encoding.UTF8.GetBytes(Llama2().ToJsonString());
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte).Sample((at, value) =>
        {
            byte[] damaged = [.. whole];
            damaged[at] = value;
            using var folder = new TemporaryFolder();
            File.WriteAllBytes(folder["tokenizer.json"], damaged);
            try
            {
                ITokenizer tokenizer = TokenizerFile.Open(folder.Path);
                Assert.All(tokenizer.Ids("ab é a"), id => Assert.InRange(id, 0, tokenizer.VocabularySize - 1));
            }
            catch (InputException)
            {
                // Refused by name: what is asked for.
            }
        }, iter: 1000);
    }

    [Fact]
    public void A_folder_is_searched_for_the_best_description()
    {
        using var folder = new TemporaryFolder();
        string message = Assert.Throws<InputException>(() => TokenizerFile.Open(folder.Path)).Message;
        foreach (string name in (string[])[folder.Path, "tokenizer.json", "*.model", "vocab.json", "merges.txt", "vocab.txt"]) Assert.Contains(name, message, StringComparison.Ordinal);
        Assert.Contains("no such file", Assert.Throws<InputException>(() => TokenizerFile.Open(folder["missing.json"])).Message, StringComparison.Ordinal);

        File.WriteAllLines(folder["vocab.txt"], ["[UNK]", "a"]);
        Assert.StartsWith("WordPiece ", TokenizerFile.Open(folder.Path).Name, StringComparison.Ordinal);
        File.WriteAllText(folder["vocab.json"], """{ "a": 0 }""");
        Assert.StartsWith("WordPiece ", TokenizerFile.Open(folder.Path).Name, StringComparison.Ordinal);
        Assert.Contains("merges.txt", Assert.Throws<InputException>(() => TokenizerFile.Open(folder["vocab.json"])).Message, StringComparison.Ordinal);
        File.WriteAllText(folder["merges.txt"], "#version: 0.2\n");
        Assert.StartsWith("byte-level BPE ", TokenizerFile.Open(folder.Path).Name, StringComparison.Ordinal);
        File.WriteAllBytes(folder["spiece.model"], SentencePiece(2, [("<unk>", 0, 2), ("a", 0, 1)]));
        Assert.StartsWith("SentencePiece BPE ", TokenizerFile.Open(folder.Path).Name, StringComparison.Ordinal);
        File.Copy(folder["spiece.model"], folder["other.model"]);
        Assert.Contains("name the file", Assert.Throws<InputException>(() => TokenizerFile.Open(folder.Path)).Message, StringComparison.Ordinal);
        File.WriteAllText(folder["tokenizer.json"], Letters("ab").ToJsonString());
        Assert.StartsWith("BPE ", TokenizerFile.Open(folder.Path).Name, StringComparison.Ordinal);
        File.WriteAllText(folder["notes.md"], "");
        Assert.Contains("name one of these", Assert.Throws<InputException>(() => TokenizerFile.Open(folder["notes.md"])).Message, StringComparison.Ordinal);
        File.WriteAllText(folder["merges.txt"], "a\n");
        Assert.Contains("line 1", Assert.Throws<InputException>(() => TokenizerFile.Open(folder["vocab.json"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tokenizer_must_not_know_more_than_its_model()
    {
        ITokenizer tokenizer = Open(Letters("abc"));
        tokenizer.Fits(3, "the model");
        tokenizer.Fits(64, "the model");
        string message = Assert.Throws<InputException>(() => tokenizer.Fits(2, "gpt2/model.onnx")).Message;
        Assert.Contains("has 3 tokens, but gpt2/model.onnx knows only 2", message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Fits(0, "the model"));
    }

    private static JsonObject Letters(string letters) => new() { ["decoder"] = new JsonObject { ["type"] = "Fuse" }, ["model"] = BytePairModel(Numbered(letters.Select(c => c.ToString())), []) };

    private static JsonObject Llama2()
    {
        JsonObject model = BytePairModel(Numbered(Llama2Tokens), Llama2Merges);
        model["unk_token"] = "<unk>";
        model["fuse_unk"] = true;
        model["byte_fallback"] = true;
        return new JsonObject
        {
            ["added_tokens"] = new JsonArray(Added("<unk>", 0), Added("<s>", 1), Added("</s>", 2)),
            ["normalizer"] = JsonNode.Parse("""{ "type": "Sequence", "normalizers": [{ "type": "Prepend", "prepend": "▁" }, { "type": "Replace", "pattern": { "String": " " }, "content": "▁" }] }"""),
            ["pre_tokenizer"] = null,
            ["decoder"] = JsonNode.Parse("""
                { "type": "Sequence", "decoders": [
                  { "type": "Replace", "pattern": { "String": "▁" }, "content": " " }, { "type": "ByteFallback" }, { "type": "Fuse" }, { "type": "Strip", "content": " ", "start": 1, "stop": 0 } ] }
                """),
            ["model"] = model,
        };
    }
}
