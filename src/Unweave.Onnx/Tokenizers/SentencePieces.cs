using System.Globalization;
using System.Text;

namespace Unweave.Onnx;

/// <summary>What a piece of a SentencePiece model is for; the numbers are those of the file.</summary>
internal enum PieceKind
{
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6,
}

/// <summary>The pieces of a SentencePiece model.</summary>
internal sealed class SentencePieces
{
    private readonly int[]? bytes;

    /// <param name="pieces">The pieces, in the order of their ids.</param>
    /// <param name="byteFallback">Whether unknown characters become bytes.</param>
    /// <param name="where">The file, for messages.</param>
    public SentencePieces(IReadOnlyList<(string Text, float Score, PieceKind Kind)> pieces, bool byteFallback, string where)
    {
        All = pieces;
        int[] found = new int[256];
        Array.Fill(found, -1);
        Unknown = -1;
        for (int id = 0; id < pieces.Count; id++)
        {
            (string text, _, PieceKind kind) = pieces[id];
            if (text.Length == 0) throw new InputException($"{where}: piece {id} is empty; the file is damaged.");
            switch (kind)
            {
                case PieceKind.Unknown:
                    if (Unknown >= 0) throw new InputException($"{where}: pieces {Unknown} and {id} are both the unknown one; the file is damaged.");
                    Unknown = id;
                    break;
                case PieceKind.Byte:
                    if (!(text.Length == 6 && text.StartsWith("<0x", StringComparison.Ordinal) && text[5] == '>' && byte.TryParse(text.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value)))
                        throw new InputException($"{where}: piece {id} ('{text}') is said to be a byte, which is written <0x00> to <0xFF>.");
                    found[value] = id;
                    break;
                case PieceKind.Normal or PieceKind.UserDefined or PieceKind.Unused:
                    if (!Ids.TryAdd(text, id)) throw new InputException($"{where}: pieces {Ids[text]} and {id} are the same ('{text}'); the file is damaged.");
                    break;
                case PieceKind.Control:
                    break;
                default:
                    throw new InputException($"{where}: piece {id} ('{text}') is of kind {(int)kind}, which is not known.");
            }
        }

        if (Unknown < 0) throw new InputException($"{where}: no piece is the unknown one; the file is damaged or not a SentencePiece model.");
        if (Ids.Count == 0) throw new InputException($"{where}: the vocabulary has no piece that text could have; the file is damaged or not a SentencePiece model.");
        var userDefined = new PrefixTable(Ids.Where(entry => pieces[entry.Value].Kind == PieceKind.UserDefined));
        UserDefined = userDefined.Count == 0 ? null : userDefined;
        if (!byteFallback) return;
        if (Array.IndexOf(found, -1) is >= 0 and int missing) throw new InputException($"{where}: unknown characters are to become bytes, but the piece <0x{missing:X2}> is missing.");
        bytes = found;
    }

    /// <summary>Every piece, in the order of ids.</summary>
    public IReadOnlyList<(string Text, float Score, PieceKind Kind)> All { get; }

    /// <summary>Ids of the pieces that text can have.</summary>
    public Dictionary<string, int> Ids { get; } = new(StringComparer.Ordinal);

    /// <summary>The piece of what has none.</summary>
    public int Unknown { get; }

    /// <summary>The pieces that are always one token, wherever they stand; null when there are none.</summary>
    public PrefixTable? UserDefined { get; }

    /// <summary>Adds a token; an unknown one becomes bytes, or one with the unknown token before it.</summary>
    public void Add(int id, ReadOnlySpan<char> word, int start, int length, List<Piece> pieces, int before)
    {
        if (id != Unknown)
        {
            pieces.Add(new Piece(id, start, length));
        }
        else if (bytes is not null)
        {
            Span<byte> encoded = stackalloc byte[4];
            for (int i = start; i < start + length;)
            {
                Rune.DecodeFromUtf16(word[i..], out Rune rune, out int units);
                foreach (byte part in encoded[..rune.EncodeToUtf8(encoded)]) pieces.Add(new Piece(bytes[part], i, units));
                i += units;
            }
        }
        else if (pieces.Count > before && pieces[^1].Id == Unknown)
        {
            pieces[^1] = pieces[^1] with { Length = start + length - pieces[^1].Start };
        }
        else
        {
            pieces.Add(new Piece(id, start, length));
        }
    }
}
