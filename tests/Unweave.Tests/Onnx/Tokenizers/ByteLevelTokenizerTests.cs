using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CsCheck;
using Unweave.Hosts;
using Unweave.Onnx;

namespace Unweave.Tests.Onnx.Tokenizers;

public sealed class ByteLevelTokenizerTests
{
    private static readonly string[] Merges =
    [
        "h e", "l l", "he ll", "Ġ w", "o r", "Ġw or", "hell o", "Ã ©", "Ġ Ġ", "1 2", "a a", "aa aa", "' s", "i n", "Ġ in", "t h", "th e",
        "Ġ the",
    ];

    private static readonly string[] Pieces =
    [
        "hello", " world", "the", " in", "'s", "é", "  ", "\n", "12", "aaaaaaa", "hell", " the", "…", "日本", "𝒜", "🙂", "\u0301", "\t",
        "𝟙",
        "\u00A0", "\u2028",
    ];

    private static readonly Gen<string> Texts = Gen.Frequency(
        (6, Gen.Int[0, Pieces.Length - 1].Select(i => Pieces[i])),
        (1, Gen.Char.Where(unit => !char.IsSurrogate(unit)).Select(unit => unit.ToString()))).List[0, 20].Select(string.Concat);

    [Fact]
    public void Ids_and_places_are_those_worked_out_by_hand()
    {
        using var folder = new TemporaryFolder();
        ITokenizer tokenizer = Open(folder, Json());
        // 'hello' is one token by its merges; ' wor' then l and d; é is two bytes that merge; 日 is three bytes that do not.
        Assert.Equal([("hello", 0, 5), ("Ġwor", 5, 4), ("l", 9, 1), ("d", 10, 1), ("Ã©", 11, 1), ("æ", 12, 1), ("Ĺ", 13, 0), ("¥", 13, 0)],
            Shown(tokenizer, "hello worldé日").Select((token, i) => i < 6 ? token : (token.Token, 13, 0)));
        Assert.Equal([("ð", 0, 2), ("Ł", 2, 0), ("Ļ", 2, 0), ("Ĥ", 2, 0)], Shown(tokenizer, "🙂"));
        Assert.Empty(tokenizer.Encode(""));
    }

    [Fact]
    public void A_token_of_bytes_that_are_no_character_is_named_by_its_bytes()
    {
        using var folder = new TemporaryFolder();
        ITokenizer tokenizer = Open(folder, Json());
        Assert.Equal(["hello", " wor", "l", "d", "é", "<0xE6>", "<0x97>", "<0xA5>"],
            tokenizer.Encode("hello worldé日").Select(token => tokenizer.TokenName(token.Id)), StringComparer.Ordinal);
    }

    [Fact]
    public void Any_text_comes_back()
    {
        using var folder = new TemporaryFolder();
        ITokenizer tokenizer = Open(folder, Json());
        Texts.Sample(text =>
        {
            IReadOnlyList<Token> tokens = tokenizer.Encode(text);
            Assert.Equal(text, tokenizer.Decode([.. tokens.Select(token => token.Id)]));

            // The places cover the text, in order, without gaps.
            int at = 0;
            foreach (Token token in tokens)
            {
                Assert.Equal(at, token.Start);
                at += token.Length;
            }

            Assert.Equal(text.Length, at);
        });
    }

