using System.Runtime.InteropServices;
using Parquet;
using Parquet.Meta;
using Parquet.Schema;
using Unweave.Numerics;

namespace Unweave.Formats;

/// <summary>
/// A Parquet file. A column of numbers is a tensor <c>[rows]</c>; a column of lists of floats or doubles, all of one length, is a
/// tensor <c>[rows, width]</c>; a column of strings is read by <see cref="ReadTexts"/>. Other columns are skipped.
/// </summary>
/// <remarks>
/// The width of a list column is that of the first row group; a list of another length, a NULL list and a NULL value are refused,
/// by row, when they are read. One row group of one column is held decoded at a time (12 bytes a value while a list column is
/// decoded, 4 or 8 afterwards), so files meant for random access should be written with row groups of some thousand rows.
/// </remarks>
internal sealed class ParquetFile : TensorFile
{
    private const int DeepestSchema = 32;
    private const int FooterTail = 8; // the footer's length and the magic
    private const int LargestBlock = 1 << 24; // floats

    private readonly FileBytes file;
    private readonly ParquetStream stream;
    private readonly ParquetReader reader;
    private readonly Lock reading = new(); // the stream has one position, and the cache one entry
    private readonly long[] firstRows; // of each row group, and the number of rows at the end
    private readonly List<TensorInfo> tensors = [];
    private readonly Dictionary<string, Column> columns = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DataField> texts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> metadata = new(StringComparer.Ordinal);
    private (string Column, int Group, IDecoded Values)? cached;

