using System.CommandLine;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave demo</c>: harvests the embedded language model, trains on what it reads, splices the autoencoder back in, and shows what its latents mean.</summary>
internal static class DemoCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var embeddings = new Option<bool>("--embeddings") { Description = "Train on 32,000 embedded WordNet definitions instead of a language model's activations." };
        var rows = new Option<long>("--harvest") { HelpName = "N", Description = "Activations to harvest.", DefaultValueFactory = _ => LanguageModelDemo.Rows };
        var command = new Command("demo", "Harvests the residual stream of the embedded language model, trains an autoencoder on it (into runs/demo), splices it back in and measures what that costs the model's predictions, and shows the clearest latents with their tokens in context.") { embeddings, rows };
        var flags = new SettingFlags(command, help, without: ["data", "tensor"]);
        help.AddExamples(command, "unweave demo", "unweave demo --embeddings", "unweave demo --latents 2048 --k 16 --tokens 500_000 -o small/");
        command.SetAction((parsed, cancellation) => parsed.GetValue(embeddings)
            ? EmbeddingsDemo.Run(flags.Read(parsed), parsed.GetValue(json), cancellation)
            : LanguageModelDemo.Run(flags.Read(parsed), parsed.GetValue(rows), parsed.GetValue(json), cancellation));
        return command;
    }
}
