using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Unweave.Hosts;
using Unweave.Onnx;

namespace Unweave.Tests.Onnx.Tokenizers;

/// <summary>Small tokenizers of every kind, made by hand, and texts of every kind.</summary>
internal static class TokenizerFiles
{
    private const string Alphabet = "▁abcdefghijklmnopqrstuvwxyzABC.,=-012345日本é";

    private static readonly string[] Merges =
    [
        "▁ t", "h e", "▁t he", "= =", "== ==", "▁ ▁", "▁▁ ▁▁", "- -", "-- --", "o o", "oo o", "i n", "in g", "a b", "ab c", "b c", "日 本",
        "▁ a", ". .", ".. .", "e r", "▁t h",
    ];

    // Tokens that composing would change, or would join to what follows.
    private static readonly string[] Composing = ["<think>", "x=", "e\u0301", "éa", "\u0958", "og", "g\u0308", "A\u030A"];

    private static readonly string[] Words =
    [
        "the", "ing", "ed", "▁the", "▁a", "▁of", "==", "===", "▁▁", "▁▁▁▁", "ab", "abc", "bc", "日本", "--", "▁x", "▁▁a",
    ];

    private static readonly string[] Written =
    [
        "", "a", " ", "  ", "hello world", " hello", "hello ", "The cat sat.", "a\tb", "a\nb", "a\r\nb", "===", "====", "------",
        "...........",
        "\"\"\"", "    if x:\n        return y", "|---|---|", ")))}", "ooooh", "é", "e\u0301", "日本語のテキスト", "한국어", "🙂", "👩‍👩‍👧‍👦",
        "i≠j",
        "≮≯", "\u0958\u095C", "\u09DC", "\u1FEF", "ﷺ", "ﬁ", "Ⅷ", "①", "½", "…", "\u00a0x\u00a0", "\u200bx", "\u3000x", "İstanbul", "ǅ", "ß",
        "ΑΣ ας", "don't", "I'm", "1234567", "12,345.67", "x²", "<s>", "</s>x", "<0x41>", "▁", "▁▁a", "a▁b", "\ufeffx", "\u2028", "\u0085",
        "🇩🇪🇫🇷", "\U0001D4BE", "\U00020000字", "a&b", "foo@bar.com", "C++/C#", "naïve façade", "Ａｂｃ", "``q''", "A  B   C", "\u0301",
        "x\u0338=", "<think>x</think>", "x <unused0>  y", "ABCABC ABC", "oooo foooo oooo", new('a', 300), new(' ', 50), new('\n', 30),
        new('-', 100),
    ];

    private static readonly string[] Parts =
    [
        "a", "b", "c", "e", "h", "i", "n", "o", "t", "x", "A", "B", "C", " ", "  ", ".", ",", "'", "\"", "-", "=", "_", "(", ")", "0",
        "1", "2",
        "\n", "\t", "é", "ü", "日", "本", "🙂", "\u0301", "\u0338",
        "\u0308", "\u030A", "<think>", "\u0958", "▁", "한", "я", "ע", "क", "\u094D", "ष", "\u200d", "ﬁ", "²",
        "\u00a0", "    ", "===", "the ", " of", "ing", "①", "㈱", "Ａ", "g\u0308", "≠",
    ];

    /// <summary>About 480 texts, the same every time.</summary>
    public static IReadOnlyList<string> Texts { get; } = [.. Written, .. Enumerable.Range(1, 400).Select(Text)];

