using System.Text.Json;
using Unweave.Hosts;

namespace Unweave.Onnx;

/// <summary>Reads <c>tokenizer.json</c>: a chain of steps, of which every one is known or refused by name.</summary>
internal static class TokenizerJsonReader
{
    /// <summary>Reads a tokenizer.</summary>
    public static ITokenizer Read(TokenizerSource source)
    {
        var json = source.ReadJson<TokenizerJson>(source.File);
        if (json.Model is null) throw new InputException($"{source.File} has no model; it is not a tokenizer.json, or incomplete.");
        if (json.AddedTokens?.Contains(null!) is true)
            throw new InputException($"{source.File} has an added token that is null; the file was edited or is damaged.");
        string kind = json.Model.Type ?? (json.Model.Merges is not null ? "BPE" : "WordPiece");
        return kind switch
        {
            "BPE" => ByteLevel(json, source),
            "WordPiece" => WordPiece(json, source),
            _ => throw Unsupported(source, $"the model {kind} (there are BPE and WordPiece)"),
        };
    }

    private static ByteLevelTokenizer ByteLevel(TokenizerJson json, TokenizerSource source)
    {
        JsonModel model = json.Model;
        if (model.Dropout is > 0) throw Unsupported(source, "merges left out at random (dropout)");
        if (model.ByteFallback is true) throw Unsupported(source, "byte_fallback");
        if (!string.IsNullOrEmpty(model.ContinuingSubwordPrefix) || !string.IsNullOrEmpty(model.EndOfWordSuffix))
            throw Unsupported(source, "a prefix or suffix of words");
        JsonStep[] normalizers = json.Normalizer switch
        {
            null => [],
            { Type: "Sequence" } several => several.Normalizers ?? [],
            { } one => [one],
        };
        if (normalizers.FirstOrDefault(step => step.Type is not "NFC") is { } normalizer)
            throw Unsupported(source, $"the normalizer {normalizer.Type} with BPE");

        AddedToken[] added = json.AddedTokens ?? [];
        if (added.FirstOrDefault(token => !token.Special && (token.SingleWord || token.Lstrip || token.Rstrip)) is { } stripped)
            throw Unsupported(source, $"the added token '{stripped.Content}' with single_word, lstrip or rstrip");

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

        if (!byteLevel) throw Unsupported(source, "BPE without a ByteLevel pre-tokenizer");
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

    private static IEnumerable<JsonStep> Steps(JsonStep? step) => step switch
    {
        null => [],
        { Type: "Sequence" } => (step.Pretokenizers ?? []).SelectMany(Steps),
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
        new($"{source.File} asks for {what}, which cannot be done exactly here; use another form of the tokenizer, such as its "
            + $"SentencePiece .model.");
}
