using System.Runtime.InteropServices;
using Parquet;
using Parquet.Meta;
using Parquet.Schema;
using Unweave.Numerics;

namespace Unweave.Formats;

/// <summary>
/// The columns of a Parquet file: one of numbers is a tensor <c>[rows]</c>, one of lists of numbers a tensor <c>[rows, width]</c>
/// when all lists have one length, and columns of texts are read by <see cref="ReadStrings"/>.
/// </summary>
/// <remarks>
/// Parquet is read a row group at a time: the last two column pieces read stay in memory, so reading rows in order touches each
/// row group once, while rows in random order would decode a row group for each. To read at random, copy the column to an npy
/// file first, from <see cref="ReadBlocks"/>.
/// </remarks>
public sealed class ParquetColumns : TensorFile
{
    // Run lengths and dictionaries pack equal values into next to nothing, so a column may hold far more values than bytes; past
    // this it is taken as hostile, before memory is set aside for it.
    private const long ValuesWithoutQuestion = 1 << 22, ValuesPerByte = 1024;
    private const int CachedPieces = 2;
    private const int MostNames = 100_000;

    private readonly FileBytes bytes;
    private readonly Stream stream;
    private readonly ParquetReader reader;
    private readonly Lock entry = new();
    private readonly long[] groupStarts;
    private readonly List<TensorInfo> tensors = [];
    private readonly List<string> stringColumns = [];
    private readonly Dictionary<string, DataField> fields = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> metadata = new(StringComparer.Ordinal);
    private readonly LinkedList<Piece> cache = new();

    /// <summary>Opens a file and reads its schema.</summary>
    /// <exception cref="InputException">The file is missing, torn, encrypted, or not a Parquet file.</exception>
    public ParquetColumns(string path)
        : base(path)
    {
        bytes = FileBytes.Map(path);
        try
        {
            stream = bytes.Stream();
            reader = Guarded("its footer", () => ParquetReader.CreateAsync(stream).GetAwaiter().GetResult());
            groupStarts = Guarded("its footer", ReadGroups);
            Guarded("its schema", ReadSchema);
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override string Format => "parquet";

    /// <summary>The columns of numbers and of lists of numbers, in the file's order.</summary>
    public override IReadOnlyList<TensorInfo> Tensors => tensors;

    /// <summary>The file's own metadata, and for each column that cannot be read the reason.</summary>
    public override IReadOnlyDictionary<string, string> Metadata => metadata;

    /// <summary>Number of rows, the same for every column.</summary>
    public long Rows => groupStarts[^1];

    /// <summary>The columns of texts, in the file's order.</summary>
    public IReadOnlyList<string> StringColumns => stringColumns;

    /// <inheritdoc/>
    public override void Read(TensorInfo tensor, long first, Span<float> destination)
    {
        Check(tensor, first, destination.Length);
        long width = tensor.Shape.Count == 2 ? tensor.Shape[1] : 1;
        for (int done = 0; done < destination.Length;)
        {
            int count = Locate(first + done, width, destination.Length - done, out int group, out long at);
            Span<float> part = destination.Slice(done, count);
            lock (entry) Load(tensor, group).Elements.Read(at, part);
            done += count;
        }
    }

    /// <inheritdoc/>
    public override void ReadBytes(TensorInfo tensor, long first, Span<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        int size = tensor.Type.Size();
        if (destination.Length % size != 0) throw new ArgumentException($"{destination.Length} bytes are not a whole number of {tensor.Type} elements.", nameof(destination));
        Check(tensor, first, destination.Length / size);
        long width = tensor.Shape.Count == 2 ? tensor.Shape[1] : 1;
        for (int done = 0; done < destination.Length / size;)
        {
            int count = Locate(first + done, width, (destination.Length / size) - done, out int group, out long at);
            Span<byte> part = destination.Slice(done * size, count * size);
            lock (entry) Load(tensor, group).Elements.ReadBytes(at, part);
            done += count;
        }
    }

    /// <summary>Reads a column in order, block after block, each row group decoded once.</summary>
    /// <param name="column">One of <see cref="Tensors"/>; a column of numbers gives blocks of one column.</param>
    /// <param name="rows">Rows of a block; the last may have fewer.</param>
    /// <returns>Matrices <c>[rows, width]</c>, the caller's to dispose of.</returns>
    public IEnumerable<Matrix> ReadBlocks(string column, int rows = 4096)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        TensorInfo tensor = this[column];
        return Blocks();

        IEnumerable<Matrix> Blocks()
        {
            int width = tensor.Shape.Count == 2 ? (int)tensor.Shape[1] : 1;
            for (long row = 0; row < Rows; row += rows)
            {
                var block = new Matrix((int)Math.Min(rows, Rows - row), width);
                for (int i = 0; i < block.Rows; i++) Read(tensor, (row + i) * width, block.Row(i));
                yield return block;
            }
        }
    }

    /// <summary>Reads a column of texts whole; a null is a missing text.</summary>
    /// <param name="column">One of <see cref="StringColumns"/>.</param>
    public IReadOnlyList<string?> ReadStrings(string column)
    {
        if (!stringColumns.Contains(column, StringComparer.Ordinal))
            throw new InputException($"{Path}: no column of texts named '{column}'; it has {string.Join(", ", stringColumns.Select(name => $"'{OneLine(name)}'").Take(20))}.");
        var texts = new List<string?>();
        lock (entry)
        {
            for (int group = 0; group < groupStarts.Length - 1; group++)
            {
                int rows = checked((int)(groupStarts[group + 1] - groupStarts[group]));
                int number = group;
                texts.AddRange(Guarded($"row group {group} of column '{OneLine(column)}'", () =>
                {
                    using ParquetRowGroupReader rowGroup = reader.OpenRowGroupReader(number);
                    CheckSize(rowGroup, fields[column], rows);
                    string?[] part = new string?[rows];
                    rowGroup.ReadAsync(fields[column], part.AsMemory()!).AsTask().GetAwaiter().GetResult();
                    return part;
                }));
            }
        }

        return texts;
    }

    /// <summary>Whether a file begins like this format.</summary>
    internal static bool Begins(ReadOnlySpan<byte> head) => head.StartsWith("PAR1"u8);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        lock (entry)
        {
            foreach (Piece piece in cache) piece.Bytes.Dispose();
            cache.Clear();
            reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
            stream.Dispose();
            bytes.Dispose();
        }
    }

