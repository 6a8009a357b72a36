using System.CommandLine;
using Unweave.Web;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave learn</c>: the explainer alone.</summary>
internal static class LearnCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var command = new Command(
            "learn", "Serves the explainer, an interactive guide to sparse autoencoders.\n\nIt needs no model and no data.");
        var server = new ServerFlags(command);
        help.AddExamples(command, "unweave learn", "unweave learn --port 8080");
        command.SetAction((parsed, cancellationToken) =>
        {
            ServeOptions options = server.Read(parsed, folder: null);
            // The explainer reads no runs, keeps nothing and has no page that changes anything, so that on this machine there is nothing to
            // protect, and an address without a token can be typed, bookmarked and told. Its demonstrations take processor time, which
            // other machines get only with the token; and who sets a token wants it asked for.
            if (!options.IsReachedByOthers && ServerFlags.TokenOfEnvironment is null) options = options with { Token = null };
            return ServeCommand.Run(options, parsed.GetValue(json), cancellationToken);
        });
        return command;
    }
}
