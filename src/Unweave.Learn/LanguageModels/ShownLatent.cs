using System.Text.Json;
using Unweave.Interpretation;

namespace Unweave.Learn.LanguageModels;

/// <summary>A latent of a language model's autoencoder, as the explainer shows it.</summary>
/// <param name="Latent">Its number.</param>
/// <param name="Label">Its label.</param>
/// <param name="Detection">Balanced accuracy of the label on texts it was not made from.</param>
/// <param name="Frequency">Share of tokens on which it fires.</param>
/// <param name="Max">Its strongest activation.</param>
/// <param name="Raised">Tokens that it makes more likely next, where they tell a reader something; otherwise empty.</param>
/// <param name="Examples">Texts on which it fires strongly: with at least half of its strongest activation.</param>
public sealed record ShownLatent(int Latent, string Label, double Detection, double Frequency, float Max, IReadOnlyList<TokenLogit> Raised,
    IReadOnlyList<FeatureExample> Examples)
{
    private static readonly Lazy<IReadOnlyList<ShownLatent>> demo = new(() => ReadAll("english-4m.json")),
        neurons = new(() => ReadAll("english-4m-neuron.json"));

    /// <summary>Twelve latents of the demo's autoencoder, which come with Unweave.</summary>
    public static IReadOnlyList<ShownLatent> Demo => demo.Value;

    /// <summary>A neuron of the block that the demo's autoencoder reads, shown as a latent is.</summary>
    public static ShownLatent Neuron => neurons.Value[0];

    /// <summary>Address of its page in the dashboard; null where there is none.</summary>
    public string? Address { get; init; }

    private static List<ShownLatent> ReadAll(string file)
    {
        using Stream stream = typeof(ShownLatent).Assembly.GetManifestResourceStream($"latents/{file}") ??
            throw new InvalidOperationException($"There are no latents {file}.");
        using JsonDocument json = JsonDocument.Parse(stream);
        return [.. json.RootElement.EnumerateArray().Select(Read)];
    }

    private static ShownLatent Read(JsonElement from) => new(
        from.GetProperty("latent").GetInt32(),
        from.GetProperty("label").GetString()!,
        from.GetProperty("detection").GetDouble(),
        from.GetProperty("frequency").GetDouble(),
        from.GetProperty("max").GetSingle(),
        Tokens(from.GetProperty("raised")),
        [.. from.GetProperty("examples").EnumerateArray().Select(Example)]);

    private static List<TokenLogit> Tokens(JsonElement from) =>
        [.. from.EnumerateArray()
        .Select(token => new TokenLogit(0, token.GetProperty("text").GetString()!, token.GetProperty("logit").GetSingle()))];

    private static FeatureExample Example(JsonElement from) => new(
        from.GetProperty("document").GetString()!,
        0,
        0,
        [.. from.GetProperty("pieces").EnumerateArray().Select(piece => piece.GetString()!)],
        [.. from.GetProperty("activations").EnumerateArray().Select(activation => activation.GetSingle())],
        from.GetProperty("peak").GetInt32());
}
