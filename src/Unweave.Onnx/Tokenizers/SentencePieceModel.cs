using System.Globalization;
using System.Text;
using Google.Protobuf;

namespace Unweave.Onnx;

/// <summary>What a SentencePiece model says: its pieces with their scores and kinds, and its rules for text.</summary>
internal sealed class SentencePieceModel
{
    private const int Normal = 1, UnknownKind = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6, Unigram = 1, BytePairs = 2;

    private readonly List<(string Text, float Score, int Kind)> pieces = [];
    private readonly Dictionary<string, int> ids = new(StringComparer.Ordinal);

    private bool hasByteFallback, hasTrainer, hasNormalizer, hasUnused;

    private SentencePieceModel()
    {
    }

    /// <summary>What is made of characters before the text is cut, or null.</summary>
    public CharacterMap? Characters { get; private set; }

    public bool IsBytePairs => Type == BytePairs;

    public int Unknown { get; private set; } = -1;

    private int Type { get; set; } = Unigram;

    public int Start { get; private set; } = 1;

    public int End { get; private set; } = 2;

    public int Padding { get; private set; } = -1;

    public bool HasDummyPrefix { get; private set; } = true;

    public bool RemovesExtraBlanks { get; private set; } = true;

    public int Count => pieces.Count;

    /// <summary>The pieces that a text is cut at first, if they stand in it.</summary>
    public IEnumerable<AddedToken> Fixed => OfKind(UserDefined);

    /// <summary>The pieces that no text has, and the one for unknown characters.</summary>
    public IEnumerable<AddedToken> Controls => OfKind(Control).Concat(OfKind(UnknownKind));

    /// <summary>Whether an id is a piece that no text has.</summary>
    public bool IsControl(int id) => id >= 0 && id < pieces.Count && pieces[id].Kind == Control;

    /// <summary>The id of a piece, or null.</summary>
    public int? Id(string text) => ids.TryGetValue(text, out int id) ? id : null;

    /// <summary>The UTF-8 that a piece stands for; a control piece stands for none.</summary>
    public byte[] Bytes(int id) => pieces[id] switch
    {
        (_, _, Control) => [],
        ({ Length: 6 } text, _, Byte) when byte.TryParse(
            text.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value) => [value],
        (string text, _, _) => Encoding.UTF8.GetBytes(text),
    };

    /// <summary>Whether no piece goes on from one word into the next, so that each can be cut by itself.</summary>
    public bool EndsWithWords(char blank) => Type == BytePairs && !hasUnused && !pieces.Exists(
        piece => piece.Kind is Normal or UserDefined && Words.GoesOn(piece.Text, blank));

