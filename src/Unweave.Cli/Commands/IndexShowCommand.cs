using System.CommandLine;
using System.Text.Json.Nodes;
using Spectre.Console;
using Unweave.Cli.Rendering;
using Unweave.Indexing;
using Unweave.Retrieval;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave index show</c>: what an index has and what it takes.</summary>
internal static class IndexShowCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var index = new Argument<string>("INDEX") { Description = "Folder of an index." };
        var command = new Command("show", "Says what an index has: texts, fields to filter by, and bytes a text by part.") { index };
        help.AddExamples(command, "unweave index show docs.index");
        command.SetAction((parsed, _) =>
        {
            string folder = parsed.GetValue(index)!;
            var recipe = IndexRecipe.Read(folder);
            using OpenedIndex opened = OpenedIndex.Open(folder);
            SearchIndex shown = opened.Texts.Index;
            double rows = Math.Max(1, shown.Rows);
            KeyValuePair<string, long>[] parts = [.. shown.BytesByPart.OrderByDescending(part => part.Value)];
            if (parsed.GetValue(json))
            {
                Screen.WriteJson(new JsonObject
                {
                    ["texts"] = shown.Rows,
                    ["of"] = recipe.Texts,
                    ["latents"] = shown.Dictionary.Latents,
                    ["width"] = shown.Dictionary.Width,
                    ["store"] = shown.Store.ToString(),
                    ["segments"] = shown.Segments,
                    ["fields"] = new JsonArray([.. shown.Fields.Select(field => JsonValue.Create(field))]),
                    ["bytesPerText"] = new JsonObject(
                        parts.Select(part => KeyValuePair.Create(part.Key, (JsonNode?)Math.Round(part.Value / rows, 2)))),
                });
                return Task.CompletedTask;
            }

            Console.Out.WriteLine($"{Figures.Count(shown.Rows)} texts of {recipe.Texts} in {shown.Segments} "
                + $"{(shown.Segments == 1 ? "segment" : "segments")}, over {Figures.Count(shown.Dictionary.Latents)} latents of "
                + $"{shown.Dictionary.Width} numbers.");
            Console.Out.WriteLine(shown.Fields.Count == 0 ? "Texts have no fields to filter by."
                : $"Fields to filter by: {string.Join(", ", shown.Fields)}.");
            Table table = new Table().Border(TableBorder.Simple).AddColumn(Heading.Words("part")).AddColumn(Heading.Number("bytes a text"))
                .AddColumn(Heading.Words("what it is"));
            foreach ((string name, long bytes) in parts)
                table.AddRow(name, Figures.Short(bytes / rows), What.GetValueOrDefault(name, ""));
            Screen.Results.Write(table);
            return Task.CompletedTask;
        });
        return command;
    }

    private static readonly Dictionary<string, string> What = new(StringComparer.Ordinal)
    {
        ["concepts"] = "postings: the texts of each latent",
        ["codes"] = "the latents of each text",
        ["vectors"] = "what is kept of the vectors",
        ["words"] = "postings: the texts of each word",
        ["texts"] = "the texts themselves",
        ["keys"] = "ids, to replace and remove by",
        ["fields"] = "fields, to filter by",
        ["fieldTexts"] = "fields, to show",
        ["cells"] = "centers of cells",
    };
}