    [Fact]
    public void The_merges_are_those_of_a_scalar_reference()
    {
        using var folder = new TemporaryFolder();
        var pairs = new List<(string, string)>(Merges.Select(merge => (merge.Split(' ')[0], merge.Split(' ')[1])));
        ulong random = 5;
        for (int round = 0; round < 20; round++)
        {
            // Merges by chance, so that some tokens can be reached in several ways.
            string[] known =
            [
                .. Letters().Where(letter => char.IsAsciiLetter(letter[0]) || letter is "Ġ" or "Ã" or "©")
                    .Concat(pairs.Select(pair => pair.Item1 + pair.Item2)),
            ];
            var next = (known[Next(known.Length)], known[Next(known.Length)]);
            if (!pairs.Exists(pair => string.Equals(pair.Item1 + pair.Item2, next.Item1 + next.Item2, StringComparison.Ordinal)))
                pairs.Add(next);
        }

        string[] merges = [.. pairs.Select(pair => $"{pair.Item1} {pair.Item2}")];
        int Next(int below) => (int)((random = (random * 6364136223846793005) + 1442695040888963407) >> 33) % below;
        ITokenizer tokenizer = Open(folder, Json(merges));
        Dictionary<string, int> ids = Vocabulary(merges);
        Texts.Where(text => !text.EnumerateRunes().Any(rune => !rune.IsBmp))
            .Sample(text =>
                Assert.Equal(Reference(text, merges).Select(token => ids[token]), tokenizer.Encode(text).Select(token => token.Id)));
    }

    [Fact]
    public void A_letter_beyond_the_first_plane_is_a_letter_of_a_word()
    {
        using var folder = new TemporaryFolder();
        JsonObject json = Json();

        // \p{L}+ takes 'a', the mathematical letter and 'b' together: one word of six bytes, seen by its merge across the letter's last
        // byte.
        json["model"]!["merges"]!.AsArray().Add("¾ h");
        json["model"]!["vocab"]!["¾h"] = 999;
        Assert.Contains(Shown(Open(folder, json), "a\U0001D4BEh"), token => token.Token is "¾h");
    }

    [Fact]
    public void Half_a_surrogate_pair_is_a_replacement_character()
    {
        using var folder = new TemporaryFolder();
        ITokenizer tokenizer = Open(folder, Json());
        Assert.Equal("a\uFFFDb", tokenizer.Decode([.. tokenizer.Encode("a\uD800b").Select(token => token.Id)]));
    }

    [Fact]
    public void Special_tokens_in_a_text_are_text_and_other_added_tokens_are_found()
    {
        using var folder = new TemporaryFolder();
        JsonObject json = Json();
        json["added_tokens"]!.AsArray().Add(new JsonObject { ["id"] = 998, ["content"] = "<tab>", ["special"] = false });
        ITokenizer tokenizer = Open(folder, json);
        Assert.Equal(999, tokenizer.VocabularySize);
        Assert.All(tokenizer.Encode("<|endoftext|>"), token => Assert.NotEqual(0, token.Id));
        Token[] tokens = [.. tokenizer.Encode("he<tab>he")];
        Assert.Equal([0, 2, 7], tokens.Select(token => token.Start));
        Assert.Equal(998, tokens[1].Id);
        Assert.Equal("<|endoftext|>hello<tab>", tokenizer.Decode([0, Vocabulary(Merges)["hello"], 998]));
    }

    [Fact]
    public void A_space_put_before_a_text_takes_no_place()
    {
        using var folder = new TemporaryFolder();
        JsonObject json = Json();
        json["pre_tokenizer"]!["add_prefix_space"] = true;
        ITokenizer tokenizer = Open(folder, json);
        Assert.Equal([("Ġwor", 0, 3), ("l", 3, 1)], Shown(tokenizer, "worl"));
        Assert.Equal([("Ġwor", 0, 4), ("l", 4, 1)], Shown(tokenizer, " worl"));
    }

    [Fact]
    public void Merges_can_be_pairs_and_a_split_can_be_a_step_of_its_own()
    {
        using var folder = new TemporaryFolder();
        JsonObject json = Json();
        json["model"]!["merges"] =
            new JsonArray([.. Merges.Select(merge => new JsonArray([.. merge.Split(' ').Select(part => JsonValue.Create(part))]))]);
        json["pre_tokenizer"] = JsonNode.Parse("""
            { "type": "Sequence", "pretokenizers": [
              { "type": "Split", "pattern": { "Regex": "\\p{N}{1,3}| ?\\p{L}+" }, "behavior": "Isolated", "invert": false },
              { "type": "ByteLevel", "add_prefix_space": false, "use_regex": false } ] }
            """);
        ITokenizer tokenizer = Open(folder, json);

        // Words: 'hello', '121', '2', ' wor'; the merge of 1 and 2 does not cross from one to the next.
        Assert.Equal([("hello", 0, 5), ("12", 5, 2), ("1", 7, 1), ("2", 8, 1), ("Ġwor", 9, 4)], Shown(tokenizer, "hello1212 wor"));
    }