    /// <summary>Opens a file and reads its footer.</summary>
    /// <exception cref="InputException">It is not whole, not Parquet, or uses a part of Parquet that is not read.</exception>
    public ParquetFile(string path)
        : base(path)
    {
        file = FileBytes.Map(path);
        try
        {
            stream = new ParquetStream(file);
            (reader, firstRows) = Guarded("its footer", Open);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override string Format => "parquet";

    /// <inheritdoc/>
    public override IReadOnlyList<TensorInfo> Tensors => tensors;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Metadata => metadata;

    /// <summary>Names of the columns of strings, in the file's order.</summary>
    public IReadOnlyList<string> TextColumns { get; private set; } = [];

    /// <summary>Number of rows.</summary>
    public long Rows => firstRows[^1];

    /// <inheritdoc/>
    public override void Read(TensorInfo tensor, long first, Span<float> destination)
    {
        Column column = Find(tensor, first, destination.Length);
        for (int done = 0; done < destination.Length;)
        {
            ReadOnlySpan<byte> piece = Piece(column, first + done, destination.Length - done);
            int count = piece.Length / column.Info.Type.Size();
            ElementConversion.ToSingle(column.Info.Type, piece, destination.Slice(done, count));
            done += count;
        }
    }

    /// <inheritdoc/>
    public override void ReadBytes(TensorInfo tensor, long first, Span<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        int size = tensor.Type.Size();
        Column column = Find(tensor, first, destination.Length / size);
        for (int done = 0; done < destination.Length / size * size;)
        {
            ReadOnlySpan<byte> piece = Piece(column, first + (done / size), (destination.Length - done) / size);
            piece.CopyTo(destination[done..]);
            done += piece.Length;
        }
    }

    /// <summary>The rows of a column in order, row group by row group, in blocks <c>[rows, width]</c> of at most 64 MiB.</summary>
    /// <param name="tensor">One of <see cref="TensorFile.Tensors"/>; a column of numbers has width 1.</param>
    /// <returns>Matrices, each the caller's to dispose.</returns>
    public IEnumerable<Matrix> Blocks(TensorInfo tensor)
    {
        Column column = Find(tensor, 0, 0);
        return Each();

        IEnumerable<Matrix> Each()
        {
            int width = column.Width;
            for (int group = 0; group + 1 < firstRows.Length; group++)
            {
                long most = Math.Max(1, LargestBlock / Math.Max(1, width));
                for (long row = firstRows[group]; row < firstRows[group + 1]; row += most)
                {
                    var block = new Matrix((int)Math.Min(most, firstRows[group + 1] - row), width);
                    try
                    {
                        Read(tensor, row * width, block.AsSpan());
                    }
                    catch
                    {
                        block.Dispose();
                        throw;
                    }

                    yield return block;
                }
            }
        }
    }

    /// <summary>All texts of a column of strings, in order; null where the file has NULL.</summary>
    /// <param name="column">One of <see cref="TextColumns"/>.</param>
    /// <param name="noText">Gets the rows whose bytes are not UTF-8, which have U+FFFD in their text.</param>
    /// <exception cref="InputException">There is no such column of strings, or the file is damaged.</exception>
    public IReadOnlyList<string?> ReadTexts(string column, ICollection<int>? noText = null)
    {
        ArgumentNullException.ThrowIfNull(column);
        if (!texts.TryGetValue(column, out DataField? field))
            throw new InputException(
                $"{Path}: no column of strings named '{column}'; it has "
                + $"{(texts.Count == 0 ? "none" : string.Join(", ", TextColumns.Select(name => $"'{name}'").Take(20)))}.");
        var all = new List<string?>();
        for (int group = 0; group + 1 < firstRows.Length; group++)
        {
            int here = group;
            lock (reading)
            {
                List<string?> read = Guarded($"column '{column}'", () => Texts(field, here));
                if (noText is not null && read.Exists(text => text is not null && text.Contains('\uFFFD', StringComparison.Ordinal)))
                    foreach (int row in Guarded($"column '{column}'", () => NoText(field, here, read))) noText.Add(all.Count + row);
                all.AddRange(read);
            }
        }

        return all;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => file.Dispose();

    private Column Find(TensorInfo tensor, long first, int count)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (!columns.TryGetValue(tensor.Name, out Column? column))
            throw new ArgumentException($"{Path} has no column '{tensor.Name}'.", nameof(tensor));
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, column.Info.Count - count);
        return column;
    }

    /// <summary>Elements from a position on, as many as its row group has and at most a number of them.</summary>
    private ReadOnlySpan<byte> Piece(Column column, long first, int most)
    {
        long row = first / column.Width;
        int group = Array.BinarySearch(firstRows, row);
        if (group < 0) group = ~group - 1;
        while (firstRows[group + 1] == row) group++; // groups without rows
        long from = first - (firstRows[group] * column.Width);
        int count = (int)Math.Min(most, ((firstRows[group + 1] - firstRows[group]) * column.Width) - from);
        lock (reading)
        {
            if (cached is not { } held || held.Group != group || !string.Equals(held.Column, column.Info.Name, StringComparison.Ordinal))
            {
                cached = null; // so that two row groups are never held at once
                IDecoded values = Guarded($"column '{column.Info.Name}'", () => Decode(column, group));
                cached = held = (column.Info.Name, group, values);
            }

            return held.Values.Bytes((int)from, count);
        }
    }

    /// <summary>
    /// Parquet.Net says what is wrong with a file by whatever exception it happens to run into, so all of them are caught here, and
    /// only here, and become the one that says where.
    /// </summary>
    private T Guarded<T>(string what, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (NotSupportedException e)
        {
            throw new InputException($"{Path}: {what} cannot be read: {e.Message.ReplaceLineEndings(" ").TrimEnd('.')}.", e);
        }
        catch (Exception e) when (e is not (InputException or ObjectDisposedException))
        {
            throw new InputException($"{Path}: {what} cannot be read: {e.Message.ReplaceLineEndings(" ").TrimEnd('.')}. The file is "
                + "damaged or not Parquet; use another copy, or write it again.", e);
        }
    }

    private (ParquetReader Reader, long[] FirstRows) Open()
    {
        CheckFooter();
        ParquetReader opened = Await(ParquetReader.CreateAsync(stream, leaveStreamOpen: true));
        FileMetaData footer = opened.Metadata ?? throw new ParquetThrift.MalformedException("there is none");
        foreach (KeyValue entry in footer.KeyValueMetadata ?? []) metadata[entry.Key] = entry.Value ?? "";
        long[] starts = FirstRows(footer);
        foreach (RowGroup group in footer.RowGroups)
            foreach (ColumnChunk chunk in group.Columns) CheckChunk(chunk, group.NumRows);
        foreach (Field field in opened.Schema.Fields) Add(opened, starts, field);
        TextColumns = [.. texts.Keys];
        return (opened, starts);
    }

    private void CheckFooter()
    {
        ReadOnlySpan<byte> magic = "PAR1"u8;
        using FileBytes.View view = file.Hold();
        if (file.Length < magic.Length + FooterTail || !view.Span(0, 4).SequenceEqual(magic)
            || !view.Span(file.Length - 4, 4).SequenceEqual(magic))
            throw new ParquetThrift.MalformedException("it does not begin and end with PAR1, so it was cut or is of another format");
        long length = System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(view.Span(file.Length - FooterTail, 4));
        if (length > file.Length - FooterTail - magic.Length) throw new ParquetThrift.MalformedException($"it claims {length} bytes");
        Dictionary<int, object> footer = ParquetThrift.Footer(view.Span(file.Length - FooterTail - length, (int)length));
        CheckSchema(footer.TryGetValue(2, out object? schema) ? (List<object>)schema : []);
    }

    /// <summary>Checks that the schema is one tree, and a shallow one: Parquet.Net walks it by recursion.</summary>
    private void CheckSchema(List<object> elements)
    {
        const int LogicalType = 10, Float16 = 15; // numbers of their fields in parquet.thrift
        if (elements.Count == 0) throw new ParquetThrift.MalformedException("it has no schema");
        var open = new Stack<long>(); // children still to come, of each group around
        string column = "";
        for (int i = 0; i < elements.Count; i++)
        {
            var element = (Dictionary<int, object>)elements[i];
            long children = element.TryGetValue(5, out object? count) ? (long)count : 0;
            if (i > 0)
            {
                while (open.TryPeek(out long left) && left == 0) open.Pop();
                if (open.Count == 0) throw new ParquetThrift.MalformedException("its schema has more columns than it says");
                if (open.Count == 1)
                    column = element.TryGetValue(4, out object? name) ? System.Text.Encoding.UTF8.GetString((byte[])name) : "";
                open.Push(open.Pop() - 1);
                // Parquet.Net 6.1 knows no half floats, and would not open the file.
                if (element.TryGetValue(LogicalType, out object? logical) && logical is Dictionary<int, object> kind
                    && kind.ContainsKey(Float16))
                    throw new InputException($"{Path}: column '{OneLine(column)}' has half floats (FLOAT16), which cannot be read; write "
                        + "it as FLOAT, for instance column.cast(pyarrow.list_(pyarrow.float32())).");
                if (element.ContainsKey(1) == (children > 0))
                    throw new ParquetThrift.MalformedException($"entry {i} of its schema is neither a column nor a group");
            }

            if (children < 0 || children > elements.Count)
                throw new ParquetThrift.MalformedException($"a group of its schema claims {children} columns");
            if (children > 0) open.Push(children);
            if (open.Count > DeepestSchema)
                throw new ParquetThrift.MalformedException($"its schema is nested more than {DeepestSchema} deep");
        }

        if (open.Any(left => left != 0)) throw new ParquetThrift.MalformedException("its schema has fewer columns than it says");
    }

    private static long[] FirstRows(FileMetaData footer)
    {
        long[] starts = new long[footer.RowGroups.Count + 1];
        for (int group = 0; group < footer.RowGroups.Count; group++)
        {
            long rows = footer.RowGroups[group].NumRows;
            if (rows is < 0 or > int.MaxValue) throw new ParquetThrift.MalformedException($"row group {group} claims {rows} rows");
            starts[group + 1] = starts[group] + rows;
        }

        return starts[^1] == footer.NumRows
            ? starts
            : throw new ParquetThrift.MalformedException($"it says {footer.NumRows} rows, but its row groups have {starts[^1]}");
    }

    private void CheckChunk(ColumnChunk chunk, long rows)
    {
        ColumnMetaData meta = chunk.MetaData ?? throw new ParquetThrift.MalformedException("a column chunk has no metadata");
        string name = string.Join('.', meta.PathInSchema);
        if (chunk.FilePath is { Length: > 0 })
            throw new ParquetThrift.MalformedException($"column '{name}' is in another file, {chunk.FilePath}");
        if (meta.TotalCompressedSize < 0 || meta.TotalCompressedSize > file.Length)
            throw new ParquetThrift.MalformedException($"column '{name}' claims {meta.TotalCompressedSize} of {file.Length} bytes");
        if (meta.NumValues < rows || meta.NumValues > Array.MaxLength)
            throw new ParquetThrift.MalformedException(
                $"column '{name}' claims {meta.NumValues} values in {rows} rows of one row group (a row group may have {Array.MaxLength} "
                + "values; write smaller ones)");
        if (!ParquetPages.Plausible(meta.NumValues, meta.TotalCompressedSize))
            throw new ParquetThrift.MalformedException(
                $"column '{name}' claims {meta.NumValues} values in {meta.TotalCompressedSize} bytes");
        meta.Statistics = null; // they are not used, and Parquet.Net trips over odd ones
    }

    /// <summary>Takes a column of the schema up if it is of a kind that is read.</summary>
    private void Add(ParquetReader opened, long[] starts, Field field)
    {
        DataField? leaf = field switch
        {
            DataField plain => plain,
            ListField { Item: DataField item } => item,
            _ => null,
        };
        if (leaf is null || leaf.MaxRepetitionLevel > 1) return;
        bool isList = leaf.MaxRepetitionLevel == 1;
        if (leaf.ClrType == typeof(ReadOnlyMemory<char>) && !isList && leaf.MaxDefinitionLevel <= 1)
        {
            CheckRows(opened, leaf, Parquet.Meta.Type.BYTE_ARRAY);
            texts[field.Name] = leaf;
            return;
        }

        if (Stored(leaf.ClrType) is not var (type, physical) || (isList && !type.IsFloat())) return;
        int width = 1;
        if (isList) width = Width(opened, starts, leaf, field.Name);
        else CheckRows(opened, leaf, physical);
        if (isList) CheckType(opened, leaf, physical);
        if ((Int128)starts[^1] * width > long.MaxValue)
            throw new ParquetThrift.MalformedException($"column '{field.Name}' claims {starts[^1]} rows of {width} values");
        var info = new TensorInfo(field.Name, type, isList ? [starts[^1], width] : [starts[^1]]);
        if (!columns.TryAdd(info.Name, new Column(info, leaf, width)))
            throw new ParquetThrift.MalformedException($"two columns are named '{field.Name}'");
        tensors.Add(info);
    }

    private static void CheckRows(ParquetReader opened, DataField field, Parquet.Meta.Type physical)
    {
        CheckType(opened, field, physical);
        foreach (ParquetRowGroupReader group in opened.RowGroups)
            if (Chunk(group, field).NumValues != group.RowCount)
                throw new ParquetThrift.MalformedException(
                    $"column '{field.Name}' has {Chunk(group, field).NumValues} values in {group.RowCount} rows");
    }

    private static void CheckType(ParquetReader opened, DataField field, Parquet.Meta.Type physical)
    {
        foreach (ParquetRowGroupReader group in opened.RowGroups)
            if (Chunk(group, field).Type != physical)
                throw new ParquetThrift.MalformedException(
                    $"column '{field.Name}' is stored as {Chunk(group, field).Type} where {physical} is due");
    }

    private static ColumnMetaData Chunk(ParquetRowGroupReader group, DataField field) =>
        group.GetMetadata(field)?.MetaData ?? throw new ParquetThrift.MalformedException($"a row group lacks column '{field.Name}'");

    /// <summary>
    /// The length of the lists of a column: from the footer, or where that cannot be (lists of several lengths) that of the first.
    /// </summary>
    private int Width(ParquetReader opened, long[] starts, DataField field, string name)
    {
        for (int group = 0; group + 1 < starts.Length; group++)
        {
            long rows = starts[group + 1] - starts[group];
            if (rows == 0) continue;
            long values = Chunk(opened.RowGroups[group], field).NumValues;
            if (values % rows == 0) return (int)(values / rows);
            Raw<float> raw = field.ClrType == typeof(float) ? ReadRaw(opened, field, group, 0f) : ReadRaw(opened, field, group, 0d).Levels;
            int length = 1;
            while (length < raw.Repetition.Length && raw.Repetition[length] != 0) length++;
            return raw.Definition[0] == field.MaxDefinitionLevel ? length
                : throw new InputException(
                    $"{Path}: column '{name}' row {starts[group]} is NULL, empty or begins with NULL; every row needs the same number of "
                    + "values, so fill it or leave the row out.");
        }

        return 1;
    }

    private IDecoded Decode(Column column, int group) => column.Info.Type switch
    {
        ElementType.Float32 => Decode(column, group, BitConverter.UInt32BitsToSingle(0xFFC5A5A5), 1f),
        ElementType.Float64 => Decode(column, group, BitConverter.UInt64BitsToDouble(0xFFF8A5A5A5A5A5A5), 1d),
        ElementType.Int64 => Decode(column, group, long.MinValue + 12345, 1L),
        ElementType.UInt64 => Decode(column, group, ulong.MaxValue - 12345, 1UL),
        ElementType.Int32 => Decode(column, group, int.MinValue + 12345, 1),
        ElementType.UInt32 => Decode(column, group, uint.MaxValue - 12345, 1U),
        ElementType.Int16 => Decode(column, group, (short)-12345, (short)1),
        ElementType.UInt16 => Decode(column, group, (ushort)54321, (ushort)1),
        ElementType.Int8 => Decode(column, group, (sbyte)-123, (sbyte)1),
        ElementType.UInt8 => Decode(column, group, (byte)231, (byte)1),
        _ => Decode(column, group, true, false),
    };

    /// <summary>
    /// Decodes a row group of a column. Parquet.Net does not say when a page held fewer values than its header claimed, so the array
    /// is filled with one mark, and when the last value equals it, decoded again over another: what stays both was never written.
    /// </summary>
    private Decoded<T> Decode<T>(Column column, int group, T mark, T otherMark)
        where T : unmanaged
    {
        Raw<T> raw = ReadRaw(reader, column.Field, group, mark);
        CheckLevels(column, group, raw);
        if (raw.EndsWith(mark) && ReadRaw(reader, column.Field, group, otherMark).EndsWith(otherMark))
            throw new ParquetThrift.MalformedException($"row group {group} holds fewer values than it claims");
        return new Decoded<T>(raw.Values);
    }

    private List<string?> Texts(DataField field, int group)
    {
        var mark = new ReadOnlyMemory<char>(['?']); // known by its address, which no text of the file has
        Raw<ReadOnlyMemory<char>> raw = ReadRaw(reader, field, group, mark);
        var all = new List<string?>(raw.Values.Length);
        int next = 0;
        for (int row = 0; row < raw.Values.Length; row++)
        {
            if (raw.Definition.Length > 0 && raw.Definition[row] == 0)
            {
                all.Add(null);
                continue;
            }

            if (raw.Values[next].Equals(mark))
                throw new ParquetThrift.MalformedException($"row group {group} holds fewer values than it claims");
            all.Add(raw.Values[next++].ToString());
        }

        return all;
    }

    /// <summary>The rows of a row group whose bytes are not UTF-8: what Parquet.Net makes of them may also stand in a text.</summary>
    private List<int> NoText(DataField field, int group, List<string?> texts)
    {
        // The same column, but of bytes; a schema sets its levels.
        var bytes = new DataField(field.Name, typeof(ReadOnlyMemory<byte>), field.IsNullable);
        _ = new ParquetSchema(bytes);
        Raw<ReadOnlyMemory<byte>> raw = ReadRaw(reader, bytes, group, default(ReadOnlyMemory<byte>));
        var rows = new List<int>();
        int next = 0;
        for (int row = 0; row < texts.Count; row++)
            if (texts[row] is not null && !System.Text.Unicode.Utf8.IsValid(raw.Values[next++].Span)) rows.Add(row);
        return rows;
    }

    /// <summary>The values of a row group of a column, without its NULLs, and the levels beside them.</summary>
    private Raw<T> ReadRaw<T>(ParquetReader opened, DataField field, int group, T mark)
        where T : struct
    {
        ParquetRowGroupReader rows = opened.RowGroups[group];
        ColumnMetaData chunk = Chunk(rows, field);
        int count = (int)chunk.NumValues;
        // before anything is allocated
        if (count > 0) stream.EndAt(ParquetPages.End(file, chunk, field.MaxRepetitionLevel > 0, field.MaxDefinitionLevel > 0));
        var raw = new Raw<T>(Filled(count, mark), Filled(field.MaxDefinitionLevel > 0 ? count : 0, -1),
            Filled(field.MaxRepetitionLevel > 0 ? count : 0, -1));
        if (count == 0) return raw;
        Await(rows.ReadRawAsync(
            field,
            raw.Values.AsMemory(),
            field.MaxDefinitionLevel > 0 ? raw.Definition.AsMemory() : (Memory<int>?)null,
            field.MaxRepetitionLevel > 0 ? raw.Repetition.AsMemory() : (Memory<int>?)null).AsTask());
        return raw;
    }

    private static T[] Filled<T>(int count, T value)
    {
        T[] array = new T[count];
        Array.Fill(array, value);
        return array;
    }

    /// <summary>Checks that no value is NULL and every list has the width, and names the first row where that is not so.</summary>
    private void CheckLevels<T>(Column column, int group, Raw<T> raw)
        where T : struct
    {
        int full = column.Field.MaxDefinitionLevel;
        if (full == 0) return;
        int value = full - (column.Field.IsNullable ? 1 : 0); // the least level of something in the row
        bool isList = raw.Repetition.Length > 0;
        long row = firstRows[group] - 1;
        int length = column.Width, expected = column.Width;
        for (int i = 0; i < raw.Definition.Length; i++)
        {
            if (!isList || raw.Repetition[i] == 0)
            {
                if (row == 0) expected = length; // a width from the footer is a mean; row 0 is what the user sees
                if (length != expected) throw Ragged(column, row, length, expected);
                row++;
                length = 0;
            }

            if (raw.Definition[i] == full) length++;
            else if (!isList || raw.Definition[i] == value) throw Null(column, row, "has a NULL value");
            else if (raw.Definition[i] < value - 1) throw Null(column, row, "is NULL");
            else if (raw.Definition[i] < value) throw Null(column, row, "is an empty list");
        }

        if (length != expected) throw Ragged(column, row, length, expected);
        if (row + 1 != firstRows[group + 1])
            throw new ParquetThrift.MalformedException(
                $"row group {group} has {row + 1 - firstRows[group]} rows where the footer says {firstRows[group + 1] - firstRows[group]}");
    }

    private InputException Ragged(Column column, long row, int length, int expected) =>
        new(
            $"{Path}: column '{column.Info.Name}' row {row} has {length} values, but the rows before have {expected}; every row needs the "
            + "same number, so pad it or leave the row out.");

    private InputException Null(Column column, long row, string what) =>
        new($"{Path}: column '{column.Info.Name}' row {row} {what}; fill it or leave the row out.");

    private static (ElementType Type, Parquet.Meta.Type Physical)? Stored(System.Type type) =>
        type == typeof(float) ? (ElementType.Float32, Parquet.Meta.Type.FLOAT)
        : type == typeof(double) ? (ElementType.Float64, Parquet.Meta.Type.DOUBLE)
        : type == typeof(long) ? (ElementType.Int64, Parquet.Meta.Type.INT64)
        : type == typeof(ulong) ? (ElementType.UInt64, Parquet.Meta.Type.INT64)
        : type == typeof(int) ? (ElementType.Int32, Parquet.Meta.Type.INT32)
        : type == typeof(uint) ? (ElementType.UInt32, Parquet.Meta.Type.INT32)
        : type == typeof(short) ? (ElementType.Int16, Parquet.Meta.Type.INT32)
        : type == typeof(ushort) ? (ElementType.UInt16, Parquet.Meta.Type.INT32)
        : type == typeof(sbyte) ? (ElementType.Int8, Parquet.Meta.Type.INT32)
        : type == typeof(byte) ? (ElementType.UInt8, Parquet.Meta.Type.INT32)
        : type == typeof(bool) ? (ElementType.Bool, Parquet.Meta.Type.BOOLEAN)
        : null;

    /// <summary>Waits for a task that is finished already: the stream under Parquet.Net never waits for anything.</summary>
    private static void Await(Task task) => task.GetAwaiter().GetResult();

    private static T Await<T>(Task<T> task) => task.GetAwaiter().GetResult();

    private sealed record Column(TensorInfo Info, DataField Field, int Width);

    private sealed record Raw<T>(T[] Values, int[] Definition, int[] Repetition)
    {
        public Raw<float> Levels => new([], Definition, Repetition);

        public bool EndsWith(T value) => Values.Length > 0 && EqualityComparer<T>.Default.Equals(Values[^1], value);
    }

    private interface IDecoded
    {
        ReadOnlySpan<byte> Bytes(int first, int count);
    }

    private sealed class Decoded<T>(T[] values) : IDecoded
        where T : unmanaged
    {
        public ReadOnlySpan<byte> Bytes(int first, int count) => MemoryMarshal.AsBytes(values.AsSpan(first, count));
    }
}
