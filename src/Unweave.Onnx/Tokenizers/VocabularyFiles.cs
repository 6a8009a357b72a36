namespace Unweave.Onnx;

/// <summary>Tokenizers whose vocabulary is a file of its own: <c>vocab.json</c> with <c>merges.txt</c>, and <c>vocab.txt</c>.</summary>
internal static class VocabularyFiles
{
    public const string BytePairs = "vocab.json";

    public const string Merges = "merges.txt";

    public const string WordPieces = "vocab.txt";

    private const int BertWordLimit = 100;

    /// <summary>Byte-level byte pairs, as GPT-2 has them.</summary>
    public static TokenizerParts ReadBytePairs(string vocabularyPath, string mergesPath, SourceFiles files)
    {
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach ((string token, JsonValueAt id) in JsonValueAt.Parse(files.Read(vocabularyPath), vocabularyPath).Members()) vocabulary.Add(token, id.Count());

        var merges = new List<(string, string)>();
        string[] lines = files.ReadLines(mergesPath);
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].StartsWith("#version", StringComparison.Ordinal)) continue;
            string[] pair = lines[i].Split(' ');
            if (pair.Length != 2 || pair[0].Length == 0 || pair[1].Length == 0) throw new InputException($"{mergesPath}: line {i + 1} is not two tokens with a blank between them; the file was edited or is incomplete.");
            merges.Add((pair[0], pair[1]));
        }

        var config = new TokenizerConfig(Folder(vocabularyPath), files);
        string[] tokens = Vocabulary.InOrder(vocabulary, [], vocabularyPath);
        (int? start, int? end) = config.Marks(IdOf);
        FrameTokens frame = config.Frame(IdOf, start, end, padding: null, separated: true);
        var options = new RankedMergesOptions { Unknown = config.Token("unk_token") is { } unknown ? IdOf(unknown) : null };
        return new TokenizerParts
        {
            Kind = "byte-level BPE",
            Tokens = tokens,
            Splitting = new ByteLevelStep(config.Flag("add_prefix_space") ?? false, split: true),
            Model = new RankedMerges(vocabulary, merges, SpecialOf(frame), options, mergesPath),
            Decoding = [new ByteLevelDecoding()],
            Frame = frame,
        };

        int? IdOf(string token) => vocabulary.TryGetValue(token, out int id) ? id : null;
    }

    /// <summary>Word pieces, as BERT has them. Where nothing beside the file says otherwise, case counts exactly where the vocabulary has capitals.</summary>
    public static TokenizerParts ReadWordPieces(string path, SourceFiles files)
    {
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        string[] lines = files.ReadLines(path);
        for (int id = 0; id < lines.Length; id++)
        {
            string token = lines[id].TrimEnd();
            if (!vocabulary.TryAdd(token, id)) throw new InputException($"{path}: lines {vocabulary[token] + 1} and {id + 1} are the same token '{token}'; the file was edited or is not a vocabulary.");
        }

        var config = new TokenizerConfig(Folder(path), files);
        string[] tokens = Vocabulary.InOrder(vocabulary, [], path);
        string unknownToken = config.Token("unk_token") ?? "[UNK]";
        int unknown = IdOf(unknownToken) ?? throw new InputException($"{path}: the vocabulary lacks the unknown token '{unknownToken}'; this is not a vocabulary of word pieces, or its {TokenizerConfig.FileName} is missing.");
        (int? start, int? end) = config.Marks(IdOf, "[CLS]", "[SEP]");
        FrameTokens frame = config.Frame(IdOf, start, end, IdOf(config.Token("pad_token") ?? "[PAD]"), separated: false);
        HashSet<int> special = [.. SpecialOf(frame), unknown];
        if (IdOf(config.Token("mask_token") ?? "[MASK]") is { } mask) special.Add(mask);

        bool capitals = vocabulary.Any(entry => !special.Contains(entry.Value) && !entry.Key.StartsWith('[') && entry.Key.Any(char.IsUpper));
        bool lower = config.Flag("do_lower_case") ?? !capitals;
        return new TokenizerParts
        {
            Kind = "WordPiece",
            Tokens = tokens,
            Normalizing = Bert(clean: true, config.Flag("tokenize_chinese_chars") ?? true, config.Flag("strip_accents") ?? lower, lower),
            Splitting = BertWords(),
            Model = new WordPieces(vocabulary, special, unknown, "##", BertWordLimit),
            Decoding = [new WordPieceDecoding("##", clean: true)],
            Frame = frame,
        };

        int? IdOf(string token) => vocabulary.TryGetValue(token, out int id) ? id : null;
    }

    /// <summary>How BERT normalises.</summary>
    public static TextStep Bert(bool clean, bool separateIdeographs, bool stripAccents, bool lower)
    {
        List<TextStep> steps = [new BertCleaningStep(clean, separateIdeographs)];
        if (stripAccents) steps.AddRange([new CanonicalStep(compose: false), new RemovalStep(CharacterKinds.IsNonSpacingMark)]);
        if (lower) steps.Add(new LowerCaseStep());
        return new TextSteps(steps);
    }

    /// <summary>How BERT splits: at white space, and around every punctuation mark.</summary>
    public static SplitStep BertWords() => new SplitSteps(
    [
        new KindSplit(CharacterKinds.IsWhiteSpace, runs: false, SplitBehavior.Removed),
        new KindSplit(CharacterKinds.IsPunctuation, runs: false, SplitBehavior.Isolated),
    ]);

    /// <summary>The folder a file is in.</summary>
    public static string Folder(string path) => Path.GetDirectoryName(Path.GetFullPath(path))!;

    private static HashSet<int> SpecialOf(FrameTokens frame) => [.. new[] { frame.Start, frame.End, frame.Padding }.OfType<int>()];
}