    [Fact]
    public void A_word_that_is_a_token_is_taken_whole_where_merges_are_ignored()
    {
        using var folder = new TemporaryFolder();
        JsonObject json = Json();
        json["model"]!["vocab"]!["xyz"] = 500;
        Assert.Equal(["x", "y", "z"], Shown(Open(folder, json), "xyz").Select(token => token.Token), StringComparer.Ordinal);
        json["model"]!["ignore_merges"] = true;
        Assert.Equal([500], Open(folder, json).Encode("xyz").Select(token => token.Id));
    }

    [Fact]
    public void The_start_of_a_text_is_what_the_files_say()
    {
        using var folder = new TemporaryFolder();
        JsonObject json = Json();
        ITokenizer plain = Open(folder, json);
        Assert.Equal((0, null, null), (plain.Start, plain.End, plain.Padding));

        Dictionary<string, int> ids = Vocabulary(Merges);
        File.WriteAllText(folder["tokenizer_config.json"], """{ "bos_token": { "content": "he" }, "pad_token": "ll" }""");
        ITokenizer configured = Open(folder, json);
        Assert.Equal((ids["he"], null, ids["ll"]), (configured.Start, configured.End, configured.Padding));
        Assert.NotEqual(plain.Hash, configured.Hash, StringComparer.Ordinal);

        json["post_processor"] = JsonNode.Parse(
            """
            { "type": "TemplateProcessing",
              "single": [ { "SpecialToken": { "id": "<|endoftext|>", "type_id": 0 } }, { "Sequence": { "id": "A", "type_id": 0 } } ],
              "special_tokens": { "<|endoftext|>": { "id": "<|endoftext|>", "ids": [0], "tokens": ["<|endoftext|>"] } } }
            """);
        Assert.Equal(0, Open(folder, json).Start);

        // The template says that a text stands alone, or the configuration that it has no start.
        File.WriteAllText(folder["tokenizer_config.json"], """{ "bos_token": "<|endoftext|>", "add_bos_token": false }""");
        Assert.Null(Open(folder, json).Start);
        File.WriteAllText(folder["tokenizer_config.json"], """{ "bos_token": "<|endoftext|>" }""");
        json["post_processor"] = JsonNode.Parse("""{ "type": "TemplateProcessing", "single": [ { "Sequence": { "id": "A" } } ] }""");
        Assert.Null(Open(folder, json).Start);
        json["post_processor"] = JsonNode.Parse(
            """{ "type": "RobertaProcessing", "sep": ["b", 7], "cls": ["a", 5], "trim_offsets": true, "add_prefix_space": false }""");
        Assert.Equal((5, 7), (Open(folder, json).Start, Open(folder, json).End));
    }

