using System.Text;

namespace Unweave.Retrieval.Segments;

/// <summary>A column of a segment's fields, as <see cref="FieldColumns"/> wrote it.</summary>
internal sealed unsafe class FieldColumn
{
    private readonly double* numbers;
    private readonly int* rowStarts, places;
    private readonly string[] values = [];

    public FieldColumn(SegmentTensors segment, int at, int rows)
    {
        string prefix = $"fields.{at}.";
        if (segment.Has(prefix + "numbers")) numbers = segment.Doubles(prefix + "numbers", rows);
        if (!segment.Has(prefix + "places")) return;
        rowStarts = segment.Ints(prefix + "rowStarts", rows + 1);
        segment.Check(rowStarts[0] == 0, prefix + "rowStarts do not begin at 0");
        for (int row = 0; row < rows; row++) segment.Check(rowStarts[row] <= rowStarts[row + 1], prefix + "rowStarts do not ascend");
        places = segment.Ints(prefix + "places", rowStarts[rows]);
        byte* bytes = segment.Bytes(prefix + "values", out long length);
        values = new string[segment.Count(prefix + "valueStarts") - 1];
        long* starts = segment.Longs(prefix + "valueStarts", values.Length + 1);
        for (int value = 0; value < values.Length; value++)
        {
            segment.Check(0 <= starts[value] && starts[value] <= starts[value + 1] && starts[value + 1] <= length,
                prefix + "valueStarts do not ascend");
            values[value] = Encoding.UTF8.GetString(bytes + starts[value], (int)(starts[value + 1] - starts[value]));
        }

        for (int i = 0; i < rowStarts[rows]; i++) segment.Check((uint)places[i] < (uint)values.Length, prefix
            + "places are past the values");
    }

    /// <summary>The number of a row; NaN where it has none.</summary>
    public double Number(int row) => numbers == null ? double.NaN : numbers[row];

    /// <summary>The range of values that are a text, or begin with it.</summary>
    /// <returns>The first and the one after the last; equal where there is none.</returns>
    public (int First, int End) Find(string text, bool prefix)
    {
        int first = Array.BinarySearch(values, text, StringComparer.Ordinal);
        if (first < 0) first = ~first;
        int end = first;
        while (end < values.Length && (prefix ? values[end].StartsWith(text, StringComparison.Ordinal)
            : string.Equals(values[end], text, StringComparison.Ordinal))) end++;
        return (first, end);
    }

    /// <summary>Whether a row has one of a range of values.</summary>
    public bool Has(int row, (int First, int End) range)
    {
        if (rowStarts == null || range.First == range.End) return false;
        for (int i = rowStarts[row]; i < rowStarts[row + 1]; i++)
            if (places[i] >= range.First && places[i] < range.End) return true;
        return false;
    }
}
