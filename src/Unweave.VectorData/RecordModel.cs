using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.VectorData;
using Microsoft.Extensions.VectorData.ProviderServices;
using Unweave.Retrieval;

namespace Unweave.VectorData;

/// <summary>
/// What a record has: a key, fields, at most one text whose words are searched, and a vector; and both ways between records and documents.
/// </summary>
internal sealed class RecordModel
{
    private static readonly Type[] VectorTypes = [typeof(ReadOnlyMemory<float>), typeof(float[]), typeof(Embedding<float>)];

    private RecordModel(CollectionModel model)
    {
        Properties = model;
        if (model.VectorProperty.DistanceFunction is { } distance
            && !string.Equals(distance, DistanceFunction.CosineSimilarity, StringComparison.Ordinal))
        {
            throw new NotSupportedException($"The vector property {model.VectorProperty.ModelName} asks for {distance}; an index of "
                + $"concepts compares by {DistanceFunction.CosineSimilarity}.");
        }

        DataPropertyModel[] texts = [.. model.DataProperties.Where(property => property.IsFullTextIndexed)];
        if (texts.Length > 1)
            throw new NotSupportedException($"{texts.Length} properties are full-text indexed; an index has the words of one.");
        Text = texts.FirstOrDefault();
    }

    /// <summary>The properties.</summary>
    public CollectionModel Properties { get; }

    /// <summary>The text whose words are searched; null for none.</summary>
    public DataPropertyModel? Text { get; }

    /// <summary>The vector.</summary>
    public VectorPropertyModel Vector => Properties.VectorProperty;

    /// <summary>Whether records hold what a vector is generated of, and no vector.</summary>
    public bool Generates => !VectorTypes.Contains(Nullable.GetUnderlyingType(Vector.Type) ?? Vector.Type);

    [RequiresUnreferencedCode("Records are read by reflection.")]
    [RequiresDynamicCode("Records are read by reflection.")]
    public static RecordModel Of(Type record, Type key, VectorStoreCollectionDefinition? definition, IEmbeddingGenerator? generator) =>
        new(new Builder().Build(record, key, definition, generator));

    public static RecordModel Dynamic(VectorStoreCollectionDefinition definition, IEmbeddingGenerator? generator) =>
        new(new Builder().BuildDynamic(definition, generator));

    /// <summary>A record as a document.</summary>
    public IndexDocument Document(object record)
    {
        string key = Properties.KeyProperty.GetValueAsObject(record) as string
            ?? throw new ArgumentException($"A record has no {Properties.KeyProperty.ModelName}, which is its key.", nameof(record));

        // The key is a field too, so that filters may name it.
        var fields = new Dictionary<string, FieldValue>(StringComparer.Ordinal) { [Properties.KeyProperty.StorageName] = key };
        foreach (DataPropertyModel property in Properties.DataProperties)
        {
            if (property.GetValueAsObject(record) is not { } value) continue;
            if (ReferenceEquals(property, Text) && !property.IsIndexed) continue;
            fields[property.StorageName] = FieldOf(value);
        }

        return new IndexDocument(key, Text?.GetValueAsObject(record) as string ?? "", fields);
    }

    /// <summary>A document as a record.</summary>
    public TRecord Record<TRecord>(IndexDocument document, float[]? vector)
        where TRecord : class
    {
        TRecord record = Properties.CreateRecord<TRecord>()!;
        Properties.KeyProperty.SetValueAsObject(record, document.Key);
        foreach (DataPropertyModel property in Properties.DataProperties)
        {
            FieldValue? value = document.Fields?.GetValueOrDefault(property.StorageName);
            if (ReferenceEquals(property, Text)) property.SetValueAsObject(record, document.Text);
            else if (value is not null) property.SetValueAsObject(record, ValueOf(value, property.Type));
            else if (property.IsNullable) property.SetValueAsObject(record, null);
        }

        if (vector is not null && !Generates)
        {
            Type type = Nullable.GetUnderlyingType(Vector.Type) ?? Vector.Type;
            Vector.SetValueAsObject(record, type == typeof(float[]) ? vector
                : type == typeof(Embedding<float>) ? new Embedding<float>(vector) : new ReadOnlyMemory<float>(vector));
        }

        return record;
    }

    /// <summary>A value as a field has it.</summary>
    public static FieldValue FieldOf(object value) => value switch
    {
        string text => text,
        bool truth => truth,
        int number => number,
        double number => number,
        float number => number,
        IEnumerable<string> tags => FieldValue.FromTexts([.. tags]),
        _ => throw new NotSupportedException($"A field cannot hold a value of the type {value.GetType().Name}."),
    };

    /// <summary>The numbers of a vector; null where it is none.</summary>
    public static ReadOnlyMemory<float>? VectorOf(object? value) => value switch
    {
        ReadOnlyMemory<float> vector => vector,
        float[] vector => vector,
        Embedding<float> embedding => embedding.Vector,
        _ => (ReadOnlyMemory<float>?)null, // without the type, an empty vector
    };

    private static object ValueOf(FieldValue value, Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type == typeof(string) ? value.Texts[0]
            : type == typeof(bool) ? value.Number != 0
            : type == typeof(int) ? (int)value.Number
            : type == typeof(double) ? value.Number
            : type == typeof(float) ? (float)value.Number
            : type == typeof(string[]) ? value.Texts.ToArray() : value.Texts.ToList();
    }

    private sealed class Builder() : CollectionModelBuilder(new CollectionModelBuildingOptions
    {
        RequiresAtLeastOneVector = true,
        SupportsMultipleVectors = false,
    })
    {
        protected override bool IsDataPropertyTypeValid(Type type, [NotNullWhen(false)] out string? supportedTypes)
        {
            supportedTypes = "string, bool, int, double, float, string[], List<string>";
            type = Nullable.GetUnderlyingType(type) ?? type;
            return type == typeof(string) || type == typeof(bool) || type == typeof(int) || type == typeof(double) || type == typeof(float)
                || type == typeof(string[]) || type == typeof(List<string>);
        }

        protected override bool IsVectorPropertyTypeValid(Type type, [NotNullWhen(false)] out string? supportedTypes)
        {
            supportedTypes = "ReadOnlyMemory<float>, Embedding<float>, float[]";
            return VectorTypes.Contains(Nullable.GetUnderlyingType(type) ?? type);
        }

        protected override void ValidateKeyProperty(KeyPropertyModel keyProperty)
        {
            if (keyProperty.Type != typeof(string))
                throw new NotSupportedException($"The key {keyProperty.ModelName} is of the type {keyProperty.Type.Name}; keys are texts.");
        }
    }
}
