namespace Unweave.Onnx;

/// <summary>
/// Reads <c>tokenizer.json</c>, in which a tokenizer is a chain of steps: normalizer, pre_tokenizer, model, post_processor, decoder.
/// A step that is not known, or not known to the letter, is refused by name.
/// </summary>
internal static class TokenizerJson
{
    public const string FileName = "tokenizer.json";

    /// <summary>Reads a tokenizer, with what stands beside its file.</summary>
    public static TokenizerParts Read(string path, SourceFiles files)
    {
        JsonValueAt root = JsonValueAt.Parse(files.Read(path), path);
        JsonValueAt model = root.Required("model");
        string kind = KindOf(model);
        if (kind is "Unigram") return Unigram(path, root, model, files);
        List<AddedToken> added = [.. root.Optional("added_tokens")?.Items().Select(AddedToken) ?? []];
        TextStep? normalizing = root.Optional("normalizer") is { } normalizer ? Normalizer(normalizer) : null;
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach ((string token, JsonValueAt id) in model.Required("vocab").Members()) vocabulary.Add(token, id.Count());
        string[] tokens = Vocabulary.InOrder(vocabulary, added, path);
        Dictionary<string, int> ids = tokens.Select((token, id) => (token, id)).ToDictionary(pair => pair.token, pair => pair.id, StringComparer.Ordinal);
        HashSet<int> special = [.. added.Where(token => token.Special).Select(token => token.Id)];
        JsonValueAt? splitting = root.Optional("pre_tokenizer");
        bool byteLevel = splitting is { } step && Mentions(step, "pretokenizers", "ByteLevel");
        return new TokenizerParts
        {
            Kind = kind is "BPE" && byteLevel ? "byte-level BPE" : kind,
            Tokens = tokens,
            Added = added,
            Normalizing = normalizing,
            Splitting = splitting is { } split ? PreTokenizer(split, path) : null,
            Model = kind is "BPE" ? BytePairs(model, vocabulary, ids, special, path) : WordPiece(model, vocabulary, special),
            Decoding = root.Optional("decoder") is { } decoder ? [.. Decoder(decoder)] : [new JoinDecoding()],
            Frame = Frame(root, new TokenizerConfig(VocabularyFiles.Folder(path), files), token => ids.TryGetValue(token, out int id) ? id : null, byteLevel, tokens.Length),
        };
    }

    /// <summary>The kind of model; files of the first versions do not name it.</summary>
    private static string KindOf(JsonValueAt model)
    {
        string kind = model.Optional("type")?.Text() ?? (model.Optional("merges") is not null ? "BPE" : model.Optional("unk_id") is not null ? "Unigram" : "WordPiece");
        return kind is "BPE" or "WordPiece" or "Unigram" ? kind : throw model.Unsupported($"a model of type {kind} (there are BPE, WordPiece, and Unigram with its .model file)");
    }

    private static AddedToken AddedToken(JsonValueAt token)
    {
        bool special = token.Flag("special", otherwise: false);
        string content = token.Required("content").Text();
        if (content.Length == 0) throw token.Wrong("has no content");
        return new AddedToken(
            content,
            token.Required("id").Count(),
            special,
            token.Flag("normalized", otherwise: !special),
            token.Flag("single_word", otherwise: false),
            token.Flag("lstrip", otherwise: false),
            token.Flag("rstrip", otherwise: false));
    }

