using System.CommandLine;
using System.Text.Json.Nodes;
using Spectre.Console;
using Unweave.Cli.Rendering;
using Unweave.Interpretation;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave read</c>: the strongest latents of each token of a text.</summary>
internal static class ReadCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var sae = new Argument<string>("SAE") { Description = "Folder of a run that was trained on a model." };
        var text = new Argument<string>("TEXT") { Description = "The text." };
        var top = new Option<int>("--top") { HelpName = "N", Description = "Latents shown for each token.", DefaultValueFactory = _ => 3 };
        var hook = new Option<string?>("--hook")
        {
            HelpName = "HOOK",
            Description = "Where the autoencoder belongs; left out, where it was trained.",
        };
        var command = new Command("read", "Shows which latents fire on each token of a text.")
        {
            sae, text, top, hook,
        };
        var host = new HostFlags(command, texts: false);
        help.AddExamples(command, "unweave read sae/ \"The whale swam to the ship.\"");
        command.SetAction((parsed, _) =>
        {
            if (parsed.GetValue(top) < 1) throw new InputException($"--top is {parsed.GetValue(top)}; show at least 1.");
            string read = parsed.GetValue(text)!;
            // A program that reads many texts may meet an empty one, which has no tokens.
            if (read.Length == 0 && !parsed.GetValue(json)) throw new InputException("TEXT is empty; give a text to read, in quotes.");
            using var run = HostedRun.Open(parsed.GetValue(sae)!, host, parsed, parsed.GetValue(hook));
            TextCodes codes = run.Hosted.Encode(read);
            if (UnknownTokens.Note(codes.UnknownPieces, codes.Pieces.Count) is { } note) Console.Error.WriteLine(note);
            (int Latent, float Value)[][] strongest =
            [
                .. Enumerable.Range(0, codes.Pieces.Count).Select(row => Enumerable.Range(0, codes.Codes.RowCount(row))
                    .Select(i => (codes.Codes.Latents(row)[i], codes.Codes.Values(row)[i]))
                    .OrderByDescending(entry => entry.Item2)
                    .Take(parsed.GetValue(top))
                    .ToArray()),
            ];
            IReadOnlyDictionary<int, string> labels = run.Labels(strongest.SelectMany(row => row.Select(entry => entry.Latent)));
            if (parsed.GetValue(json))
            {
                Screen.WriteJson(new JsonObject
                {
                    ["unknownTokens"] = codes.UnknownPieces,
                    ["tokens"] = new JsonArray([.. codes.Pieces.Select((piece, row) => new JsonObject
                    {
                        ["text"] = piece,
                        ["latents"] = new JsonArray([.. strongest[row].Select(entry => new JsonObject
                        {
                            ["latent"] = entry.Latent,
                            ["activation"] = entry.Value,
                            ["label"] = labels.GetValueOrDefault(entry.Latent),
                        })]),
                    })]),
                });
                return Task.CompletedTask;
            }

            Table table = new Table().Border(TableBorder.Simple).AddColumn(Heading.Words("token"))
                .AddColumn(Heading.Number("activation")).AddColumn(Heading.Words("latent"));
            for (int row = 0; row < strongest.Length; row++)
            {
                for (int i = 0; i < strongest[row].Length; i++)
                    table.AddRow(new Text(i == 0 ? codes.Pieces[row].ReplaceLineEndings("⏎") : ""),
                        new Text(Figures.Short(strongest[row][i].Value)), new Text(HostedRun.Named(strongest[row][i].Latent, labels)));
            }

            Screen.Results.Write(table);
            return Task.CompletedTask;
        });
        return command;
    }
}
