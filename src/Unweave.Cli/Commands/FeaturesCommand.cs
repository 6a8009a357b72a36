using System.CommandLine;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave features</c>: what the latents of an autoencoder mean.</summary>
internal static class FeaturesCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var command = new Command("features", "Makes the catalog of what latents mean, and looks into it.")
        {
            FeaturesBuildCommand.Create(help, json),
            FeaturesListCommand.Create(help, json),
            FeaturesShowCommand.Create(help, json),
            FeaturesMarkCommand.Create(help, json),
            FeaturesExplainCommand.Create(help, json),
            FeaturesMapCommand.Create(help, json),
            FeaturesExportCommand.Create(help),
        };
        help.AddExamples(command, "unweave features build sae/ --text corpus/", "unweave features list sae/ war");
        return command;
    }
}