    private static RankedMerges BytePairs(JsonValueAt model, Dictionary<string, int> vocabulary, Dictionary<string, int> ids, HashSet<int> special, string path)
    {
        if (model.Optional("dropout") is { } dropout && dropout.Number() != 0) throw dropout.Unsupported("merges left out at random");
        string prefix = model.Text("continuing_subword_prefix", ""), suffix = model.Text("end_of_word_suffix", "");
        bool byteFallback = model.Flag("byte_fallback", otherwise: false);
        if (byteFallback && prefix.Length + suffix.Length > 0) throw model.Unsupported("byte_fallback together with a prefix or suffix of words");

        int? unknown = null;
        if (model.Text("unk_token", "") is { Length: > 0 } token)
            unknown = ids.TryGetValue(token, out int id) ? id : throw model.Required("unk_token").Wrong("is not in the vocabulary");

        var options = new RankedMergesOptions
        {
            Unknown = unknown,
            FuseUnknown = model.Flag("fuse_unk", otherwise: false),
            ByteFallback = byteFallback,
            IgnoreMerges = model.Flag("ignore_merges", otherwise: false),
            ContinuingPrefix = prefix,
            EndSuffix = suffix,
        };
        return new RankedMerges(vocabulary, [.. model.Required("merges").Items().Select(Merge)], special, options, path);
    }

    private static (string Left, string Right) Merge(JsonValueAt merge)
    {
        // As one string, the two tokens have a blank between them; an array can also hold tokens with blanks.
        string[] pair = merge.IsString ? merge.Text().Split(' ') : [.. merge.Items().Select(token => token.Text())];
        return pair.Length == 2 && pair[0].Length > 0 && pair[1].Length > 0 ? (pair[0], pair[1]) : throw merge.Wrong("should be two tokens");
    }

    private static WordPieces WordPiece(JsonValueAt model, Dictionary<string, int> vocabulary, HashSet<int> special)
    {
        string token = model.Text("unk_token", "[UNK]");
        if (!vocabulary.TryGetValue(token, out int unknown)) throw (model.Optional("unk_token") ?? model).Wrong($"needs the unknown token '{token}', which the vocabulary lacks");
        return new WordPieces(vocabulary, special, unknown, model.Text("continuing_subword_prefix", "##"), model.Optional("max_input_chars_per_word")?.Count() ?? 100);
    }

    /// <summary>A unigram model is read from the SentencePiece file it was made from, which alone has all its rules, if that has the same pieces.</summary>
    private static TokenizerParts Unigram(string path, JsonValueAt root, JsonValueAt model, SourceFiles files)
    {
        string[] beside = SentencePieceFile.In(VocabularyFiles.Folder(path));
        if (beside.Length != 1)
            throw model.Unsupported($"a Unigram model, of which the .model file is needed in the same folder ({(beside.Length == 0 ? "there is none" : "there are several")})");
        TokenizerParts parts = SentencePieceFile.Read(beside[0], files);
        string[] pieces = [.. model.Required("vocab").Items().Select(piece => piece.Items().First().Text())];
        int shared = Math.Min(pieces.Length, parts.Tokens.Length);
        if (pieces.AsSpan(0, shared).CommonPrefixLength(parts.Tokens.AsSpan(0, shared), StringComparer.Ordinal) is int same && same < shared)
            throw model.Unsupported($"ids other than those of {beside[0]} (id {same} is '{pieces[same]}' here, '{parts.Tokens[same]}' there)");
        int? IdOf(string token) => Array.IndexOf(parts.Tokens, token) is >= 0 and int id ? id : null;
        return parts with { Frame = Frame(root, new TokenizerConfig(VocabularyFiles.Folder(path), files), IdOf, separated: false, parts.Tokens.Length) };
    }

    private static TextStep Normalizer(JsonValueAt step)
    {
        string kind = step.Kind();
        switch (kind)
        {
            case "Sequence":
                return new TextSteps([.. step.Required("normalizers").Items().Select(Normalizer)]);
            case "NFC" or "NFD":
                return new CanonicalStep(compose: kind is "NFC");
            case "Lowercase":
                return new LowerCaseStep();
            case "StripAccents":
                return new RemovalStep(CharacterKinds.IsMark);
            case "Strip":
                return new TrimStep(step.Flag("strip_left", otherwise: true), step.Flag("strip_right", otherwise: true));
            case "Prepend":
                return new PrependStep(step.Required("prepend").Text());
            case "Replace":
                return new ReplaceStep(Literal(step.Required("pattern")), step.Required("content").Text());
            case "BertNormalizer":
                bool lower = step.Flag("lowercase", otherwise: true);
                return VocabularyFiles.Bert(step.Flag("clean_text", otherwise: true), step.Flag("handle_chinese_chars", otherwise: true), step.Flag("strip_accents", otherwise: lower), lower);
            default:
                throw step.Unsupported($"the normaliser {kind}");
        }
    }

