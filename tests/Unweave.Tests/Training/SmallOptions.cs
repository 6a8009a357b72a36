using System.Text.Json;
using System.Text.Json.Nodes;
using Unweave.Autoencoders;

namespace Unweave.Tests.Training;

/// <summary>Small settings of any architecture, made from the registry, so that a new one is tested with the others.</summary>
internal static class SmallOptions
{
    /// <summary>Settings that train in moments on vectors of width 16 or more.</summary>
    public static AutoencoderOptions Of(string architecture)
    {
        Architecture found = Architecture.Find(architecture)!;
        JsonObject settings = found.DefaultsAsJson;
        foreach ((string name, JsonNode value) in (ReadOnlySpan<(string, JsonNode)>)
            [("latents", 64), ("k", 4), ("auxK", 8), ("bottleneck", 4), ("hidden", new JsonArray(12))])
        {
            if (settings.ContainsKey(name)) settings[name] = value;
        }

        return settings.Deserialize(AutoencoderJsonContract.Default.AutoencoderOptions)!;
    }
}
