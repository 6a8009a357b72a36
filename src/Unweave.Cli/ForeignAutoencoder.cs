using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Checkpoints;
using Unweave.Checkpoints.Dialects;

namespace Unweave.Cli;

/// <summary>What the commands say of an autoencoder that another library wrote.</summary>
internal static class ForeignAutoencoder
{
    /// <summary>Reads an autoencoder of any dialect.</summary>
    /// <param name="path">Its folder or file.</param>
    /// <param name="given">What its files do not say.</param>
    public static SparseAutoencoder Open(string path, IReadOnlyDictionary<string, string> given) =>
        given.Count == 0 ? SparseAutoencoder.Load(path) : Dialect.Read(path, given);

    /// <summary>The name of its dialect in words.</summary>
    public static string Title(SparseAutoencoder autoencoder) =>
        autoencoder.Origin is { } origin ? Dialect.Find(origin.Dialect)?.Title ?? origin.Dialect : "Unweave";

    /// <summary>For people: dialect, architecture, conventions, what was folded, what else the files say.</summary>
    public static void Write(SparseAutoencoder autoencoder)
    {
        string widths = autoencoder.InputWidth == autoencoder.OutputWidth
            ? $"width {autoencoder.InputWidth}"
            : $"width {autoencoder.InputWidth} to {autoencoder.OutputWidth}";
        Console.Out.WriteLine($"{Title(autoencoder)}: {autoencoder.Options.Describe()}, {widths}");
        if (autoencoder.Origin is not { } origin) return;
        foreach (string convention in origin.Conventions) Console.Out.WriteLine($"  {convention}");
        foreach (string step in origin.Folded) Console.Out.WriteLine($"  folded: {step}");
        foreach ((string name, string value) in origin.Facts) Console.Out.WriteLine($"  {name}: {value.ReplaceLineEndings(" ")}");
    }

    /// <summary>As JSON.</summary>
    public static JsonObject ToJson(SparseAutoencoder autoencoder)
    {
        var facts = new JsonObject();
        foreach ((string name, string value) in autoencoder.Origin?.Facts ?? new Dictionary<string, string>(StringComparer.Ordinal))
            facts[name] = value;
        return new JsonObject
        {
            ["dialect"] = autoencoder.Origin?.Dialect ?? "native",
            ["architecture"] = autoencoder.Options.Describe(),
            ["latents"] = autoencoder.Latents,
            ["inputWidth"] = autoencoder.InputWidth,
            ["outputWidth"] = autoencoder.OutputWidth,
            ["conventions"] = Lines(autoencoder.Origin?.Conventions),
            ["folded"] = Lines(autoencoder.Origin?.Folded),
            ["facts"] = facts,
        };
    }

    private static JsonArray Lines(IReadOnlyList<string>? lines) => [.. (lines ?? []).Select(line => (JsonNode)line)];
}
