using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Unweave.Formats;

/// <summary>
/// The header of an npy array: magic, version, length, and a Python dict literal of three entries, which a strict parser reads
/// and nothing evaluates.
/// </summary>
/// <param name="Type">How the elements are stored.</param>
/// <param name="Shape">Length of each axis.</param>
/// <param name="Fortran">Whether the first axis varies fastest, instead of the last.</param>
/// <param name="DataStart">Offset of the first element.</param>
internal sealed record NpyHeader(ElementType Type, long[] Shape, bool Fortran, int DataStart)
{
    /// <summary>What is said of elements that the file calls two bytes (V2).</summary>
    private const string TakenForBFloat16 = "two bytes without a type (V2), taken for bfloat16, which NumPy saves so";

    /// <summary>No honest header comes near: the dict of an array of 64 axes takes under 2,000 characters.</summary>
    public const int Longest = 1 << 16;

    private const int MostAxes = 64;

    /// <summary>Bytes that the array takes, header included.</summary>
    public long FileLength => checked(DataStart + (StridedElements.Count(Shape, Type.Size()) * Type.Size()));

    /// <summary>Strides of the elements, in elements; null when they lie row-major.</summary>
    public long[]? Strides
    {
        get
        {
            if (!Fortran) return null;
            long[] reversed = StridedElements.RowMajor([.. Shape.Reverse()]);
            Array.Reverse(reversed);
            return reversed;
        }
    }

    /// <summary>What was guessed of the elements, for people; null where the file says it all.</summary>
    public string? Guess => Type == ElementType.BFloat16 ? TakenForBFloat16 : null;

    /// <summary>Whether bytes begin like an npy array.</summary>
    public static bool Begins(ReadOnlySpan<byte> head) => head.Length >= 6 && head[0] == 0x93 && head[1..].StartsWith("NUMPY"u8);

    /// <summary>Parses a header.</summary>
    /// <param name="head">The array's first bytes: all of it, or at least <see cref="Longest"/>.</param>
    /// <param name="where">The file, and the entry in it, for messages.</param>
    /// <param name="unreadable">Why a well-formed array cannot be read: its elements are not plain numbers.</param>
    /// <returns>Null when <paramref name="unreadable"/> says why.</returns>
    public static NpyHeader? Parse(ReadOnlySpan<byte> head, string where, out string? unreadable)
    {
        if (head.Length < 10 || !Begins(head))
            throw new InputException($"{where}: is not an npy array (it does not begin with \\x93NUMPY); write it again with numpy.save.");
        int version = head[6];
        if (version is < 1 or > 3 || head[7] != 0)
            throw new InputException($"{where}: is an npy array of version {version}.{head[7]}; versions 1.0 to 3.0 can be read.");
        int prefix = version == 1 ? 10 : 12;
        if (head.Length < prefix) throw Torn(where, "ends within its header");
        long length = version == 1
            ? BinaryPrimitives.ReadUInt16LittleEndian(head[8..])
            : BinaryPrimitives.ReadUInt32LittleEndian(head[8..]);
        if (length > Longest - prefix) throw Torn(where, $"has a header of {length} bytes, past the limit of {Longest - prefix}");
        if (prefix + length > head.Length) throw Torn(where, "ends within its header");
        string literal = version == 3
            ? Encoding.UTF8.GetString(head.Slice(prefix, (int)length))
            : Encoding.Latin1.GetString(head.Slice(prefix, (int)length));
        return new Literal(literal, where).Parse(prefix + (int)length, out unreadable);
    }

    private static InputException Torn(string where, string what) =>
        new($"{where}: {what}; the array is torn or corrupt: copy or write it again.");

    private static ElementType? ParseType(string descr) => descr switch
    {
        "<V2" or "|V2" => ElementType.BFloat16, // NumPy has no such type of its own, and saves that of ml_dtypes as two bytes
        "<f8" => ElementType.Float64,
        "<f4" => ElementType.Float32,
        "<f2" => ElementType.Float16,
        "<i8" => ElementType.Int64,
        "<i4" => ElementType.Int32,
        "<i2" => ElementType.Int16,
        "|i1" or "<i1" => ElementType.Int8,
        "<u8" => ElementType.UInt64,
        "<u4" => ElementType.UInt32,
        "<u2" => ElementType.UInt16,
        "|u1" or "<u1" => ElementType.UInt8,
        "|b1" or "<b1" => ElementType.Bool,
        _ => null,
    };

