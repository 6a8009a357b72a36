using Unweave.Catalog;
using Unweave.Interpretation;

namespace Unweave.Apps.Tests.Web;

/// <summary>
/// A catalog of made-up features that look like those of a language model: themes, single tokens, positions, dense and dead ones, and one
/// whose texts are hostile.
/// </summary>
internal static class SampleCatalog
{
    /// <summary>The latent whose texts hold markup, control characters and turns of the writing direction.</summary>
    public const int Hostile = 7;

    /// <summary>A latent that never fires.</summary>
    public const int Dead = 8;

    /// <summary>A latent about whales.</summary>
    public const int Whales = 0;

    /// <summary>The markup in the hostile latent's examples.</summary>
    public const string Markup = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">";

    private const int Bins = 32;

    private static readonly (string Label, string[] Words)[] Themes =
    [
        ("whales and whaling", [" whale", " sperm", " harpoon", " Ahab", " blubber", " leviathan"]),
        ("federal spending and deficits", [" budget", " deficit", " spending", " appropriations", " revenue", " taxes"]),
        ("months of the year", [" January", " March", " April", " June", " September", " December"]),
        ("war and armed forces", [" army", " troops", " navy", " war", " soldiers", " battle"]),
        ("courts and judges", [" court", " judge", " law", " jury", " justice", " appeal"]),
        ("family members", [" mother", " brother", " sister", " father", " daughter", " son"]),
        ("numbers written out", [" twenty", " hundred", " thousand", " million", " forty", " ten"]),
    ];

    private static readonly string[][] Before =
    [
        ["And", " when", " at", " last", " the", " captain", " spoke", ",", " he", " named", " the"],
        ["It", " has", " been", " said", " in", " this", " chamber", " that", " every"],
        ["\n", "The", " report", " of", " the", " committee", " describes", " how", " the"],
        ["Nothing", ",", " I", " believe", ",", " is", " older", " than", " the"],
        ["They", " wrote", " of", " little", " else", " than", " the"],
    ];

    private static readonly string[][] After =
    [
        [" in", " plain", " words", ",", " and", " no", " one", " answered", "."],
        [" of", " these", " United", " States", ";", " and", " so", " we", " must", " act", "."],
        [" which", ",", " as", " the", " reader", " knows", ",", " was", " lost", " that", " winter", ".", "\n"],
        [" before", " the", " year", " was", " out", "."], [" and", " its", " many", " friends", " abroad", "."],
    ];

    /// <summary>Builds the catalog.</summary>
    /// <param name="folder">A run's folder; made if need be.</param>
    /// <param name="latents">Number of latents.</param>
    public static void Build(string folder, int latents = 200)
    {
        Directory.CreateDirectory(folder);
        FeatureCatalog.Build(folder, Source(latents), Enumerable.Range(0, latents).Select(latent => Feature(latent, latents)));
        using FeatureCatalog catalog = FeatureCatalog.Open(folder);
        catalog.AddLabels(
            Enumerable.Range(0, latents).Where(latent => KindOf(latent) != FeatureKind.Dead && latent % 11 != 10).SelectMany(Labels));
    }

    /// <summary>What the features are said to be computed from.</summary>
    public static CatalogSource Source(int latents) => new()
    {
        Latents = latents,
        Rows = 500_000,
        Windows = 4_000,
        Texts = "a sample corpus",
        Model = "sample",
        Hook = "blocks.2",
        Context = 128,
        Built = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
    };

