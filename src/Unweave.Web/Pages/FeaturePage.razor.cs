using Microsoft.AspNetCore.Components;
using Unweave.Catalog;
using Unweave.Interpretation;

namespace Unweave.Web.Pages;

/// <summary>All that is known of one feature, and what a person adds to it.</summary>
public sealed partial class FeaturePage
{
    /// <summary>Bands of strength whose examples are shown at once.</summary>
    private const int OpenBands = 3;

    /// <summary>Strongest examples that are shown before the others are asked for.</summary>
    private const int ExamplesAtOnce = 12;

    private FeatureCatalog? catalog;
    private Feature? feature;
    private FeatureRow? row;
    private Annotation annotation = new(null, null, false, []);
    private FeatureLabel? best;
    private IReadOnlyList<FeatureLabel> others = [];
    private IReadOnlyDictionary<int, string?> labels = new Dictionary<int, string?>();
    private IReadOnlyList<ChartBar> histogram = [], positions = [];
    private string written = "";
    private string? title, starProblem;
    private double topShare = 1, topLogit = 1;
    private int? previous, next;

    /// <summary>Number of the latent, from the address.</summary>
    [Parameter] public int Latent { get; set; }

    private bool IsText => catalog?.Source.Model is not null;

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        catalog = Run.Catalog;
        feature = null;
        if (catalog is null) return;
        if (Latent < 0 || Latent >= catalog.Source.Latents)
        {
            Navigation.NotFound();
            return;
        }

        feature = catalog.ReadWithWindows(Latent);
        row = catalog.Rows([Latent])[0];
        FeatureQuery query = FeatureAddress.Read(Navigation.Uri);
        written = FeatureAddress.Write(query);
        (previous, next) = (catalog.Next(query, Latent, backwards: true), catalog.Next(query, Latent));
        IReadOnlyList<FeatureLabel> computed = catalog.Labels(Latent);
        best = computed.FirstOrDefault(label => label.AboveChance);
        others = [.. computed.Where(label => !ReferenceEquals(label, best))];
        int[] related = [.. feature.Nearest.Concat(feature.Partners).Select(other => other.Latent).Distinct()];
        labels = catalog.Rows(related).ToDictionary(row => row.Latent, row => row.Label);
        topShare = Largest(feature.Tokens.Select(token => token.Share));
        topLogit = Largest(feature.Raised.Concat(feature.Lowered).Select(token => Math.Abs((double)token.Logit)));
        histogram = HistogramBars(feature.Histogram, feature.Max);
        positions = PositionBars(feature.Positions);
        starProblem = null;
        Annotated(catalog.Annotation(Latent));
    }

    // Bars are drawn in shares of the longest one, which is never 0.
    private static double Largest(IEnumerable<double> values) => Math.Max(1e-9, values.DefaultIfEmpty().Max());

    // The bins go on to a power of two; the axis ends with the last that holds something, which is the one of the strongest.
    private static IReadOnlyList<ChartBar> HistogramBars(ActivationHistogram histogram, float max)
    {
        int filled = histogram.Counts.Count;
        while (filled > 0 && histogram.Counts[filled - 1] == 0) filled--;
        string Edge(int edge) => Figures.Activation(edge == filled ? max : edge * histogram.Width);
        string? Tick(int bin) => bin == 0 ? "0" : bin == filled - 1 ? Edge(filled) : null;
        return
        [
            .. histogram.Counts.Take(filled).Select((count, bin) =>
                new ChartBar($"{Edge(bin)} to {Edge(bin + 1)}: {Figures.Count(count)}", count, Tick(bin))),
        ];
    }

    private static IReadOnlyList<ChartBar> PositionBars(IReadOnlyList<PositionShare> positions)
    {
        if (positions.All(position => position.Frequency == 0)) return [];
        static string Range(PositionShare of) => of.First == of.Last ? $"position {of.First}" : $"positions {of.First} to {of.Last}";
        string? Tick(int index) => index == 0 ? $"{positions[0].First}" : index == positions.Count - 1 ? $"{positions[^1].Last}" : null;
        return
        [
            .. positions.Select((at, index) =>
                new ChartBar($"{Range(at)}: {Figures.Percent(at.Frequency)}", at.Frequency, Tick(index))),
        ];
    }

    // Told by the notes too, which look at what others write.
    private void Annotated(Annotation now)
    {
        annotation = now;
        title = annotation.Label ?? best?.Text;
    }

    private void Star()
    {
        try
        {
            starProblem = null;
            catalog!.SetStar(Latent, !annotation.Starred);
            Annotated(catalog.Annotation(Latent));
        }
        catch (InputException e)
        {
            starProblem = e.Message; // the file is locked
        }
    }
}
