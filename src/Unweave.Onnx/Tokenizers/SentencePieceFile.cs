using Google.Protobuf;

namespace Unweave.Onnx;

/// <summary>Reads a SentencePiece model: a protocol buffer with the pieces, what the trainer was told, and how text is normalised.</summary>
internal static class SentencePieceFile
{
    private const int UnigramModel = 1, BytePairModel = 2;

    /// <summary>The SentencePiece models in a folder, by their extension.</summary>
    public static string[] In(string folder)
    {
        try
        {
            return [.. Directory.EnumerateFiles(folder, "*.model").Order(StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{folder}: the folder cannot be read: {e.Message}", e);
        }
    }

    public static TokenizerParts Read(string path, SourceFiles files)
    {
        Model model;
        try
        {
            model = ReadModel(new CodedInputStream(files.Read(path)), path);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new InputException($"{path}: this is not a SentencePiece model, or not all of one: {e.Message.ReplaceLineEndings(" ")}", e);
        }

        if (model.Pieces.Count == 0) throw new InputException($"{path}: this is not a SentencePiece model, or not all of one: it has no pieces.");
        var pieces = new SentencePieces(model.Pieces, model.ByteFallback, path);
        if (model.Denormalizes) throw new InputException($"{path}: the model rewrites text when it is decoded (denormalizer_spec), which is not supported.");
        if (model.Type == BytePairModel && model.Pieces.FindIndex(piece => piece.Kind == PieceKind.Unused) is >= 0 and int unused)
            throw new InputException($"{path}: the piece {unused} is marked as unused, which is supported of unigram models only; use the model as it was before its vocabulary was restricted.");
        var options = new SentencePieceStepOptions
        {
            Map = model.CharacterMap.Length == 0 ? null : new CharacterMap(model.CharacterMap, path),
            DummyPrefix = model.DummyPrefix,
            RemoveExtraSpaces = model.RemoveExtraSpaces,
            EscapeSpaces = model.EscapeSpaces,
            SpaceAsSuffix = model.SpaceAsSuffix,
        };

        string[] tokens = [.. model.Pieces.Select(piece => piece.Text)];
        var config = new TokenizerConfig(VocabularyFiles.Folder(path), files);
        return new TokenizerParts
        {
            Kind = model.Type == BytePairModel ? "SentencePiece BPE" : "SentencePiece unigram",
            Tokens = tokens,
            Normalizing = new SentencePieceStep(pieces.UserDefined, options),
            Model = model.Type == BytePairModel ? new ScoredMerges(pieces) : new UnigramPieces(pieces),
            Decoding = Decoding(model),
            Frame = Frame(model, tokens, config),
        };
    }

    private static List<DecodeStep> Decoding(Model model)
    {
        List<DecodeStep> steps = [];
        if (model.EscapeSpaces) steps.Add(new ReplaceDecoding(SentencePieceStep.Space.ToString(), " "));
        if (model.ByteFallback) steps.Add(new ByteFallbackDecoding());
        steps.Add(new FuseDecoding());
        if (model.DummyPrefix) steps.Add(new StripDecoding(' ', model.SpaceAsSuffix ? 0 : 1, model.SpaceAsSuffix ? 1 : 0));
        return steps;
    }

    /// <summary>
    /// The file numbers the tokens of start, end and padding, but not which of them are put around a text. The start is, and the end
    /// where there is no start, as with T5; [CLS] and [SEP] are, as with ALBERT; what stands beside the file goes before both.
    /// </summary>
    private static FrameTokens Frame(Model model, string[] tokens, TokenizerConfig config)
    {
        int? start = Known(model.Start), end = Known(model.End), padding = Known(model.Padding);
        (int? cls, int? sep) = config.Marks(IdOf, "[CLS]", "[SEP]");
        if (cls is not null) return config.Frame(IdOf, cls, sep, padding, separated: false);
        bool ends = config.Flag("add_eos_token") ?? start is null;
        if (config.Mentions("bos_token") || config.Flag("add_bos_token") is false) start = null;
        return config.Frame(IdOf, start, ends ? end : null, padding, separated: false);

        int? Known(int id) => id >= 0 && id < tokens.Length && model.Pieces[id].Kind == PieceKind.Control ? id : null;

        int? IdOf(string token) => Array.IndexOf(tokens, token) is >= 0 and int id ? id : null;
    }

    private static Model ReadModel(CodedInputStream input, string path)
    {
        var model = new Model();
        for (uint tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
        {
            switch (tag)
            {
                case 1 << 3 | 2:
                    model.Pieces.Add(ReadPiece(input.ReadBytes().CreateCodedInput(), model.Pieces.Count, path));
                    break;
                case 2 << 3 | 2:
                    ReadTrainer(input.ReadBytes().CreateCodedInput(), model, path);
                    break;
                case 3 << 3 | 2:
                    ReadNormalizer(input.ReadBytes().CreateCodedInput(), model);
                    break;
                case 5 << 3 | 2:
                    model.Denormalizes = HasRules(input.ReadBytes().CreateCodedInput());
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }

        return model;
    }

    private static (string Text, float Score, PieceKind Kind) ReadPiece(CodedInputStream input, int id, string path)
    {
        string text = "";
        float score = 0;
        PieceKind kind = PieceKind.Normal;
        for (uint tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
        {
            switch (tag)
            {
                case 1 << 3 | 2:
                    text = input.ReadString();
                    break;
                case 2 << 3 | 5:
                    score = input.ReadFloat();
                    break;
                case 3 << 3 | 0:
                    kind = (PieceKind)input.ReadEnum();
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }

        if (!float.IsFinite(score)) throw new InputException($"{path}: the score of piece {id} is {score}; the file is damaged.");
        return (text, score, kind);
    }

    private static void ReadTrainer(CodedInputStream input, Model model, string path)
    {
        for (uint tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
        {
            switch (tag)
            {
                case 3 << 3 | 0:
                    model.Type = input.ReadEnum();
                    if (model.Type is not (UnigramModel or BytePairModel))
                        throw new InputException($"{path}: the model is of the type {model.Type switch { 3 => "word", 4 => "char", int type => type.ToString() }}; there are unigram and BPE.");
                    break;
                case 24 << 3 | 0:
                    model.SpaceAsSuffix = input.ReadBool();
                    break;
                case 35 << 3 | 0:
                    model.ByteFallback = input.ReadBool();
                    break;
                case 41 << 3 | 0:
                    model.Start = input.ReadInt32();
                    break;
                case 42 << 3 | 0:
                    model.End = input.ReadInt32();
                    break;
                case 43 << 3 | 0:
                    model.Padding = input.ReadInt32();
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }
    }

    private static void ReadNormalizer(CodedInputStream input, Model model)
    {
        for (uint tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
        {
            switch (tag)
            {
                case 2 << 3 | 2:
                    model.CharacterMap = input.ReadBytes().ToByteArray();
                    break;
                case 3 << 3 | 0:
                    model.DummyPrefix = input.ReadBool();
                    break;
                case 4 << 3 | 0:
                    model.RemoveExtraSpaces = input.ReadBool();
                    break;
                case 5 << 3 | 0:
                    model.EscapeSpaces = input.ReadBool();
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }
    }

    private static bool HasRules(CodedInputStream input)
    {
        bool found = false;
        for (uint tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
        {
            if (tag == (2 << 3 | 2)) found |= input.ReadBytes().Length > 0;
            else input.SkipLastField();
        }

        return found;
    }

    /// <summary>What is read, with the defaults of the format.</summary>
    private sealed class Model
    {
        public List<(string Text, float Score, PieceKind Kind)> Pieces { get; } = [];

        public int Type { get; set; } = UnigramModel;

        public bool ByteFallback { get; set; }

        public bool SpaceAsSuffix { get; set; }

        public int Start { get; set; } = 1;

        public int End { get; set; } = 2;

        public int Padding { get; set; } = -1;

        public byte[] CharacterMap { get; set; } = [];

        public bool DummyPrefix { get; set; } = true;

        public bool RemoveExtraSpaces { get; set; } = true;

        public bool EscapeSpaces { get; set; } = true;

        public bool Denormalizes { get; set; }
    }
}
