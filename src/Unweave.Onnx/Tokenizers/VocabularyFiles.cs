using System.Text.Json;
using Unweave.Hosts;

namespace Unweave.Onnx;

/// <summary>
/// Tokenizers whose vocabulary is a file of its own. Such a file does not say how text is cut; <c>tokenizer_class</c> of
/// <c>tokenizer_config.json</c> does, and a class that is not known here is refused.
/// </summary>
internal static class VocabularyFiles
{
    private const string Qwen2Words =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private static readonly string[] LikeGpt2 =
        ["GPT2", "Roberta", "Longformer", "Bart", "LED", "Mvp", "Whisper", "CodeGen", "GPTNeoX", "Deberta"];

    private static readonly string[] LikeBert =
    [
        "Bert", "DistilBert", "Electra", "MobileBert", "MPNet", "ConvBert", "SqueezeBert", "LayoutLM", "LayoutLMv2", "Lxmert", "Funnel",
        "RetriBert", "Splinter", "Realm", "DPRQuestionEncoder", "DPRContextEncoder", "DPRReader", "PreTrained",
    ];

    private static readonly string[] NamedTokens =
        ["bos_token", "eos_token", "unk_token", "pad_token", "cls_token", "sep_token", "mask_token"];

    /// <summary><c>vocab.json</c> with <c>merges.txt</c>: byte pairs as GPT-2 or Qwen2 has them.</summary>
    public static ITokenizer BytePairs(TokenizerSource source)
    {
        string vocabularyFile = source.Beside("vocab.json"), mergesFile = source.Beside("merges.txt");
        foreach (string file in (string[])[vocabularyFile, mergesFile])
        {
            if (!File.Exists(file)) throw new InputException($"{source.File} needs {Path.GetFileName(file)} beside it; copy it there.");
        }

        string? scheme = Scheme(source);
        bool qwen2 = scheme is "Qwen2";
        if (scheme is not (null or "Qwen2") && !LikeGpt2.Contains(scheme, StringComparer.Ordinal))
            throw Unknown(source, "GPT-2's and Qwen2's");
        var vocabulary = source.ReadJson<Dictionary<string, int>>(vocabularyFile);
        if (vocabulary.Keys.FirstOrDefault(token => token.EndsWith("</w>", StringComparison.Ordinal)) is { } suffixed)
        {
            throw new InputException($"{vocabularyFile} marks the end of words ('{suffixed}'), as CLIP's does, not their start as GPT-2's; "
                + "such a vocabulary cannot be read here.");
        }

        AddedToken[] added = [.. Added(source).Where(token => !vocabulary.ContainsKey(token.Content) || !token.Special)];
        Vocabularies.Check(vocabulary, added, vocabularyFile);
        string[] merges =
            [.. source.ReadLines(mergesFile).Where((line, i) => i > 0 || !line.StartsWith("#version", StringComparison.Ordinal))];
        int? Id(string token) => added.FirstOrDefault(one => string.Equals(one.Content, token, StringComparison.Ordinal))?.Id
            ?? (vocabulary.TryGetValue(token, out int id) ? id : null);
        WordPattern words = qwen2 ? new WordPattern(Qwen2Words, matchesOnly: false, source.File) : WordPattern.Gpt2;
        var pairs = new BytePairs(
            vocabulary, merges, [words], source.Flag("add_prefix_space") ?? false, WholeWords: false, added, Composed: qwen2);
        TextFrame frame = Frames.Configured(source, Id, byteLevel: !qwen2);
        return new ByteLevelTokenizer(pairs, source, frame);
    }