    private static SplitStep PreTokenizer(JsonValueAt step, string path)
    {
        string kind = step.Kind();
        switch (kind)
        {
            case "Sequence":
                return new SplitSteps([.. step.Required("pretokenizers").Items().Select(inner => PreTokenizer(inner, path))]);
            case "ByteLevel":
                return new ByteLevelStep(step.Flag("add_prefix_space", otherwise: true), step.Flag("use_regex", otherwise: true));
            case "Split":
                JsonValueAt pattern = step.Required("pattern");
                SplitBehavior behavior = Behavior(step.Required("behavior"));
                bool invert = step.Flag("invert", otherwise: false);
                return pattern.Optional("Regex") is { } regex
                    ? new PatternSplit(new SplitPattern(regex.Text(), path), behavior, invert)
                    : new LiteralSplit(Literal(pattern), behavior, invert);
            case "Metaspace":
                return Metaspace(step);
            case "BertPreTokenizer":
                return VocabularyFiles.BertWords();
            case "WhitespaceSplit":
                return new KindSplit(CharacterKinds.IsWhiteSpace, runs: false, SplitBehavior.Removed);
            case "Whitespace":
                // \w+|[^\w\s]+ : white space falls away, and words end where a character of the other kind begins.
                return new SplitSteps([new KindSplit(CharacterKinds.IsWhiteSpace, runs: false, SplitBehavior.Removed), new KindSplit(CharacterKinds.IsWord, runs: true, SplitBehavior.Isolated)]);
            case "Punctuation":
                return new KindSplit(CharacterKinds.IsPunctuation, runs: false, step.Optional("behavior") is { } given ? Behavior(given) : SplitBehavior.Isolated);
            case "Digits":
                return new KindSplit(CharacterKinds.IsNumber, runs: false, step.Flag("individual_digits", otherwise: false) ? SplitBehavior.Isolated : SplitBehavior.Contiguous);
            default:
                throw step.Unsupported($"the pre-tokenizer {kind}");
        }
    }

    private static MetaspaceStep Metaspace(JsonValueAt step)
    {
        bool? given = step.Optional("add_prefix_space")?.Flag();
        JsonValueAt? scheme = step.Optional("prepend_scheme");
        MetaspacePrefix prefix = scheme?.Text() switch
        {
            "always" => MetaspacePrefix.Always,
            "first" => MetaspacePrefix.First,
            "never" => MetaspacePrefix.Never,
            null => given is false ? MetaspacePrefix.Never : MetaspacePrefix.Always,
            _ => throw scheme.Value.Wrong("should be always, first or never"),
        };
        if (given is false && prefix is not MetaspacePrefix.Never) throw scheme!.Value.Wrong("contradicts add_prefix_space, which is false");
        return new MetaspaceStep(step.Required("replacement").Character(), prefix, step.Flag("split", otherwise: true));
    }

    private static SplitBehavior Behavior(JsonValueAt value)
    {
        string name = value.Text();
        return Enum.GetNames<SplitBehavior>().Contains(name, StringComparer.Ordinal) ? Enum.Parse<SplitBehavior>(name) : throw value.Wrong($"should be one of {string.Join(", ", Enum.GetNames<SplitBehavior>())}");
    }

    /// <summary>A pattern that is a plain string.</summary>
    private static string Literal(JsonValueAt pattern)
    {
        if (pattern.Optional("String") is not { } literal) throw pattern.Unsupported("a regular expression");
        return literal.Text() is { Length: > 0 } text ? text : throw literal.Wrong("is empty");
    }

