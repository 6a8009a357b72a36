using System.CommandLine;
using System.Text.Json;
using Spectre.Console;
using Unweave.Catalog;
using Unweave.Catalog.Json;
using Unweave.Cli.Rendering;
using Unweave.Interpretation;
using Unweave.Runs;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave features show</c>: all that is known of one latent.</summary>
internal static class FeaturesShowCommand
{
    private const int ExamplesShown = 8, RelatedShown = 6;

    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var sae = new Argument<string>("SAE") { Description = "Folder of a run with a catalog." };
        var latent = new Argument<int>("LATENT") { Description = "Number of the latent." };
        var command = new Command("show", "Shows a feature.\n\n"
            + "Its label and score, where it fires, what it does to the logits, and its neighbors.")
        {
            sae, latent,
        };
        help.AddExamples(command, "unweave features show sae/ 1207");
        command.SetAction((parsed, _) =>
        {
            using var opened = FeatureCatalog.Open(RunFolder.Open(parsed.GetValue(sae)!));
            using CatalogSnapshot catalog = opened.Snapshot();
            int number = parsed.GetValue(latent), latents = catalog.Source.Latents;
            if (number < 0 || number >= latents)
                throw new InputException($"there is no latent {number}; {parsed.GetValue(sae)} has latents 0 to {latents - 1}.");
            if (parsed.GetValue(json))
                Console.Out.WriteLine(JsonSerializer.Serialize(FeatureDetail.Of(catalog, number), CatalogJson.Options));
            else Write(catalog, number);
            return Task.CompletedTask;
        });
        return command;
    }

    private static void Write(CatalogSnapshot catalog, int number)
    {
        Feature feature = catalog.Read(number);
        FeatureRow row = catalog.Rows([number])[0];
        Annotation own = catalog.Annotation(number);
        Screen.Results.MarkupLine(
            $"[bold]latent {number}[/]  {feature.Kind.ToString().ToLowerInvariant()}, fires on {Figures.Percent(feature.Frequency)} of "
            + $"rows ({Figures.Count(feature.Fired)}), strongest {Figures.Short(feature.Max)}{(row.Starred ? ", starred" : "")}");
        if (own.Label is not null) Screen.Results.MarkupLineInterpolated($"  your label: {own.Label}");
        foreach (FeatureLabel label in catalog.Labels(number))
        {
            string kind = label.AboveChance ? "label" : "rejected label";
            string scores = $"detection {label.Detection:0.00}" + (double.IsNaN(label.Fuzzing) ? "" : $", fuzzing {label.Fuzzing:0.00}")
                + (label.Baseline is { } baseline ? $"; its three top tokens {baseline:0.00}" : "")
                + (label.Coverage is { } coverage ? $"; explains {Figures.Percent(coverage)} of its upper half" : "");
            Screen.Results.MarkupLineInterpolated($"  {kind} ({label.Method}): {label.Text}  {scores}");
        }

        if (own.Note is not null) Screen.Results.MarkupLineInterpolated($"  note: {own.Note}");
        if (feature.Fired == 0) return;
        Line("fires on", feature.Tokens.Select(token => $"{Visible(token.Text)} {Figures.Percent(token.Share)}"));
        Line("raises", feature.Raised.Select(token => Visible(token.Text)));
        Line("lowers", feature.Lowered.Select(token => Visible(token.Text)));
        Line("nearest", Related(catalog, feature.Nearest, value => $"{value:0.00}"));
        Line("fires with", Related(catalog, feature.Partners, value => $"{value:0.0} bits"));
        Console.Out.WriteLine();
        foreach (FeatureExample example in feature.Top.Take(ExamplesShown)) TokenCards.Line(example);
    }

    private static void Line(string heading, IEnumerable<string> parts)
    {
        string text = string.Join(", ", parts);
        if (text.Length > 0) Screen.Results.MarkupLineInterpolated($"  [grey]{heading}:[/] {text}");
    }

    private static IEnumerable<string> Related(CatalogSnapshot catalog, IReadOnlyList<RelatedLatent> related, Func<double, string> figure)
    {
        RelatedLatent[] shown = [.. related.Take(RelatedShown)];
        IReadOnlyList<FeatureRow> rows = catalog.Rows([.. shown.Select(other => other.Latent)]);
        return shown.Zip(rows, (other, row) => $"{other.Latent}{(row.Label is { } label ? $" {label}" : "")} ({figure(other.Value)})");
    }

    private static string Visible(string token) => $"“{token.ReplaceLineEndings("⏎")}”";
}