    private static ElementType? TypeOf(System.Type type) =>
        type == typeof(float) ? ElementType.Float32
        : type == typeof(double) ? ElementType.Float64
        : type == typeof(long) ? ElementType.Int64
        : type == typeof(int) ? ElementType.Int32
        : type == typeof(short) ? ElementType.Int16
        : type == typeof(sbyte) ? ElementType.Int8
        : type == typeof(ulong) ? ElementType.UInt64
        : type == typeof(uint) ? ElementType.UInt32
        : type == typeof(ushort) ? ElementType.UInt16
        : type == typeof(byte) ? ElementType.UInt8
        : type == typeof(bool) ? ElementType.Bool
        : null;

    private long[] ReadGroups()
    {
        FileMetaData footer = reader.Metadata ?? throw new InputException($"{Path}: has no footer; the file is torn: copy or write it again.");
        long[] starts = new long[reader.RowGroupCount + 1];
        for (int group = 0; group < reader.RowGroupCount; group++)
        {
            long rows = footer.RowGroups[group].NumRows;
            if (rows is < 0 or > int.MaxValue) throw new InputException($"{Path}: row group {group} says it has {rows} rows; the file is corrupt, or written in too large row groups.");
            starts[group + 1] = checked(starts[group] + rows);
        }

        foreach ((string key, string value) in reader.CustomMetadata ?? []) metadata.TryAdd(key, value);
        return starts;
    }

    private bool ReadSchema()
    {
        if (reader.Schema.DataFields.Length > MostNames) throw new InputException($"{Path}: has {reader.Schema.DataFields.Length} columns; at most {MostNames} can be read.");
        foreach (DataField field in reader.Schema.DataFields)
        {
            Field top = reader.Schema.Fields.First(candidate => string.Equals(candidate.Name, field.Path.FirstPart, StringComparison.Ordinal));
            bool list = field.MaxRepetitionLevel == 1 && (top is DataField or ListField { Item: DataField });
            bool plain = field.MaxRepetitionLevel == 0 && top is DataField;
            string name = list || plain ? top.Name : field.Path.ToString();
            if (!fields.TryAdd(name, field)) throw new InputException($"{Path}: two columns are named '{OneLine(name)}'; write it again with names of their own.");
            if (plain && (field.ClrType == typeof(string) || field.ClrType == typeof(ReadOnlyMemory<char>))) stringColumns.Add(name);
            else if ((plain || list) && TypeOf(field.ClrType) is { } type) AddTensor(name, type, field, list);
            else metadata[name] = $"not read: a column of {field.ClrType.Name}{(list || plain ? "" : " inside a nested column")}; numbers, lists of numbers and texts are.";
        }

        return true;
    }