    private static string Unreadable(string descr, string where) => descr switch
    {
        ['>', ..] =>
            $"{where}: has big-endian elements ({TensorFile.OneLine(descr)}), which cannot be read; save "
            + "a.astype(a.dtype.newbyteorder('<')).",
        ['|', 'O', ..] =>
            $"{where}: holds pickled Python objects, which are never executed; save a plain array, such as numpy.stack(list(a)).",
        _ =>
            $"{where}: has elements of type '{TensorFile.OneLine(descr)}', which cannot be read; save it as float32 (a.astype('float32')).",
    };

    /// <summary>
    /// A strict parser of the one literal there is: <c>{'descr': '&lt;f4', 'fortran_order': False, 'shape': (3, 4), }</c>.
    /// </summary>
    private ref struct Literal(string text, string where)
    {
        private int at;

        public NpyHeader? Parse(int dataStart, out string? unreadable)
        {
            unreadable = null;
            string? descr = null;
            bool? fortran = null;
            long[]? shape = null;
            Take('{');
            while (!TryTake('}'))
            {
                string key = ParseString();
                Take(':');
                switch (key)
                {
                    case "descr" when descr is null:
                        if (Peek() == '[')
                        {
                            unreadable = $"{where}: has structured elements, which cannot be read; save one plain array for each field.";
                            return null;
                        }

                        descr = ParseString();
                        break;
                    case "fortran_order" when fortran is null: fortran = ParseBool(); break;
                    case "shape" when shape is null: shape = ParseShape(); break;
                    default: throw Torn(where, $"has an unknown or repeated header entry '{TensorFile.OneLine(key)}'");
                }

                if (!TryTake(','))
                {
                    Take('}');
                    break;
                }
            }

            while (at < text.Length)
            {
                if (text[at++] is not (' ' or '\n')) throw Torn(where, "has something after its header's dict");
            }

            if (descr is null || fortran is null || shape is null) throw Torn(where, "has a header without descr, fortran_order or shape");
            if (ParseType(descr) is not { } type)
            {
                unreadable = Unreadable(descr, where);
                return null;
            }

            if (StridedElements.Count(shape, type.Size()) is < 0 or > long.MaxValue / 16)
                throw Torn(where, $"has an impossible shape ({string.Join(", ", shape)})");
            return new NpyHeader(type, shape, fortran.Value, dataStart);
        }

        private readonly char Peek() => at < text.Length ? text[at] : '\0';

        private bool TryTake(char wanted)
        {
            while (Peek() == ' ') at++;
            if (Peek() != wanted || at >= text.Length) return false;
            at++;
            while (Peek() == ' ') at++;
            return true;
        }

        private void Take(char wanted)
        {
            if (!TryTake(wanted)) throw Torn(where, $"has a malformed header: '{wanted}' was due at character {at}");
        }

        private string ParseString()
        {
            char quote = Peek();
            int end = quote is '\'' or '"' ? text.IndexOf(quote, at + 1) : -1;
            if (end < 0) throw Torn(where, $"has a malformed header: a quoted word was due at character {at}");
            string word = text[(at + 1)..end];
            if (word.Contains('\\', StringComparison.Ordinal)) throw Torn(where, "has an escape in its header");
            at = end + 1;
            return word;
        }

        private bool ParseBool()
        {
            foreach (bool value in (ReadOnlySpan<bool>)[false, true])
            {
                string word = value ? "True" : "False";
                if (text.AsSpan(at).StartsWith(word, StringComparison.Ordinal))
                {
                    at += word.Length;
                    return value;
                }
            }

            throw Torn(where, $"has a malformed header: True or False was due at character {at}");
        }

        private long[] ParseShape()
        {
            var shape = new List<long>();
            Take('(');
            while (!TryTake(')'))
            {
                int digits = at;
                while (char.IsAsciiDigit(Peek())) at++;
                if (!long.TryParse(text.AsSpan(digits, at - digits), NumberStyles.None, CultureInfo.InvariantCulture, out long length))
                    throw Torn(where, $"has a malformed shape: a length was due at character {digits}");
                if (Peek() == 'L') at++; // as Python 2 wrote a long
                shape.Add(length);
                if (shape.Count > MostAxes) throw Torn(where, $"has more than {MostAxes} axes");
                if (TryTake(',')) continue;
                if (shape.Count == 1) throw Torn(where, "has a malformed shape: a tuple of one length ends in a comma");
                Take(')');
                break;
            }

            return [.. shape];
        }
    }
}
