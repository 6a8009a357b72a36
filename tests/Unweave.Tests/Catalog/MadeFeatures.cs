using Unweave.Catalog;
using Unweave.Interpretation;
using Unweave.Numerics;

namespace Unweave.Tests.Catalog;

/// <summary>Features made up from their numbers alone, so that a test can say what a catalog of them must give.</summary>
internal static class MadeFeatures
{
    private static readonly string[] Common = ["the", "of", "and", "to", "in", "for", "was", "on", "that", "with"];

    /// <summary>The source of some.</summary>
    public static CatalogSource Source(int latents) =>
        new()
        {
            Latents = latents,
            Rows = 1_000_000,
            Windows = 8000,
            Texts = "made up",
            Model = "toy",
            Hook = "blocks.1",
            Context = 128,
            Built = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
        };

    /// <summary>The first of them.</summary>
    public static IEnumerable<Feature> First(int count, int examples = 3) =>
        Enumerable.Range(0, count).Select(latent => Of(latent, examples));

    /// <summary>A word that only one latent has in its examples.</summary>
    public static string Word(int latent) => "w" + string.Concat(latent.ToString().Select(digit => (char)('a' + digit - '0')));

    /// <summary>One of them.</summary>
    public static Feature Of(int latent, int examples = 3)
    {
        var rng = new Rng(7, (ulong)latent);
        FeatureExample[] made = [.. Enumerable.Range(0, examples * 3).Select(index => Example(latent, index, rng))];
        return new Feature
        {
            Latent = latent,
            Kind = (FeatureKind)(latent % 5),
            Fired = latent * 3L,
            Frequency = rng.NextDouble() * 0.2,
            Density = rng.NextDouble(),
            Max = (float)rng.NextDouble() * 30,
            Mean = rng.NextDouble() * 3,
            Histogram = new ActivationHistogram(0.5, [1, 2, latent]),
            Top = [.. made[..examples].OrderByDescending(example => example.Activation)],
            Quantiles = [new ExampleGroup(2, 4, 1, made[examples..(examples * 2)]), new ExampleGroup(1, 2, 0, [])],
            Contrasts = made[(examples * 2)..],
            Tokens = [new TokenShare(latent, " token" + Word(latent), 12, 0.75), new TokenShare(5, "\n", 2, 0.25)],
            Raised = [new TokenLogit(3, " up", 1.25f)],
            Lowered = [new TokenLogit(4, " down", -0.5f)],
            Nearest = [new RelatedLatent(latent + 1, 0.123456789)],
            Partners = [new RelatedLatent(latent + 2, 3.5)],
            Positions = [new PositionShare(0, 3, 0.25), new PositionShare(4, 7, 1e-9)],
        };
    }

    /// <summary>
    /// A label of a latent: every third has a good one, every third one that is no better than chance, and the others none.
    /// </summary>
    public static FeatureLabel? Label(int latent) => (latent % 3) switch
    {
        0 => new FeatureLabel($"label {Word(latent)}", "tokens", 0.7 + (latent % 10 * 0.03), double.NaN, 100),
        1 => new FeatureLabel($"poor {Word(latent)}", "tokens", 0.51, 0.5, 100),
        _ => null,
    };

    private static FeatureExample Example(int latent, int index, Rng rng)
    {
        string[] pieces =
        [
            Word(latent), .. Enumerable.Range(0, 12).Select(_ => " " + Common[(int)(rng.NextBits() % (ulong)Common.Length)]),
        ];
        // Values of four digits, so that they come back as they are.
        float[] activations =
        [
            .. pieces.Select((_, place) => place == index % pieces.Length ? 1.5f + index : place % 3 == 0 ? 0.0123f : 0f),
        ];
        return new FeatureExample($"document {index}", (latent * 100L) + index, index + 1, pieces, activations, index % pieces.Length);
    }
}
