using System.CommandLine;
using Unweave.Web;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave serve</c>: the dashboard over the runs of a folder.</summary>
internal static class ServeCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help)
    {
        var folder = new Argument<string>("FOLDER") { Description = "Folder of a run, or one whose subfolders are runs.", DefaultValueFactory = _ => "runs" };
        var port = new Option<int>("--port") { HelpName = "N", Description = "Port; 0 takes a free one.", DefaultValueFactory = _ => 5210 };
        var command = new Command("serve", "Serves the dashboard and the HTTP API over trained autoencoders.") { folder, port };
        help.AddExamples(command, "unweave serve");
        command.SetAction(async (parsed, cancellation) =>
        {
            await using WebApplication server = Dashboard.Build(new ServeOptions { Folder = parsed.GetValue(folder)!, Port = parsed.GetValue(port) });
            await server.StartAsync(cancellation);
            Console.Out.WriteLine($"Unweave's dashboard is at {server.Urls.First()}");
            await Task.Delay(Timeout.Infinite, cancellation).ContinueWith(_ => { }, TaskScheduler.Default);
            await server.StopAsync(CancellationToken.None);
        });
        return command;
    }
}
