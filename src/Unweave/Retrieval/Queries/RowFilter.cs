using Unweave.Retrieval.Segments;

namespace Unweave.Retrieval.Queries;

/// <summary>A filter made ready for one segment: values are looked up once, rows are then asked one by one.</summary>
internal static class RowFilter
{
    /// <summary>Makes a filter ready.</summary>
    public static Predicate<int> For(Segment segment, SearchFilter filter)
    {
        switch (filter)
        {
            case SearchFilter.Equal equal: return Is(segment, equal.Field, [equal.Value]);
            case SearchFilter.AnyOf any: return Is(segment, any.Field, any.Values);
            case SearchFilter.Range range:
                FieldColumn? numbers = segment.Field(range.Field);
                double least = range.Least ?? double.NegativeInfinity, most = range.Most ?? double.PositiveInfinity;
                return numbers is null ? static _ => false : row => numbers.Number(row) >= least && numbers.Number(row) <= most;
            case SearchFilter.Prefix prefix:
                FieldColumn? texts = segment.Field(prefix.Field);
                if (texts is null) return static _ => false;
                (int, int) place = texts.Find(prefix.Start, prefix: true);
                return row => texts.Has(row, place);
            case SearchFilter.And and:
                Predicate<int>[] all = [.. and.Parts.Select(part => For(segment, part))];
                return row => Array.TrueForAll(all, part => part(row));
            case SearchFilter.Or or:
                Predicate<int>[] some = [.. or.Parts.Select(part => For(segment, part))];
                return row => Array.Exists(some, part => part(row));
            case SearchFilter.Not not:
                Predicate<int> other = For(segment, not.Other);
                return row => !other(row);
            default: throw new ArgumentOutOfRangeException(nameof(filter), filter, "Not a filter.");
        }
    }

    private static Predicate<int> Is(Segment segment, string field, IReadOnlyList<FieldValue> values)
    {
        FieldColumn? column = segment.Field(field);
        if (column is null || values.Count == 0) return static _ => false;
        var numbers = values.Where(value => !double.IsNaN(value.Number)).Select(value => value.Number).ToHashSet();
        (int, int)[] places = [.. values.SelectMany(value => value.Texts).Select(text => column.Find(text, prefix: false))];
        return row => numbers.Contains(column.Number(row)) || Array.Exists(places, place => column.Has(row, place));
    }
}
