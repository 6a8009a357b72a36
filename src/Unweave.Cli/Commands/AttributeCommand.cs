using System.CommandLine;
using System.Text.Json.Nodes;
using Spectre.Console;
using Unweave.Cli.Rendering;
using Unweave.Hosts;
using Unweave.Interpretation;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave attribute</c>: which latents of a text raise or lower the logit of the next token.</summary>
internal static class AttributeCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var sae = new Argument<string>("SAE") { Description = "Folder of a run that was trained on a language model." };
        var text = new Argument<string>("TEXT") { Description = "The text whose next token is explained." };
        var token = new Option<string?>("--token")
        {
            HelpName = "TEXT",
            Description = "The next token to explain, as text (\" war\"); left out, the likeliest.",
        };
        var count = new Option<int>("--top") { HelpName = "N", Description = "Latents shown.", DefaultValueFactory = _ => 15 };
        var each = new Option<bool>("--each-token") { Description = "Ablate a latent at each of its tokens alone, not at all together." };
        var hook = new Option<string?>("--hook")
        {
            HelpName = "HOOK",
            Description = "Where the autoencoder belongs; left out, where it was trained.",
        };
        var command = new Command("attribute",
            "Shows which latents raise and lower the next token.\n\n"
            + "Every latent of a text is ablated in turn, and what that does to the logit "
            + "of the next token is shown.")
        {
            sae, text, token, count, each, hook,
        };
        var host = new HostFlags(command, texts: false);
        help.AddExamples(command, "unweave attribute sae/ \"We the people of the United\"",
            "unweave attribute sae/ \"In the year of our\" --token \" Lord\" --each-token");
        command.SetAction((parsed, cancellationToken) =>
        {
            if (parsed.GetValue(count) < 1) throw new InputException($"--top is {parsed.GetValue(count)}; show at least 1.");
            using var run = HostedRun.Open(parsed.GetValue(sae)!, host, parsed, parsed.GetValue(hook));
            string read = parsed.GetValue(text)!;
            int explained = parsed.GetValue(token) is { } named ? Find(run.Tokenizer, named) : run.Hosted.Predict(read, [], 1)[0].Token;
            string shown = run.Tokenizer.PieceText(explained);
            IReadOnlyList<LatentEffect> effects = run.Hosted.Attribute(read, explained, parsed.GetValue(count), parsed.GetValue(each),
                cancellationToken);
            IReadOnlyDictionary<int, string> labels = run.Labels(effects.Select(effect => effect.Latent));
            IReadOnlyList<string> pieces = run.Hosted.Encode(read).Pieces;
            if (parsed.GetValue(json))
            {
                Screen.WriteJson(new JsonObject
                {
                    ["token"] = explained,
                    ["text"] = shown,
                    ["effects"] = new JsonArray([.. effects.Select(effect => new JsonObject
                    {
                        ["latent"] = effect.Latent,
                        ["label"] = labels.GetValueOrDefault(effect.Latent),
                        ["position"] = effect.Position < 0 ? null : effect.Position,
                        ["activation"] = effect.Activation,
                        ["effect"] = effect.Effect,
                    })]),
                });
                return Task.CompletedTask;
            }

            Screen.Results.MarkupLineInterpolated(
                $"What each latent adds to the logit of “{shown.ReplaceLineEndings("⏎")}” after the text:");
            Table table = new Table().Border(TableBorder.Simple).AddColumn(Heading.Number("effect"))
                .AddColumn(Heading.Number("activation")).AddColumn(Heading.Words("latent"));
            if (parsed.GetValue(each)) table.AddColumn(Heading.Words("at"));
            foreach (LatentEffect effect in effects)
            {
                List<Text> cells =
                [
                    new Text($"{effect.Effect:+0.000;−0.000}"), new Text(Figures.Short(effect.Activation)),
                    new Text(HostedRun.Named(effect.Latent, labels)),
                ];
                if (parsed.GetValue(each)) cells.Add(new Text($"{effect.Position}: {pieces[effect.Position].ReplaceLineEndings("⏎")}"));
                table.AddRow(cells);
            }

            Screen.Results.Write(table);
            return Task.CompletedTask;
        });
        return command;
    }

    // The token that shows as the text: of several, such as a letter and its byte, the last, as bytes come first in a vocabulary.
    private static int Find(ITokenizer tokenizer, string named)
    {
        IReadOnlyList<Token> encoded = tokenizer.Encode(named);
        if (encoded is [var only] && string.Equals(tokenizer.PieceText(only.Id), named, StringComparison.Ordinal)) return only.Id;
        for (int id = tokenizer.VocabularySize - 1; id >= 0; id--)
        {
            if (string.Equals(tokenizer.PieceText(id), named, StringComparison.Ordinal)) return id;
        }

        return encoded is [var one] ? one.Id : throw new InputException(
            $"--token is '{named}', which is {encoded.Count} tokens; give one, with its space before it where it starts a word.");
    }
}
