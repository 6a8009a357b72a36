using System.Runtime.InteropServices;
using System.Text;
using Unweave.Formats;

namespace Unweave.Retrieval.Segments;

/// <summary>
/// Collects the fields of rows into columns: numbers (true and false as 1 and 0) as doubles, NaN where a row has none; texts as places
/// in the sorted list of the column's values, any number a row. A name may have both.
/// </summary>
internal sealed class FieldColumns
{
    private readonly SortedDictionary<string, Column> columns = new(StringComparer.Ordinal);
    private int rows;

    /// <summary>Adds the next row.</summary>
    public void Add(ReadOnlySpan<byte> fields)
    {
        foreach ((string name, FieldValue value) in FieldValue.Read(fields))
        {
            if (!columns.TryGetValue(name, out Column? column)) columns.Add(name, column = new Column());
            column.Fill(rows);
            column.Numbers.Add(value.Number);
            foreach (string text in value.Texts.Distinct(StringComparer.Ordinal)) column.Texts.Add((rows, text));
        }

        rows++;
    }

    /// <summary>The columns as tensors of a segment, and their names in order.</summary>
    public (IEnumerable<TensorToWrite> Tensors, string[] Names) Complete()
    {
        var tensors = new List<TensorToWrite>();
        foreach ((int at, Column column) in columns.Values.Index())
        {
            column.Fill(rows);
            string prefix = $"fields.{at}.";
            if (column.Numbers.Exists(double.IsFinite)) tensors.Add(Doubles(prefix + "numbers", column.Numbers));
            if (column.Texts.Count > 0) tensors.AddRange(Texts(prefix, column.Texts));
        }

        return (tensors, [.. columns.Keys]);
    }

    private static TensorToWrite Doubles(string name, List<double> values) => TensorToWrite.Made(name, ElementType.Float64, [values.Count],
        take => take(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(values))));

    private TensorToWrite[] Texts(string prefix, List<(int Row, string Text)> texts)
    {
        string[] values = [.. texts.Select(text => text.Text).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        var places = values.Index().ToDictionary(value => value.Item, value => value.Index, StringComparer.Ordinal);
        int[] starts = new int[rows + 1];
        foreach ((int row, _) in texts) starts[row + 1]++;
        for (int row = 0; row < rows; row++) starts[row + 1] += starts[row];
        var bytes = new MemoryStream();
        long[] ends = new long[values.Length + 1];
        foreach ((int at, string value) in values.Index())
        {
            bytes.Write(Encoding.UTF8.GetBytes(value));
            ends[at + 1] = bytes.Length;
        }

        return
        [
            TensorToWrite.From(prefix + "rowStarts", starts),
            TensorToWrite.From(prefix + "places", [.. texts.Select(text => places[text.Text])]),
            TensorToWrite.From(prefix + "valueStarts", ends),
            TensorToWrite.From(prefix + "values", bytes.ToArray()),
        ];
    }

    private sealed class Column
    {
        public List<double> Numbers { get; } = [];

        public List<(int Row, string Text)> Texts { get; } = [];

        public void Fill(int count) => Numbers.AddRange(Enumerable.Repeat(double.NaN, count - Numbers.Count));
    }
}