    private static IEnumerable<DecodeStep> Decoder(JsonValueAt step)
    {
        string kind = step.Kind();
        return kind switch
        {
            "Sequence" => step.Required("decoders").Items().SelectMany(Decoder),
            "ByteLevel" => [new ByteLevelDecoding()],
            "ByteFallback" => [new ByteFallbackDecoding()],
            "Fuse" => [new FuseDecoding()],
            "Replace" => [new ReplaceDecoding(Literal(step.Required("pattern")), step.Required("content").Text())],
            "Strip" => [new StripDecoding(step.Required("content").Character(), step.Required("start").Count(), step.Required("stop").Count())],
            "Metaspace" => [new MetaspaceDecoding(step.Required("replacement").Character(), step.Flag("add_prefix_space", otherwise: true) && step.Text("prepend_scheme", "always") is not "never")],
            "WordPiece" => [new WordPieceDecoding(step.Text("prefix", "##"), step.Flag("cleanup", otherwise: true))],
            "BPEDecoder" => [new SuffixDecoding(step.Text("suffix", "</w>"))],
            _ => throw step.Unsupported($"the decoder {kind}"),
        };
    }

    private static FrameTokens Frame(JsonValueAt root, TokenizerConfig config, Func<string, int?> idOf, bool separated, int vocabularySize)
    {
        (int? start, int? end) = root.Optional("post_processor") is { } processor ? Ends(processor) : (null, null);
        JsonValueAt? pad = root.Optional("padding")?.Optional("pad_id");
        int? padding = pad?.Count();
        if (Math.Max(start ?? 0, end ?? 0) is int largest && largest >= vocabularySize) throw root.Required("post_processor").Wrong($"names the id {largest}, but the vocabulary ends with {vocabularySize - 1}");
        if (padding >= vocabularySize) throw pad!.Value.Wrong($"is no id: the vocabulary ends with {vocabularySize - 1}");
        return config.Frame(idOf, start, end, padding, separated);
    }

    /// <summary>The one token that a post-processor puts before a text, and the one it puts after.</summary>
    private static (int? Start, int? End) Ends(JsonValueAt step)
    {
        string kind = step.Kind();
        switch (kind)
        {
            case "ByteLevel":
                return (null, null);
            case "BertProcessing" or "RobertaProcessing":
                return (Pair(step.Required("cls")), Pair(step.Required("sep")));
            case "TemplateProcessing":
                return Template(step);
            case "Sequence":
                (int? Start, int? End) ends = (null, null);
                foreach (JsonValueAt inner in step.Required("processors").Items())
                {
                    (int? start, int? end) = Ends(inner);
                    if ((start is not null && ends.Start is not null) || (end is not null && ends.End is not null)) throw step.Unsupported("more than one token before or after a text");
                    ends = (start ?? ends.Start, end ?? ends.End);
                }

                return ends;
            default:
                throw step.Unsupported($"the post-processor {kind}");
        }

        static int? Pair(JsonValueAt pair) => pair.Items().Skip(1).Select(id => (int?)id.Count()).FirstOrDefault() ?? throw pair.Wrong("should be a token and its id");
    }

    private static (int? Start, int? End) Template(JsonValueAt step)
    {
        int? start = null, end = null;
        bool afterText = false;
        foreach (JsonValueAt item in step.Required("single").Items())
        {
            if (item.Optional("Sequence") is not null)
            {
                afterText = true;
                continue;
            }

            string name = item.Required("SpecialToken").Required("id").Text();
            int[] ids = [.. step.Required("special_tokens").Required(name).Required("ids").Items().Select(id => id.Count())];
            if (ids.Length != 1 || (afterText ? end : start) is not null) throw item.Unsupported("more than one token before or after a text");
            if (afterText) end = ids[0];
            else start = ids[0];
        }

        return (start, end);
    }

    private static bool Mentions(JsonValueAt step, string list, string kind) =>
        string.Equals(step.Kind(), kind, StringComparison.Ordinal) || (step.Optional(list)?.Items().Any(inner => Mentions(inner, list, kind)) ?? false);
}
