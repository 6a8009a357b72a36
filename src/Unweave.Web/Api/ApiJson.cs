using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Mvc;
using Unweave.Catalog.Json;

namespace Unweave.Web.Api;

/// <summary>The types that the API alone writes and reads, as JSON like that of features (<see cref="CatalogJson"/>).</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(ProblemDetails))]
[JsonSerializable(typeof(IReadOnlyList<RunLine>))]
[JsonSerializable(typeof(RunOverview))]
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
[JsonSerializable(typeof(string[]))]
[JsonSerializable(typeof(bool?))]
[JsonSerializable(typeof(double?))]
[JsonSerializable(typeof(int?))]
[JsonSerializable(typeof(int[]))]
[JsonSerializable(typeof(long))]
internal sealed partial class ApiJson : JsonSerializerContext
{
    /// <summary>Sets options of a web server to those of the API.</summary>
    public static void Configure(JsonSerializerOptions options)
    {
        CatalogJson.Configure(options);
        options.TypeInfoResolverChain.Insert(0, Default);
    }
}
