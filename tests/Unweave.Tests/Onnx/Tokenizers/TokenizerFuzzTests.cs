using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Unweave.Hosts;
using Unweave.Numerics;
using Unweave.Onnx;
using Unweave.Tests.Formats;

namespace Unweave.Tests.Onnx.Tokenizers;

/// <summary>
/// Feeds the readers of tokenizers files that were damaged at random: each ends in an <see cref="InputException"/> of one line that names
/// the folder's file, or in a tokenizer that works. <c>UNWEAVE_FUZZ</c> sets how many for each, and <c>UNWEAVE_FUZZ_SEED</c> which.
/// </summary>
public sealed class TokenizerFuzzTests(ITestOutputHelper output) : IDisposable
{
    private const string Configuration =
        """
        { "tokenizer_class": "Qwen2Tokenizer", "bos_token": { "content": "<s>", "special": true }, "eos_token": "</s>",
          "add_bos_token": true, "add_eos_token": false,
          "do_lower_case": true, "pad_token": null, "unk_token": "[UNK]", "add_prefix_space": false,
          "added_tokens_decoder": { "300": { "content": "<s>", "special": true, "lstrip": false, "normalized": false },
            "301": { "content": "</s>", "special": true }, "302": { "content": "<think>", "special": false, "normalized": true } } }
        """;

    private const string Special =
        """{ "bos_token": "<s>", "eos_token": { "content": "</s>" }, "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]" }""";

    private const string Added = """{ "<s>": 300, "</s>": 301, "<think>": 302, "[CLS]": 303 }""";

    private static readonly string[] Texts =
        ["", "the abc ==== ﬁ日Я x", "<s>the\n\n  cat</s> e\u0301\u0338 🙂 [CLS]<think>", " \t12's"];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Lists_of_word_pieces() => Feed("vocab.txt", [WordPieces()]);

    [Fact]
    public void Vocabularies_with_merges() => Feed("vocab.json", [Pairs()]);

    [Fact]
    public void Merges() => Feed("merges.txt", [Pairs()]);

    [Fact]
    public void Json() => Feed("tokenizer.json", [.. TokenizerFiles.All.Values.Select(make =>
        new Dictionary<string, byte[]>(StringComparer.Ordinal) { ["tokenizer.json"] = Encoding.UTF8.GetBytes(make().ToJsonString()) })]);

    [Fact]
    public void Configurations() => Feed("tokenizer_config.json", [
        With(Pairs(), "tokenizer_config.json", Configuration), With(Model("unigram-bytes"), "tokenizer_config.json", Configuration),
        With(WordPieces(), "tokenizer_config.json", Configuration.Replace("Qwen2", "Bert", StringComparison.Ordinal)),
    ]);

    [Fact]
    public void Maps_of_special_tokens() => Feed("special_tokens_map.json", [
        With(Pairs(), "special_tokens_map.json", Special), With(WordPieces(), "special_tokens_map.json", Special),
        With(Model("bpe"), "special_tokens_map.json", Special),
    ]);

    [Fact]
    public void Added_tokens() => Feed("added_tokens.json", [With(Pairs(), "added_tokens.json", Added)]);

    [Fact]
    public void SentencePiece_unigram() => Feed("m.model", [Model("unigram"), Model("unigram-bytes")]);

    [Fact]
    public void SentencePiece_pairs() => Feed("m.model", [Model("bpe"), Model("bpe-bytes")]);

    [Fact]
    public void SentencePiece_with_a_map_of_characters()
    {
        (string, float, int)[] pieces =
            [("<unk>", 0, 2), ("<s>", 0, 3), ("▁", -1, 1), ("a", -2, 1), ("f", -2, 1), ("▁a", -1, 4), ("fi", -3, 5)];
        byte[] map = Convert.FromBase64String(TokenizerFiles.Characters());
        Feed("m.model", [.. ((int[])[SentencePieceTests.Unigram, SentencePieceTests.BytePairs]).Select(type =>
            new Dictionary<string, byte[]>(StringComparer.Ordinal)
            {
                ["m.model"] = SentencePieceTests.Model(type, pieces, charsMap: map),
            })]);
    }

