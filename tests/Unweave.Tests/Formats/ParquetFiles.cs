using Parquet;
using Parquet.Schema;

namespace Unweave.Tests.Formats;

/// <summary>Writes small Parquet files with Parquet.Net, level by level, so that a test can put a null or a short list anywhere.</summary>
internal static class ParquetFiles
{
    /// <summary>A column: how to write it, given its field in the schema, for each row group.</summary>
    public sealed record Column(Field Field, Func<ParquetRowGroupWriter, DataField, int, Task> Write);

    public static Column Numbers<T>(string name, params T[][] groups)
        where T : struct => new(new DataField<T>(name), (writer, field, group) => writer.WriteAsync<T>(field, groups[group].AsMemory()));

    public static Column Nullable<T>(string name, params T?[][] groups)
        where T : struct => new(new DataField<T?>(name), (writer, field, group) => writer.WriteAsync<T>(field, groups[group].AsMemory()));

    public static Column Texts(string name, params string?[][] groups) =>
        new(new DataField<string>(name), (writer, field, group) => writer.WriteAsync(field, groups[group]!));

    /// <summary>Lists, of which any may be null and hold nulls, in the three-level layout that every writer uses today.</summary>
    public static Column Lists<T>(string name, params T?[]?[][] groups)
        where T : struct => new(new ListField(name, new DataField<T?>("element")), (writer, field, group) =>
        {
            List<T> values = [];
            List<int> definition = [], repetition = [];
            foreach (T?[]? row in groups[group])
            {
                if (row is null || row.Length == 0)
                {
                    repetition.Add(0);
                    definition.Add(row is null ? 0 : 1);
                    continue;
                }

                for (int i = 0; i < row.Length; i++)
                {
                    repetition.Add(i == 0 ? 0 : 1);
                    definition.Add(row[i] is null ? 2 : field.MaxDefinitionLevel);
                    if (row[i] is { } value) values.Add(value);
                }
            }

            return writer.WriteAllPartsAsync<T>(field, values.ToArray(), definition.ToArray(), repetition.ToArray(), default);
        });

    public static void Write(string path, int groups, CompressionMethod compression, params Column[] columns)
    {
        var schema = new ParquetSchema(columns.Select(column => column.Field));
        using FileStream stream = File.Create(path);
        Run().GetAwaiter().GetResult();

        async Task Run()
        {
            await using ParquetWriter writer = await ParquetWriter.CreateAsync(schema, stream, new ParquetOptions { CompressionMethod = compression });
            writer.CustomMetadata = new Dictionary<string, string>(StringComparer.Ordinal) { ["made"] = "by a test" };
            for (int group = 0; group < groups; group++)
            {
                using ParquetRowGroupWriter rowGroup = writer.CreateRowGroup();
                for (int i = 0; i < columns.Length; i++) await columns[i].Write(rowGroup, schema.DataFields[i], group);
            }
        }
    }
}
