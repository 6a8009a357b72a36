using System.Globalization;
using System.Text.Json;
using Unweave.Hosts;

namespace Unweave.Onnx;

/// <summary>Reads <c>tokenizer.json</c>: a chain of steps, of which every one is known or refused by name.</summary>
internal static class TokenizerJsonReader
{
    private const string Punctuation = @"[\p{P}\$\+<=>\^`\|~]";

    /// <summary>Reads a tokenizer.</summary>
    public static ITokenizer Read(TokenizerSource source)
    {
        var json = source.ReadJson<TokenizerJson>(source.File);
        if (json.Model is null) throw new InputException($"{source.File} has no model; it is not a tokenizer.json, or incomplete.");
        if (json.AddedTokens?.Any(token => token is null || token.Content is null) is true)
            throw new InputException($"{source.File} has an added token without a text; the file was edited or is damaged.");
        string kind = json.Model.Type ?? (json.Model.Merges is not null ? "BPE" : "WordPiece");
        return kind switch
        {
            "BPE" when Steps(json.PreTokenizer).Any(step => step.Type is "ByteLevel") => ByteLevel(json, source),
            "BPE" => MergedPieces(json, source),
            "Unigram" => Unigram(json, source),
            "WordLevel" => WordLevel(json, source),
            "WordPiece" => WordPiece(json, source),
            _ => throw Unsupported(source, $"the model {kind} (there are BPE, Unigram, WordLevel and WordPiece)"),
        };
    }

    private static ByteLevelTokenizer ByteLevel(TokenizerJson json, TokenizerSource source)
    {
        JsonModel model = json.Model;
        CheckMerging(model, source);
        if (model.ByteFallback is true) throw Unsupported(source, "byte_fallback with ByteLevel");
        JsonStep[] normalizers = json.Normalizer switch
        {
            null => [],
            { Type: "Sequence" } several => several.Normalizers ?? [],
            { } one => [one],
        };
        if (normalizers.FirstOrDefault(step => step.Type is not "NFC") is { } normalizer)
            throw Unsupported(source, $"the normalizer {normalizer.Type} with BPE");

        AddedToken[] added = json.AddedTokens ?? [];
        var vocabulary = Vocabulary(model, source);
        Vocabularies.Check(vocabulary, added, source.File);
        var patterns = new List<WordPattern>();
        bool prefixSpace = false, byteLevel = false;
        foreach (JsonStep step in Steps(json.PreTokenizer))
        {
            if (byteLevel) throw Unsupported(source, $"the pre-tokenizer {step.Type} after ByteLevel");
            switch (step.Type)
            {
                case "ByteLevel":
                    byteLevel = true;
                    prefixSpace = step.AddPrefixSpace ?? true;
                    if (prefixSpace && patterns.Count > 0) throw Unsupported(source, "add_prefix_space after a split");
                    if (step.UseRegex ?? true) patterns.Add(WordPattern.Gpt2);
                    break;
                case "Split" when step.Pattern?.Regex is { } regex && step.Behavior is "Isolated" && step.Invert is not true:
                    patterns.Add(new WordPattern(regex, matchesOnly: false, source.File));
                    break;
                case "Split" when step.Pattern?.Regex is { } regex && step.Behavior is "Removed" && step.Invert is true:
                    patterns.Add(new WordPattern(regex, matchesOnly: true, source.File));
                    break;
                case "Digits":
                    patterns.Add(new WordPattern(step.IndividualDigits is true ? @"\p{N}" : @"\p{N}+", matchesOnly: false, source.File));
                    break;
                default:
                    throw Unsupported(
                        source, $"the pre-tokenizer {step.Type}{(step.Behavior is null ? "" : $" with behavior {step.Behavior}")}");
            }
        }

        TextFrame frame = Frames.Processed(json.PostProcessor, source, Ids(vocabulary, added), byteLevel: true);
        return new ByteLevelTokenizer(
            new BytePairs(
                vocabulary,
                [.. Merges(model, source)],
                patterns,
                prefixSpace,
                model.IgnoreMerges is true,
                added,
                Composed: normalizers.Length > 0),
            source,
            frame);
    }

