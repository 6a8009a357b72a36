using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Unweave.Interpretation;

namespace Unweave.Catalog.Json;

/// <summary>
/// Features as JSON, for programs: camelCase names, enumerations by name, no reflection. A number that is not finite is null when written
/// and refused when read.
/// </summary>
public static class CatalogJson
{
    /// <summary>How features are written and read.</summary>
    public static JsonSerializerOptions Options { get; } = Configured();

    /// <summary>Sets options of others, with types of their own, to the same.</summary>
    public static void Configure(JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        // First, not alone: what is written of other types goes through the same options.
        options.TypeInfoResolverChain.Insert(0, CatalogJsonContext.Default);
        options.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
        options.NumberHandling = JsonNumberHandling.Strict;
        options.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
        options.RespectNullableAnnotations = true;
        options.RespectRequiredConstructorParameters = true;
        options.Converters.Add(new FiniteDouble());
        options.Converters.Add(new FiniteSingle());
        options.Converters.Add(new Named<FeatureKind>());
        options.Converters.Add(new Named<FeatureOrder>());
        options.Converters.Add(new Named<InterventionKind>());
    }

    private static JsonSerializerOptions Configured()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web);
        Configure(options);
        options.MakeReadOnly();
        return options;
    }

    private sealed class FiniteDouble : JsonConverter<double>
    {
        public override double Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.Number && reader.TryGetDouble(out double value) && double.IsFinite(value)
                ? value
                : throw new JsonException();

        public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options)
        {
            if (double.IsFinite(value)) writer.WriteNumberValue(value);
            else writer.WriteNullValue();
        }
    }

    private sealed class FiniteSingle : JsonConverter<float>
    {
        public override float Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.Number && reader.TryGetSingle(out float value) && float.IsFinite(value)
                ? value
                : throw new JsonException();

        public override void Write(Utf8JsonWriter writer, float value, JsonSerializerOptions options)
        {
            if (float.IsFinite(value)) writer.WriteNumberValue(value);
            else writer.WriteNullValue();
        }
    }

    private sealed class Named<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.CamelCase, allowIntegerValues: false)
        where T : struct, Enum;
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(FeatureRows))]
[JsonSerializable(typeof(FeatureDetail))]
[JsonSerializable(typeof(IReadOnlyList<FeatureLabel>))]
[JsonSerializable(typeof(Annotation))]
[JsonSerializable(typeof(CatalogSource))]
[JsonSerializable(typeof(NeuronpediaFeature))]
[JsonSerializable(typeof(SearchJson))]
internal sealed partial class CatalogJsonContext : JsonSerializerContext;
