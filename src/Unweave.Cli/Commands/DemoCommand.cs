using System.CommandLine;

namespace Unweave.Cli.Commands;

/// <summary>
/// <c>unweave demo</c>: harvests the embedded language model, trains on what it reads, splices the autoencoder back in, and shows what its
/// latents mean.
/// </summary>
internal static class DemoCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var embeddings = new Option<bool>("--embeddings")
        {
            Description = "Train on 32,000 embedded WordNet definitions instead of a language model's activations: 1,024 latents, 16 of "
                + "them active, 3000000 rows, into runs/demo-embeddings, at the run file's own learning rate.",
        };
        var rows = new Option<long>("--harvest")
        {
            HelpName = "N",
            Description = "Activations to harvest.",
            DefaultValueFactory = _ => LanguageModelDemo.Rows,
        };
        var noServe = new Option<bool>("--no-serve")
        {
            Description = "End when all is shown. Otherwise, on a terminal, the dashboard is served until Ctrl-C.",
        };
        var command = new Command("demo",
            "Trains on the embedded language model and shows what is found.\n\n"
            + "It harvests the model's residual stream, trains an autoencoder on "
            + "it, splices it back in and measures what that costs the model's predictions, and shows what its latents mean, with their "
            + "tokens in context.")
        {
            embeddings, rows, noServe,
        };
        var flags = new SettingFlags(command, help, defaults: LanguageModelDemo.Settings, without: ["data", "tensor"]);
        help.AddExamples(command, "unweave demo", "unweave demo --embeddings",
            "unweave demo --latents 2048 --k 16 --tokens 500_000 -o small/");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            bool asJson = parsed.GetValue(json), served = !parsed.GetValue(noServe) && !asJson && !Console.IsOutputRedirected;
            (int code, string folder) = parsed.GetValue(embeddings)
                ? await EmbeddingsDemo.Run(flags.Read(parsed), asJson, cancellationToken)
                : await LanguageModelDemo.Run(flags.Read(parsed), parsed.GetValue(rows), asJson, cancellationToken);
            if (code == ExitCode.Done && served) await ServeCommand.RunAnywhere(folder, cancellationToken);
            return code;
        });
        return command;
    }
}
