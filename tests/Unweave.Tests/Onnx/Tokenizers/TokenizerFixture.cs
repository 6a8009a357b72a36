using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using Google.Protobuf;
using Unweave.Hosts;
using Unweave.Onnx;

namespace Unweave.Tests.Onnx;

/// <summary>Small tokenizers, made by the tests, in the formats that real ones come in.</summary>
internal static class TokenizerFixture
{
    public const string Corpus =
        "The quick brown fox doesn't jump over the lazy dog; the dog didn't mind. In 1984 there were 12,345 foxes and they'd say: \"we're fine\".\n" +
        "  Naïve café owners in Zürich wrote über-long résumés… 日本語の文章と中文 — приве́т мир 😀😀👍🏽 the end, the end of the text of the day.\n\n\tWe'll see what they've done.";

    /// <summary>Any text: ASCII, letters of several scripts, marks, characters beyond the first plane, blanks, and surrogates without a partner.</summary>
    public static readonly Gen<string> AnyText = Gen.OneOf(
            Gen.Char[' ', '~'].Select(c => c.ToString()),
            Pick("the", " the", "n't", "'re", "  ", "\n", "\t", "é", "e\u0301", "İ", "ß", "日本", "한", "👍🏽", "\u00A0", "\u2581", "<|endoftext|>", "12", "\0"),
            Gen.Char[(char)0x80, (char)0xFFFF].Select(c => c.ToString()),
            Gen.Int[0x10000, 0x10FFFF].Select(char.ConvertFromUtf32),
            Gen.Char[(char)0xD800, (char)0xDFFF].Select(c => c.ToString()))
        .Array[0, 30].Select(string.Concat);

    private static Gen<string> Pick(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(i => texts[i]);

    /// <summary>The byte alphabet of GPT-2, written down as its authors describe it.</summary>
    public static readonly char[] Alphabet = MakeAlphabet();

    /// <summary>A vocabulary of bytes and merges, learnt from a text the plain way: the commonest pair, again and again.</summary>
    public static (Dictionary<string, int> Vocabulary, List<(string Left, string Right)> Merges) Learn(string corpus, int merges)
    {
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal) { ["<|endoftext|>"] = 0 };
        foreach (char unit in Alphabet.Order()) vocabulary.Add(unit.ToString(), vocabulary.Count);
        List<List<string>> words = [.. corpus.Split(' ').Select(word => InBytes(" " + word).Select(unit => unit.ToString()).ToList())];
        var learnt = new List<(string, string)>();
        while (learnt.Count < merges)
        {
            (string Left, string Right) best = words.SelectMany(word => word.Zip(word.Skip(1))).GroupBy(pair => pair)
                .OrderByDescending(group => group.Count()).ThenBy(group => group.Key.First + " " + group.Key.Second, StringComparer.Ordinal).First().Key;
            learnt.Add(best);
            vocabulary.TryAdd(best.Left + best.Right, vocabulary.Count);
            foreach (List<string> word in words)
            {
                for (int i = 0; i + 1 < word.Count; i++)
                {
                    if ((word[i], word[i + 1]) != best) continue;
                    word[i] += word[i + 1];
                    word.RemoveAt(i + 1);
                }
            }
        }

        return (vocabulary, learnt);
    }

    /// <summary>A text as the visible characters of its bytes.</summary>
    public static string InBytes(string text) => string.Concat(Encoding.UTF8.GetBytes(text).Select(value => Alphabet[value]));

    /// <summary>Byte-pair encoding one merge at a time: of the pairs there are, the one of the lowest rank, the leftmost of them.</summary>
    public static List<string> MergeOneByOne(IEnumerable<string> symbols, IReadOnlyList<(string Left, string Right)> merges)
    {
        List<string> word = [.. symbols];
        while (true)
        {
            int best = int.MaxValue, at = -1;
            for (int i = 0; i + 1 < word.Count; i++)
            {
                int rank = merges.Index().LastOrDefault(merge => merge.Item == (word[i], word[i + 1]), (-1, default)).Item1;
                if (rank >= 0 && rank < best) (best, at) = (rank, i);
            }

            if (at < 0) return word;
            word[at] += word[at + 1];
            word.RemoveAt(at + 1);
        }
    }

    /// <summary>The model of a byte-pair tokenizer, as JSON.</summary>
    public static JsonObject BytePairModel(IReadOnlyDictionary<string, int> vocabulary, IEnumerable<(string Left, string Right)> merges, bool asArrays = false) => new()
    {
        ["type"] = "BPE",
        ["dropout"] = null,
        ["unk_token"] = null,
        ["continuing_subword_prefix"] = "",
        ["end_of_word_suffix"] = "",
        ["fuse_unk"] = false,
        ["vocab"] = new JsonObject(vocabulary.Select(entry => KeyValuePair.Create<string, JsonNode?>(entry.Key, entry.Value))),
        ["merges"] = new JsonArray([.. merges.Select(merge => asArrays ? (JsonNode)new JsonArray(merge.Left, merge.Right) : $"{merge.Left} {merge.Right}")]),
    };

