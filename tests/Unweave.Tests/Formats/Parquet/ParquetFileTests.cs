using Parquet;
using Parquet.Schema;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Tests.Formats;

public sealed class ParquetFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    // A footer by hand, in Thrift's compact protocol: the schema is a root and a column of FIXED_LEN_BYTE_ARRAY(2), logical type FLOAT16.
    [Fact]
    public void Half_floats_are_refused_by_the_name_of_their_column()
    {
        byte[] footer =
        [
            0x15, 0x02, 0x19, 0x2C,
            0x48, 0x06, .. "schema"u8, 0x15, 0x02, 0x00,
            0x15, 0x0E, 0x15, 0x04, 0x15, 0x00, 0x18, 0x04, .. "half"u8, 0x6C, 0xFC, 0x00, 0x00, 0x00,
            0x16, 0x00, 0x19, 0x0C, 0x00,
        ];
        string path = folder["half.parquet"];
        File.WriteAllBytes(path, [.. "PAR1"u8, .. footer, (byte)footer.Length, 0, 0, 0, .. "PAR1"u8]);
        Assert.Contains("column 'half' has half floats (FLOAT16)", TestFiles.Refused(path, () => new ParquetFile(path).Dispose()),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Lists_of_one_length_are_a_matrix_over_all_row_groups()
    {
        string path = Lists("v.parquet", [[[1, 2, 3], [4, 5, 6]], [], [[7, 8, 9]]]);
        using var file = new ParquetFile(path);
        TensorInfo tensor = Assert.Single(file.Tensors);
        Assert.Equal("v Float32 [3, 3]", tensor.ToString());
        Assert.Equal("parquet", file.Format);
        Assert.Equal(3, file.Rows);
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9], Read(file, tensor, 0, 9));
        for (int first = 0; first < 9; first++) // any piece, also over the seam of row groups, in any order
            for (int count = 9 - first; count >= 0; count--)
                Assert.Equal(Enumerable.Range(first + 1, count).Select(value => (float)value), Read(file, tensor, first, count));
    }

    [Fact]
    public void Blocks_stream_the_rows_in_order()
    {
        float[][] rows = [.. Enumerable.Range(0, 1000).Select(row => new[] { row, row + 0.25f, -row })];
        string path = Lists("v.parquet", [rows[..300], rows[300..301], rows[301..]]);
        using var file = new ParquetFile(path);
        var read = new List<float>();
        foreach (Matrix block in file.Blocks(file["v"]))
        {
            Assert.Equal(3, block.Columns);
            read.AddRange(block.AsSpan());
            block.Dispose();
        }

        Assert.Equal(rows.SelectMany(row => row), read);
    }

    [Theory]
    [InlineData(CompressionMethod.None)]
    [InlineData(CompressionMethod.Snappy)]
    [InlineData(CompressionMethod.Gzip)]
    [InlineData(CompressionMethod.Zstd)]
    public void Every_type_of_number_is_a_tensor(CompressionMethod compression)
    {
        string path = folder["n.parquet"];
        int rows = 500;
        Write(path, compression, new Dictionary<string, string>(StringComparer.Ordinal) { ["made by"] = "a test" }, [
            Flat("f64", Values(rows, i => i * 0.5 - 7)), Flat("f32", Values(rows, i => i * 0.25f)), Flat("i64", Values(rows, i => 1L - i)),
            Flat("i32", Values(rows, i => i - 250)),
            Flat("i16", Values(rows, i => (short)(i * 3))), Flat("u8", Values(rows, i => (byte)i)), Flat("i8", Values(rows, i => (sbyte)i)),
            Flat("u16", Values(rows, i => (ushort)(i * 100))),
            Flat("u32", Values(rows, i => uint.MaxValue - (uint)i)), Flat("u64", Values(rows, i => (ulong)i << 40)),
            Flat("flag", Values(rows, i => i % 3 == 0))]);
        using var file = new ParquetFile(path);
        Assert.Equal("a test", file.Metadata["made by"]);
        Assert.Equal(
            ["f64 Float64 [500]", "f32 Float32 [500]", "i64 Int64 [500]", "i32 Int32 [500]", "i16 Int16 [500]", "u8 UInt8 [500]",
                "i8 Int8 [500]", "u16 UInt16 [500]", "u32 UInt32 [500]", "u64 UInt64 [500]", "flag Bool [500]"],
            file.Tensors.Select(tensor => tensor.ToString()), StringComparer.Ordinal);
        Func<int, double>[] expected =
        [
            i => i * 0.5 - 7, i => i * 0.25, i => 1 - i, i => i - 250, i => i * 3, i => (byte)i, i => (sbyte)i, i => (ushort)(i * 100),
            i => uint.MaxValue - (uint)i, i => (ulong)i << 40, i => i % 3 == 0 ? 1 : 0,
        ];
        foreach ((TensorInfo tensor, Func<int, double> value) in file.Tensors.Zip(expected))
            Assert.Equal(Enumerable.Range(0, rows).Select(i => (float)value(i)), Read(file, tensor, 0, rows));
        byte[] raw = new byte[24];
        file.ReadBytes(file["f64"], 10, raw);
        Assert.Equal([-2, -1.5, -1], Enumerable.Range(0, 3).Select(i => BitConverter.ToDouble(raw, 8 * i)));
    }

    [Fact]
    public void Doubles_in_lists_and_columns_beside_them_are_read()
    {
        string path = folder["d.parquet"];
        var list = new ListField("v", new DataField<double>("element", nullable: false));
        var label = new DataField<int>("label");
        var text = new DataField<string>("text");
        Run(async () =>
        {
            await using FileStream stream = File.Create(path);
            await using ParquetWriter writer = await ParquetWriter.CreateAsync(new ParquetSchema(list, label, text), stream);
            for (int group = 0; group < 2; group++)
            {
                using ParquetRowGroupWriter rows = writer.CreateRowGroup();
                await rows.WriteAllPartsAsync<double>((DataField)list.Item, new double[] { 1 + group, 2, 3, 4 }, (int[])[2, 2, 2, 2],
                    (int[])[0, 1, 0, 1], CancellationToken.None);
                await rows.WriteAsync<int>(label, new[] { group, 7 });
                await rows.WriteAsync(text, [$"group {group}", group == 0 ? null : "Ünïcode ✓"]);
            }
        });
        using var file = new ParquetFile(path);
        Assert.Equal(["v Float64 [4, 2]", "label Int32 [4]"], file.Tensors.Select(tensor => tensor.ToString()), StringComparer.Ordinal);
        Assert.Equal([1, 2, 3, 4, 2, 2, 3, 4], Read(file, file["v"], 0, 8));
        Assert.Equal([0, 7, 1, 7], Read(file, file["label"], 0, 4));
        Assert.Equal(["text"], file.TextColumns, StringComparer.Ordinal);
        Assert.Equal(["group 0", null, "group 1", "Ünïcode ✓"], file.ReadTexts("text"), StringComparer.Ordinal);
        Assert.Contains("no column of strings named 'label'; it has 'text'",
            Assert.Throws<InputException>(() => file.ReadTexts("label")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_column_that_ends_in_the_mark_of_an_unwritten_value_is_still_right()
    {
        string path = folder["mark.parquet"];
        Write(path, CompressionMethod.Snappy, null,
            [Flat("i32", [5, int.MinValue + 12345]), Flat("flag", [false, true]), Flat("f32", [1f, float.NaN])]);
        using var file = new ParquetFile(path);
        Assert.Equal([5f, int.MinValue + 12345], Read(file, file["i32"], 0, 2));
        Assert.Equal([0f, 1f], Read(file, file["flag"], 0, 2));
        Assert.Equal([1f, float.NaN], Read(file, file["f32"], 0, 2));
    }

    [Fact]
    public void Lists_of_several_lengths_are_refused_by_row()
    {
        Refused("column 'v' row 2 has 2 values, but the rows before have 3", [[[1, 2, 3], [1, 2, 3], [1, 2], [1, 2, 3, 4]]]); // a mean of 3
        Refused("column 'v' row 1 has 4 values, but the rows before have 2", [[[1, 2], [1, 2, 3, 4]]]); // a mean of 3 that no row has
        Refused("column 'v' row 2 has 1 values, but the rows before have 3", [[[1, 2, 3], [1, 2, 3], [1]]]);
        Refused("column 'v' row 3 has 2 values, but the rows before have 3", [[[1, 2, 3], [1, 2, 3]], [[1, 2, 3], [1, 2]]]);
        Refused("column 'v' row 1 is an empty list", [[[1, 2], []]]);
        Refused("column 'v' row 1 is NULL", [[[1, 2], null]]);
        Refused("column 'v' row 2 has a NULL value", [[[1, 2], [3, 4], [5, float.NegativeInfinity]]], nullable: true);
        Refused("column 'v' row 0 is NULL, empty or begins with NULL", [[null, [1, 2, 3, 4]]]);
    }

    [Fact]
    public void A_null_number_is_refused_by_row_and_the_other_columns_are_read()
    {
        string path = folder["null.parquet"];
        var field = new DataField<float>("x", nullable: true);
        var other = new DataField<float>("y", nullable: true);
        Run(async () =>
        {
            await using FileStream stream = File.Create(path);
            await using ParquetWriter writer = await ParquetWriter.CreateAsync(new ParquetSchema(field, other), stream);
            using ParquetRowGroupWriter rows = writer.CreateRowGroup();
            await rows.WriteAsync<float>(field, new float?[] { 1, null, 3 });
            await rows.WriteAsync<float>(other, new float?[] { 1, 2, 3 });
        });
        using var file = new ParquetFile(path);
        Assert.Equal([1, 2, 3], Read(file, file["y"], 0, 3));
        Assert.Contains("column 'x' row 1 has a NULL value", Assert.Throws<InputException>(() => Read(file, file["x"], 0, 3)).Message,
            StringComparison.Ordinal);
    }

    // Written by DuckDB 1.5:
    //   CREATE TABLE t AS SELECT (i * 0.5)::FLOAT AS x, i::BIGINT AS id, CASE WHEN i % 7 = 0 THEN NULL ELSE 'text ' || (i % 10) END AS t,
    // [i, i + 0.25, -i]::FLOAT[] AS v, [i * 2, 1]::DOUBLE[] AS w, [i, 2]::FLOAT[2] AS a, i % 2 = 0 AS flag, (i % 5)::TINYINT AS small FROM
    // range(300) r(i); COPY t TO 'duckdb-snappy.parquet' (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 2048); -- and so zstd and
    // brotli COPY t TO 'duckdb-v2.parquet' (FORMAT parquet, COMPRESSION snappy, PARQUET_VERSION V2);
    [Theory]
    [InlineData("duckdb-snappy.parquet")]
    [InlineData("duckdb-zstd.parquet")]
    [InlineData("duckdb-v2.parquet")]
    public void Files_of_another_writer_have_its_values(string golden)
    {
        using var file = new ParquetFile(TestFiles.Golden(golden));
        Assert.Equal(
            ["x Float32 [300]", "id Int64 [300]", "v Float32 [300, 3]", "w Float64 [300, 2]", "a Float32 [300, 2]", "flag Bool [300]",
                "small Int8 [300]"],
            file.Tensors.Select(tensor => tensor.ToString()), StringComparer.Ordinal);
        Func<int, float[]>[] rows =
        [
            i => [i * 0.5f], i => [i], i => [i, i + 0.25f, -i], i => [i * 2, 1], i => [i, 2], i => [i % 2 == 0 ? 1 : 0], i => [i % 5],
        ];
        foreach ((TensorInfo tensor, Func<int, float[]> row) in file.Tensors.Zip(rows))
            Assert.Equal(Enumerable.Range(0, 300).SelectMany(row), Read(file, tensor, 0, (int)tensor.Count));
        Assert.Equal(Enumerable.Range(0, 300).Select(i => i % 7 == 0 ? null : $"text {i % 10}"), file.ReadTexts("t"),
            StringComparer.Ordinal);
    }

    [Fact]
    public void A_compression_that_is_not_read_is_named_with_the_way_out()
    {
        string path = TestFiles.Golden("duckdb-brotli.parquet");
        using var file = new ParquetFile(path);
        Assert.Equal(
            $"{path}: column 'x' cannot be read: it is compressed with BROTLI, which Unweave does not read; write it with snappy, zstd or "
            + "gzip.",
            Assert.Throws<InputException>(() => Read(file, file["x"], 0, 1)).Message);
    }

    [Fact]
    public void Cut_files_and_other_files_are_refused_with_their_path()
    {
        byte[] whole = File.ReadAllBytes(Lists("v.parquet", [[[1, 2, 3], [4, 5, 6]]]));
        string path = folder["cut.parquet"];
        for (int length = 1; length < whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.StartsWith($"{path}: its footer cannot be read: it does not begin and end with PAR1",
                Assert.Throws<InputException>(() => new ParquetFile(path)).Message, StringComparison.Ordinal);
        }

        Assert.StartsWith($"{folder["none"]}: there is no such file",
            Assert.Throws<InputException>(() => new ParquetFile(folder["none"])).Message, StringComparison.Ordinal);
    }

    /// <summary>A short file with a vector column, numbers and texts, for the fuzz test.</summary>
    internal static byte[] Sample(CompressionMethod compression)
    {
        using var stream = new MemoryStream();
        var list = new ListField("v", new DataField<float>("element", nullable: true));
        var label = new DataField<int>("label");
        var text = new DataField<string>("text");
        Run(async () =>
        {
            await using ParquetWriter writer = await ParquetWriter.CreateAsync(new ParquetSchema(list, label, text), stream,
                new ParquetOptions { CompressionMethod = compression });
            for (int group = 0; group < 2; group++)
            {
                using ParquetRowGroupWriter rows = writer.CreateRowGroup();
                await rows.WriteAllPartsAsync<float>((DataField)list.Item, new float[] { 1, 2, 3, 4, 5, 6 }, (int[])[3, 3, 3, 3, 3, 3],
                    (int[])[0, 1, 0, 1, 0, 1], CancellationToken.None);
                await rows.WriteAsync<int>(label, (int[])[3, 1, 3]);
                await rows.WriteAsync(text, ["one", null, "three"]);
            }
        });
        return stream.ToArray();
    }

    private void Refused(string expected, float[]?[][] groups, bool nullable = false)
    {
        string path = Lists("refused.parquet", groups, nullable);
        InputException error = Assert.Throws<InputException>(() =>
        {
            using var file = new ParquetFile(path);
            TensorInfo tensor = file["v"];
            Read(file, tensor, 0, (int)tensor.Count);
        });
        Assert.StartsWith(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    /// <summary>Writes row groups of lists; -∞ stands for a NULL value.</summary>
    private string Lists(string name, float[]?[][] groups, bool nullable = true)
    {
        string path = folder[name];
        var list = new ListField("v", new DataField<float>("element", nullable));
        int full = nullable ? 3 : 2;
        Run(async () =>
        {
            await using FileStream stream = File.Create(path);
            await using ParquetWriter writer = await ParquetWriter.CreateAsync(new ParquetSchema(list), stream);
            foreach (float[]?[] group in groups)
            {
                float[] values = [.. group.SelectMany(row => row ?? []).Where(value => !float.IsNegativeInfinity(value))];
                int[] definition =
                [
                    .. group.SelectMany(row =>
                        row is null ? [0] : row.Length == 0 ? [1] : row.Select(value => float.IsNegativeInfinity(value) ? 2 : full)),
                ];
                int[] repetition = [.. group.SelectMany(row => row is null or [] ? [0] : row.Select((_, i) => i == 0 ? 0 : 1))];
                using ParquetRowGroupWriter rows = writer.CreateRowGroup();
                await rows.WriteAllPartsAsync<float>((DataField)list.Item, values, definition, repetition, CancellationToken.None);
            }
        });
        return path;
    }

    private static T[] Values<T>(int count, Func<int, T> value) => [.. Enumerable.Range(0, count).Select(value)];

    private static (DataField Field, Func<ParquetRowGroupWriter, DataField, Task> Write) Flat<T>(string name, T[] values)
        where T : struct =>
        (new DataField<T>(name, nullable: false), (rows, field) => rows.WriteAsync<T>(field, values));

    private static void Write(string path, CompressionMethod compression, Dictionary<string, string>? metadata,
        (DataField Field, Func<ParquetRowGroupWriter, DataField, Task> Write)[] columns) =>
        Run(async () =>
        {
            await using FileStream stream = File.Create(path);
            await using ParquetWriter writer = await ParquetWriter.CreateAsync(new ParquetSchema(columns.Select(column => column.Field)),
                stream, new ParquetOptions { CompressionMethod = compression });
            if (metadata is not null) writer.CustomMetadata = metadata;
            using ParquetRowGroupWriter rows = writer.CreateRowGroup();
            foreach ((DataField field, Func<ParquetRowGroupWriter, DataField, Task> write) in columns) await write(rows, field);
        });

    private static void Run(Func<Task> write) => write().GetAwaiter().GetResult();

    private static float[] Read(ParquetFile file, TensorInfo tensor, long first, int count)
    {
        float[] values = new float[count];
        file.Read(tensor, first, values);
        return values;
    }
}
