using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Unweave.Autoencoders;

namespace Unweave.Training;

/// <summary>The JSON Schema of a sweep's file: that of the run file, with a list of values wherever one value may stand.</summary>
internal static class SweepSchema
{
    private static readonly JsonSerializerOptions Readable = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Its text (draft 2020-12).</summary>
    public static string Text() => Create().ToJsonString(Readable) + "\n";

    /// <summary>Makes the schema.</summary>
    public static JsonObject Create()
    {
        JsonObject schema = RunFileSchema.Create();
        schema["title"] = "Unweave sweep file";
        schema["description"] = "Training runs over a grid of settings: a run file in which settings may be lists of values, which means "
            + "every combination.";
        JsonObject run = schema["properties"]!.AsObject();
        foreach ((string name, JsonNode? setting) in run.ToArray())
        {
            if (name is "$schema" or "autoencoder" || SweepFile.Fixed.Contains(name, StringComparer.Ordinal)) continue;
            run[name] = OneOrSeveral(setting!.AsObject());
        }

        JsonObject autoencoder = run["autoencoder"]!.AsObject();
        foreach (JsonNode? kind in autoencoder["anyOf"]!.AsArray())
        {
            JsonObject settings = kind!["properties"]!.AsObject();
            foreach ((string name, JsonNode? setting) in settings.ToArray())
                if (name is not Architecture.Key) settings[name] = OneOrSeveral(setting!.AsObject());
        }

        // several architectures with the settings that they share
        autoencoder["anyOf"]!.AsArray().Add((JsonNode)new JsonObject
        {
            ["properties"] = new JsonObject
            {
                [Architecture.Key] = new JsonObject
                {
                    ["type"] = "array",
                    ["minItems"] = 1,
                    ["items"] = new JsonObject
                    {
                        ["enum"] = new JsonArray([.. Architecture.Trainable.Select(one => (JsonNode)one.Name)]),
                    },
                },
            },
            ["required"] = new JsonArray(Architecture.Key),
        });
        run["autoencoder"] = OneOrSeveral(autoencoder);
        run["sweep"] = SweepOptions.Schema();
        return schema;
    }

    private static JsonObject OneOrSeveral(JsonObject one)
    {
        var both = new JsonObject();
        foreach (string said in (string[])["description", "default"])
        {
            if (!one.TryGetPropertyValue(said, out JsonNode? text)) continue;
            both[said] = text?.DeepClone();
        }

        var item = (JsonObject)one.DeepClone();
        item.Remove("description");
        item.Remove("default");
        both["anyOf"] = new JsonArray(
            item, new JsonObject { ["type"] = "array", ["items"] = item.DeepClone(), ["minItems"] = 1 });
        return both;
    }
}