    [Fact]
    public void A_vocabulary_with_merges_beside_it_is_the_same_tokenizer()
    {
        using var folder = new TemporaryFolder();
        ITokenizer json = Open(folder, Json());
        using var other = new TemporaryFolder();
        File.WriteAllText(other["vocab.json"], JsonSerializer.Serialize(Vocabulary(Merges)));
        File.WriteAllText(other["merges.txt"], "#version: 0.2\n" + string.Join('\n', Merges) + "\n");
        ITokenizer files = TokenizerFile.Open(other.Path);
        Assert.Equal(json.Encode("hello world 12's in"), files.Encode("hello world 12's in"));
        Assert.Equal(
            Convert.ToHexStringLower(
                SHA256.HashData([.. File.ReadAllBytes(other["vocab.json"]), .. File.ReadAllBytes(other["merges.txt"])])), files.Hash);
        File.Delete(other["merges.txt"]);
        Assert.Contains("merges.txt", Assert.Throws<InputException>(() => TokenizerFile.Open(other["vocab.json"])).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Many_threads_read_the_same()
    {
        using var folder = new TemporaryFolder();
        ITokenizer tokenizer = Open(folder, Json());
        string[] texts = [.. Enumerable.Range(0, 400).Select(i => $"hello world {i % 37}'s the{i} in é")];
        ITokenizer fresh = Open(folder, Json());
        var expected = texts.Select(text => fresh.Encode(text)).ToArray();
        Parallel.For(0, texts.Length, i => Assert.Equal(expected[i], tokenizer.Encode(texts[i])));
    }

    [Fact]
    public void Damaged_files_are_named()
    {
        using var folder = new TemporaryFolder();
        string whole = Json().ToJsonString();
        string[] bad =
        [
            "", "not JSON", "null", "[]", "{}", whole[..(whole.Length / 2)], "{\"model\": 5}", "{\"model\": {\"type\": \"Markov\"}}",
            Changed(json => json["model"]!["vocab"]!["he"] = 5), // taken
            Changed(json => json["model"]!["vocab"]!["he"] = -1),
            Changed(json => json["model"]!["vocab"]!["he"] = int.MaxValue),
            Changed(json => json["model"]!["vocab"]!["he"] = "five"),
            Changed(json => json["model"]!["vocab"] = new JsonObject()),
            Changed(json => json["model"]!["vocab"] = null),
            Changed(json => json["model"]!.AsObject().Remove("vocab")),
            Changed(json => json["model"]!["vocab"]!.AsObject().Remove("Ċ")),
            Changed(json => json["model"]!["merges"]!.AsArray().Add("he zzz")),
            Changed(json => json["model"]!["merges"]!.AsArray().Add("he he")),
            Changed(json => json["model"]!["merges"]!.AsArray().Add("h e")),
            Changed(json => json["model"]!["merges"]!.AsArray().Add("he")),
            Changed(json => json["model"]!["merges"]!.AsArray().Add(7)),
            Changed(json => json["model"]!["merges"]!.AsArray().Add(new JsonArray(1, 2))),
            Changed(json => json["model"]!["merges"] = null),
            Changed(json => json["model"]!["byte_fallback"] = true),
            Changed(json => json["model"]!["dropout"] = 0.1),
            Changed(json => json["normalizer"] = new JsonObject { ["type"] = "Lowercase" }),
            Changed(json =>
                json["pre_tokenizer"] = JsonNode.Parse("""{ "type": "Split", "pattern": { "Regex": "(a" }, "behavior": "Isolated" }""")),
            Changed(json =>
                json["pre_tokenizer"] = JsonNode.Parse("""{ "type": "Split", "pattern": { "Regex": "\\w+" }, "behavior": "Isolated" }""")),
            Changed(json =>
                json["pre_tokenizer"] = JsonNode.Parse("""{ "type": "Split", "pattern": { "Regex": "a++" }, "behavior": "Isolated" }""")),
            Changed(json => json["post_processor"] = new JsonObject { ["type"] = "Unheard" }),
            Changed(json =>
                json["post_processor"] = JsonNode.Parse(
                    """{ "type": "TemplateProcessing", "single": [ { "SpecialToken": { "id": "[X]" } } ] }""")),
            Changed(json =>
                json["post_processor"] = JsonNode.Parse(
                    """{ "type": "TemplateProcessing", "single": [ 5, { "SpecialToken": 4 }, { "SpecialToken": { "id": 4 } } ] }""")),
            Changed(json => json["post_processor"] = JsonNode.Parse("""{ "type": "BertProcessing", "cls": ["a"] }""")),
            Changed(json =>
                json["post_processor"] = JsonNode.Parse("""{ "type": "BertProcessing", "cls": ["a", 9999999], "sep": ["b", 1] }""")),
            Changed(json => json["added_tokens"]![0]!["id"] = 17),
            Changed(json => json["added_tokens"]![0]!["content"] = ""),
            Changed(json => json["added_tokens"]![0]!.AsObject().Remove("content")),
            Changed(json => json["added_tokens"] = new JsonArray((JsonNode?)null)),
            whole.Replace("\"h\":", "\"e\":", StringComparison.Ordinal), // the same token twice
        ];
        foreach (string text in bad)
        {
            File.WriteAllText(folder["tokenizer.json"], text);
            var error = Record.Exception(() => TokenizerFile.Open(folder.Path)) as InputException;
            Assert.True(error is not null, text);
            Assert.Contains(folder["tokenizer.json"], error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', error.Message);
        }
    }

    [Fact]
    public void A_folder_without_a_tokenizer_says_what_was_looked_for()
    {
        using var folder = new TemporaryFolder();
        string message = Assert.Throws<InputException>(() => TokenizerFile.Open(folder.Path)).Message;
        foreach (string name in (string[])["tokenizer.json", "*.model", "vocab.json", "merges.txt", "vocab.txt"])
            Assert.Contains(name, message, StringComparison.Ordinal);
        Assert.Throws<InputException>(() => TokenizerFile.Open(folder["none.json"]));
        File.WriteAllText(folder["readme.md"], "none");
        Assert.Throws<InputException>(() => TokenizerFile.Open(folder["readme.md"]));
    }

    [Fact]
    public void A_text_is_composed_first_where_the_tokenizer_says_so_and_places_are_of_the_original()
    {
        using var folder = new TemporaryFolder();
        ITokenizer plain = Open(folder, Json()),
            composing = Open(folder, JsonNode.Parse(Changed(json => json["normalizer"] = new JsonObject { ["type"] = "NFC" }))!.AsObject());
        const string written = "a cafe\u0301 b", composed = "a caf\u00e9 b";
        IReadOnlyList<Token> tokens = composing.Encode(written);
        Assert.Equal(plain.Encode(composed).Select(token => token.Id), tokens.Select(token => token.Id));
        Assert.NotEqual(plain.Encode(written).Select(token => token.Id), tokens.Select(token => token.Id));
        Assert.Equal(written, string.Concat(tokens.Select(token => written.Substring(token.Start, token.Length))));
        Assert.Equal(composed, composing.Decode([.. tokens.Select(token => token.Id)]));
        Assert.Equal(plain.Encode("plain text"), composing.Encode("plain text"));
    }

    [Fact]
    public void What_a_character_is_composed_to_has_its_place_once()
    {
        using var folder = new TemporaryFolder();
        ITokenizer composing =
            Open(folder, JsonNode.Parse(Changed(json => json["normalizer"] = new JsonObject { ["type"] = "NFC" }))!.AsObject());
        Assert.Equal([(0, 1), (1, 0), (1, 0), (1, 0), (1, 0), (1, 0), (1, 1)],
            composing.Encode("\u0958a").Select(token => (token.Start, token.Length))); // never composed: two characters in NFC
    }

    [Fact]
    public void A_class_of_characters_may_have_an_ampersand()
    {
        using var folder = new TemporaryFolder();
        string[] patterns = ["[a&h]+", "[a&&h]+"];
        for (int i = 0; i < patterns.Length; i++)
        {
            JsonObject json = Json();
            json["pre_tokenizer"] = JsonNode.Parse($$"""
                { "type": "Sequence", "pretokenizers": [
                  { "type": "Split", "pattern": { "Regex": "{{patterns[i]}}" }, "behavior": "Isolated" },
                  { "type": "ByteLevel", "add_prefix_space": false, "use_regex": false } ] }
                """);
            if (i == 0) Assert.Equal(["h", "e"], Shown(Open(folder, json), "he").Select(token => token.Token), StringComparer.Ordinal);
            else Assert.Throws<InputException>(() => Open(folder, json)); // two of them are an operator elsewhere
        }
    }

    [Fact]
    public void The_markers_of_a_chat_are_found_where_asked_for()
    {
        using var folder = new TemporaryFolder();
        Open(folder, Json());
        ITokenizer tokenizer = TokenizerFile.Open(folder.Path, special: true);
        Assert.Equal([new Token(0, 0, 13), new Token(Vocabulary(Merges)["he"], 13, 2)], tokenizer.Encode("<|endoftext|>he"));
    }

    private static string Changed(Action<JsonObject> change)
    {
        JsonObject json = Json();
        change(json);
        return json.ToJsonString();
    }

    private static ITokenizer Open(TemporaryFolder folder, JsonObject json)
    {
        File.WriteAllText(folder["tokenizer.json"], json.ToJsonString());
        return TokenizerFile.Open(folder.Path);
    }

    private static (string Token, int Start, int Length)[] Shown(ITokenizer tokenizer, string text)
    {
        using JsonDocument json =
            JsonDocument.Parse(File.ReadAllText(tokenizer.Name[(tokenizer.Name.IndexOf('/', StringComparison.Ordinal))..]));
        var tokens = json.RootElement.GetProperty("model").GetProperty("vocab").EnumerateObject()
            .ToDictionary(token => token.Value.GetInt32(), token => token.Name);
        return [.. tokenizer.Encode(text).Select(token => (tokens[token.Id], token.Start, token.Length))];
    }

    private static JsonObject Json(string[]? merges = null) => new()
    {
        ["added_tokens"] = new JsonArray(new JsonObject { ["id"] = 0, ["content"] = "<|endoftext|>", ["special"] = true }),
        ["normalizer"] = null,
        ["pre_tokenizer"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true },
        ["post_processor"] = null,
        ["model"] = new JsonObject
        {
            ["type"] = "BPE",
            ["vocab"] = JsonSerializer.SerializeToNode(Vocabulary(merges ?? Merges)),
            ["merges"] = JsonSerializer.SerializeToNode(merges ?? Merges),
        },
    };

    private static Dictionary<string, int> Vocabulary(string[] merges) =>
        ((string[])["<|endoftext|>", .. Letters(), .. merges.Select(merge => merge.Replace(" ", "", StringComparison.Ordinal))])
            .Select((token, id) => (token, id)).ToDictionary(pair => pair.token, pair => pair.id, StringComparer.Ordinal);

    /// <summary>The characters of the 256 bytes, in the order of the bytes.</summary>
    private static List<string> Letters()
    {
        var letters = new List<string>();
        int other = 256;
        for (int value = 0; value < 256; value++)
        {
            bool plain = value is (>= 33 and <= 126) or (>= 161 and <= 172) or (>= 174);
            letters.Add(((char)(plain ? value : other++)).ToString());
        }

        return letters;
    }

    /// <summary>Merges the pair with the lowest rank, the leftmost first, until none is left.</summary>
    private static IEnumerable<string> Reference(string text, string[] merges)
    {
        List<string> letters = Letters();
        foreach (Match word in Regex.Matches(text, @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
            RegexOptions.None, TimeSpan.FromSeconds(10)))
        {
            List<string> parts = [.. Encoding.UTF8.GetBytes(word.Value).Select(value => letters[value])];
            while (true)
            {
                int best = int.MaxValue, at = -1;
                for (int i = 0; i + 1 < parts.Count; i++)
                {
                    int rank = Array.IndexOf(merges, $"{parts[i]} {parts[i + 1]}");
                    if (rank >= 0 && rank < best) (best, at) = (rank, i);
                }

                if (at < 0) break;
                parts[at] += parts[at + 1];
                parts.RemoveAt(at + 1);
            }

            foreach (string part in parts) yield return part;
        }
    }
}
