using System.CommandLine;
using Unweave.Web;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave learn</c>: the explainer alone.</summary>
internal static class LearnCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var port = new Option<int>("--port", "-p") { HelpName = "N", Description = "Port; 0 takes a free one.", DefaultValueFactory = _ => ServeCommand.UsualPort };
        var address = new Option<string>("--address") { HelpName = "IP", Description = $"Address to listen on. Any but a loopback address needs a token in {ServeOptions.TokenVariable}, which readers are then asked for.", DefaultValueFactory = _ => "127.0.0.1" };
        var command = new Command("learn", "Serves the explainer: what a sparse autoencoder is, to be played with. Needs no model and no data.") { port, address };
        help.AddExamples(command, "unweave learn", "unweave learn --port 8080");
        command.SetAction((parsed, cancellation) => ServeCommand.Run(ServeCommand.Options(null, parsed.GetValue(port), parsed.GetValue(address)!), parsed.GetValue(json), cancellation));
        return command;
    }
}
