using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Mvc;
using Unweave.Catalog;
using Unweave.Interpretation;

namespace Unweave.Web.Api;

/// <summary>The JSON of the API: camelCase names, enumerations by name, no reflection. A number that is not finite is null when written and refused when read.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(ProblemDetails))]
[JsonSerializable(typeof(IReadOnlyList<RunLine>))]
[JsonSerializable(typeof(RunOverview))]
[JsonSerializable(typeof(FeatureRows))]
[JsonSerializable(typeof(FeatureDetail))]
[JsonSerializable(typeof(IReadOnlyList<FeatureLabel>))]
[JsonSerializable(typeof(Annotation))]
[JsonSerializable(typeof(TextBody))]
[JsonSerializable(typeof(IReadOnlyList<FeatureList>))]
[JsonSerializable(typeof(EncodeRequest))]
[JsonSerializable(typeof(EncodeAnswer))]
[JsonSerializable(typeof(VectorsRequest))]
[JsonSerializable(typeof(VectorsAnswer))]
[JsonSerializable(typeof(PredictRequest))]
[JsonSerializable(typeof(PredictAnswer))]
[JsonSerializable(typeof(SteerRequest))]
[JsonSerializable(typeof(SteerAnswer))]
[JsonSerializable(typeof(AttributeRequest))]
[JsonSerializable(typeof(AttributeAnswer))]
[JsonSerializable(typeof(MapAnswer))]
[JsonSerializable(typeof(NeuronpediaFeature))]
[JsonSerializable(typeof(string[]))]
[JsonSerializable(typeof(bool?))]
[JsonSerializable(typeof(double?))]
[JsonSerializable(typeof(int?))]
[JsonSerializable(typeof(long))]
internal sealed partial class ApiJson : JsonSerializerContext
{
    // Made when first asked for: the generated Default is a static of this class too, and which of the two is set first is not said.
    /// <summary>How everything of the API is written and read.</summary>
    public static JsonSerializerOptions Whole => field ??= Configured();

    /// <summary>Sets options of a web server to those of the API.</summary>
    public static void Configure(JsonSerializerOptions options)
    {
        // First, not alone: the pages' own answers go through the same options.
        options.TypeInfoResolverChain.Insert(0, Default);
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
            reader.TokenType == JsonTokenType.Number && reader.TryGetDouble(out double value) && double.IsFinite(value) ? value : throw new JsonException();

        public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options)
        {
            if (double.IsFinite(value)) writer.WriteNumberValue(value);
            else writer.WriteNullValue();
        }
    }

    private sealed class FiniteSingle : JsonConverter<float>
    {
        public override float Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.Number && reader.TryGetSingle(out float value) && float.IsFinite(value) ? value : throw new JsonException();

        public override void Write(Utf8JsonWriter writer, float value, JsonSerializerOptions options)
        {
            if (float.IsFinite(value)) writer.WriteNumberValue(value);
            else writer.WriteNullValue();
        }
    }

    private sealed class Named<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.CamelCase, allowIntegerValues: false)
        where T : struct, Enum;
}
