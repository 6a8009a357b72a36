using System.CommandLine;
using System.Text.Json.Nodes;
using Unweave.Checkpoints.Dialects;
using Unweave.Cli.Rendering;
using Unweave.Runs;
using Unweave.Web;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave serve</c>: the dashboard over the runs of a folder.</summary>
internal static class ServeCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var folder = new Argument<string>("FOLDER")
        {
            Description = "Folder of a run, or one whose subfolders are runs.",
            DefaultValueFactory = _ => "runs",
        };
        var command = new Command(
            "serve",
            "Serves the dashboard and the HTTP API of runs.\n\nUntil Ctrl-C. Readers need the token in the address that it "
                + $"prints, a new one at each start, or what {ServeOptions.TokenVariable} holds.") { folder };
        var server = new ServerFlags(command);
        var noToken = new Option<bool>("--no-token")
        {
            Description = "Ask for no token: everyone on this machine may read and annotate the runs. Loopback addresses only.",
        };
        command.Add(noToken);
        help.AddExamples(
            command,
            "unweave serve",
            "unweave serve sae/ --port 8080",
            "unweave serve --address 0.0.0.0",
            "UNWEAVE_TOKEN=$(openssl rand -hex 16) unweave serve --behind-proxy");
        command.SetAction((parsed, cancellationToken) =>
        {
            ServeOptions options = server.Read(parsed, parsed.GetValue(folder)!);
            if (parsed.GetValue(noToken)) options = options with { Token = null };
            return Run(options, parsed.GetValue(json), cancellationToken);
        });
        return command;
    }

    /// <summary>Serves until cancelled, and says where.</summary>
    public static Task Run(ServeOptions options, bool json, CancellationToken cancellationToken)
    {
        if (options.Folder is { } folder && !RunFolder.Exists(folder) && Dialect.Tell(folder) is { } dialect)
        {
            throw new InputException($"{folder} holds an autoencoder of {dialect.Title} and nothing to show of it yet; make a run of it "
                + $"with `unweave features build {folder} --model … --hook … --text …`.");
        }

        return Dashboard.RunAsync(options, address => Report(options, address, json), cancellationToken);
    }

    /// <summary>Serves a folder on the usual port, or on a free one where that is taken.</summary>
    public static async Task RunAnywhere(string folder, CancellationToken cancellationToken)
    {
        Console.Out.WriteLine();
        ServeOptions options = ServerFlags.Own(folder);
        try
        {
            await Run(options, json: false, cancellationToken);
        }
        catch (InputException e) when (e.InnerException is IOException)
        {
            await Run(options with { Port = 0 }, json: false, cancellationToken);
        }
    }

    private static void Report(ServeOptions options, Uri address, bool json)
    {
        if (options is { IsReachedByOthers: true, BehindProxy: false })
        {
            Console.Error.WriteLine(
                "unweave: warning: between machines the token and all pages travel unencrypted; on a network that you do not trust, put a "
                    + "proxy with HTTPS before it and serve with --behind-proxy.");
        }

        if (json)
        {
            Screen.WriteJson(new JsonObject
            {
                ["url"] = address.AbsoluteUri,
                ["folder"] = options.Folder is { } folder ? Path.GetFullPath(folder) : null,
                ["needsToken"] = options.Token is not null,
                ["token"] = options.Token,
            });
            return;
        }

        // A token of the user's own lasts, so it is not written where others may read it; one made for this run opens the page at a click.
        bool own = options.Token is not null && string.Equals(options.Token, ServerFlags.TokenOfEnvironment, StringComparison.Ordinal);
        Console.Out.WriteLine(
            $"{(options.Folder is null ? "The explainer" : "Unweave's dashboard")} is at "
                + $"{(own ? address.GetLeftPart(UriPartial.Path) : address.AbsoluteUri)}");
        if (options.Folder is not null)
        {
            string site = address.GetLeftPart(UriPartial.Authority);
            Console.Out.WriteLine(
                $"It has {Runs(options.Folder)}. The HTTP API is described at {site}/api, the explainer is at {site}/learn.");
        }

        Console.Out.WriteLine($"{(own ? $"Readers are asked for the token in {ServeOptions.TokenVariable}. " : "")}Ctrl-C stops it.");
    }

    private static string Runs(string folder)
    {
        int count = RunFolder.Exists(folder) ? 1 : Directory.EnumerateDirectories(folder).Sum(InSubfolder);
        return count switch { 0 => "no run yet", 1 => "one run", _ => $"{Figures.Count(count)} runs" };

        static int InSubfolder(string sub) => RunFolder.Exists(sub) ? 1
            : SweepFolder.Exists(sub) ? Directory.EnumerateDirectories(sub).Count(RunFolder.Exists) : 0;
    }
}