    // The files of each whole folder are written with one of them damaged, and the folder is opened.
    private void Feed(string damaged, Dictionary<string, byte[]>[] whole)
    {
        int count = int.TryParse(Environment.GetEnvironmentVariable("UNWEAVE_FUZZ"), out int full) ? full : 10_000;
        ulong seed = ulong.TryParse(Environment.GetEnvironmentVariable("UNWEAVE_FUZZ_SEED"), out ulong given) ? given : 7;
        int refused = 0, read = 0;
        for (int kind = 0; kind < whole.Length; kind++)
        {
            string place = folder[$"{kind}"];
            Directory.CreateDirectory(place);
            foreach ((string name, byte[] bytes) in whole[kind]) File.WriteAllBytes(Path.Combine(place, name), bytes);
            Assert.True(Works(place), $"{kind}"); // undamaged, it is read
        }

        for (int i = 0; i < count; i++)
        {
            int kind = i % whole.Length;
            byte[] bytes = FuzzTests.Damage(whole[kind][damaged], new Rng(seed, (ulong)i));
            File.WriteAllBytes(Path.Combine(folder[$"{kind}"], damaged), bytes);
            try
            {
                if (Works(folder[$"{kind}"])) read++;
                else refused++;
            }
            catch (Exception e)
            {
                string start = Convert.ToBase64String(bytes[..Math.Min(bytes.Length, 4096)]);
                Assert.Fail($"Damaged {damaged} {i} of seed {seed}, kind {kind}: {e}\n{start}");
            }
        }

        output.WriteLine($"{count} damaged files: {refused} refused, {read} read");
        Assert.True(refused > count / 20 && read > 0, $"{refused} refused and {read} read: the damage is too slight or too great.");
    }

    // True when the tokenizer works, false when it was refused as the user must see it.
    private static bool Works(string place)
    {
        ITokenizer tokenizer;
        try
        {
            tokenizer = TokenizerFile.Open(place, special: true);
        }
        catch (InputException e)
        {
            Assert.Contains(place, e.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', e.Message);
            return false;
        }

        int size = tokenizer.VocabularySize;
        foreach (int? id in (int?[])[tokenizer.Start, tokenizer.End, tokenizer.Padding, tokenizer.Unknown])
            if (id is { } framed) Assert.InRange(framed, 0, size - 1);
        foreach (string text in Texts)
        {
            int at = 0;
            foreach (Token token in tokenizer.Encode(text))
            {
                Assert.InRange(token.Id, 0, size - 1);
                Assert.InRange(token.Start, at, text.Length);
                at = token.Start + token.Length;
                Assert.InRange(at, token.Start, text.Length);
                Assert.NotNull(tokenizer.PieceText(token.Id));
            }

            tokenizer.Decode([.. tokenizer.Encode(text).Select(token => token.Id)]);
        }

        return true;
    }

    private static Dictionary<string, byte[]> WordPieces() => new(StringComparer.Ordinal)
    {
        ["vocab.txt"] = Encoding.UTF8.GetBytes(string.Join('\n',
            [
                "[PAD]", "[UNK]", "[CLS]", "[SEP]", "<s>", "</s>", "the", "cat", "##s", "a", "##b", "##c", "日", "=", "e", "x", "1", "##2",
                "\u211D", "",
            ])),
    };

    private static Dictionary<string, byte[]> Pairs()
    {
        System.Text.Json.Nodes.JsonNode model = TokenizerFiles.All["bytes"]()["model"]!;
        return new(StringComparer.Ordinal)
        {
            ["vocab.json"] = Encoding.UTF8.GetBytes(model["vocab"]!.ToJsonString()),
            ["merges.txt"] = Encoding.UTF8.GetBytes(
                "#version: 0.2\n" + string.Join('\n', model["merges"].Deserialize<string[]>()!) + "\n"),
        };
    }

    private static Dictionary<string, byte[]> Model(string name, [CallerFilePath] string here = "") => new(StringComparer.Ordinal)
    {
        ["m.model"] = File.ReadAllBytes(Path.Combine(Path.GetDirectoryName(here)!, "golden", $"{name}.model")),
    };

    private static Dictionary<string, byte[]> With(Dictionary<string, byte[]> files, string name, string content)
    {
        files[name] = Encoding.UTF8.GetBytes(content);
        return files;
    }
}
