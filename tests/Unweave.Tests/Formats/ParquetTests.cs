using Parquet;
using Parquet.Schema;
using Unweave.Formats;
using Unweave.Numerics;

namespace Unweave.Tests.Formats;

public sealed class ParquetTests : IDisposable
{
    private static readonly float?[][] First = [[1, 2], [3, 4], [5, 6]];
    private static readonly float?[][] Second = [[7, 8]];

    private readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(CompressionMethod.None)]
    [InlineData(CompressionMethod.Snappy)]
    [InlineData(CompressionMethod.Gzip)]
    [InlineData(CompressionMethod.Zstd)]
    public void Columns_of_numbers_lists_and_texts_are_read_over_row_groups(CompressionMethod compression)
    {
        string path = folder["a.parquet"];
        ParquetFiles.Write(
            path,
            2,
            compression,
            ParquetFiles.Numbers<long>("id", [10, 11, 12], [13]),
            ParquetFiles.Texts("text", ["a", null, "ccc"], ["d"]),
            ParquetFiles.Lists<float>("vector", First, Second),
            ParquetFiles.Lists<double>("wide", [[1.5, 2], [3, 4], [5, 6]], [[7, 8.25]]),
            ParquetFiles.Nullable<double>("score", [1.5, 2, 3], [4]),
            ParquetFiles.Numbers<bool>("flag", [true, false, true], [true]));
        using var file = (ParquetColumns)TensorFile.Open(path);
        Assert.Equal(4, file.Rows);
        Assert.Equal("by a test", file.Metadata["made"]);
        Assert.Equal<IEnumerable<string>>(["id", "vector", "wide", "score", "flag"], file.Tensors.Select(tensor => tensor.Name));
        Assert.Equal([4L, 2L], file["vector"].Shape);
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], file.Floats("vector"));
        Assert.Equal(ElementType.Float64, file["wide"].Type);
        Assert.Equal([1.5f, 2, 3, 4, 5, 6, 7, 8.25f], file.Floats("wide"));
        Assert.Equal([10, 11, 12, 13], file.Floats("id"));
        Assert.Equal(13L, BitConverter.ToInt64(file.RawBytes("id"), 24));
        Assert.Equal([1.5f, 2, 3, 4], file.Floats("score"));
        Assert.Equal([1, 0, 1, 1], file.Floats("flag"));
        float[] across = new float[3];
        file.Read(file["vector"], 5, across);
        Assert.Equal([6, 7, 8], across);
        Assert.Equal<IEnumerable<string>>(["text"], file.StringColumns);
        Assert.Equal<IEnumerable<string?>>(["a", null, "ccc", "d"], file.ReadStrings("text"));
        Assert.Contains("'text'", TestFiles.Refused(path, () => file.ReadStrings("id")), StringComparison.Ordinal);
    }

    [Fact]
    public void Blocks_come_in_order_across_row_groups()
    {
        string path = folder["a.parquet"];
        ParquetFiles.Write(path, 2, CompressionMethod.None, ParquetFiles.Lists<float>("vector", First, Second), ParquetFiles.Numbers<int>("id", [1, 2, 3], [4]));
        using var file = new ParquetColumns(path);
        foreach (int rows in new[] { 1, 2, 3, 4, 100 })
        {
            List<float> read = [];
            foreach (Matrix block in file.ReadBlocks("vector", rows))
            {
                using (block)
                {
                    Assert.InRange(block.Rows, 1, rows);
                    read.AddRange(block.AsSpan());
                }
            }

            Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], read);
        }

        Matrix ids = Assert.Single(file.ReadBlocks("id"));
        Assert.Equal([1, 2, 3, 4], ids.AsSpan().ToArray());
        ids.Dispose();
    }

    public static TheoryData<string, float?[]?[], string> Uneven => new()
    {
        { "short", [[1, 2], [3], [5, 6]], "row 4: has 1 values where 2 are due" },
        { "long", [[1, 2], [3, 4], [5, 6, 7]], "row 5: has 3 values where 2 are due" },
        { "short and long", [[1], [2, 3, 4], [5, 6]], "row 3: has 1 values where 2 are due" },
        { "empty", [[1, 2], [], [5, 6]], "row 4: has 0 values where 2 are due" },
        { "null list", [[1, 2], [3, 4], null], "row 5: has 0 values where 2 are due" },
        { "null element", [[1, 2], [3, null], [5, 6]], "row 4: has a NULL value" },
    };

    [Theory]
    [MemberData(nameof(Uneven))]
    public void The_first_row_that_differs_is_named(string name, float?[]?[] second, string says)
    {
        Assert.NotEmpty(name);
        string path = folder["a.parquet"];
        ParquetFiles.Write(path, 2, CompressionMethod.Snappy, ParquetFiles.Lists<float>("vector", First, second));
        using var file = new ParquetColumns(path);
        Assert.Equal([6L, 2L], file["vector"].Shape);
        Assert.Contains(says, TestFiles.Refused(path, () => file.Floats("vector")), StringComparison.Ordinal);
        float[] good = new float[6];
        file.Read(file["vector"], 0, good);
        Assert.Equal([1, 2, 3, 4, 5, 6], good);
    }

    [Fact]
    public void The_width_is_the_first_lists_when_the_first_row_group_is_uneven()
    {
        string path = folder["a.parquet"];
        ParquetFiles.Write(path, 1, CompressionMethod.None, ParquetFiles.Lists<float>("vector", [[[1, 2, 3], [4, 5, 6], [7, 8]]]));
        using var file = new ParquetColumns(path);
        Assert.Contains("row 2: has 2 values where 3 are due", TestFiles.Refused(path, () => file.Floats("vector")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_number_is_refused_by_its_row()
    {
        string path = folder["a.parquet"];
        ParquetFiles.Write(path, 1, CompressionMethod.None, ParquetFiles.Nullable<double>("score", [[1, null, 3]]));
        using var file = new ParquetColumns(path);
        Assert.Contains("column 'score', row 1: has a NULL value", TestFiles.Refused(path, () => file.Floats("score")), StringComparison.Ordinal);
    }

    [Fact]
    public void Columns_that_cannot_be_read_are_named_and_the_others_can()
    {
        string path = folder["a.parquet"];
        ParquetFiles.Write(
            path,
            1,
            CompressionMethod.None,
            ParquetFiles.Numbers<DateTime>("day", [[new DateTime(2024, 1, 1, 0, 0, 0, DateTimeKind.Utc)]]),
            new ParquetFiles.Column(new StructField("pair", new DataField<int>("left")), (writer, field, _) => writer.WriteAllPartsAsync<int>(field, Enumerable.Repeat(1, 1).ToArray(), Enumerable.Repeat(field.MaxDefinitionLevel, 1).ToArray(), null, default)),
            ParquetFiles.Numbers<int>("n", [[5]]));
        using var file = new ParquetColumns(path);
        Assert.Equal([5f], file.Floats("n"));
        Assert.Single(file.Tensors);
        Assert.Contains("not read", file.Metadata["day"], StringComparison.Ordinal);
        Assert.Contains("nested", file.Metadata["pair/left"], StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_without_rows_has_empty_columns()
    {
        string path = folder["a.parquet"];
        ParquetFiles.Write(path, 0, CompressionMethod.None, ParquetFiles.Lists<float>("vector"), ParquetFiles.Texts("text"));
        using var file = new ParquetColumns(path);
        Assert.Empty(file.Floats("vector"));
        Assert.Empty(file.ReadStrings("text"));
        Assert.Empty(file.ReadBlocks("vector"));
    }

    [Fact]
    public void A_torn_file_is_one_clear_line()
    {
        string path = folder["a.parquet"];
        ParquetFiles.Write(path, 2, CompressionMethod.None, ParquetFiles.Lists<float>("vector", First, Second));
        byte[] bytes = File.ReadAllBytes(path);
        File.WriteAllBytes(path, bytes[..^20]);
        Assert.Contains("cannot be decoded", TestFiles.RefusedOpen(path), StringComparison.Ordinal);
    }
}