    /// <summary>The tokenizers by name.</summary>
    public static IReadOnlyDictionary<string, Func<JsonObject>> All { get; } = new Dictionary<string, Func<JsonObject>>(
        StringComparer.Ordinal)
    {
        ["bert lower"] = () => Bert(lower: true, strip: null, ideographs: true),
        ["bert cased"] = () => Bert(lower: false, strip: null, ideographs: true),
        ["bert with accents"] = () => Bert(lower: true, strip: false, ideographs: false),
        ["unigram, first"] = () => Json(Unigram(), pre: Metaspace("first", split: true)),
        ["unigram, always"] = () => Json(Unigram(), pre: Metaspace("always", split: true)),
        ["unigram, whole"] = () => Json(Unigram(), pre: Metaspace("never", split: false)),
        ["unigram, bytes"] = () => Json(Unigram(bytes: true), pre: Metaspace("always", split: true)),
        ["unigram, T5"] = () => Json(Unigram(), Node($$"""{ "type": "Precompiled", "precompiled_charsmap": "{{Characters()}}" }"""),
            Sequence("pretokenizers", """{ "type": "WhitespaceSplit" }""", Metaspace("always", split: true).ToJsonString())),
        ["unigram, ALBERT"] = () => Json(Unigram(), Sequence("normalizers",
            """{ "type": "Replace", "pattern": { "String": "``" }, "content": "\"" }""", """{ "type": "NFD" }""",
            """{ "type": "StripAccents" }""", """{ "type": "Lowercase" }""",
            """{ "type": "Strip", "strip_left": true, "strip_right": true }""",
            """{ "type": "Replace", "pattern": { "Regex": " {2,}" }, "content": " " }"""), Metaspace("always", split: true)),
        ["pairs, Llama"] = () => Json(Pairs(bytes: true), Sequence("normalizers", """{ "type": "Prepend", "prepend": "▁" }""",
            """{ "type": "Replace", "pattern": { "String": " " }, "content": "▁" }""")),
        ["pairs, Gemma"] = () => Json(Pairs(bytes: true),
            Node("""{ "type": "Replace", "pattern": { "String": " " }, "content": "▁" }"""),
            Node("""{ "type": "Split", "pattern": { "String": " " }, "behavior": "MergedWithPrevious", "invert": false }""")),
        ["pairs, Mistral"] = () => Json(Pairs(bytes: true), pre: Metaspace("first", split: false)),
        ["pairs, fused"] = () => Json(Pairs(bytes: false), pre: Metaspace("first", split: false)),
        ["pairs, not fused"] = () => Json(Pairs(bytes: false, fuse: false), pre: Metaspace("always", split: true)),
        ["pairs, whole words"] = () => Json(Pairs(bytes: true, whole: true), pre: Metaspace("always", split: true)),
        ["bytes"] = () => Bytes(null, []),
        ["bytes, prefixed"] = () => Bytes(null, [], prefix: true),
        ["bytes, NFC"] = () => Bytes("NFC", []),
        ["bytes, NFC, added"] = () => Bytes("NFC", [.. Composing.Select(text => Added(0, text)),
            .. Composing.Select(text => Normalized(text + "="))]),
        ["bytes, added of both kinds"] = () => Bytes(null,
            [Added(0, "hea"), Normalized("the "), Normalized("thex"), Added(0, "ex="), Normalized("== ")]),
        ["words"] = () => Json(WordLevel(), pre: Node("""{ "type": "Whitespace" }""")),
        ["words at blanks"] = () => Json(WordLevel(), pre: Node("""{ "type": "WhitespaceSplit" }""")),
        ["letters"] = () => Json(WordLevel(), pre: Split("""{ "Regex": ".|\\n" }""", "Isolated")),
        ["letters before"] = () => Json(WordLevel(), pre: Split("""{ "Regex": "[a-z]" }""", "MergedWithPrevious")),
        ["letters after"] = () => Json(WordLevel(), pre: Split("""{ "String": "=" }""", "MergedWithNext")),
        ["letters together"] = () => Json(WordLevel(), pre: Split("""{ "Regex": "[a-c]" }""", "Contiguous", invert: true)),
        ["words and marks"] = () => Json(WordLevel(), pre: Sequence("pretokenizers", """{ "type": "Punctuation" }""",
            """{ "type": "Digits", "individual_digits": false }""")),
        ["words of BERT"] = () => Json(WordLevel(), pre: Node("""{ "type": "BertPreTokenizer" }""")),
    };

    /// <summary>Writes a tokenizer into a folder, and opens it.</summary>
    public static ITokenizer Open(TemporaryFolder folder, JsonNode json, bool special = false)
    {
        File.WriteAllText(folder["tokenizer.json"], json.ToJsonString());
        return TokenizerFile.Open(folder["tokenizer.json"], special);
    }

