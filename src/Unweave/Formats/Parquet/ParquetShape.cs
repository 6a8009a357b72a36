using Wire = Unweave.Formats.ParquetThrift.Wire;

namespace Unweave.Formats;

/// <summary>
/// What type each field of Parquet's metadata has (parquet.thrift of the format's specification), so that <see cref="ParquetThrift"/>
/// refuses what Parquet.Net, which does not look at the types on the wire, would take for something else. Encryption and
/// geometry are left out: a field without a shape is skipped when it is a plain value and refused otherwise.
/// </summary>
internal sealed class ParquetShape
{
    private readonly Dictionary<int, ParquetShape>? fields;

    private ParquetShape(Kinds kind, Dictionary<int, ParquetShape>? fields = null, ParquetShape? element = null)
    {
        Kind = kind;
        this.fields = fields;
        Element = element;
    }

    /// <summary>Kinds of value.</summary>
    public enum Kinds
    {
        Bool,
        Byte,
        Int32,
        Int64,
        Binary,
        List,
        Struct,
    }

    private static readonly ParquetShape Bool = new(Kinds.Bool);
    private static readonly ParquetShape Byte = new(Kinds.Byte);
    private static readonly ParquetShape Int32 = new(Kinds.Int32);
    private static readonly ParquetShape Int64 = new(Kinds.Int64);
    private static readonly ParquetShape Binary = new(Kinds.Binary);
    private static readonly ParquetShape Empty = Struct();

    private static readonly ParquetShape Statistics = Struct(
        (1, Binary), (2, Binary), (3, Int64), (4, Int64), (5, Binary), (6, Binary), (7, Bool), (8, Bool));

    private static readonly ParquetShape KeyValue = Struct((1, Binary), (2, Binary));

    private static readonly ParquetShape Time = Struct((1, Bool), (2, Struct((1, Empty), (2, Empty), (3, Empty))));

    private static readonly ParquetShape LogicalType = Struct(
        (1, Empty), (2, Empty), (3, Empty), (4, Empty), (5, Struct((1, Int32), (2, Int32))), (6, Empty), (7, Time), (8, Time),
        (10, Struct((1, Byte), (2, Bool))), (11, Empty), (12, Empty), (13, Empty), (14, Empty), (15, Empty), (16, Struct((1, Byte))));

    private static readonly ParquetShape SchemaElement = Struct(
        (1, Int32), (2, Int32), (3, Int32), (4, Binary), (5, Int32), (6, Int32), (7, Int32), (8, Int32), (9, Int32), (10, LogicalType));

    private static readonly ParquetShape ColumnMetaData = Struct(
        (1, Int32), (2, List(Int32)), (3, List(Binary)), (4, Int32), (5, Int64), (6, Int64), (7, Int64), (8, List(KeyValue)),
        (9, Int64), (10, Int64), (11, Int64), (12, Statistics), (13, List(Struct((1, Int32), (2, Int32), (3, Int32)))), (14, Int64),
        (15, Int32),
        (16, Struct((1, Int64), (2, List(Int64)), (3, List(Int64)))));

    private static readonly ParquetShape ColumnChunk = Struct(
        (1, Binary), (2, Int64), (3, ColumnMetaData), (4, Int64), (5, Int32), (6, Int64), (7, Int32));

    private static readonly ParquetShape RowGroup = Struct(
        (1, List(ColumnChunk)), (2, Int64), (3, Int64), (4, List(Struct((1, Int32), (2, Bool), (3, Bool)))), (5, Int64), (6, Int64),
        (7, Int32));

    /// <summary>The footer.</summary>
    public static ParquetShape FileMetaData { get; } = Struct(
        (1, Int32), (2, List(SchemaElement)), (3, Int64), (4, List(RowGroup)), (5, List(KeyValue)), (6, Binary),
        (7, List(Struct((1, Empty)))));

    /// <summary>The header of a page.</summary>
    public static ParquetShape PageHeader { get; } = Struct(
        (1, Int32), (2, Int32), (3, Int32), (4, Int32),
        (5, Struct((1, Int32), (2, Int32), (3, Int32), (4, Int32), (5, Statistics))),
        (6, Empty),
        (7, Struct((1, Int32), (2, Int32), (3, Bool))),
        (8, Struct((1, Int32), (2, Int32), (3, Int32), (4, Int32), (5, Int32), (6, Int32), (7, Bool), (8, Statistics))));

    /// <summary>The kind.</summary>
    public Kinds Kind { get; }

    /// <summary>The shape of a list's elements.</summary>
    public ParquetShape? Element { get; }

    /// <summary>The shape of a struct's field; null for an unknown one.</summary>
    public ParquetShape? Field(int id) => fields!.GetValueOrDefault(id);

    /// <summary>True when a value of this shape can have that type on the wire.</summary>
    public bool Accepts(Wire wire) => Kind switch
    {
        Kinds.Bool => wire is Wire.True or Wire.False,
        Kinds.Byte => wire is Wire.Byte,
        Kinds.Int32 => wire is Wire.Int16 or Wire.Int32,
        Kinds.Int64 => wire is Wire.Int64,
        Kinds.Binary => wire is Wire.Binary,
        Kinds.List => wire is Wire.List,
        _ => wire is Wire.Struct,
    };

    private static ParquetShape Struct(params (int Id, ParquetShape Shape)[] fields) =>
        new(Kinds.Struct, fields.ToDictionary(field => field.Id, field => field.Shape));

    private static ParquetShape List(ParquetShape element) => new(Kinds.List, element: element);
}
