using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization.Metadata;
using Unweave.Autoencoders;

namespace Unweave.Training;

/// <summary>The JSON Schema of the run file: the contract of <see cref="TrainingOptions"/> with each setting's description and default.</summary>
internal static class RunFileSchema
{
    /// <summary>One record of each kind, for its defaults: what each setting is when it is left out.</summary>
    private static readonly AutoencoderOptions[] Kinds = [new TopKOptions(), new ReluOptions(), new KlOptions(), new UndercompleteOptions(), new VariationalOptions()];

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
        schema["properties"]!.AsObject().Insert(0, "$schema", new JsonObject { ["type"] = "string" });
        // A file without an architecture is read as the default one.
        schema["properties"]!["autoencoder"]!.AsObject().Remove("required");
        return schema;
    }

    /// <summary>The settings of an architecture as JSON, each at its default.</summary>
    public static JsonObject Defaults(string architecture) =>
        Kinds.Select(ToJson).First(json => string.Equals((string?)json["architecture"], architecture, StringComparison.Ordinal));

    private static JsonObject ToJson(AutoencoderOptions kind) => JsonSerializer.SerializeToNode(kind, RunFileJson.Default.AutoencoderOptions)!.AsObject();

    private static JsonNode Describe(JsonSchemaExporterContext context, JsonNode schema)
    {
        if (context.PropertyInfo is not { AttributeProvider: { } attributes } property || schema is not JsonObject node) return schema;
        if (attributes.GetCustomAttributes(typeof(DescriptionAttribute), inherit: true).FirstOrDefault() is DescriptionAttribute description)
            node.Insert(0, "description", description.Description);
        if (property.PropertyType != typeof(AutoencoderOptions)) node["default"] = Default(property);
        return node;
    }

    private static JsonNode? Default(JsonPropertyInfo property)
    {
        object? owner = property.DeclaringType.IsAssignableFrom(typeof(TrainingOptions)) ? new TrainingOptions() : Kinds.FirstOrDefault(property.DeclaringType.IsInstanceOfType);
        return owner is null ? null : JsonSerializer.SerializeToNode(property.Get!(owner), RunFileJson.Default.Options.GetTypeInfo(property.PropertyType));
    }
}
