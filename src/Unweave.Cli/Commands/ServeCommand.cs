using System.CommandLine;
using System.Net;
using System.Text.Json.Nodes;
using Unweave.Web;
using Unweave.Learn;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave serve</c>: the dashboard over the runs of a folder.</summary>
internal static class ServeCommand
{
    /// <summary>Port where none is named.</summary>
    internal const int UsualPort = 5210;

    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var folder = new Argument<string>("FOLDER") { Description = "Folder of a run, or one whose subfolders are runs.", DefaultValueFactory = _ => "runs" };
        var port = new Option<int>("--port", "-p") { HelpName = "N", Description = "Port; 0 takes a free one.", DefaultValueFactory = _ => UsualPort };
        var address = new Option<string>("--address") { HelpName = "IP", Description = $"Address to listen on. Any but a loopback address needs a token in {ServeOptions.TokenVariable}, which readers are then asked for.", DefaultValueFactory = _ => "127.0.0.1" };
        var command = new Command("serve", "Serves the dashboard and the HTTP API over trained autoencoders, until Ctrl-C.") { folder, port, address };
        help.AddExamples(command, "unweave serve", "unweave serve sae/ --port 8080", "UNWEAVE_TOKEN=$(openssl rand -hex 16) unweave serve --address 0.0.0.0");
        command.SetAction((parsed, cancellation) => Run(Options(parsed.GetValue(folder)!, parsed.GetValue(port), parsed.GetValue(address)!), parsed.GetValue(json), cancellation));
        return command;
    }

    /// <summary>Serves until cancelled.</summary>
    public static async Task Run(ServeOptions options, bool json, CancellationToken cancellation)
    {
        await using WebApplication server = Dashboard.Build(options);
        try
        {
            await server.StartAsync(cancellation);
        }
        catch (IOException e) when (e.InnerException is not null)
        {
            throw new InputException($"port {options.Port} of {options.Address} is taken by another program; choose another with --port, or --port 0 for any free one.", e);
        }
        catch (System.Net.Sockets.SocketException e)
        {
            throw new InputException($"{options.Address} port {options.Port} cannot be listened on ({e.Message}); choose others with --address and --port.", e);
        }

        string at = server.Urls.First() + (options.Folder is null ? Chapter.Start : "");
        if (json) Screen.WriteJson(new JsonObject { ["url"] = at, ["folder"] = options.Folder is { } folder ? Path.GetFullPath(folder) : null, ["needsToken"] = options.Token is not null });
        else Console.Out.WriteLine($"{(options.Folder is null ? "The explainer" : "Unweave's dashboard")} is at {at}{(options.Token is null ? "" : $"; readers are asked for the token in {ServeOptions.TokenVariable}")}. Ctrl-C stops it.");
        await AskFirst(at, cancellation);
        await Task.Delay(Timeout.Infinite, cancellation).ContinueWith(_ => { }, TaskScheduler.Default);
        await server.StopAsync(CancellationToken.None);
    }

    // A page is compiled when it is first asked for, which takes half a second: that is over before a reader comes.
    private static async Task AskFirst(string at, CancellationToken cancellation)
    {
        try
        {
            using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
            using HttpResponseMessage answer = await client.GetAsync(new Uri(at), cancellation);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
        }
    }

    /// <summary>Serves a folder on the usual port, or on a free one where that is taken.</summary>
    public static async Task RunAnywhere(string folder, CancellationToken cancellation)
    {
        Console.Out.WriteLine();
        ServeOptions options = Options(folder, UsualPort, "127.0.0.1");
        try
        {
            await Run(options, json: false, cancellation);
        }
        catch (InputException e) when (e.InnerException is IOException)
        {
            await Run(options with { Port = 0 }, json: false, cancellation);
        }
    }

    /// <summary>What the flags and the environment ask for.</summary>
    public static ServeOptions Options(string? folder, int port, string address) => new()
    {
        Folder = folder,
        Port = port,
        Address = string.Equals(address, "localhost", StringComparison.OrdinalIgnoreCase) ? IPAddress.Loopback : IPAddress.TryParse(address, out IPAddress? parsed) ? parsed : throw new InputException($"--address is '{address}'; it must be an IP address, for instance 127.0.0.1 or 0.0.0.0."),
        Token = Environment.GetEnvironmentVariable(ServeOptions.TokenVariable) is { Length: > 0 } token ? token : null,
    };
}