    /// <summary>
    /// <c>vocab.txt</c>: word pieces as BERT has them, in which case counts where the vocabulary has the capitals A to Z, unless the
    /// configuration says.
    /// </summary>
    public static ITokenizer WordPieces(TokenizerSource source)
    {
        if (Scheme(source) is { } scheme && !LikeBert.Contains(scheme, StringComparer.Ordinal)) throw Unknown(source, "BERT's");
        string[] lines = [.. source.ReadLines(source.File).Select(line => line.TrimEnd())];
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        var twice = new List<string>();
        for (int id = 0; id < lines.Length; id++)
        {
            if (lines[id].Length == 0) continue;
            if (vocabulary.TryGetValue(lines[id], out int earlier))
                twice.Add($"'{lines[id]}' in lines {earlier + 1} and {id + 1}");
            vocabulary[lines[id]] = id; // the last line counts, as in the reference
        }

        Vocabularies.Check(vocabulary, [], source.File);
        string unknown = source.Token("unk_token") ?? "[UNK]";
        if (unknown is not "[UNK]" && !vocabulary.Keys.Any(token => token.StartsWith("##", StringComparison.Ordinal)))
        {
            throw new InputException($"{source.File} has no token that goes on a word (none starts with ##) and names unknown words "
                + $"'{unknown}'; it is not a vocabulary of word pieces, and does not say how text is cut. Use the model's tokenizer.json.");
        }

        int? Id(string token) => vocabulary.TryGetValue(token, out int id) ? id : null;
        bool lower = source.Flag("do_lower_case") ?? !vocabulary.Keys.Any(HasCapital);
        var text = new BertText(Clean: true, source.Flag("tokenize_chinese_chars") ?? true, source.Flag("strip_accents") ?? lower, lower);
        TextFrame named = Frames.Configured(source, Id, byteLevel: false);
        var frame = new TextFrame(named.Start ?? Id("[CLS]"), named.End ?? Id("[SEP]"), named.Padding ?? Id("[PAD]"));
        string?[] names = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]", .. NamedTokens.Select(source.Token)];
        AddedToken[] special =
        [
            .. names.OfType<string>().Distinct(StringComparer.Ordinal).Where(vocabulary.ContainsKey)
                .Select(token => AddedToken.Plain(vocabulary[token], token, special: true)),
        ];
        return new WordPieces(vocabulary, special, text, unknown, "##", 100, source, frame)
        {
            Note = twice.Count == 0 ? null
                : $"{source.File} has {twice.Count} {(twice.Count == 1 ? "token" : "tokens")} twice ({string.Join("; ", twice.Take(3))}"
                    + $"{(twice.Count > 3 ? "; ..." : "")}); the last line counts.",
        };
    }

    // Only A to Z: the vocabularies of lower-case models have some capitals of other kinds, such as U+211D. Names such as [CLS] are none.
    private static bool HasCapital(string token) => token[0] is not ('[' or '<') && token.AsSpan().ContainsAnyInRange('A', 'Z');

    /// <summary>What the configuration's class is called, less what all are called, or null.</summary>
    private static string? Scheme(TokenizerSource source)
    {
        if (source.Configured("tokenizer_class") is not { ValueKind: JsonValueKind.String } named) return null;
        string scheme = named.GetString()!;
        foreach (string ending in (string[])["Fast", "Tokenizer"])
        {
            if (scheme.EndsWith(ending, StringComparison.Ordinal)) scheme = scheme[..^ending.Length];
        }

        return scheme;
    }

    private static InputException Unknown(TokenizerSource source, string known) =>
        new($"{source.Beside("tokenizer_config.json")} names the class {source.Configured("tokenizer_class")}, whose rules for "
            + $"{Path.GetFileName(source.File)} are not known here ({known} are); use the model's tokenizer.json.");

    /// <summary>The tokens that <c>added_tokens.json</c> and the configuration add to the vocabulary.</summary>
    private static Dictionary<string, AddedToken>.ValueCollection Added(TokenizerSource source)
    {
        var added = new Dictionary<string, AddedToken>(StringComparer.Ordinal);
        string file = source.Beside("added_tokens.json");
        if (File.Exists(file))
        {
            string[] special = [.. NamedTokens.Select(source.Token).OfType<string>()];
            foreach ((string token, int id) in source.ReadJson<Dictionary<string, int>>(file))
            {
                added[token] = AddedToken.Plain(id, token, special.Contains(token, StringComparer.Ordinal));
            }
        }

        if (source.Configured("added_tokens_decoder") is { ValueKind: JsonValueKind.Object } decoder)
        {
            foreach (JsonProperty entry in decoder.EnumerateObject())
            {
                if (!int.TryParse(entry.Name, out int id) || entry.Value.ValueKind != JsonValueKind.Object
                    || !entry.Value.TryGetProperty("content", out JsonElement content) || content.ValueKind != JsonValueKind.String)
                {
                    throw new InputException($"{source.Beside("tokenizer_config.json")} has an added token '{entry.Name}' that is not a "
                        + "token with its id; fetch it again.");
                }

                var token = new AddedToken(
                    id, content.GetString()!, Yes("special"), Yes("single_word"), Yes("lstrip"), Yes("rstrip"), Yes("normalized"));
                if (!token.Special && (token.SingleWord || token.Lstrip || token.Rstrip))
                {
                    throw new InputException($"{source.Beside("tokenizer_config.json")} adds the token '{token.Content}' with single_word, "
                        + "lstrip or rstrip, which cannot be done exactly here.");
                }

                added[token.Content] = token;

                bool Yes(string name) => entry.Value.TryGetProperty(name, out JsonElement flag) && flag.ValueKind == JsonValueKind.True;
            }
        }

        return added.Values;
    }
}
