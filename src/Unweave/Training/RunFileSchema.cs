using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using Unweave.Autoencoders;

namespace Unweave.Training;

/// <summary>
/// The JSON Schema of the run file: the contract of <see cref="TrainingOptions"/> with each setting's description and default.
/// </summary>
internal static class RunFileSchema
{
    /// <summary>Makes the schema.</summary>
    public static JsonObject Create()
    {
        var options = new JsonSchemaExporterOptions { TreatNullObliviousAsNonNullable = true, TransformSchemaNode = Describe };
        JsonObject exported = RunFileJson.Default.TrainingOptions.GetJsonSchemaAsNode(options).AsObject();
        var schema = new JsonObject
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = "Unweave run file",
            ["description"] = "A training run of an autoencoder. Every setting is optional and is also a flag of `unweave train`.",
        };
        foreach ((string name, JsonNode? node) in exported) schema[name] = node?.DeepClone();
        JsonObject run = schema["properties"]!.AsObject(), autoencoder = run["autoencoder"]!.AsObject();
        AddDefaults(run, JsonSerializer.SerializeToNode(new TrainingOptions(), RunFileJson.Default.TrainingOptions)!.AsObject());
        JsonArray kinds = autoencoder["anyOf"]!.AsArray();
        foreach (JsonNode? kind in kinds.ToArray())
            if (!Kind(kind!).Defaults.Trainable) kinds.Remove(kind);
        foreach (JsonNode? kind in kinds)
        {
            JsonObject settings = kind!["properties"]!.AsObject();
            AddDefaults(settings, Kind(kind).DefaultsAsJson);
        }

        run.Insert(0, "$schema", new JsonObject { ["type"] = "string" });
        autoencoder.Remove("required"); // a file without an architecture is read as the default one
        return schema;
    }

    private static Architecture Kind(JsonNode kind) => Architecture.Find((string)kind["properties"]![Architecture.Key]!["const"]!)!;

    private static void AddDefaults(JsonObject properties, JsonObject defaults)
    {
        foreach ((string name, JsonNode? value) in defaults)
            if (name is not ("autoencoder" or Architecture.Key)) properties[name]!["default"] = value?.DeepClone();
    }

    /// <summary>Puts the description of a property into its schema.</summary>
    public static JsonNode Describe(JsonSchemaExporterContext context, JsonNode schema)
    {
        if (context.PropertyInfo?.AttributeProvider is not { } attributes || schema is not JsonObject node) return schema;
        if (attributes.GetCustomAttributes(typeof(DescriptionAttribute), inherit: true)
                .FirstOrDefault() is DescriptionAttribute description)
            node.Insert(0, "description", description.Description);
        return node;
    }
}
