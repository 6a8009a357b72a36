using System.Numerics.Tensors;
using Microsoft.AspNetCore.Components;
using Unweave.Catalog;
using Unweave.Interpretation;
using Unweave.Web.Runs;

namespace Unweave.Web.Pages;

/// <summary>Two features side by side, and what they have in common.</summary>
public sealed partial class Compare
{
    private const int Listed = 10;

    private Side[] sides = [];
    private FiringOverlap? overlap;
    private double? cosine;
    private IReadOnlyList<string> common = [];
    private IReadOnlyList<(string Token, double First, double Second)> tokens = [];
    private double topShare = 1;

    /// <summary>Number of the first latent, from the address.</summary>
    [Parameter] public int First { get; set; }

    /// <summary>Number of the second.</summary>
    [Parameter] public int Second { get; set; }

    private bool IsText { get; set; }

    private string Rows => IsText ? "tokens" : "rows";

    private IEnumerable<(string Name, Func<Feature, string> Of)> Facts
    {
        get
        {
            yield return ("fires on", feature => $"{Figures.Percent(feature.Frequency)} of {Rows}");
            if (IsText) yield return ("at least once in", feature => $"{Figures.Percent(feature.Density)} of windows");
            yield return ("strongest", feature => Figures.Activation(feature.Max));
            yield return ("mean where it fires", feature => Figures.Activation(feature.Mean));
            yield return ("kind", feature => Figures.Kind(feature.Kind));
        }
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        sides = [];
        if (Run.Catalog is not { } features) return;
        using CatalogSnapshot catalog = features.Snapshot();
        if (!catalog.Source.Has(First) || !catalog.Source.Has(Second))
        {
            Navigation.NotFound();
            return;
        }

        IsText = catalog.Source.Model is not null;
        sides = [Read(catalog, First, 0), Read(catalog, Second, 1)];
        (Feature one, Feature two) = (sides[0].Feature, sides[1].Feature);
        overlap = FiringOverlap.Of(one, two);
        cosine = Cosine();
        var shares = one.Tokens.Take(Listed).Concat(two.Tokens.Take(Listed)).DistinctBy(token => token.Token)
            .Select(token => (token.Text, First: Share(one, token.Token), Second: Share(two, token.Token))).ToList();
        common = [.. shares.Where(token => token is { First: > 0, Second: > 0 }).Select(token => token.Text)];
        tokens = [.. shares.OrderByDescending(token => token.First - token.Second)];
        topShare = Math.Max(1e-9, shares.Select(token => Math.Max(token.First, token.Second)).DefaultIfEmpty().Max());
    }

    private static double Share(Feature feature, int token) => feature.Tokens.FirstOrDefault(one => one.Token == token)?.Share ?? 0;

    private static Side Read(CatalogSnapshot catalog, int latent, int tone)
    {
        Feature feature = catalog.ReadWithWindows(latent);
        double logit = feature.Raised.Concat(feature.Lowered).Select(token => Math.Abs((double)token.Logit)).DefaultIfEmpty().Max();
        return new Side(tone, catalog.Rows([latent])[0], feature, catalog.Labels(latent).FirstOrDefault(label => label.AboveChance),
            Math.Max(1e-9, logit));
    }

    private static string Nearness(double cosine) => cosine switch
    {
        > 0.7 => "nearly the same direction",
        > 0.3 => "related directions",
        < -0.3 => "opposed directions",
        _ => "nearly at right angles",
    };

    // The weights tell it for any pair; without them the catalog does, for neighbors.
    private double? Cosine()
    {
        if (First == Second) return 1;
        if (Run.DecoderRow(First) is { } one && Run.DecoderRow(Second) is { } two)
            return TensorPrimitives.CosineSimilarity<float>(one, two) is var value && float.IsFinite(value) ? value : null;
        return Related(sides[0].Feature.Nearest, Second) ?? Related(sides[1].Feature.Nearest, First);
    }

    private static double? Related(IReadOnlyList<RelatedLatent> others, int latent) =>
        others.FirstOrDefault(other => other.Latent == latent)?.Value;

    private string Said(FiringOverlap shares) =>
        $"Both fire on {Figures.Percent(shares.Both)} of {Rows}, only {First} on {Figures.Percent(shares.OnlyFirst)}, only {Second} on "
            + Figures.Percent(shares.OnlySecond);

    private void Replace(Side side, int latent) =>
        Navigation.NavigateTo(side.Tone == 0 ? Links.Compare(Run.Name, latent, Second) : Links.Compare(Run.Name, First, latent));

    private sealed record Side(int Tone, FeatureRow Row, Feature Feature, FeatureLabel? Label, double TopLogit);
}
