using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Unweave.Catalog;
using Unweave.Explaining;
using Unweave.Cli.Rendering;
using Unweave.Interpretation;
using Unweave.Runs;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave features explain</c>: labels by a chat model.</summary>
internal static class FeaturesExplainCommand
{
    // A whole dictionary is thousands of paid requests, so it is asked for by number.
    private const int UsualMax = 100;

    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var sae = new Argument<string>("SAE") { Description = "Folder of a trained autoencoder with a catalog of its features." };
        var latents = new Option<string>("--latents") { HelpName = "LIST", Description = "Latents to label, by number: 3,17,40-49." };
        var unlabelled = new Option<bool>("--unlabelled") { Description = "Only latents that have no label yet." };
        var max = new Option<int?>("--max")
        {
            HelpName = "N",
            Description =
                $"Without --latents: latents to label, at most, those that fire most first (dense ones last); {UsualMax} where it is left "
                + "out.",
        };
        var parallel = new Option<int>("--parallel")
        {
            HelpName = "N",
            Description = "Requests at once, at most.",
            DefaultValueFactory = _ => new ExplainOptions().Parallel,
        };
        var command = new Command(
            "explain",
            "Has a chat model label latents.\n\nEach label is scored on examples that it was not made from. The model is named by "
            + $"{ChatSettings.AddressVariable} (base address of a server that speaks OpenAI's chat completions), "
            + $"{ChatSettings.KeyVariable} and {ChatSettings.ModelVariable} in the environment. An interrupted run goes on where it was: "
            + "no answer is paid for twice.")
        {
            sae, latents, unlabelled, max, parallel,
        };
        help.AddExamples(command, "unweave features explain sae/ --unlabelled --max 200",
            "unweave features explain sae/ --latents 3,17,40-49");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string? list = parsed.GetValue(latents);
            if (list is not null && (parsed.GetValue(unlabelled) || parsed.GetValue(max) is not null))
                throw new InputException("--latents names the latents, so --unlabelled and --max do not go with it; leave them or it out.");
            if (parsed.GetValue(max) is < 1) throw new InputException($"--max is {parsed.GetValue(max)}; it must be at least 1.");
            ChatSettings settings = ChatSettings.FromEnvironment();
            using FeatureCatalog catalog = FeatureCatalog.Open(RunFolder.Open(parsed.GetValue(sae)!));
            IReadOnlyList<int> chosen = list is null
                ? Chosen(catalog, parsed.GetValue(unlabelled), parsed.GetValue(max) ?? UsualMax)
                : Numbers(list, catalog.Source.Latents);
            await Run(catalog, settings, chosen, new ExplainOptions { Model = settings.Model, Parallel = parsed.GetValue(parallel) },
                parsed.GetValue(json), cancellationToken);
        });
        return command;
    }

    private static async Task Run(FeatureCatalog catalog, ChatSettings settings, IReadOnlyList<int> latents, ExplainOptions options,
        bool json, CancellationToken cancellationToken)
    {
        using IChatClient client = settings.CreateClient();
        ExplainReport report;
        try
        {
            report = await ExplainRun.Run(catalog, client, latents, options, new Display(TimeProvider.System), cancellationToken);
        }
        finally
        {
            RowsDisplay.Clear();
        }

        int lucky = (int)Math.Round(FeatureLabel.LuckyShare * report.Labelled.Count);
        if (json)
        {
            Screen.WriteJson(new JsonObject
            {
                ["catalog"] = catalog.Path,
                ["model"] = report.Model,
                ["latents"] = latents.Count,
                ["labelled"] = new JsonArray([.. report.Labelled.Select(latent => (JsonNode)latent)]),
                ["aboveChance"] = report.AboveChance,
                ["aboveChanceByLuck"] = lucky,
                ["kept"] = report.Kept,
                ["skipped"] = new JsonArray(
                    [.. report.Skipped.Select(item => new JsonObject { ["latent"] = item.Latent, ["reason"] = item.Reason })]),
                ["requests"] = report.Requests,
                ["remembered"] = report.Remembered,
            });
            return;
        }

        Console.Out.WriteLine(
            $"{report.Model} labelled {Figures.Count(report.Labelled.Count)} of {Figures.Count(latents.Count)} latents, "
            + $"{Figures.Count(report.AboveChance)} above chance (guesses would give about {Figures.Count(lucky)})"
            + $"{(report.Kept > 0 ? $"; {Figures.Count(report.Kept)} had its label before" : "")}.");
        Console.Out.WriteLine(
            $"{Figures.Count(report.Requests)} requests were sent; {Figures.Count(report.Remembered)} answers were there from before.");
        foreach (IGrouping<string, SkippedLatent> reason in report.Skipped
            .GroupBy(item => item.Reason, StringComparer.Ordinal).OrderByDescending(group => group.Count()))
            Console.Out.WriteLine($"Skipped {Figures.Count(reason.Count())}: {reason.Key} ({Few(reason)}).");
    }

    /// <summary>
    /// The live latents that fire most; those that fire on nearly everything last, since they are seldom about one thing.
    /// </summary>
    private static List<int> Chosen(FeatureCatalog catalog, bool unlabelled, int max)
    {
        FeatureKind[] live = [.. Enum.GetValues<FeatureKind>().Where(kind => kind is not (FeatureKind.Dead or FeatureKind.Dense))];
        var often = new FeatureQuery
        {
            Labelled = unlabelled ? false : null,
            Order = FeatureOrder.Frequency,
            Descending = true,
            Take = max,
        };
        return [.. Find(live).Concat(Find([FeatureKind.Dense])).Take(max)];

        IEnumerable<int> Find(FeatureKind[] kinds) => catalog.Find(often with { Kinds = kinds }).Rows.Select(row => row.Latent);
    }

    /// <summary>Numbers of a list: single ones and ranges, with commas between.</summary>
    private static List<int> Numbers(string list, int latents)
    {
        var numbers = new List<int>();
        foreach (string part in list.Split(',', StringSplitOptions.TrimEntries))
        {
            string[] ends = part.Split('-', 2);
            if (!int.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out int first)
                || !int.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out int last) || last < first)
                throw new InputException($"--latents has \"{part}\"; give numbers and ranges with commas between, like 3,17,40-49.");
            if (last >= latents) throw new InputException($"--latents has {last}, but the latents are numbered from 0 to {latents - 1}.");
            numbers.AddRange(Enumerable.Range(first, last - first + 1));
        }

        return numbers;
    }

    private static string Few(IEnumerable<SkippedLatent> items)
    {
        int[] latents = [.. items.Select(item => item.Latent)];
        return $"latent{(latents.Length == 1 ? "" : "s")} {string.Join(", ", latents.Take(5))}{(latents.Length > 5 ? ", …" : "")}";
    }

    /// <summary>Progress on standard error: one line that is redrawn, or in a log a line every few seconds.</summary>
    private sealed class Display(TimeProvider time) : IProgress<ExplainProgress>
    {
        private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(5), LiveInterval = TimeSpan.FromMilliseconds(100);
        private readonly long started = time.GetTimestamp();
        private long shown = time.GetTimestamp();

        public void Report(ExplainProgress value)
        {
            if (time.GetElapsedTime(shown) < (Screen.ProgressIsLive ? LiveInterval : LogInterval)) return;
            shown = time.GetTimestamp();
            TimeSpan left = time.GetElapsedTime(started) * ((double)(value.Total - value.Done) / value.Done);
            string line =
                $"explained {Figures.Count(value.Done)} of {Figures.Count(value.Total)} latents  {Figures.Count(value.Labelled)} labelled "
                + $" {Figures.Count(value.Requests)} requests  {Figures.Duration(left)} left";
            if (Screen.ProgressIsLive) Console.Error.Write($"\r\u001b[K{line}");
            else Console.Error.WriteLine(line);
        }
    }
}
