using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Spectre.Console;
using Unweave.Cli.Rendering;
using Unweave.Interpretation;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave steer</c>: what the model writes with latents changed, beside what it writes as it is.</summary>
internal static class SteerCommand
{
    private const int NextShown = 8;

    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var sae = new Argument<string>("SAE") { Description = "Folder of a run that was trained on a language model." };
        var prompt = new Argument<string>("PROMPT") { Description = "What the text begins with." };
        var steer = new Option<string[]>("--steer")
        {
            HelpName = "L=S",
            Description = "Adds S to latent L at every token; below 0 takes away. May be given several times, as the next two.",
            Arity = ArgumentArity.OneOrMore,
        };
        var clamp = new Option<string[]>("--clamp")
        {
            HelpName = "L=S",
            Description = "Holds latent L at S.",
            Arity = ArgumentArity.OneOrMore,
        };
        var ablate = new Option<int[]>("--ablate")
        {
            HelpName = "L",
            Description = "Holds latent L at 0.",
            Arity = ArgumentArity.OneOrMore,
        };
        var tokens = new Option<int>("--tokens")
        {
            HelpName = "N",
            Description = "Tokens to write.",
            DefaultValueFactory = _ => new GenerationOptions().Tokens,
        };
        var temperature = new Option<double>("--temperature")
        {
            HelpName = "T",
            Description = "0 takes the likeliest token; higher is freer.",
            DefaultValueFactory = _ => new GenerationOptions().Temperature,
        };
        var topK = new Option<int>("--top-k")
        {
            HelpName = "N",
            Description = "Samples among this many likeliest tokens; 0 among all.",
            DefaultValueFactory = _ => new GenerationOptions().TopK,
        };
        var seed = new Option<ulong>("--seed") { HelpName = "N", Description = "Seed of the sampling, the same for both texts." };
        var hook = new Option<string?>("--hook")
        {
            HelpName = "HOOK",
            Description = "Where the autoencoder belongs; left out, where it was trained.",
        };
        var command = new Command("steer", "Changes latents while the model writes.\n\n"
            + "The text is shown beside that of the model as it is.")
        {
            sae, prompt, steer, clamp, ablate, tokens, temperature, topK, seed, hook,
        };
        var host = new HostFlags(command, texts: false);
        help.AddExamples(command, "unweave steer sae/ \"The president said\" --steer 1207=6",
            "unweave steer sae/ \"Call me\" --ablate 12 --clamp 40=3 --tokens 30");
        command.SetAction((parsed, cancellationToken) =>
        {
            Intervention[] interventions = [
                .. (parsed.GetValue(steer) ?? []).Select(text => Parse(text, InterventionKind.Steer)),
                .. (parsed.GetValue(clamp) ?? []).Select(text => Parse(text, InterventionKind.Clamp)),
                .. (parsed.GetValue(ablate) ?? []).Select(latent => new Intervention(latent, InterventionKind.Ablate))];
            if (interventions.Length == 0)
                throw new InputException("no latent is changed; give --steer, --clamp or --ablate, for instance --steer 123=8.");
            var options = new GenerationOptions
            {
                Tokens = parsed.GetValue(tokens),
                Temperature = parsed.GetValue(temperature),
                TopK = parsed.GetValue(topK),
                Seed = parsed.GetValue(seed),
            };
            using var run = HostedRun.Open(parsed.GetValue(sae)!, host, parsed, parsed.GetValue(hook));
            string text = parsed.GetValue(prompt)!;
            IReadOnlyList<NextToken> before = run.Hosted.Predict(text, [], NextShown),
                after = run.Hosted.Predict(text, interventions, NextShown);
            string plain = string.Concat(run.Hosted.Generate(text, [], options, cancellationToken)),
                steered = string.Concat(run.Hosted.Generate(text, interventions, options, cancellationToken));
            if (parsed.GetValue(json))
            {
                Screen.WriteJson(new JsonObject
                {
                    ["prompt"] = text,
                    ["without"] = Answer(plain, before),
                    ["with"] = Answer(steered, after),
                });
                return Task.CompletedTask;
            }

            IReadOnlyDictionary<int, string> labels = run.Labels(interventions.Select(change => change.Latent));
            foreach (Intervention change in interventions)
                Screen.Results.MarkupLineInterpolated($"[grey]{Verb(change)}[/] latent {HostedRun.Named(change.Latent, labels)}");
            Table texts = new Table().Border(TableBorder.Simple).AddColumn(Heading.Words("as it is")).AddColumn(Heading.Words("changed"));
            texts.AddRow(new Markup($"[grey]{Markup.Escape(text)}[/]{Markup.Escape(plain)}"),
                new Markup($"[grey]{Markup.Escape(text)}[/]{Markup.Escape(steered)}"));
            Screen.Results.Write(texts);
            Table next = new Table().Border(TableBorder.Simple).AddColumn(Heading.Words("next, as it is"))
                .AddColumn(new TableColumn("").RightAligned().NoWrap()).AddColumn(Heading.Words("next, changed"))
                .AddColumn(new TableColumn("").RightAligned().NoWrap());
            foreach ((NextToken first, NextToken second) in before.Zip(after))
                next.AddRow(new Text(Visible(first.Text)), new Text(Figures.Percent(first.Probability)), new Text(Visible(second.Text)),
                    new Text(Figures.Percent(second.Probability)));
            Screen.Results.Write(next);
            return Task.CompletedTask;
        });
        return command;
    }

    private static Intervention Parse(string text, InterventionKind kind) =>
        text.Split('=') is [var latent, var strength] && int.TryParse(latent, CultureInfo.InvariantCulture, out int number)
            && float.TryParse(strength, CultureInfo.InvariantCulture, out float value) && float.IsFinite(value)
            ? new Intervention(number, kind, value)
            : throw new InputException(
                $"--{kind.ToString().ToLowerInvariant()} is '{text}'; write the latent and the strength, for instance 123=8.");

    private static string Verb(Intervention change) => change.Kind switch
    {
        InterventionKind.Ablate => "ablate",
        InterventionKind.Clamp => $"hold at {Figures.Short(change.Strength)}",
        _ => $"{(change.Strength < 0 ? "take" : "add")} {Figures.Short(Math.Abs(change.Strength))} {(change.Strength < 0 ? "from" : "to")}",
    };

    private static string Visible(string token) => $"“{token.ReplaceLineEndings("⏎")}”";

    private static JsonObject Answer(string text, IReadOnlyList<NextToken> next) => new()
    {
        ["text"] = text,
        ["next"] = new JsonArray([.. next.Select(token => new JsonObject
        {
            ["token"] = token.Token,
            ["text"] = token.Text,
            ["probability"] = token.Probability,
            ["logit"] = token.Logit,
        })]),
    };
}
