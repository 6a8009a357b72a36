using System.Globalization;
using System.Text.Json;

namespace Unweave.Retrieval;

/// <summary>The value of a document's field: a number, true or false, a text, or several texts (tags).</summary>
public sealed class FieldValue : IEquatable<FieldValue>
{
    private readonly string[]? texts;
    private readonly double number;

    private FieldValue(FieldKind kind, double number, string[]? texts) => (Kind, this.number, this.texts) = (kind, number, texts);

    /// <summary>What it is.</summary>
    public FieldKind Kind { get; }

    /// <summary>The number; of true and false 1 and 0; NaN of texts.</summary>
    public double Number => Kind is FieldKind.Number or FieldKind.Truth ? number : double.NaN;

    /// <summary>The texts: one, or all tags; empty for numbers.</summary>
    public IReadOnlyList<string> Texts => texts ?? [];

    /// <summary>A number.</summary>
    /// <exception cref="ArgumentException">It is not finite.</exception>
    public static implicit operator FieldValue(double value) => FromDouble(value);

    /// <summary>True or false.</summary>
    public static implicit operator FieldValue(bool value) => FromBoolean(value);

    /// <summary>A text.</summary>
    public static implicit operator FieldValue(string value) => FromString(value);

    /// <summary>Several texts.</summary>
    public static implicit operator FieldValue(string[] values) => FromTexts(values);

    /// <inheritdoc cref="op_Implicit(double)"/>
    public static FieldValue FromDouble(double value) => double.IsFinite(value) ? new(FieldKind.Number, value, null)
        : throw new ArgumentException($"A field's number is finite; this one is {value}.", nameof(value));

    /// <inheritdoc cref="op_Implicit(bool)"/>
    public static FieldValue FromBoolean(bool value) => new(FieldKind.Truth, value ? 1 : 0, null);

    /// <inheritdoc cref="op_Implicit(string)"/>
    public static FieldValue FromString(string value) => new(FieldKind.Text, 0, [value ?? throw new ArgumentNullException(nameof(value))]);

    /// <inheritdoc cref="op_Implicit(string[])"/>
    public static FieldValue FromTexts(params IReadOnlyList<string> values) => new(FieldKind.Tags, 0, [.. values]);

    /// <inheritdoc/>
    public bool Equals(FieldValue? other) => other is not null && Kind == other.Kind && number.Equals(other.number)
        && Texts.SequenceEqual(other.Texts, StringComparer.Ordinal);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as FieldValue);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Kind, number, texts is [string first, ..] ? first : null);

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        FieldKind.Number => number.ToString("R", CultureInfo.InvariantCulture),
        FieldKind.Truth => number != 0 ? "true" : "false",
        _ => string.Join(", ", Texts),
    };

    /// <summary>Writes fields as a JSON object.</summary>
    internal static byte[] Write(IReadOnlyDictionary<string, FieldValue>? fields)
    {
        if (fields is null || fields.Count == 0) return [];
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            foreach ((string name, FieldValue value) in fields.OrderBy(field => field.Key, StringComparer.Ordinal))
            {
                json.WritePropertyName(name);
                value.Write(json);
            }

            json.WriteEndObject();
        }

        return bytes.ToArray();
    }

    /// <summary>Reads the fields that <see cref="Write(IReadOnlyDictionary{string, FieldValue}?)"/> wrote.</summary>
    internal static Dictionary<string, FieldValue> Read(ReadOnlySpan<byte> json)
    {
        var fields = new Dictionary<string, FieldValue>(StringComparer.Ordinal);
        if (json.IsEmpty) return fields;
        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            fields[name] = reader.TokenType switch
            {
                JsonTokenType.Number => reader.GetDouble(),
                JsonTokenType.True => true,
                JsonTokenType.False => false,
                JsonTokenType.StartArray => ReadTexts(ref reader),
                _ => reader.GetString()!,
            };
        }

        return fields;
    }

    /// <summary>Writes the value.</summary>
    internal void Write(Utf8JsonWriter json)
    {
        switch (Kind)
        {
            case FieldKind.Number: json.WriteNumberValue(number); break;
            case FieldKind.Truth: json.WriteBooleanValue(number != 0); break;
            case FieldKind.Text: json.WriteStringValue(Texts[0]); break;
            default:
                json.WriteStartArray();
                foreach (string text in Texts) json.WriteStringValue(text);
                json.WriteEndArray();
                break;
        }
    }

    private static FieldValue ReadTexts(ref Utf8JsonReader reader)
    {
        var tags = new List<string>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray) tags.Add(reader.GetString()!);
        return FromTexts(tags);
    }
}

/// <summary>What a field's value is.</summary>
public enum FieldKind
{
    /// <summary>A finite number.</summary>
    Number,

    /// <summary>True or false.</summary>
    Truth,

    /// <summary>A text.</summary>
    Text,

    /// <summary>Several texts.</summary>
    Tags,
}
