using System.CommandLine;
using System.Text.Json.Nodes;
using Spectre.Console;
using Unweave.Catalog;
using Unweave.Cli.Rendering;
using Unweave.Interpretation;
using Unweave.Runs;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave features list</c>: finds, sorts and filters the features of a catalog.</summary>
internal static class FeaturesListCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var sae = new Argument<string>("SAE") { Description = "Folder of a run with a catalog." };
        var text = new Argument<string?>("TEXT")
        {
            Description = "Words to find in labels, notes and the words that a latent fires on: whole words, or beginnings where * "
                + "follows; or a latent's number.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var sort = new Option<FeatureOrder?>("--sort")
        {
            HelpName = string.Join('|', Enum.GetNames<FeatureOrder>()).ToLowerInvariant(),
            Description = "Order; left out, by relevance to the text, or by interest. Scores, frequencies and maxima start with the "
                + "largest.",
        };
        var examples = new Option<bool>("--in-examples") { Description = "Also look for the words in all of the examples' texts." };
        var reverse = new Option<bool>("--reverse") { Description = "Reverses the order." };
        var kind = new Option<FeatureKind[]>("--kind")
        {
            HelpName = string.Join('|', Enum.GetNames<FeatureKind>()).ToLowerInvariant(),
            Description = "Only these kinds; may be given several times.",
        };
        var minScore = new Option<double?>("--min-score")
        {
            HelpName = "S",
            Description = "Only labels with a detection score of at least this.",
        };
        var minFrequency = new Option<double?>("--min-frequency")
        {
            HelpName = "F",
            Description = "Only latents that fire on at least this share of rows.",
        };
        var maxFrequency = new Option<double?>("--max-frequency")
        {
            HelpName = "F",
            Description = "Only latents that fire on at most this share of rows.",
        };
        var labelled = new Option<bool?>("--labelled")
        {
            HelpName = "true|false",
            Description = "Only those with a label, or only those without.",
        };
        var starred = new Option<bool>("--starred") { Description = "Only those you starred." };
        var list = new Option<string?>("--list") { HelpName = "NAME", Description = "Only members of one of your lists." };
        var skip = new Option<int>("--skip") { HelpName = "N", Description = "Lines to skip." };
        var take = new Option<int>("--take") { HelpName = "N", Description = "Lines to show.", DefaultValueFactory = _ => 20 };
        var command = new Command("list", "Finds features by text, kind, frequency or score.")
        {
            sae, text, examples, sort, reverse, kind, minScore, minFrequency, maxFrequency, labelled, starred, list, skip, take,
        };
        help.AddExamples(command, "unweave features list sae/ war", "unweave features list sae/ --sort score --take 50");
        command.SetAction((parsed, _) =>
        {
            if (parsed.GetValue(skip) < 0 || parsed.GetValue(take) < 1)
                throw new InputException(
                    $"--skip {parsed.GetValue(skip)} --take {parsed.GetValue(take)}: give 0 or more to skip and 1 or more to show.");
            using var catalog = FeatureCatalog.Open(RunFolder.Open(parsed.GetValue(sae)!));
            FeatureOrder order = parsed.GetValue(sort) ?? FeatureOrder.Relevance;
            FeatureRows found = catalog.Find(new FeatureQuery
            {
                Text = parsed.GetValue(text),
                InExamples = parsed.GetValue(examples),
                Order = order,
                Descending = parsed.GetValue(reverse) != order.StartsLargest(),
                Kinds = parsed.GetValue(kind) is { Length: > 0 } kinds ? kinds : null,
                MinScore = parsed.GetValue(minScore),
                MinFrequency = parsed.GetValue(minFrequency),
                MaxFrequency = parsed.GetValue(maxFrequency),
                Labelled = parsed.GetValue(labelled),
                Starred = parsed.GetValue(starred),
                List = parsed.GetValue(list),
                Skip = parsed.GetValue(skip),
                Take = parsed.GetValue(take),
            });
            if (parsed.GetValue(json)) Screen.WriteJson(ToJson(found));
            else Write(found, parsed.GetValue(skip));
            return Task.CompletedTask;
        });
        return command;
    }

    private static void Write(FeatureRows found, int skipped)
    {
        if (Console.IsOutputRedirected)
        {
            // For other programs: a line a latent, its fields apart by tabs.
            foreach (FeatureRow row in found.Rows)
            {
                Console.Out.WriteLine(string.Join('\t', row.Latent, Plain(row.Label ?? ""), $"{row.Score:0.00}", $"{row.Frequency:G4}",
                    $"{row.Max:G4}", Plain(row.TopTokens)));
            }

            Console.Error.WriteLine(Count());
            return;
        }

        if (found.Rows.Count == 0)
        {
            Console.Out.WriteLine(Count());
            return;
        }

        Table table = new Table().Border(TableBorder.Simple).AddColumn(Heading.Number("latent")).AddColumn(Heading.Words("label"))
            .AddColumn(Heading.Number("score")).AddColumn(Heading.Number("fires on"))
            .AddColumn(Heading.Number("max")).AddColumn(Heading.Words("tokens"));
        foreach (FeatureRow row in found.Rows)
            table.AddRow(new Text($"{(row.Starred ? "★ " : "")}{row.Latent}"), new Text(row.Label ?? ""),
                new Text(row.Score is { } score ? $"{score:0.00}" : ""), new Text(Figures.Percent(row.Frequency)),
                new Text(Figures.Short(row.Max)), new Text(row.TopTokens.ReplaceLineEndings("⏎")));
        Screen.Results.Write(table);
        Console.Out.WriteLine(Count());

        string Count() => found.Total == 0 ? "No feature matches."
            : found.Rows.Count == 0 ? $"{Figures.Count(found.Total)} features match; {Figures.Count(skipped)} are skipped."
            : $"{Figures.Count(found.Rows.Count)} of {Figures.Count(found.Total)} features.";

        static string Plain(string text) => text.ReplaceLineEndings("⏎").Replace('\t', ' ');
    }

    private static JsonObject ToJson(FeatureRows found) => new()
    {
        ["total"] = found.Total,
        ["features"] = new JsonArray([.. found.Rows.Select(row => new JsonObject
        {
            ["latent"] = row.Latent,
            ["kind"] = row.Kind.ToString().ToLowerInvariant(),
            ["frequency"] = row.Frequency,
            ["density"] = row.Density,
            ["max"] = row.Max,
            ["label"] = row.Label,
            ["labelMethod"] = row.LabelMethod,
            ["score"] = row.Score,
            ["starred"] = row.Starred,
            ["hasNote"] = row.HasNote,
            ["topTokens"] = row.TopTokens,
            ["match"] = row.Match == FeatureMatch.None ? null : row.Match.ToString(),
        })]),
    };
}
