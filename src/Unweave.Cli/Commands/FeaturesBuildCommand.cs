using System.CommandLine;
using Unweave.Data;
using Unweave.Interpretation;
using Unweave.Onnx;
using Unweave.Runs;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave features build</c>: what every latent does, in one pass, into the catalog of the autoencoder's folder.</summary>
internal static class FeaturesBuildCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var sae = new Argument<string>("SAE")
        {
            Description = "Trained autoencoder: the folder of its run, in which the catalog is made, or one of another library.",
        };
        var output = new Option<string?>("--output", "-o")
        {
            HelpName = "FOLDER",
            Description = "Folder of the run that is made of another library's autoencoder; left out, its own folder.",
        };
        var data = new Argument<string[]>("DATA")
        {
            Description =
                "A harvest, or files of vectors; left out, texts run through the model (--text), or else what the run was trained on.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var tokens = new Option<long?>("--tokens")
        {
            HelpName = "N",
            Description =
                "With --text: stop at the end of the document with which there are this many tokens; left out, all texts are read.",
        };
        var hook = new Option<string?>("--hook")
        {
            HelpName = "HOOK",
            Description = "With --text: where the autoencoder belongs; left out, where it was trained.",
        };
        var tensor = new Option<string?>("--tensor")
        {
            HelpName = "NAME",
            Description = "Tensor or column that holds the vectors; left out, that of the run.",
        };
        var seed = new Option<ulong>("--seed") { HelpName = "N", Description = "Seed of the examples drawn at random." };
        var command = new Command("build",
            "Makes the catalog of what every latent does.\n\n"
            + "Where it fires, on what, with which others, and what it means: the catalog that "
            + "the dashboard shows.")
        {
            sae, data, output, tokens, hook, tensor, seed,
        };
        var host = new HostFlags(command);
        help.AddExamples(command, "unweave features build sae/ --text corpus/", "unweave features build sae/ acts/",
            "unweave features build sae/ vectors.npy --text texts.jsonl",
            "unweave features build gemma-scope/ --model gemma/ --hook blocks.2 --text corpus/ -o runs/gemma");
        command.SetAction((parsed, cancellationToken) =>
        {
            using var subject = FeatureBuild.Subject.Open(parsed.GetValue(sae)!, parsed.GetValue(output));
            RunFolder run = subject.Run;
            string[] named = parsed.GetValue(data) ?? [];
            // Texts are run through the model that is named, or that the run was trained on; beside vectors they stand one for each row.
            bool throughModel = host.HasText(parsed) && (host.HasModel(parsed) || run.Host is not null);
            IReadOnlyList<string> files = named.Length > 0 ? named : throughModel ? [] : run.Data;
            var options = new FeatureStatisticsOptions { Seed = parsed.GetValue(seed) };
            FeatureBuild.Result result = files.Count == 0 ? FromTexts()
                : files.Count == 1 && FeatureBuild.IsHarvest(files[0]) ? FromHarvest(files[0]) : FromVectors(files);
            if (parsed.GetValue(json)) Screen.WriteJson(result.ToJson());
            else result.Write();
            return Task.CompletedTask;

            FeatureBuild.Result FromTexts()
            {
                using RunHost opened = host.Open(run, parsed, parsed.GetValue(hook));
                return FeatureBuild.FromTexts(subject, opened, host.Corpus(parsed), parsed.GetValue(tokens) ?? long.MaxValue, options,
                    cancellationToken);
            }

            FeatureBuild.Result FromHarvest(string folder)
            {
                using RunHost opened = host.Open(run, parsed, hook: null);
                string? at = parsed.GetValue(hook) ?? run.Host?.Hook;
                return FeatureBuild.FromHarvest(subject, opened.Model, opened.Tokenizer, folder, at,
                    recorded => host.Corpus(parsed, recorded), options, cancellationToken);
            }

            FeatureBuild.Result FromVectors(IReadOnlyList<string> files)
            {
                using ActivationFiles source = ActivationFiles.Open(files, parsed.GetValue(tensor) ?? run.Settings?.Tensor).Ended();
                if (host.HasModel(parsed))
                    throw new InputException(
                        $"--model names a model to run, but {files[0]} holds vectors, which are read as they are; leave one of them out.");
                string[]? texts = host.HasText(parsed) ? [.. host.Corpus(parsed).Texts()] : null;
                return FeatureBuild.FromVectors(subject, source, texts, options, cancellationToken);
            }
        });
        return command;
    }
}
