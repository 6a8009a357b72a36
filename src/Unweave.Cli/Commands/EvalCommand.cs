using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Checkpoints;
using Unweave.Cli.Rendering;
using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Formats;
using Unweave.Hosts;
using Unweave.Onnx;
using Unweave.Training;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave eval</c>: measures a trained autoencoder beside its baselines.</summary>
internal static class EvalCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var sae = new Argument<string>("SAE") { Description = "Trained autoencoder: the folder of its run, or its file." };
        var files = new Argument<string[]>("FILES") { Description = "Files of vectors, [rows, d]; left out, those that the run was trained on.", Arity = ArgumentArity.ZeroOrMore };
        var all = new Option<bool>("--all") { Description = "Measure on every row of the files; left out, on the rows that the run held out from training." };
        var tensor = new Option<string>("--tensor") { HelpName = "NAME", Description = "Tensor or column that holds the vectors; left out, that of the run." };
        var hook = new Option<string>("--hook") { HelpName = "HOOK", Description = "With --model: where to splice the autoencoder in; left out, the hook that it was trained on." };
        var tokens = new Option<long>("--tokens") { HelpName = "N", Description = "With --model: tokens of the texts to run, at most.", DefaultValueFactory = _ => 100_000 };
        var command = new Command("eval", "Measures a trained autoencoder, beside PCA and a random dictionary, and shows how often its latents fire; or, spliced into its host model, what it costs the model's predictions.") { sae, files, all, tensor, hook, tokens };
        var host = new HostFlags(command);
        help.AddExamples(command, "unweave eval sae/", "unweave eval sae/ vectors.npy --all", "unweave eval sae/ --text heldout.txt");
        command.SetAction((parsed, cancellation) =>
        {
            if (host.HasModel(parsed) || host.HasText(parsed)) Splice(parsed.GetValue(sae)!, host, parsed, parsed.GetValue(hook), parsed.GetValue(tokens), parsed.GetValue(json), cancellation);
            else Run(parsed.GetValue(sae)!, parsed.GetValue(files) ?? [], parsed.GetValue(tensor), parsed.GetValue(all), parsed.GetValue(json), cancellation);
            return Task.CompletedTask;
        });
        return command;
    }

    private static void Run(string sae, string[] files, string? tensor, bool all, bool json, CancellationToken cancellation)
    {
        using var autoencoder = Autoencoder.Load(sae);
        string folder = Directory.Exists(sae) ? sae : Path.GetDirectoryName(Path.GetFullPath(sae))!;
        string settings = Path.Combine(folder, Trainer.SettingsFileName);
        TrainingOptions? run = File.Exists(settings) ? RunFile.Read(settings) : null;
        IReadOnlyList<string> data = files.Length > 0 ? files : run?.Data ?? [];
        if (data.Count == 0) throw new InputException($"no data is named, and {folder} does not say what {sae} was trained on; give files of vectors.");
        using ActivationFiles source = ActivationFiles.Open(data, tensor ?? run?.Tensor);
        if (source.Width != autoencoder.InputWidth)
            throw new InputException($"{source.Name} has vectors of width {source.Width}, but {sae} was trained on width {autoencoder.InputWidth}; give vectors of the same model and layer.");
        (IActivationSource training, IActivationSource measured) = all ? (source, source) : HeldOut(run, folder, source);
        var display = new RowsDisplay("measured", measured.Rows, TimeProvider.System);
        var comparison = Comparison.Run(autoencoder, training, measured, new RowsProgress(display, measured.Rows), cancellation);
        RowsDisplay.Clear();
        if (json)
        {
            JsonObject result = comparison.ToJson();
            result["rows"] = measured.Rows;
            result["heldOut"] = !all;
            Screen.WriteJson(result);
            return;
        }

        Console.Out.WriteLine($"{sae} on {Figures.Count(measured.Rows)} rows of {source.Name}{(all ? "" : ", held out from training")}:");
        MetricsTable.Write(comparison);
        if (comparison.Trained.Density is { } density) DensityChart.Write(density, measured.Rows);
    }

    /// <summary>Splices the autoencoder into its host model.</summary>
    private static void Splice(string sae, HostFlags flags, ParseResult parsed, string? hookName, long tokens, bool json, CancellationToken cancellation)
    {
        if (tokens < 2) throw new InputException($"--tokens is {tokens}; a prediction needs at least 2.");
        using var autoencoder = Autoencoder.Load(sae);
        HostReference? trained = HostReference.Find(sae);
        string path = flags.ModelPath(parsed, trained?.Model);
        using OnnxHost model = OnnxHost.Open(path);
        if (trained is not null && !string.Equals(trained.ModelHash, model.Hash, StringComparison.Ordinal)) Console.Error.WriteLine($"{sae} was trained on another model ({trained.Model}); figures on {path} say how well it carries over.");
        Hook hook = model.FindOne(hookName ?? trained?.Hook ?? throw new InputException($"{sae} does not say which hook it was trained on; name it with --hook (`unweave hooks {path}` lists them)."));
        TextCorpus corpus = flags.Corpus(parsed);
        var evaluator = new SpliceEvaluator(model, flags.Tokenizer(parsed, path), hook, flags.Pass(parsed));
        var display = new RowsDisplay("spliced", tokens, TimeProvider.System);
        SpliceReport report = evaluator.Run(autoencoder, corpus.Documents().Select(document => document.Document), corpus.Name, tokens, new RowsProgress(display, tokens), cancellation);
        RowsDisplay.Clear();
        if (json)
        {
            Screen.WriteJson(JsonNode.Parse(report.ToJson())!);
            return;
        }

        Console.Out.WriteLine($"{sae} spliced into {model.Name} on {corpus.Name}:");
        SpliceTable.Write(report);
        if (report.Reconstruction.Density is { } density) DensityChart.Write(density, report.Reconstruction.Rows);
    }

    /// <summary>The rows that the run trained on and those that it held out.</summary>
    private static (IActivationSource Training, IActivationSource HeldOut) HeldOut(TrainingOptions? run, string folder, ActivationFiles source)
    {
        const string Fix = "add --all to measure on every row of the files";
        if (run is null) throw new InputException($"{folder} has no {Trainer.SettingsFileName}, so which rows were held out from training is not known; {Fix}.");
        if (run.Validation == 0) throw new InputException($"the run in {folder} held no rows out (validation is 0); {Fix}.");
        if (TrainedRows(folder) is { } rows && rows != source.Rows)
            throw new InputException($"{source.Name} has {source.Rows} rows, but the run in {folder} was trained on {rows}, so these are other data; {Fix}.");
        return Comparison.Split(source, run.Seed, run.Validation);
    }

    /// <summary>Number of rows that a run was trained on, from its checkpoint, where it still has one.</summary>
    private static long? TrainedRows(string folder)
    {
        string path = Path.Combine(folder, "training.safetensors");
        if (!File.Exists(path)) return null;
        using TensorFile state = TensorFile.Open(path);
        return state.Metadata.TryGetValue("data_rows", out string? rows) && long.TryParse(rows, CultureInfo.InvariantCulture, out long count) ? count : null;
    }

    private sealed class RowsProgress(RowsDisplay display, long rows) : IProgress<double>
    {
        public void Report(double value) => display.Report((long)(value * rows));
    }
}