    /// <summary>A map of characters in SentencePiece's form, base 64.</summary>
    public static string Characters()
    {
        string[] pairs =
        [
            "ﬁ", "fi", "Ａ", "A", "ｂ", "b", "\u00a0", " ", "①", "1", "\t", " ", "\n", " ", "e\u0301", "é", "㈱", "(株)", "\u3000", " ", "²",
            "2", "…", "...", "g", "g", "g\u0308", "q",
        ];
        return Convert.ToBase64String(
            CharacterMapMaker.Make(pairs.Chunk(2).ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal)));
    }

    private static string Text(int seed)
    {
        ulong state = (ulong)seed * 0x9E3779B97F4A7C15;
        var text = new StringBuilder();
        for (int i = Next(60); i >= 0; i--) text.Append(Parts[Next(Parts.Length)]);
        return text.ToString();

        int Next(int below)
        {
            state = (state * 6364136223846793005) + 1442695040888963407;
            return (int)((state >> 33) % (ulong)below);
        }
    }

    private static JsonObject Json(JsonObject model, JsonNode? normalizer = null, JsonNode? pre = null)
    {
        int size = model["vocab"] is JsonArray list ? list.Count : model["vocab"]!.AsObject().Count;
        JsonNode[] added = model["type"]!.GetValue<string>() is "WordLevel" ? [] :
        [
            Added(1, "<s>", special: true), Added(size, "<think>"), Added(size + 1, "<unused0>", strip: true),
            Added(size + 2, "oooo", word: true),
        ];
        return Whole(normalizer, pre, model, added);
    }

    /// <summary>A <c>tokenizer.json</c> of these parts.</summary>
    internal static JsonObject Whole(JsonNode? normalizer, JsonNode? pre, JsonObject model, params JsonNode[] added) => new()
    {
        ["version"] = "1.0",
        ["truncation"] = null,
        ["padding"] = null,
        ["added_tokens"] = new JsonArray(added),
        ["normalizer"] = normalizer,
        ["pre_tokenizer"] = pre,
        ["post_processor"] = null,
        ["decoder"] = null,
        ["model"] = model,
    };

    /// <summary>An entry of its <c>added_tokens</c>.</summary>
    internal static JsonObject Added(int id, string content, bool special = false, bool strip = false, bool word = false) => new()
    {
        ["id"] = id,
        ["content"] = content,
        ["single_word"] = word,
        ["lstrip"] = strip,
        ["rstrip"] = strip,
        ["normalized"] = word,
        ["special"] = special,
    };

    private static JsonObject Normalized(string content)
    {
        JsonObject added = Added(0, content);
        added["normalized"] = true;
        return added;
    }

    private static JsonObject Bytes(string? normalizer, JsonNode[] added, bool prefix = false)
    {
        var letters = new List<string>();
        int other = 256;
        for (int value = 0; value < 256; value++)
        {
            bool plain = value is (>= 33 and <= 126) or (>= 161 and <= 172) or (>= 174);
            letters.Add(((char)(plain ? value : other++)).ToString());
        }

        string[] merges = ["h e", "t he", "Ġ the", "= =", "== ==", "Ġ Ġ", "Ã ©", "i n", "in g", "a b", "ab c", "Ì ģ"];
        JsonObject json = Json(new JsonObject
        {
            ["type"] = "BPE",
            ["dropout"] = null,
            ["unk_token"] = null,
            ["continuing_subword_prefix"] = null,
            ["end_of_word_suffix"] = null,
            ["fuse_unk"] = false,
            ["byte_fallback"] = false,
            ["ignore_merges"] = false,
            ["vocab"] = Numbered([.. letters, .. merges.Select(merge => merge.Replace(" ", "", StringComparison.Ordinal))]),
            ["merges"] = JsonSerializer.SerializeToNode(merges),
        }, normalizer is null ? null : new JsonObject { ["type"] = normalizer }, new JsonObject
        {
            ["type"] = "ByteLevel",
            ["add_prefix_space"] = prefix,
            ["trim_offsets"] = true,
            ["use_regex"] = true,
        });
        for (int i = 0; i < added.Length; i++) added[i]["id"] = letters.Count + merges.Length + i; // the reference counts on
        json["added_tokens"] = new JsonArray(added);
        return json;
    }

    private static JsonObject Unigram(bool bytes = false)
    {
        var pieces = new JsonArray();
        foreach (string name in (string[])["<unk>", "<s>", "</s>"]) pieces.Add(new JsonArray(name, 0.0));
        string[] known = [.. Words, .. Alphabet.Select(letter => letter.ToString())];
        for (int i = 0; i < known.Length; i++) pieces.Add(new JsonArray(known[i], -1 - (i * 37 % 64 * 0.11328125) - (i * 1e-9)));
        if (bytes)
        {
            for (int value = 0; value < 256; value++) pieces.Add(new JsonArray($"<0x{value:X2}>", -9.5));
        }

        return new JsonObject { ["type"] = "Unigram", ["unk_id"] = 0, ["vocab"] = pieces, ["byte_fallback"] = bytes };
    }

    private static JsonObject Pairs(bool bytes, bool fuse = true, bool whole = false)
    {
        IEnumerable<string> tokens =
        [
            "<unk>", "<s>", "</s>", .. bytes ? Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>") : [],
            .. Alphabet.Select(letter => letter.ToString()), .. Merges.Select(merge => merge.Replace(" ", "", StringComparison.Ordinal)),
            "xyz",
        ];
        return new JsonObject
        {
            ["type"] = "BPE",
            ["dropout"] = null,
            ["unk_token"] = "<unk>",
            ["continuing_subword_prefix"] = null,
            ["end_of_word_suffix"] = null,
            ["fuse_unk"] = fuse,
            ["byte_fallback"] = bytes,
            ["ignore_merges"] = whole,
            ["vocab"] = Numbered(tokens),
            ["merges"] = JsonSerializer.SerializeToNode(Merges),
        };
    }

    private static JsonObject WordLevel() => new()
    {
        ["type"] = "WordLevel",
        ["unk_token"] = "[UNK]",
        ["vocab"] = Numbered(
            ["[UNK]", "the", "The", "hello", "don", "'", ".", ",", "=", "==", "G", .. Alphabet.Select(letter => letter.ToString()).Except(
                ["=", ".", ","], StringComparer.Ordinal)]),
    };

    private static JsonObject Bert(bool lower, bool? strip, bool ideographs)
    {
        IEnumerable<string> letters = Texts.SelectMany(text => text.EnumerateRunes()).Where(rune => !Rune.IsWhiteSpace(rune))
            .Select(rune => rune.ToString()).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).SelectMany(
                letter => (string[])[letter, "##" + letter]);
        JsonObject json = Json(new JsonObject
        {
            ["type"] = "WordPiece",
            ["unk_token"] = "[UNK]",
            ["continuing_subword_prefix"] = "##",
            ["max_input_chars_per_word"] = 100,
            ["vocab"] = Numbered(
                ((string[])["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "##ing", "##he", "<", "##s"]).Concat(letters)
                    .Distinct(StringComparer.Ordinal)),
        });
        json["added_tokens"] = new JsonArray();
        json["normalizer"] = new JsonObject
        {
            ["type"] = "BertNormalizer",
            ["clean_text"] = true,
            ["handle_chinese_chars"] = ideographs,
            ["strip_accents"] = strip,
            ["lowercase"] = lower,
        };
        json["pre_tokenizer"] = new JsonObject { ["type"] = "BertPreTokenizer" };
        return json;
    }

    private static JsonObject Numbered(IEnumerable<string> tokens) =>
        new(tokens.Select((token, id) => KeyValuePair.Create(token, (JsonNode?)JsonValue.Create(id))));

    private static JsonObject Metaspace(string scheme, bool split) => new JsonObject
    {
        ["type"] = "Metaspace",
        ["replacement"] = "▁",
        ["prepend_scheme"] = scheme,
        ["split"] = split,
    };

    private static JsonObject Split(string pattern, string behavior, bool invert = false) => new JsonObject
    {
        ["type"] = "Split",
        ["pattern"] = Node(pattern),
        ["behavior"] = behavior,
        ["invert"] = invert,
    };

    private static JsonObject Sequence(string name, params string[] steps) =>
        new JsonObject { ["type"] = "Sequence", [name] = new JsonArray([.. steps.Select(Node)]) };

    private static JsonNode Node(string json) => JsonNode.Parse(json)!;
}
