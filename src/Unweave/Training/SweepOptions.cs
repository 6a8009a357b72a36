using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization;

namespace Unweave.Training;

/// <summary>How a sweep goes: which of its autoencoders are given up, and how many are trained at once. Part of its file.</summary>
internal sealed record SweepOptions
{
    /// <summary>
    /// An autoencoder is stopped when, at a validation, its held-out FVU is more than this factor times that of another with at most its
    /// L0 after as many rows of the same data. Above 1; null stops none. Default null.
    /// </summary>
    [Description("Stop an autoencoder when its held-out FVU is more than this factor times that of another with at most its L0 after as "
        + "many rows; null stops none.")]
    public double? StopFactor { get; init; }

    /// <summary>Share of an autoencoder's rows before which it is not stopped. Default 0.25.</summary>
    [Description("Share of an autoencoder's rows before which it is not stopped.")]
    public double StopAfter { get; init; } = 0.25;

    /// <summary>Autoencoders trained in one pass at most; fewer need less memory and more passes. 0 is all. Default 0.</summary>
    [Description("Autoencoders trained in one pass over the data at most, to need less memory; 0 is all of them.")]
    public int AtOnce { get; init; }

    /// <summary>Reads them from a sweep's file.</summary>
    /// <param name="value">What the file has under <c>sweep</c>; null where it has nothing.</param>
    /// <param name="where">Where that is, for messages.</param>
    /// <exception cref="InputException">A setting is unknown, of the wrong kind or out of range.</exception>
    public static SweepOptions Read(JsonNode? value, string where)
    {
        JsonObject known = JsonSerializer.SerializeToNode(new SweepOptions(), SweepOptionsJson.Default.SweepOptions)!.AsObject();
        if (value is not JsonObject given)
            throw new InputException($"{where}: sweep must be an object, such as {{ \"stopFactor\": 1.5 }}.");
        foreach ((string name, JsonNode? setting) in given)
        {
            if (!known.ContainsKey(name))
                throw new InputException($"{where}: there is no setting '{name}' of sweep, which has {Names()}."
                    + $"{Spelling.DidYouMean(name, known.Select(one => one.Key))}");
            known[name] = setting?.DeepClone();
            try
            {
                known.Deserialize(SweepOptionsJson.Default.SweepOptions);
            }
            catch (JsonException e)
            {
                throw new InputException($"{where}: sweep.{name} is {setting?.ToJsonString() ?? "null"}; it must be "
                    + $"{(name is "atOnce" ? "a whole number" : name is "stopFactor" ? "a number, or null" : "a number")}.", e);
            }
        }

        SweepOptions options = known.Deserialize(SweepOptionsJson.Default.SweepOptions)!;
        if (options.StopFactor is { } factor && !(factor > 1 && double.IsFinite(factor)))
            throw new InputException($"{where}: sweep.stopFactor is {factor}; it must be above 1, or null to stop none.");
        if (options.StopAfter is not (>= 0 and <= 1))
            throw new InputException($"{where}: sweep.stopAfter is {options.StopAfter}; it must lie in [0, 1].");
        if (options.AtOnce < 0) throw new InputException($"{where}: sweep.atOnce is {options.AtOnce}; use 0 for all.");
        return options;

        string Names() => string.Join(", ", known.Select(one => one.Key));
    }

    /// <summary>Their schema.</summary>
    public static JsonObject Schema()
    {
        var options = new JsonSchemaExporterOptions
        {
            TreatNullObliviousAsNonNullable = true,
            TransformSchemaNode = RunFileSchema.Describe,
        };
        JsonObject schema = SweepOptionsJson.Default.SweepOptions.GetJsonSchemaAsNode(options).AsObject();
        JsonObject defaults = JsonSerializer.SerializeToNode(new SweepOptions(), SweepOptionsJson.Default.SweepOptions)!.AsObject();
        foreach ((string name, JsonNode? value) in defaults) schema["properties"]![name]!["default"] = value?.DeepClone();
        return schema;
    }

    /// <summary>They as JSON, each named.</summary>
    public JsonObject ToJson() => JsonSerializer.SerializeToNode(this, SweepOptionsJson.Default.SweepOptions)!.AsObject();
}

/// <summary>How <see cref="SweepOptions"/> is written as JSON.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(SweepOptions))]
internal sealed partial class SweepOptionsJson : JsonSerializerContext;
