using System.CommandLine;
using Unweave.Data;
using Unweave.Hosts;
using Unweave.Interpretation;
using Unweave.Onnx;
using Unweave.Training;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave features build</c>: what every latent does, in one pass, into the catalog of the autoencoder's folder.</summary>
internal static class FeaturesBuildCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var sae = new Argument<string>("SAE") { Description = "Trained autoencoder: the folder of its run. The catalog is made in it." };
        var data = new Argument<string[]>("DATA") { Description = "A harvest, or files of vectors; left out, texts run through the model (--text), or else what the run was trained on.", Arity = ArgumentArity.ZeroOrMore };
        var tokens = new Option<long?>("--tokens") { HelpName = "N", Description = "With --text: stop at the end of the document with which there are this many tokens; left out, all texts are read." };
        var hook = new Option<string?>("--hook") { HelpName = "HOOK", Description = "With --text: where the autoencoder belongs; left out, where it was trained." };
        var tensor = new Option<string?>("--tensor") { HelpName = "NAME", Description = "Tensor or column that holds the vectors; left out, that of the run." };
        var seed = new Option<ulong>("--seed") { HelpName = "N", Description = "Seed of the examples drawn at random." };
        var command = new Command("build", "Finds what every latent does: where it fires, on what, with which others, what it means; and makes the catalog that the dashboard shows.") { sae, data, tokens, hook, tensor, seed };
        var host = new HostFlags(command);
        help.AddExamples(command, "unweave features build sae/ --text corpus/", "unweave features build sae/ acts/", "unweave features build sae/ vectors.npy --text texts.jsonl");
        command.SetAction((parsed, cancellation) =>
        {
            string path = parsed.GetValue(sae)!;
            using var autoencoder = FeatureBuild.Open(path);
            FeatureBuild.Result result;
            string[] named = parsed.GetValue(data) ?? [];
            TrainingOptions? run = FeatureBuild.Settings(path);
            IReadOnlyList<string> files = named.Length > 0 ? named : host.HasText(parsed) && HostReference.Find(path) is not null ? [] : run?.Data ?? [];
            var options = new FeatureStatisticsOptions { Seed = parsed.GetValue(seed) };
            if (files.Count == 0) result = FromTexts();
            else if (files.Count == 1 && FeatureBuild.IsHarvest(files[0])) result = FromHarvest(files[0]);
            else result = FromVectors(files);
            if (parsed.GetValue(json)) Screen.WriteJson(result.ToJson());
            else result.Write();
            return Task.CompletedTask;

            FeatureBuild.Result FromTexts()
            {
                HostReference? trained = HostReference.Find(path);
                string model = host.ModelPath(parsed, trained?.Model);
                using OnnxHost opened = OnnxHost.Open(model);
                Hook at = opened.FindOne(parsed.GetValue(hook) ?? trained?.Hook ?? throw new InputException($"{path} does not say which hook it was trained on; name it with --hook (`unweave hooks {model}` lists them)."));
                return FeatureBuild.FromTexts(path, autoencoder, opened, host.Tokenizer(parsed, model), at, host.Corpus(parsed), host.Pass(parsed), parsed.GetValue(tokens) ?? long.MaxValue, options, cancellation);
            }

            FeatureBuild.Result FromHarvest(string folder)
            {
                HostReference? trained = HostReference.Find(path);
                string model = host.ModelPath(parsed, trained?.Model);
                using OnnxHost opened = OnnxHost.Open(model);
                return FeatureBuild.FromHarvest(path, autoencoder, opened, host.Tokenizer(parsed, model), folder, parsed.GetValue(hook) ?? trained?.Hook, options, cancellation);
            }

            FeatureBuild.Result FromVectors(IReadOnlyList<string> files)
            {
                using ActivationFiles source = ActivationFiles.Open(files, parsed.GetValue(tensor) ?? run?.Tensor);
                string[]? texts = host.HasText(parsed) ? [.. host.Corpus(parsed).Documents().Select(document => document.Document.Text)] : null;
                return FeatureBuild.FromVectors(path, autoencoder, source, texts, options, cancellation);
            }
        });
        return command;
    }
}