    /// <summary>Reads a model.</summary>
    /// <param name="bytes">The file.</param>
    /// <param name="file">Its name, for messages.</param>
    public static SentencePieceModel Read(byte[] bytes, string file)
    {
        var model = new SentencePieceModel();
        try
        {
            var input = new CodedInputStream(bytes);
            for (uint tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
            {
                if (tag >> 3 is not (>= 1 and <= 3) || (tag & 7) != 2)
                {
                    input.SkipLastField();
                    continue;
                }

                ByteString part = input.ReadBytes();
                if (tag >> 3 == 1) model.Piece(part, file);
                else if (tag >> 3 == 2) model.Trainer(part, file);
                else model.Normalizer(part, file);
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
        if (model.Unknown < 0) throw new InputException($"{file} has no piece for unknown characters; it is damaged. Fetch it again.");
        return model;
    }

    /// <summary>What cuts texts into the pieces.</summary>
    public IWordModel Cutter(string file)
    {
        ByteTokens? bytes = hasByteFallback ? ByteTokens.Find(Id, file) : null;
        var made = pieces.Select((piece, id) => (piece.Text, piece.Score, piece.Kind, Id: id))
            .Where(piece => piece.Kind is Normal or UserDefined or Unused && piece.Text.Length > 0);
        if (Type == BytePairs)
        {
            return new ScoredPairs(made.ToDictionary(piece => piece.Text, piece => piece.Id, StringComparer.Ordinal),
                [.. pieces.Select(piece => piece.Score)], [.. made.Where(piece => piece.Kind == Unused).Select(piece => piece.Id)], bytes,
                Unknown);
        }

        // A user-defined piece is worth more than any way through its characters: as the library has it, whose greatest score is not
        // below the smallest positive number, so that such a piece has -0.1 in models whose scores are logarithms.
        const float smallestPositive = 1.17549435e-38f;
        float[] normal = [.. pieces.Where(piece => piece.Kind == Normal).Select(piece => piece.Score).DefaultIfEmpty(0)];
        float least = normal.Min(), most = Math.Max(normal.Max(), smallestPositive);
        var trie = new TokenTrie();
        foreach ((string text, _, int kind, int id) in made)
        {
            if (kind != Unused) trie.Add(text, id);
        }

        double[] scores =
        [
            .. pieces.Select(piece => piece.Kind == UserDefined
                ? (Encoding.UTF8.GetByteCount(piece.Text) * most) - 0.1 : piece.Score),
        ];
        return new BestPath(trie, scores, least, bytes, Unknown, single: true);
    }

    private IEnumerable<AddedToken> OfKind(int kind) =>
        pieces.Select((piece, id) => (piece, id)).Where(one => one.piece.Kind == kind && one.piece.Text.Length > 0).Select(
            one => AddedToken.Plain(one.id, one.piece.Text, special: kind is not UserDefined));

    private void Piece(ByteString part, string file)
    {
        string text = "";
        int kind = Normal;
        float score = 0;
        Fields(part, (field, input) =>
        {
            if (field == 1) text = input.ReadString();
            else if (field == 2) score = input.ReadFloat();
            else if (field == 3) kind = input.ReadInt32();
            else input.SkipLastField();
        });
        if (!ids.TryAdd(text, pieces.Count))
            throw new InputException($"{file} has the piece '{text.ReplaceLineEndings(" ")}' twice; it is damaged. Fetch it again.");
        if (float.IsNaN(score))
            throw new InputException($"{file} gives the piece '{text.ReplaceLineEndings(" ")}' no score; it is damaged. Fetch it again.");
        if (kind == UnknownKind) Unknown = pieces.Count;
        hasUnused |= kind == Unused;
        pieces.Add((text, score, kind));
    }

    private void Trainer(ByteString part, string file) => Fields(part, (field, input) =>
    {
        hasTrainer = true;
        if (field == 3) Type = input.ReadInt32();
        else if (field == 24 && input.ReadBool())
            throw new InputException($"{file} puts blanks after words (treat_whitespace_as_suffix), which cannot be done exactly here.");
        else if (field == 35) hasByteFallback = input.ReadBool();
        else if (field == 41) Start = input.ReadInt32();
        else if (field == 42) End = input.ReadInt32();
        else if (field == 43) Padding = input.ReadInt32();
        else if (field != 24) input.SkipLastField();
    });

    private void Normalizer(ByteString part, string file) => Fields(part, (field, input) =>
    {
        hasNormalizer = true;
        if (field == 2)
        {
            byte[] map = input.ReadBytes().ToByteArray();
            if (map.Length > 0) Characters = CharacterMap.Read(map, file);
        }
        else if (field == 3) HasDummyPrefix = input.ReadBool();
        else if (field == 4) RemovesExtraBlanks = input.ReadBool();
        else if (field == 5 && !input.ReadBool())
            throw new InputException($"{file} keeps blanks as they are (escape_whitespaces is false), which cannot be done exactly here.");
        else if (field != 5) input.SkipLastField();
    });

    private static void Fields(ByteString part, Action<int, CodedInputStream> read)
    {
        CodedInputStream input = part.CreateCodedInput();
        for (uint tag = input.ReadTag(); tag != 0; tag = input.ReadTag()) read((int)(tag >> 3), input);
    }
}