    /// <summary>Characters merged pair by pair, with marks for blanks and tokens for bytes: Llama 2, Mistral, Gemma.</summary>
    private static PipelineTokenizer MergedPieces(TokenizerJson json, TokenizerSource source)
    {
        JsonModel model = json.Model;
        CheckMerging(model, source);
        var vocabulary = Vocabulary(model, source);
        int? unknown = Unknown(model, vocabulary, source);
        ByteTokens? bytes = model.ByteFallback is true ? Bytes(vocabulary, source) : null;
        var pairs = new ListedPairs(vocabulary, [.. Merges(model, source)], source.File);
        bool whole = model.IgnoreMerges is true;
        var cutter = new MergedCharacters(vocabulary, pairs, bytes, unknown, model.FuseUnk is true, whole);
        return Made("BPE", json, source, vocabulary, cutter, bytes is not null, byWords: !whole);
    }

    private static PipelineTokenizer Unigram(TokenizerJson json, TokenizerSource source)
    {
        JsonModel model = json.Model;
        if (model.Vocab.ValueKind != JsonValueKind.Array)
            throw new InputException($"{source.File} has a vocabulary that is not a list of pieces with scores; fetch it again.");
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        var scores = new List<double>();
        foreach (JsonElement entry in model.Vocab.EnumerateArray())
        {
            if (entry.ValueKind != JsonValueKind.Array || entry.GetArrayLength() != 2 || entry[0].ValueKind != JsonValueKind.String
                || entry[1].ValueKind != JsonValueKind.Number || Score(entry[1].GetRawText()) is var score && !double.IsFinite(score))
                throw new InputException($"{source.File} has a piece that is not a text and a score: {entry}; fetch it again.");
            vocabulary[entry[0].GetString()!] = scores.Count; // the last of the same text counts, as in the reference
            scores.Add(score);
        }

        if (model.UnkId is not { } unknown) throw Unsupported(source, "Unigram without a token for unknown characters (unk_id)");
        if (unknown < 0 || unknown >= scores.Count)
            throw new InputException($"{source.File} names the piece {unknown} for unknown characters, of {scores.Count}; fetch it again.");
        var special = (json.AddedTokens ?? []).Where(token => token.Special).Select(token => token.Content)
            .ToHashSet(StringComparer.Ordinal);
        var trie = new TokenTrie();
        foreach ((string piece, int id) in vocabulary)
        {
            if (!special.Contains(piece)) trie.Add(piece, id);
        }

        ByteTokens? bytes = model.ByteFallback is true ? Bytes(vocabulary, source) : null;
        var cutter = new BestPath(trie, [.. scores], scores.Min(), bytes, unknown, single: false);
        return Made("Unigram", json, source, vocabulary, cutter, bytes is not null, byWords: false);
    }