    private void AddTensor(string name, ElementType type, DataField field, bool list)
    {
        long[] shape = list ? [Rows, Width(field)] : [Rows];
        if (StridedElements.Count(shape, Math.Max(type.Size(), sizeof(float))) < 0) throw new InputException($"{Path}: column '{OneLine(name)}' says it has {Rows} rows of {Width(field)}; the file is corrupt.");
        tensors.Add(new TensorInfo(name, type, shape));
    }

    // The footer counts values, not lengths; where it leaves no single length, the first row's own is found by reading it.
    private long Width(DataField field)
    {
        long width = -1;
        for (int group = 0; group < groupStarts.Length - 1; group++)
        {
            long rows = groupStarts[group + 1] - groupStarts[group];
            if (rows == 0) continue;
            using ParquetRowGroupReader rowGroup = reader.OpenRowGroupReader(group);
            long values = Values(rowGroup, field);
            if (width < 0) width = values % rows == 0 ? values / rows : FirstLength(rowGroup, field, (int)rows);
        }

        return Math.Max(width, 0);
    }

    private long FirstLength(ParquetRowGroupReader rowGroup, DataField field, int rows)
    {
        Levels levels = field switch
        {
            _ when field.ClrType == typeof(double) => Decode<double>(rowGroup, field, rows).Levels,
            _ when field.ClrType == typeof(float) => Decode<float>(rowGroup, field, rows).Levels,
            _ => throw new InputException($"{Path}: the lists of column '{OneLine(field.Path.ToString())}' differ in length; all must have one length."),
        };
        int length = 1;
        while (length < levels.Repetition.Length && levels.Repetition[length] != 0) length++;
        return levels.Definition.Length > 0 && levels.Definition[0] < field.MaxDefinitionLevel ? 0 : length;
    }