    /// <summary>A feature.</summary>
    public static Feature Feature(int latent, int latents = 200)
    {
        FeatureKind kind = KindOf(latent);
        bool dead = kind == FeatureKind.Dead;
        float max = dead ? 0 : 6 + (latent % 9);
        double frequency = dead ? 0 : kind == FeatureKind.Dense ? 0.2 : 0.00002 * Math.Pow(10, 2.6 * Fraction(latent, 3));
        string[] words = kind == FeatureKind.Token ? [Words(latent)[0]] : Words(latent);
        FeatureExample[] Examples(int count, float from, float to, int salt) =>
            [.. Enumerable.Range(0, count).Select(i => Example(latent, words, from + ((to - from) * (count - i) / count), i + salt))];
        return new Feature
        {
            Latent = latent,
            Kind = kind,
            Fired = (long)(frequency * 500_000),
            Frequency = frequency,
            Density = Math.Min(1, frequency * 60),
            Max = max,
            Mean = max * 0.34,
            Histogram = dead
                ? new ActivationHistogram(0, [])
                : new ActivationHistogram(max / Bins,
                    [
                        .. Enumerable.Range(0, Bins)
                        .Select(bin => (long)(900 * frequency * 1000 * Math.Exp(-bin / 6.0)) + (bin == Bins - 1 ? 1 : 0))]),
            Top = dead ? [] : latent == Hostile ? [Hostility(), .. Examples(5, max * 0.8f, max, 0)] : Examples(12, max * 0.8f, max, 0),
            Quantiles = dead
                ? []
                : [
                    .. Enumerable.Range(0, 4)
                    .Select(group =>
                        new ExampleGroup(max * (3 - group) / 4, max * (4 - group) / 4, 0.1 * (group + 1),
                            Examples(6, max * (3 - group) / 4, max * (4 - group) / 4, 20 * (group + 1))))],
            Contrasts = dead ? [] : [.. Enumerable.Range(0, 6).Select(i => Silent(Words(latent + 1), i))],
            Tokens = dead
                ? []
                : [
                    .. words.Select((word, i) =>
                        new TokenShare(100 + (10 * (latent % Themes.Length)) + i, word, (long)(frequency * 500_000 / (i + 2)),
                            (kind == FeatureKind.Token ? 0.97 : 0.5) / Math.Pow(2, i)))],
            Raised = [.. Words(latent).Select((word, i) => new TokenLogit(i, word, 0.9f - (0.11f * i)))],
            Lowered = [.. Words(latent + 3).Select((word, i) => new TokenLogit(i, word, -0.7f + (0.09f * i)))],
            Nearest = [.. Enumerable.Range(1, 8).Select(i => new RelatedLatent((latent + (7 * i)) % latents, 0.8 / i))],
            Partners = dead ? [] : [.. Enumerable.Range(1, 6).Select(i => new RelatedLatent((latent + (3 * i)) % latents, 5.5 - i))],
            Positions = dead
                ? []
                : [
                    .. Enumerable.Range(0, 16)
                    .Select(i =>
                        new PositionShare(i * 8, (i * 8) + 7,
                            kind == FeatureKind.Position ? (i == 0 ? 0.4 : 0) : frequency * (1 + (0.3 * Fraction(latent, i)))))],
        };
    }

    private static FeatureKind KindOf(int latent) =>
        latent == Dead || latent % 13 == 12
            ? FeatureKind.Dead
            : latent % 29 == 28
            ? FeatureKind.Dense
            : latent % 17 == 16
            ? FeatureKind.Token
            : latent % 31 == 30
            ? FeatureKind.Position
            : FeatureKind.Ordinary;

    private static IEnumerable<(int Latent, FeatureLabel Label)> Labels(int latent)
    {
        string theme = Themes[latent % Themes.Length].Label;
        string text = latent < Themes.Length ? theme : $"{theme} ({Words(latent)[latent / 7 % 6].Trim()})";
        yield return (latent,
            new FeatureLabel(latent == Hostile ? "markup <b>and</b> \u202ecode" : text, "topic", 0.6 + (0.38 * Fraction(latent, 1)),
                0.55 + (0.4 * Fraction(latent, 2)), 40));
        yield return (latent,
            new FeatureLabel(string.Join(",", Words(latent).Take(3)).Trim(), "tokens", 0.55 + (0.3 * Fraction(latent, 4)), double.NaN, 40));
        yield return (latent, new FeatureLabel("after a comma", "context", 0.5, 0.48, 40));
    }

    private static FeatureExample Example(int latent, string[] words, float peak, int salt)
    {
        string word = words[salt % words.Length];
        string[] before = Before[(salt + latent) % Before.Length], after = After[((salt * 3) + latent) % After.Length];
        string[] pieces =
        [
            .. Before[(salt + 2) % Before.Length], " whole", " matter", ".", " ", .. before, word, .. after, " So", " it", " was", ",",
            " and", " so", " it", " is", " with", words[(salt + 1) % words.Length], ".",
        ];
        float[] activations = new float[pieces.Length];
        int at = Before[(salt + 2) % Before.Length].Length + 4 + before.Length;
        activations[at] = peak;
        activations[at + 1] = peak * 0.35f;
        activations[pieces.Length - 2] = peak * 0.6f;
        return new FeatureExample($"speech-{(latent * 31) + salt}", (latent * 1000L) + salt, at % 128, pieces, activations, at);
    }

    private static FeatureExample Hostility() =>
        new("hostile <i>document</i>", 77, 3,
            ["An", " example", " ", Markup, "\u0000\u001b[31m", "\t", "\u202e", "right", "\u200b", "\n", " end", " &amp;"],
            [0, 0.5f, 0, 12f, 3f, 0, 2f, 0, 1f, 2f, 0, 0], 3);

    private static FeatureExample Silent(string[] words, int salt)
    {
        string[] pieces = [.. Before[salt % Before.Length], words[salt % words.Length], .. After[(salt + 1) % After.Length]];
        return new FeatureExample($"other-{salt}", 900_000 + salt, salt, pieces, new float[pieces.Length], 0);
    }

    private static string[] Words(int latent) => Themes[latent % Themes.Length].Words;

    /// <summary>A number in [0, 1) that looks random.</summary>
    private static double Fraction(int a, int b) => (((a * 7919) + (b * 104_729) + 13) % 1000) / 1000.0;
}