    /// <summary>
    /// A number as the reference reads it: its digits as a whole number, then divided by a power of ten, which may be a bit off the nearest
    /// double. Ways of equal scores are told apart by such bits.
    /// </summary>
    private static double Score(string text)
    {
        ReadOnlySpan<char> rest = text.AsSpan().TrimStart('-');
        ulong digits = 0;
        int exponent = 0, at = 0;
        bool afterPoint = false, full = false;
        for (; at < rest.Length && (char.IsAsciiDigit(rest[at]) || rest[at] == '.'); at++)
        {
            if (rest[at] == '.')
            {
                afterPoint = true;
                continue;
            }

            uint digit = (uint)(rest[at] - '0');
            full |= digits > (ulong.MaxValue - digit) / 10;
            if (!full) digits = (digits * 10) + digit;
            if (afterPoint && !full) exponent--;
            else if (!afterPoint && full) exponent++;
        }

        if (at < rest.Length && int.TryParse(rest[(at + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int power))
            exponent += Math.Clamp(power, -1000, 1000);
        double value = digits;
        for (; Math.Abs(exponent) > 308; exponent -= 308 * Math.Sign(exponent)) value = exponent < 0 ? value / 1e308 : value * 1e308;
        value = exponent < 0 ? value / PowerOfTen(-exponent) : value * PowerOfTen(exponent);
        return text.StartsWith('-') ? -value : value;

        static double PowerOfTen(int exponent) => double.Parse($"1e{exponent}", CultureInfo.InvariantCulture);
    }

    private static PipelineTokenizer WordLevel(TokenizerJson json, TokenizerSource source)
    {
        var vocabulary = Vocabulary(json.Model, source);
        if (Unknown(json.Model, vocabulary, source) is not { } unknown) throw Unsupported(source, "words without a token for unknown ones");
        return Made("WordLevel", json, source, vocabulary, new WholeWords(vocabulary, unknown), bytes: false, byWords: false);
    }

    private static PipelineTokenizer Made(string kind, TokenizerJson json, TokenizerSource source, Dictionary<string, int> vocabulary,
        IWordModel model, bool bytes, bool byWords)
    {
        AddedToken[] added = json.AddedTokens ?? [];
        Vocabularies.Check(vocabulary, added, source.File);
        var rewrites = new List<Rewrite>();
        var cuts = new List<Cut>();
        char? mark = null;
        bool prefixed = false;
        foreach (JsonStep step in Several(json.Normalizer, step => step.Normalizers))
        {
            rewrites.Add(step.Type switch
            {
                "NFC" => text => CanonicalForm.Apply(text, compose: true),
                "NFD" => text => CanonicalForm.Apply(text, compose: false),
                "Lowercase" => Rewrites.Lower,
                "StripAccents" => Rewrites.StripMarks,
                "Strip" => Rewrites.Strip(step.StripLeft ?? true, step.StripRight ?? true),
                "Prepend" when step.Prepend is { } prefix => Rewrites.Prepend(prefix),
                "Replace" when step.Content is { } content => Rewrites.Replace(Find(step.Pattern, source), content),
                "Precompiled" => Characters(step, source),
                _ => throw Unsupported(source, $"the normalizer {step.Type} with {kind}"),
            });
            if (step is { Type: "Replace", Pattern.String: " ", Content: { Length: 1 } one }) mark = one[0];
            prefixed |= step.Type is "Prepend";
        }

        foreach (JsonStep step in Steps(json.PreTokenizer))
        {
            switch (step.Type)
            {
                case "Metaspace":
                    if ((step.Replacement ?? "\u2581") is not [var replacement])
                        throw Unsupported(source, $"blanks marked by '{step.Replacement}'");
                    string scheme = step.PrependScheme ?? (step.AddPrefixSpace is false ? "never" : "always");
                    Func<int, bool> prefix = scheme switch
                    {
                        "always" => _ => true,
                        "first" => start => start == 0,
                        "never" => _ => false,
                        _ => throw Unsupported(source, $"the prepend_scheme {scheme}"),
                    };
                    cuts.Add(Cuts.Marks(replacement, prefix, step.Split ?? true));
                    mark = replacement;
                    prefixed |= scheme is not "never";
                    break;
                case "WhitespaceSplit":
                    cuts.Add(Cuts.Blanks);
                    break;
                case "Whitespace":
                    cuts.Add(Cuts.Words);
                    break;
                case "Split":
                    cuts.Add(Cuts.Split(Find(step.Pattern, source), step.Behavior ?? "", step.Invert is true, source.File));
                    break;
                case "Digits":
                    cuts.Add(Found(step.IndividualDigits is true ? @"\p{N}" : @"\p{N}+", "Isolated"));
                    break;
                case "Punctuation":
                    cuts.Add(Found(Punctuation, step.Behavior ?? "Isolated"));
                    break;
                case "BertPreTokenizer":
                    cuts.Add(Cuts.Blanks);
                    cuts.Add(Found(Punctuation, "Isolated"));
                    break;
                default:
                    throw Unsupported(source, $"the pre-tokenizer {step.Type} with {kind}");
            }
        }

        // Where no token goes on from one word into the next, each word is cut by itself, and remembered.
        if (byWords && mark is { } blank && vocabulary.ContainsKey(blank.ToString())
            && !vocabulary.Keys.Any(token => Words.GoesOn(token, blank)))
            cuts.Add(Cuts.AtWords(blank));
        TextFrame frame = Frames.Processed(json.PostProcessor, source, Ids(vocabulary, added), byteLevel: false);
        return new PipelineTokenizer(kind, new Pipeline(model, vocabulary, added, rewrites, cuts, mark, prefixed, bytes), source, frame);

        Cut Found(string pattern, string behavior) =>
            Cuts.Split(new WordPattern(pattern, matchesOnly: true, source.File).Places, behavior, invert: false, source.File);
    }

    private static Func<string, List<Range>> Find(JsonPattern? pattern, TokenizerSource source) => pattern switch
    {
        { String: { Length: > 0 } literal } => Rewrites.Literal(literal),
        { Regex: { Length: > 0 } regex } => new WordPattern(regex, matchesOnly: true, source.File).Places,
        _ => throw Unsupported(source, "a step without a pattern"),
    };

    private static Rewrite Characters(JsonStep step, TokenizerSource source)
    {
        if (string.IsNullOrEmpty(step.PrecompiledCharsmap)) return text => text;
        try
        {
            return CharacterMap.Read(Convert.FromBase64String(step.PrecompiledCharsmap), source.File).ByGrapheme;
        }
        catch (FormatException e)
        {
            throw new InputException($"{source.File} has a precompiled_charsmap that is not base 64; fetch it again.", e);
        }
    }

    private static ByteTokens Bytes(Dictionary<string, int> vocabulary, TokenizerSource source) =>
        ByteTokens.Find(token => vocabulary.TryGetValue(token, out int id) ? id : null, source.File);

    private static int? Unknown(JsonModel model, Dictionary<string, int> vocabulary, TokenizerSource source) =>
        model.UnkToken is not { } token ? null : vocabulary.TryGetValue(token, out int id) ? id : throw new InputException(
            $"{source.File} names the token '{token}' for what is unknown, which its vocabulary lacks; fetch it again.");

    private static void CheckMerging(JsonModel model, TokenizerSource source)
    {
        if (model.Dropout is > 0) throw Unsupported(source, "merges left out at random (dropout)");
        if (!string.IsNullOrEmpty(model.ContinuingSubwordPrefix) || !string.IsNullOrEmpty(model.EndOfWordSuffix))
            throw Unsupported(source, "a prefix or suffix of words");
    }

    private static WordPieces WordPiece(TokenizerJson json, TokenizerSource source)
    {
        JsonModel model = json.Model;
        if (json.Normalizer is not { Type: "BertNormalizer" } normalizer)
            throw Unsupported(source, $"the normalizer {json.Normalizer?.Type ?? "(none)"} with WordPiece");
        if (json.PreTokenizer is not { Type: "BertPreTokenizer" })
            throw Unsupported(source, $"the pre-tokenizer {json.PreTokenizer?.Type ?? "(none)"} with WordPiece");
        AddedToken[] added = json.AddedTokens ?? [];
        if (added.FirstOrDefault(token => !token.Special) is { } inText)
            throw Unsupported(source, $"the added token '{inText.Content}', not special, with WordPiece");
        var vocabulary = Vocabulary(model, source);
        Vocabularies.Check(vocabulary, added, source.File);
        bool lower = normalizer.Lowercase ?? true;
        var text = new BertText(
            normalizer.CleanText ?? true, normalizer.HandleChineseChars ?? true, normalizer.StripAccents ?? lower, lower);
        TextFrame frame = Frames.Processed(json.PostProcessor, source, Ids(vocabulary, added), byteLevel: false);
        return new WordPieces(
            vocabulary,
            added,
            text,
            model.UnkToken ?? "[UNK]",
            model.ContinuingSubwordPrefix ?? "##",
            model.MaxInputCharsPerWord ?? 100,
            source,
            frame);
    }

    private static Func<string, int?> Ids(Dictionary<string, int> vocabulary, AddedToken[] added) =>
        token => added.FirstOrDefault(one => string.Equals(one.Content, token, StringComparison.Ordinal))?.Id
            ?? (vocabulary.TryGetValue(token, out int id) ? id : null);

    private static IEnumerable<JsonStep> Steps(JsonStep? step) => Several(step, inner => inner.Pretokenizers);

    private static IEnumerable<JsonStep> Several(JsonStep? step, Func<JsonStep, JsonStep[]?> parts) => step switch
    {
        null => [],
        { Type: "Sequence" } => (parts(step) ?? []).SelectMany(inner => Several(inner, parts)),
        _ => [step],
    };

    private static Dictionary<string, int> Vocabulary(JsonModel model, TokenizerSource source)
    {
        try
        {
            return model.Vocab.Deserialize(TokenizerJsonContext.Default.DictionaryStringInt32) ?? [];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InputException($"{source.File} has a vocabulary that is not tokens with their ids "
                + $"({e.Message.ReplaceLineEndings(" ")}); fetch it again.", e);
        }
    }

    private static IEnumerable<string> Merges(JsonModel model, TokenizerSource source)
    {
        if (model.Merges is not { ValueKind: JsonValueKind.Array } merges)
            throw new InputException($"{source.File} has no list of merges; fetch it again.");
        foreach (JsonElement merge in merges.EnumerateArray())
        {
            yield return merge.ValueKind switch
            {
                JsonValueKind.String => merge.GetString()!,
                JsonValueKind.Array when merge.GetArrayLength() == 2 => $"{merge[0].GetString()} {merge[1].GetString()}",
                _ => throw new InputException($"{source.File} has a merge that is not two tokens: {merge}; fetch it again."),
            };
        }
    }

    private static InputException Unsupported(TokenizerSource source, string what) =>
        new($"{source.File} asks for {what}, which cannot be done exactly here; use another form of the tokenizer, such as a "
            + $"SentencePiece .model where the model has one.");
}