    private void Check(TensorInfo tensor, long first, long count)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (!fields.ContainsKey(tensor.Name) || !tensors.Contains(this[tensor.Name])) throw new ArgumentException($"{Path} has no column {tensor}.", nameof(tensor));
        CheckRange(this[tensor.Name], first, count);
    }

    private int Locate(long element, long width, int wanted, out int group, out long at)
    {
        long row = element / width;
        group = Array.BinarySearch(groupStarts, row);
        if (group < 0) group = ~group - 1;
        while (groupStarts[group + 1] == row) group++; // past groups without rows
        at = element - (groupStarts[group] * width);
        return (int)Math.Min(wanted, (groupStarts[group + 1] * width) - element);
    }

    private Piece Load(TensorInfo tensor, int group)
    {
        ObjectDisposedException.ThrowIf(!stream.CanRead, this);
        for (LinkedListNode<Piece>? node = cache.First; node is not null; node = node.Next)
        {
            if (node.Value.Group != group || !string.Equals(node.Value.Column, tensor.Name, StringComparison.Ordinal)) continue;
            cache.Remove(node);
            cache.AddFirst(node);
            return node.Value;
        }

        if (cache.Count == CachedPieces)
        {
            cache.Last!.Value.Bytes.Dispose();
            cache.RemoveLast();
        }

        Piece piece = Guarded($"row group {group} of column '{OneLine(tensor.Name)}'", () => Decode(tensor, group));
        cache.AddFirst(piece);
        return piece;
    }

    private Piece Decode(TensorInfo tensor, int group) => tensor.Type switch
    {
        ElementType.Float32 => Decode<float>(tensor, group),
        ElementType.Float64 => Decode<double>(tensor, group),
        ElementType.Int64 => Decode<long>(tensor, group),
        ElementType.Int32 => Decode<int>(tensor, group),
        ElementType.Int16 => Decode<short>(tensor, group),
        ElementType.Int8 => Decode<sbyte>(tensor, group),
        ElementType.UInt64 => Decode<ulong>(tensor, group),
        ElementType.UInt32 => Decode<uint>(tensor, group),
        ElementType.UInt16 => Decode<ushort>(tensor, group),
        ElementType.UInt8 => Decode<byte>(tensor, group),
        ElementType.Bool => Decode<bool>(tensor, group),
        _ => throw new ArgumentException($"Parquet columns are not of {tensor.Type}.", nameof(tensor)),
    };

    private Piece Decode<T>(TensorInfo tensor, int group)
        where T : unmanaged
    {
        using ParquetRowGroupReader rowGroup = reader.OpenRowGroupReader(group);
        int rows = checked((int)(groupStarts[group + 1] - groupStarts[group]));
        DataField field = fields[tensor.Name];
        (T[] values, Levels levels) = Decode<T>(rowGroup, field, rows);
        long width = tensor.Shape.Count == 2 ? tensor.Shape[1] : 1;
        CheckRows(tensor, field, levels, rows, width, group);
        long count = rows * width;
        if (values.Length < count) throw new InputException($"{Path}: row group {group} of column '{OneLine(tensor.Name)}' has {values.Length} values where {count} are due; the file is corrupt.");
        var piece = FileBytes.Fill(count * tensor.Type.Size(), target =>
        {
            for (int done = 0; done < count; done += 1 << 24)
                target.Write(MemoryMarshal.AsBytes(values.AsSpan(done, (int)Math.Min(count - done, 1 << 24))));
        });
        return new Piece(tensor.Name, group, piece, new StridedElements(tensor with { Shape = [rows, width] }, () => piece, 0));
    }

    private (T[] Values, Levels Levels) Decode<T>(ParquetRowGroupReader rowGroup, DataField field, int rows)
        where T : unmanaged
    {
        int count = CheckSize(rowGroup, field, rows);
        T[] values = new T[count];
        int[] definition = field.MaxDefinitionLevel > 0 ? new int[count] : [];
        int[] repetition = field.MaxRepetitionLevel > 0 ? new int[count] : [];
        rowGroup.ReadRawAsync(
            field,
            values.AsMemory(),
            definition.Length > 0 ? definition.AsMemory() : (Memory<int>?)null,
            repetition.Length > 0 ? repetition.AsMemory() : (Memory<int>?)null).AsTask().GetAwaiter().GetResult();
        return (values, new Levels(definition, repetition));
    }

    /// <summary>
    /// Each row must have its one value, or its list of the one length. The levels tell: a repetition level of 0 begins a row, and a
    /// definition level below the greatest is a null somewhere on the way down, or an empty list.
    /// </summary>
    private void CheckRows(TensorInfo tensor, DataField field, Levels levels, int rows, long width, int group)
    {
        bool list = field.MaxRepetitionLevel > 0;
        long row = -1, length = 0;
        int entries = list ? levels.Repetition.Length : Math.Max(levels.Definition.Length, rows);
        for (int i = 0; i < entries; i++)
        {
            if (!list || levels.Repetition[i] == 0)
            {
                if (row >= 0) CheckLength(row, length);
                row++;
                length = 0;
            }

            int missing = levels.Definition.Length > 0 ? field.MaxDefinitionLevel - levels.Definition[i] : 0;
            if (missing == 0) length++;
            else if (!list || (missing == 1 && field.IsNullable)) throw Row(row, "has a NULL value");
        }

        if (row >= 0) CheckLength(row, length);
        if (row + 1 != rows) throw new InputException($"{Path}: row group {group} of column '{OneLine(tensor.Name)}' has {row + 1} rows where {rows} are due; the file is corrupt.");

        void CheckLength(long at, long found)
        {
            if (found != width) throw Row(at, $"has {found} values where {width} are due (all lists must have one length)");
        }

        InputException Row(long at, string what) =>
            new($"{Path}: column '{OneLine(tensor.Name)}', row {groupStarts[group] + at}: {what}; leave such rows out when writing the file.");
    }

    private static long Values(ParquetRowGroupReader rowGroup, DataField field) => rowGroup.GetMetadata(field)?.MetaData?.NumValues ?? 0;

    private int CheckSize(ParquetRowGroupReader rowGroup, DataField field, int rows)
    {
        ColumnMetaData? chunk = rowGroup.GetMetadata(field)?.MetaData;
        if (chunk is null) throw new InputException($"{Path}: column '{OneLine(field.Path.ToString())}' is missing from a row group; the file is corrupt.");
        long packed = chunk.TotalCompressedSize;
        if (packed < 0 || packed > bytes.Length || chunk.NumValues < 0 || chunk.NumValues > Array.MaxLength || Math.Max(chunk.NumValues, rows) > ValuesWithoutQuestion + (ValuesPerByte * packed))
            throw new InputException($"{Path}: column '{OneLine(field.Path.ToString())}' says that {packed} bytes hold {chunk.NumValues} values of {rows} rows; the file is corrupt, or written in too large row groups.");
        return (int)chunk.NumValues;
    }

    /// <summary>
    /// Runs the decoder. On a torn or hostile file it may throw anything at all, and all of it says the same of the file: so
    /// everything is caught here, and nowhere else.
    /// </summary>
    private T Guarded<T>(string what, Func<T> decode)
    {
        try
        {
            return decode();
        }
        catch (Exception e) when (e is not (InputException or ObjectDisposedException))
        {
            throw new InputException($"{Path}: {what} cannot be decoded ({OneLine(e.Message)}); the file is torn, corrupt, or uses a part of Parquet that is not supported: write it again.", e);
        }
    }

    private readonly record struct Levels(int[] Definition, int[] Repetition);

    private sealed record Piece(string Column, int Group, FileBytes Bytes, StridedElements Elements);
}
