using System.CommandLine;
using System.Text.Json.Nodes;
using Spectre.Console;
using Unweave.Cli.Rendering;
using Unweave.Onnx;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave pull</c>: a model and its tokenizer from a hub into a folder of this machine.</summary>
internal static class PullCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var name = new Argument<string>("NAME")
        {
            Description =
                "Model on the hub (UNWEAVE_HUB or HF_ENDPOINT; by default huggingface.co): owner/name. HF_TOKEN opens private and gated "
                + "ones.",
        };
        var revision = new Option<string>("--revision")
        {
            HelpName = "REV",
            Description = "Branch, tag or commit.",
            DefaultValueFactory = _ => HubClient.DefaultRevision,
        };
        var include = new Option<string[]>("--include")
        {
            HelpName = "GLOB",
            Description =
                "Files to fetch beside the tokenizer's, instead of the ONNX graph (model.onnx where there are several); quoted, and given "
                + "once a glob.",
        };
        var output = new Option<string?>("--output", "-o")
        {
            HelpName = "DIR",
            Description = "Folder to copy the files to; left out, they stay in the cache alone (UNWEAVE_CACHE).",
        };
        var offline = new Option<bool>("--offline") { Description = "Use what is cached, and fetch nothing (also UNWEAVE_OFFLINE=1)." };
        var command = new Command("pull", "Fetches a model in ONNX and its tokenizer.\n\nThey go into a cache, and the folder is printed.")
        {
            name, revision, include, output, offline,
        };
        help.AddExamples(command, "unweave pull Xenova/all-MiniLM-L6-v2",
            "unweave pull Xenova/all-MiniLM-L6-v2 --include onnx/model_quantized.onnx -o minilm/");
        command.SetAction((parsed, cancellationToken) =>
        {
            var request = new HubRequest
            {
                Name = parsed.GetValue(name)!,
                Revision = parsed.GetValue(revision)!,
                Include = parsed.GetValue(include) ?? [],
                Output = parsed.GetValue(output),
            };
            return Run(request, parsed.GetValue(offline), parsed.GetValue(json), cancellationToken);
        });
        return command;
    }

    private static async Task Run(HubRequest request, bool offline, bool json, CancellationToken cancellationToken)
    {
        HubOptions options = HubOptions.FromEnvironment();
        using var client = new HubClient(options with { Offline = options.Offline || offline });
        var display = new PullDisplay(TimeProvider.System);
        HubModel model;
        try
        {
            model = await client.Pull(request, display, cancellationToken);
        }
        finally
        {
            PullDisplay.Clear();
        }

        if (json)
        {
            Screen.WriteJson(ToJson(model, display.Elapsed));
            return;
        }

        // The folder alone is the result, so that a script can take it; the rest is for whoever watches.
        Write(model);
        Console.Out.WriteLine(model.Folder);
    }

    private static void Write(HubModel model)
    {
        Table table = new Table().Border(TableBorder.Simple).AddColumn(Heading.Words("file")).AddColumn(Heading.Number("size"))
            .AddColumn(Heading.Words("state").NoWrap());
        foreach (PulledFile file in model.Files)
            table.AddRow(new Text(file.Path), new Text(Figures.Bytes(file.Bytes)), new Text(State(file)));
        Screen.Progress.Write(table);
        if (model.OtherGraphs.Count > 0) Console.Error.WriteLine($"Not fetched, for --include: {string.Join(", ", model.OtherGraphs)}");
    }

    private static JsonObject ToJson(HubModel model, TimeSpan elapsed) => new()
    {
        ["name"] = model.Name,
        ["revision"] = model.Revision,
        ["commit"] = model.Commit,
        ["folder"] = model.Folder,
        ["files"] = new JsonArray([.. model.Files.Select(file => new JsonObject
        {
            ["path"] = file.Path,
            ["bytes"] = file.Bytes,
            ["state"] = State(file),
            ["checksum"] = file.Checksum,
        })]),
        ["otherGraphs"] = new JsonArray([.. model.OtherGraphs.Select(path => JsonValue.Create(path))]),
        ["seconds"] = Math.Round(elapsed.TotalSeconds, 3),
    };

    private static string State(PulledFile file) => file.State.ToString().ToLowerInvariant();
}