    /// <summary>A tokenizer.json as GPT-2's is: byte-level, no template, the separator of documents as an added token.</summary>
    public static JsonObject Gpt2(IReadOnlyDictionary<string, int> vocabulary, IEnumerable<(string Left, string Right)> merges) => new()
    {
        ["version"] = "1.0",
        ["truncation"] = null,
        ["padding"] = null,
        ["added_tokens"] = new JsonArray(Added("<|endoftext|>", 0)),
        ["normalizer"] = null,
        ["pre_tokenizer"] = ByteLevel(),
        ["post_processor"] = ByteLevel(),
        ["decoder"] = ByteLevel(),
        ["model"] = BytePairModel(vocabulary, merges),
    };

    public static JsonObject ByteLevel(bool addPrefixSpace = false, bool useRegex = true) =>
        new() { ["type"] = "ByteLevel", ["add_prefix_space"] = addPrefixSpace, ["trim_offsets"] = true, ["use_regex"] = useRegex };

    public static JsonObject Added(string content, int id, bool special = true, bool normalized = false) => new()
    {
        ["id"] = id,
        ["content"] = content,
        ["single_word"] = false,
        ["lstrip"] = false,
        ["rstrip"] = false,
        ["normalized"] = normalized,
        ["special"] = special,
    };

    /// <summary>Ids in the order given.</summary>
    public static Dictionary<string, int> Numbered(params IEnumerable<string> tokens) => tokens.Select((token, id) => (token, id)).ToDictionary(pair => pair.token, pair => pair.id, StringComparer.Ordinal);

    /// <summary>Writes a tokenizer.json and opens it.</summary>
    public static ITokenizer Open(JsonNode json)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["tokenizer.json"], json.ToJsonString());
        return TokenizerFile.Open(folder.Path);
    }

    /// <summary>The message with which a tokenizer.json is refused.</summary>
    public static string Refusal(JsonNode json) => Assert.Throws<InputException>(() => Open(json)).Message;

    /// <summary>Tokens as "text@start+length".</summary>
    public static string Shown(ITokenizer tokenizer, string text, Func<int, string> name) =>
        string.Join(' ', tokenizer.Encode(text).Select(token => $"{name(token.Id)}@{token.Start}+{token.Length}"));

    public static int[] Ids(this ITokenizer tokenizer, string text) => [.. tokenizer.Encode(text).Select(token => token.Id)];

    /// <summary>A SentencePiece model, written field by field; settings left out have the defaults of the format.</summary>
    public static byte[] SentencePiece(
        int type,
        IEnumerable<(string Piece, float Score, int Kind)> pieces,
        bool byteFallback = false,
        int start = 1,
        int end = 2,
        int padding = -1,
        bool? dummyPrefix = null,
        bool? removeExtraSpaces = null,
        bool spaceAsSuffix = false,
        byte[]? map = null) => Message(model =>
    {
        foreach ((string piece, float score, int kind) in pieces)
        {
            Nested(model, 1, output =>
            {
                output.WriteTag(1, WireFormat.WireType.LengthDelimited);
                output.WriteString(piece);
                output.WriteTag(2, WireFormat.WireType.Fixed32);
                output.WriteFloat(score);
                Number(output, 3, kind);
            });
        }

        Nested(model, 2, output =>
        {
            Number(output, 3, type);
            Number(output, 4, 8000);
            Number(output, 24, spaceAsSuffix ? 1 : 0);
            Number(output, 35, byteFallback ? 1 : 0);
            Number(output, 41, start);
            Number(output, 42, end);
            Number(output, 43, padding);
        });
        Nested(model, 3, output =>
        {
            if (map is not null)
            {
                output.WriteTag(2, WireFormat.WireType.LengthDelimited);
                output.WriteBytes(ByteString.CopyFrom(map));
            }

            if (dummyPrefix is { } dummy) Number(output, 3, dummy ? 1 : 0);
            if (removeExtraSpaces is { } remove) Number(output, 4, remove ? 1 : 0);
        });
    });

    private static void Number(CodedOutputStream output, int field, int value)
    {
        output.WriteTag(field, WireFormat.WireType.Varint);
        output.WriteInt32(value);
    }

    private static void Nested(CodedOutputStream output, int field, Action<CodedOutputStream> write)
    {
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(ByteString.CopyFrom(Message(write)));
    }

    private static byte[] Message(Action<CodedOutputStream> write)
    {
        using var memory = new MemoryStream();
        using (var output = new CodedOutputStream(memory, leaveOpen: true)) write(output);
        return memory.ToArray();
    }

    private static char[] MakeAlphabet()
    {
        List<int> visible = [.. Enumerable.Range('!', '~' - '!' + 1), .. Enumerable.Range('¡', '¬' - '¡' + 1), .. Enumerable.Range('®', 'ÿ' - '®' + 1)];
        char[] alphabet = new char[256];
        int moved = 0;
        for (int value = 0; value < 256; value++) alphabet[value] = visible.Contains(value) ? (char)value : (char)(256 + moved++);
        return alphabet;
    }
}
