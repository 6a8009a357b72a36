namespace Unweave.Retrieval;

/// <summary>
/// Which documents a search may find, by their fields. A document that has no such field, or a value of another kind, is not let through.
/// </summary>
public abstract record SearchFilter
{
    private SearchFilter()
    {
    }

    /// <summary>The field is this number, truth or text; of tags, one of them is.</summary>
    /// <param name="Field">Name of the field.</param>
    /// <param name="Value">The value: not tags.</param>
    public sealed record Equal(string Field, FieldValue Value) : SearchFilter;

    /// <summary>The field is one of several values; of tags, one of them is.</summary>
    /// <param name="Field">Name of the field.</param>
    /// <param name="Values">The values; of none, nothing is let through.</param>
    public sealed record AnyOf(string Field, IReadOnlyList<FieldValue> Values) : SearchFilter;

    /// <summary>The field is a number in a range, both ends included.</summary>
    /// <param name="Field">Name of the field.</param>
    /// <param name="Least">The least; null for any.</param>
    /// <param name="Most">The most; null for any.</param>
    public sealed record Range(string Field, double? Least, double? Most) : SearchFilter;

    /// <summary>The field is a text, or one of its tags is, that begins so; case counts.</summary>
    /// <param name="Field">Name of the field.</param>
    /// <param name="Start">What it begins with.</param>
    public sealed record Prefix(string Field, string Start) : SearchFilter;

    /// <summary>All of these let it through; of none, everything passes.</summary>
    /// <param name="Parts">The filters.</param>
    public sealed record And(params IReadOnlyList<SearchFilter> Parts) : SearchFilter;

    /// <summary>One of these lets it through; of none, nothing passes.</summary>
    /// <param name="Parts">The filters.</param>
    public sealed record Or(params IReadOnlyList<SearchFilter> Parts) : SearchFilter;

    /// <summary>The other does not let it through.</summary>
    /// <param name="Other">The other.</param>
    public sealed record Not(SearchFilter Other) : SearchFilter;

    /// <summary>The fields that it names.</summary>
    internal IEnumerable<string> Fields => this switch
    {
        Equal equal => [equal.Field],
        AnyOf any => [any.Field],
        Range range => [range.Field],
        Prefix prefix => [prefix.Field],
        And and => and.Parts.SelectMany(part => part.Fields),
        Or or => or.Parts.SelectMany(part => part.Fields),
        Not not => not.Other.Fields,
        _ => [],
    };
}
