using System.Buffers.Binary;

namespace Unweave.Formats;

/// <summary>
/// Reads the Thrift compact protocol as far as Parquet uses it, with every length checked before it is used. Parquet.Net's own
/// reader trusts each byte: a cut varint keeps it busy for ever. So a footer or a page header reaches it only after it was read here.
/// </summary>
/// <remarks>A struct becomes a <see cref="Dictionary{TKey, TValue}"/> by field number; integers become <see cref="long"/>, text
/// bytes.</remarks>
internal ref struct ParquetThrift
{
    private readonly ReadOnlySpan<byte> bytes;

    private ParquetThrift(ReadOnlySpan<byte> bytes) => this.bytes = bytes;

    /// <summary>How far it has read.</summary>
    private int Position { get; set; }

    /// <summary>The bytes hold no such struct.</summary>
    internal sealed class MalformedException(string message) : Exception(message);

    /// <summary>The footer of a file; it must take all the bytes.</summary>
    public static Dictionary<int, object> Footer(ReadOnlySpan<byte> bytes)
    {
        var reader = new ParquetThrift(bytes);
        Dictionary<int, object> footer = reader.Struct(ParquetShape.FileMetaData);
        return reader.Position == bytes.Length
            ? footer
            : throw new MalformedException($"its footer ends after {reader.Position} of {bytes.Length} bytes");
    }

    /// <summary>A page header at the start of the bytes, and its length.</summary>
    public static Dictionary<int, object> PageHeader(ReadOnlySpan<byte> bytes, out int length)
    {
        var reader = new ParquetThrift(bytes);
        Dictionary<int, object> header = reader.Struct(ParquetShape.PageHeader);
        length = reader.Position;
        return header;
    }

    private Dictionary<int, object> Struct(ParquetShape shape)
    {
        var fields = new Dictionary<int, object>();
        for (int id = 0; ;)
        {
            byte head = Byte();
            if (head == 0) return fields;
            id = head >> 4 == 0 ? (int)Integer(short.MinValue, short.MaxValue) : id + (head >> 4);
            var wire = (Wire)(head & 15);
            ParquetShape? known = shape.Field(id);
            if (known is null ? !IsPlain(wire) : !known.Accepts(wire))
                throw new MalformedException($"field {id} of its metadata has type {(int)wire}");
            fields[id] = known is null ? Plain(wire) : Value(known, wire);
        }
    }

    private object Value(ParquetShape shape, Wire wire) => shape.Kind switch
    {
        ParquetShape.Kinds.Struct => Struct(shape),
        ParquetShape.Kinds.List => List(shape.Element!),
        ParquetShape.Kinds.Int32 => Integer(int.MinValue, int.MaxValue),
        _ => Plain(wire),
    };

    private List<object> List(ParquetShape element)
    {
        byte head = Byte();
        long count = head >> 4;
        if (count == 15) count = (long)Varint(5);
        var wire = (Wire)(head & 15);
        // an entry takes a byte or more
        if (count > bytes.Length - Position) throw new MalformedException($"a list of its metadata claims {count} entries");
        if (count > 0 && !element.Accepts(wire)) throw new MalformedException($"a list of its metadata holds type {(int)wire}");
        var list = new List<object>((int)count);
        for (long i = 0; i < count; i++) list.Add(Value(element, wire));
        return list;
    }

    private object Plain(Wire wire) => wire switch
    {
        Wire.True => true,
        Wire.False => false,
        Wire.Byte => (long)(sbyte)Byte(),
        Wire.Int16 => Integer(short.MinValue, short.MaxValue),
        Wire.Int32 => Integer(int.MinValue, int.MaxValue),
        Wire.Int64 => Integer(long.MinValue, long.MaxValue),
        Wire.Double => BinaryPrimitives.ReadDoubleLittleEndian(Take(sizeof(double))),
        _ => Take((long)Varint(5)).ToArray(),
    };

    private static bool IsPlain(Wire wire) => wire is >= Wire.True and <= Wire.Binary;

    private byte Byte() => Take(1)[0];

    private ReadOnlySpan<byte> Take(long count)
    {
        if (count > bytes.Length - Position) throw new MalformedException($"its metadata end in the middle of a value of {count} bytes");
        ReadOnlySpan<byte> piece = bytes.Slice(Position, (int)count);
        Position += (int)count;
        return piece;
    }

    /// <summary>A zigzag varint within a range.</summary>
    private long Integer(long least, long most)
    {
        ulong raw = Varint(most <= int.MaxValue ? 5 : 10);
        long value = (long)(raw >> 1) ^ -(long)(raw & 1);
        return value >= least && value <= most
            ? value
            : throw new MalformedException($"a number of its metadata, {value}, is out of range");
    }

    private ulong Varint(int longest)
    {
        ulong value = 0;
        for (int i = 0; i < longest; i++)
        {
            byte next = Byte();
            value |= (ulong)(next & 127) << (7 * i);
            if (next < 128) return value;
        }

        throw new MalformedException($"a number of its metadata takes more than {longest} bytes");
    }

    /// <summary>Types on the wire.</summary>
    internal enum Wire
    {
        True = 1,
        False = 2,
        Byte = 3,
        Int16 = 4,
        Int32 = 5,
        Int64 = 6,
        Double = 7,
        Binary = 8,
        List = 9,
        Struct = 12,
    }
}
