using System.Text.RegularExpressions;
using Unweave.Catalog;
using Unweave.Interpretation;

namespace Unweave.Web.Steering;

/// <summary>A latent that steering was tried with.</summary>
/// <param name="Row">What is known of it.</param>
/// <param name="Raised">Words that its decoder row makes likelier.</param>
/// <param name="Fires">Share of the tokens of the text written with it on which the model without changes has it fire.</param>
/// <param name="Effect">
/// What trials are ranked by: its mean activation in that text, in shares of its strongest, times the square of the share of different
/// words.
/// </param>
internal sealed record SteeringPreset(FeatureRow Row, IReadOnlyList<string> Raised, double Fires, double Effect);

/// <summary>What trials of the latents of a catalog gave.</summary>
/// <param name="Source">What the catalog was made from: another build has other latents.</param>
/// <param name="Presets">The best ones, best first.</param>
internal sealed record SteeringTrials(CatalogSource Source, IReadOnlyList<SteeringPreset> Presets);

/// <summary>
/// Finds latents that a first try at steering may begin with: those with a label that holds and whose decoder rows make whole words
/// likelier are tried, and those are kept that show in the text and do not only repeat themselves.
/// </summary>
internal static partial class SteeringPresets
{
    private const int Considered = 1500, Tried = 32, Kept = 6, Tokens = 24, Words = 3;
    private const double LeastScore = 0.7;
    private const string Prompt = "The";

    /// <summary>The latents that are worth a trial, the most promising first.</summary>
    public static IReadOnlyList<SteeringPreset> Candidates(CatalogSnapshot catalog) =>
    [
        .. catalog.Find(new FeatureQuery
        {
            Order = FeatureOrder.Interest,
            Labelled = true,
            MinScore = LeastScore,
            Kinds = [FeatureKind.Ordinary],
            Take = Considered,
        }).Rows
            .Select(row => (Row: row, Raised: Content(catalog.Read(row.Latent))))
            .Where(one => one.Raised.Count >= Words)
            .OrderByDescending(one => one.Raised.Sum(token => token.Logit)).ThenBy(one => one.Row.Latent)
            .Take(Tried)
            .Select(one => new SteeringPreset(one.Row, [.. one.Raised.Take(Words).Select(token => token.Text.Trim())], 0, 0)),
    ];

    /// <summary>Writes a short text with a latent and reads it.</summary>
    public static SteeringPreset Try(HostedAutoencoder model, SteeringPreset candidate, CancellationToken cancellationToken)
    {
        FeatureRow row = candidate.Row;
        Intervention[] steered = [new(row.Latent, InterventionKind.Steer, (float)(LatentEdit.Telling * row.Max))];
        var options = new GenerationOptions { Tokens = Tokens };
        string written = string.Concat(model.Generate(Prompt, steered, options, cancellationToken));
        FiringSummary summary = new Reading(model.Encode(written)).Summary(row.Latent);
        string[] words = [.. Word().Matches(written).Select(match => match.Value.ToUpperInvariant())];
        if (summary.Tokens == 0 || words.Length == 0) return candidate;
        double different = (double)words.Distinct(StringComparer.Ordinal).Count() / words.Length;
        return candidate with
        {
            Fires = (double)summary.Fires / summary.Tokens,
            Effect = summary.Mean / row.Max * different * different,
        };
    }

    /// <summary>The few that did most, best first.</summary>
    public static IReadOnlyList<SteeringPreset> Best(IEnumerable<SteeringPreset> tried) =>
        [.. tried.Where(one => one.Effect > 0).OrderByDescending(one => one.Effect).ThenBy(one => one.Row.Latent).Take(Kept)];

    // Whole words of content among those it raises most: a latent that raises pieces of words writes pieces of words.
    private static IReadOnlyList<TokenLogit> Content(Feature feature) =>
        [.. feature.Raised.Where(token => token.Text.StartsWith(' ') && CommonWords.IsContent(token.Text))];

    [GeneratedRegex(@"[\p{L}\p{M}]+", RegexOptions.None, 1000)]
    private static partial Regex Word();
}
