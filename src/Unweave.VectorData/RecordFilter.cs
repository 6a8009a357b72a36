using System.Linq.Expressions;
using Microsoft.Extensions.VectorData.ProviderServices;
using Microsoft.Extensions.VectorData.ProviderServices.Filter;
using Unweave.Retrieval;

namespace Unweave.VectorData;

/// <summary>Conditions on records as filters of an index: comparisons, Contains both ways, StartsWith, and, or, not.</summary>
internal sealed class RecordFilter : FilterTranslatorBase
{
    /// <summary>Translates a condition.</summary>
    /// <exception cref="NotSupportedException">A part of it has no counterpart.</exception>
    public static SearchFilter? Of(LambdaExpression? condition, CollectionModel model)
    {
        if (condition is null) return null;
        var filter = new RecordFilter();
        return filter.Translate(filter.PreprocessFilter(condition, model, new FilterPreprocessingOptions()));
    }

    private SearchFilter Translate(Expression expression) => expression switch
    {
        BinaryExpression { NodeType: ExpressionType.AndAlso } both => new SearchFilter.And(Translate(both.Left), Translate(both.Right)),
        BinaryExpression { NodeType: ExpressionType.OrElse } either => new SearchFilter.Or(Translate(either.Left), Translate(either.Right)),
        UnaryExpression { NodeType: ExpressionType.Not } not => new SearchFilter.Not(Translate(not.Operand)),
        UnaryExpression { NodeType: ExpressionType.Convert } converted when converted.Type == typeof(bool) => Translate(converted.Operand),
        BinaryExpression compared => Compare(compared),
        ConstantExpression { Value: bool always } => always ? new SearchFilter.And() : new SearchFilter.Or(),
        MethodCallExpression call => Call(call),
        _ when expression.Type == typeof(bool) && TryBindProperty(expression, out PropertyModel? property) =>
            new SearchFilter.Equal(property.StorageName, true),
        _ => throw Unknown(expression),
    };

    private SearchFilter Compare(BinaryExpression compared)
    {
        ExpressionType kind = compared.NodeType;
        if (!TryBindProperty(compared.Left, out PropertyModel? property) || Value(compared.Right) is not { } value)
        {
            if (!TryBindProperty(compared.Right, out property) || Value(compared.Left) is not { } left) throw Unknown(compared);
            value = left;
            kind = kind switch
            {
                ExpressionType.LessThan => ExpressionType.GreaterThan,
                ExpressionType.LessThanOrEqual => ExpressionType.GreaterThanOrEqual,
                ExpressionType.GreaterThan => ExpressionType.LessThan,
                ExpressionType.GreaterThanOrEqual => ExpressionType.LessThanOrEqual,
                _ => kind,
            };
        }

        string field = property.StorageName;
        FieldValue sought = RecordModel.FieldOf(value);
        if (kind is ExpressionType.Equal or ExpressionType.NotEqual)
        {
            var equal = new SearchFilter.Equal(field, sought);
            return kind == ExpressionType.Equal ? equal : new SearchFilter.Not(equal);
        }

        if (sought.Kind != FieldKind.Number) throw Unknown(compared);

        // A range has its ends: of what is above a number, the next number is the first.
        return kind switch
        {
            ExpressionType.LessThan => new SearchFilter.Range(field, null, Math.BitDecrement(sought.Number)),
            ExpressionType.LessThanOrEqual => new SearchFilter.Range(field, null, sought.Number),
            ExpressionType.GreaterThan => new SearchFilter.Range(field, Math.BitIncrement(sought.Number), null),
            ExpressionType.GreaterThanOrEqual => new SearchFilter.Range(field, sought.Number, null),
            _ => throw Unknown(compared),
        };
    }

    private SearchFilter Call(MethodCallExpression call)
    {
        if (TryMatchContains(call, out Expression? source, out Expression? item))
        {
            if (TryBindProperty(source, out PropertyModel? tags) && Value(item) is string tag)
                return new SearchFilter.Equal(tags.StorageName, tag);
            if (TryBindProperty(item, out PropertyModel? property) && Values(source) is { } values)
                return new SearchFilter.AnyOf(property.StorageName, [.. values.Select(RecordModel.FieldOf)]);
        }

        if (call is { Method.Name: nameof(string.StartsWith), Object: { } text, Arguments: [var start, ..] }
            && call.Method.DeclaringType == typeof(string)
            && TryBindProperty(text, out PropertyModel? begun) && Value(start) is string beginning
            && (call.Arguments.Count == 1 || Value(call.Arguments[1]) is StringComparison.Ordinal))
        {
            return new SearchFilter.Prefix(begun.StorageName, beginning);
        }

        throw Unknown(call);
    }

    private static object? Value(Expression expression) => expression switch
    {
        ConstantExpression constant => constant.Value,
        UnaryExpression { NodeType: ExpressionType.Convert } converted => Value(converted.Operand),
        _ => null,
    };

    private static IEnumerable<object>? Values(Expression expression) => expression switch
    {
        NewArrayExpression array when array.Expressions.All(element => Value(element) is not null) =>
            array.Expressions.Select(element => Value(element)!),
        _ => Value(expression) is System.Collections.IEnumerable values and not string ? values.Cast<object>() : null,
    };

    private static NotSupportedException Unknown(Expression expression) => new(
        $"The condition {expression} has no counterpart among an index's filters: fields are compared with values that are not null, by "
        + "==, !=, <, <=, >, >= (numbers), Contains and StartsWith, and joined by &&, || and !.");
}
