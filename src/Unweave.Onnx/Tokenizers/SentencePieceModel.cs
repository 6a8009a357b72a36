using System.Globalization;
using System.Text;
using Google.Protobuf;

namespace Unweave.Onnx;

/// <summary>What a SentencePiece model says that the package does not tell: the kinds of its pieces, and its rules for text.</summary>
internal sealed class SentencePieceModel
{
    private const int Control = 3, UserDefined = 4, Byte = 6, Unigram = 1, BytePairs = 2;

    private readonly List<(string Text, int Kind)> pieces = [];

    private bool hasByteFallback, hasTrainer, hasNormalizer;

    private SentencePieceModel()
    {
    }

    public int Type { get; private set; } = Unigram;

    public int Unknown { get; private set; }

    public int Start { get; private set; } = 1;

    public int End { get; private set; } = 2;

    public int Padding { get; private set; } = -1;

    public bool HasDummyPrefix { get; private set; } = true;

    public bool RemovesExtraBlanks { get; private set; } = true;

    public int Count => pieces.Count;

    /// <summary>The pieces that a text is cut at first, if they stand in it.</summary>
    public IEnumerable<string> Fixed => pieces.Where(piece => piece.Kind == UserDefined).Select(piece => piece.Text);

    /// <summary>Whether an id is a piece that no text has.</summary>
    public bool IsControl(int id) => id >= 0 && id < pieces.Count && pieces[id].Kind == Control;

    /// <summary>The id of a piece, or null.</summary>
    public int? Id(string text) =>
        pieces.FindIndex(piece => string.Equals(piece.Text, text, StringComparison.Ordinal)) is >= 0 and int id ? id : null;

    /// <summary>The UTF-8 that a piece stands for; a control piece stands for none.</summary>
    public byte[] Bytes(int id) => pieces[id] switch
    {
        (_, Control) => [],
        ({ Length: 6 } text, Byte) when byte.TryParse(
            text.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value) => [value],
        (string text, _) => Encoding.UTF8.GetBytes(text),
    };

    /// <summary>Reads a model.</summary>
    /// <param name="bytes">The file.</param>
    /// <param name="file">Its name, for messages.</param>
    /// <param name="forPackage">The model for the package, which would find control pieces in a text: they have other names there.</param>
    public static SentencePieceModel Read(byte[] bytes, string file, out MemoryStream forPackage)
    {
        var model = new SentencePieceModel();
        forPackage = new MemoryStream();
        try
        {
            using var output = new CodedOutputStream(forPackage, leaveOpen: true);
            var input = new CodedInputStream(bytes);
            for (uint tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
            {
                if ((tag & 7) != 2)
                {
                    input.SkipLastField();
                    continue;
                }

                ByteString part = input.ReadBytes();
                if (tag >> 3 == 1) part = model.Piece(part);
                else if (tag >> 3 == 2) model.Trainer(part, file);
                else if (tag >> 3 == 3) model.Normalizer(part, file);
                output.WriteTag(tag);
                output.WriteBytes(part);
            }
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new InputException($"{file} is not a SentencePiece model, or not all of one ({e.Message.ReplaceLineEndings(" ")}); "
                + $"fetch it again.", e);
        }

        if (model.pieces.Count == 0) throw new InputException($"{file} is not a SentencePiece model: it has no pieces; fetch it again.");
        if (!model.hasTrainer || !model.hasNormalizer)
            throw new InputException($"{file} is not a whole SentencePiece model: what it was trained with is missing; fetch it again.");
        if (model.Type is not (Unigram or BytePairs))
            throw new InputException($"{file} is a SentencePiece model of type {model.Type}; only unigram (1) and BPE (2) are known here.");
        if (model.Type == Unigram && model.Fixed.FirstOrDefault() is { } piece)
            throw new InputException($"{file} is a unigram model with user-defined pieces ('{piece}'), which cannot be done exactly here.");

        // The package takes all of them to be the last byte.
        if (model.Type == Unigram && model.hasByteFallback)
            throw new InputException($"{file} is a unigram model with byte_fallback, which cannot be done exactly here.");
        forPackage.Position = 0;
        return model;
    }

    private ByteString Piece(ByteString part)
    {
        string text = "";
        int kind = 1;
        float score = 0;
        Fields(part, (field, input) =>
        {
            if (field == 1) text = input.ReadString();
            else if (field == 2) score = input.ReadFloat();
            else if (field == 3) kind = input.ReadInt32();
            else input.SkipLastField();
        });
        pieces.Add((text, kind));
        if (kind != Control) return part;
        using var renamed = new MemoryStream();
        using (var output = new CodedOutputStream(renamed, leaveOpen: true))
        {
            output.WriteRawTag(1 << 3 | 2);
            output.WriteString($"\uFFFF{pieces.Count}");
            output.WriteRawTag(2 << 3 | 5);
            output.WriteFloat(score);
            output.WriteRawTag(3 << 3);
            output.WriteInt32(kind);
        }

        return ByteString.CopyFrom(renamed.ToArray());
    }

    private void Trainer(ByteString part, string file) => Fields(part, (field, input) =>
    {
        hasTrainer = true;
        if (field == 3) Type = input.ReadInt32();
        else if (field == 24 && input.ReadBool())
            throw new InputException($"{file} puts blanks after words (treat_whitespace_as_suffix), which cannot be done exactly here.");
        else if (field == 35) hasByteFallback = input.ReadBool();
        else if (field == 40) Unknown = input.ReadInt32();
        else if (field == 41) Start = input.ReadInt32();
        else if (field == 42) End = input.ReadInt32();
        else if (field == 43) Padding = input.ReadInt32();
        else if (field != 24) input.SkipLastField();
    });

    private void Normalizer(ByteString part, string file) => Fields(part, (field, input) =>
    {
        hasNormalizer = true;
        if (field == 2 && !input.ReadBytes().IsEmpty)
        {
            throw new InputException($"{file} rewrites characters before it cuts text (precompiled_charsmap), which cannot be placed in "
                + "the original text here; use the tokenizer of another model.");
        }

        if (field == 3) HasDummyPrefix = input.ReadBool();
        else if (field == 4) RemovesExtraBlanks = input.ReadBool();
        else if (field == 5 && !input.ReadBool())
            throw new InputException($"{file} keeps blanks as they are (escape_whitespaces is false), which cannot be done exactly here.");
        else if (field is not (2 or 5)) input.SkipLastField();
    });

    private static void Fields(ByteString part, Action<int, CodedInputStream> read)
    {
        CodedInputStream input = part.CreateCodedInput();
        for (uint tag = input.ReadTag(); tag != 0; tag = input.ReadTag()) read((int)(tag >> 3), input);
    }
}
