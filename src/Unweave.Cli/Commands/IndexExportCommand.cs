using System.CommandLine;
using System.Text.Json.Nodes;
using Unweave.Cli.Rendering;
using Unweave.Formats;
using Unweave.Retrieval;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave index export</c>: an index as the sparse vectors of another system.</summary>
internal static class IndexExportCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var index = new Argument<string>("INDEX") { Description = "Folder of an index." };
        var format = new Option<SparseFormat>("--format")
        {
            HelpName = string.Join('|', Enum.GetNames<SparseFormat>()).ToLowerInvariant(),
            Description = "The system that it is for: bodies of requests a line, lines of a bulk API, or a script of SQL.",
            Required = true,
        };
        var collection = new Option<string>("--collection")
        {
            HelpName = "NAME",
            Description = "Name of the collection, index or table there.",
            DefaultValueFactory = _ => "texts",
        };
        var output = new Option<string?>("--output", "-o") { HelpName = "FILE", Description = "File to write; left out, standard output." };
        var setup = new Option<bool>("--setup") { Description = "Write the request that makes the collection instead." };
        var query = new Option<string?>("--query")
        {
            HelpName = "TEXT",
            Description = "Write the request that searches for a text instead.",
        };
        var count = new Option<int>("--count", "-n")
        {
            HelpName = "N",
            Description = "Hits that --query asks for.",
            DefaultValueFactory = _ => 10,
        };
        var command = new Command("export", "Writes an index as sparse vectors for another system.\n\nTheir inner product with a query's "
            + "is the cosine here, as far as concepts make it, less what the dictionary's bias adds.")
        {
            index, format, collection, output, setup, query, count,
        };
        help.AddExamples(command, "unweave index export docs.index --format qdrant --setup",
            "unweave index export docs.index --format opensearch -o bulk.ndjson",
            "unweave index export docs.index --format pgvector --query \"federal budget deficit\"");
        command.SetAction((parsed, cancellationToken) =>
        {
            string folder = parsed.GetValue(index)!, name = parsed.GetValue(collection)!;
            SparseFormat system = parsed.GetValue(format);
            using OpenedIndex opened = OpenedIndex.Open(folder);
            SearchIndex exported = opened.Texts.Index;
            int latents = exported.Dictionary.Latents;
            if (parsed.GetValue(setup) || parsed.GetValue(query) is not null)
            {
                Console.Out.WriteLine(parsed.GetValue(query) is { } text
                    ? SparseExport.Query(system, name,
                        opened.Texts.Search(text, new SearchQuery { Count = 1, WordWeight = 0 }, cancellationToken).Query, latents,
                        parsed.GetValue(count))
                    : SparseExport.Setup(system, name, latents));
                return Task.CompletedTask;
            }

            if (parsed.GetValue(output) is not { } file)
            {
                using Stream standard = Console.OpenStandardOutput();
                SparseExport.Write(exported, system, name, standard, cancellationToken);
                return Task.CompletedTask;
            }

            long rows = 0;
            AtomicFile.Write(file, stream => rows = SparseExport.Write(exported, system, name, stream, cancellationToken));
            if (parsed.GetValue(json)) Screen.WriteJson(new JsonObject { ["file"] = file, ["texts"] = rows });
            else Console.Out.WriteLine($"Wrote {Figures.Count(rows)} texts to {file}.");
            return Task.CompletedTask;
        });
        return command;
    }
}
