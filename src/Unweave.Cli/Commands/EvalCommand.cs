using System.CommandLine;
using System.Text.Json.Nodes;
using Spectre.Console;
using Unweave.Autoencoders;
using Unweave.Checkpoints;
using Unweave.Cli.Rendering;
using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Onnx;
using Unweave.Runs;
using Unweave.Training;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave eval</c>: measures a trained autoencoder beside its baselines.</summary>
internal static class EvalCommand
{
    private const int OutliersShown = 8;

    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var sae = new Argument<string>("SAE")
        {
            Description = "Trained autoencoder: the folder of its run, or its file; or one of another library.",
        };
        var files = new Argument<string[]>("FILES")
        {
            Description = "Files of vectors, [rows, d]; left out, those that the run was trained on.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var all = new Option<bool>("--all")
        {
            Description = "Measure on every row of the files; left out, on the rows that the run held out from training.",
        };
        var tensor = new Option<string>("--tensor")
        {
            HelpName = "NAME",
            Description = "Tensor or column that holds the vectors; left out, that of the run.",
        };
        var hook = new Option<string>("--hook")
        {
            HelpName = "HOOK",
            Description = "With --model: where to splice the autoencoder in; left out, the hook that it was trained on.",
        };
        var tokens = new Option<long>("--tokens")
        {
            HelpName = "N",
            Description = "With --model: tokens of the texts to run, at most.",
            DefaultValueFactory = _ => 100_000,
        };
        var truth = new Option<string>("--truth")
        {
            HelpName = "NAME",
            Description = "Score it against the known features of a synthetic model (`unweave synth` lists them); a run that was trained "
                + "on one is scored against it anyway.",
        };
        var rows = new Option<long>("--rows")
        {
            HelpName = "N",
            Description = "Rows of a synthetic model to measure on.",
            DefaultValueFactory = _ => 100_000,
        };
        var prune = new Option<double?>("--prune")
        {
            HelpName = "TAU",
            Description = "Drop from each row's code the latents whose value beside the others is not above this, at the scale of the "
                + "weights; the result is not kept.",
        };
        var refit = new Option<bool>("--refit")
        {
            Description = "Find the values of each row's active latents anew, by least squares; the result is not kept.",
        };
        var unsaved = new Option<bool>("--no-save")
        {
            Description = $"Do not keep the result in {RunFolder.EvaluationName} of the run's folder.",
        };
        Option<string> baselines = BaselineNames.Flag();
        var command = new Command("eval",
            "Measures a trained autoencoder beside its baselines.\n\n"
            + "It is measured beside PCA, ICA, semi-NMF, k-SVD, a random dictionary and the vectors' own largest elements, with how often "
            + "its latents fire; or, with --text, spliced into its host model: what it costs the model's predictions. The result is kept "
            + "in the run's folder, where the dashboard shows it.")
        {
            sae, files, all, tensor, baselines, hook, tokens, truth, rows, prune, refit, unsaved,
        };
        var host = new HostFlags(command);
        help.AddExamples(command, "unweave eval sae/", "unweave eval sae/ vectors.npy --all", "unweave eval sae/ --text heldout.txt");
        command.SetAction((parsed, cancellationToken) =>
        {
            var refinement = new Refinement(parsed.GetValue(prune), parsed.GetValue(refit));
            bool save = !parsed.GetValue(unsaved) && refinement.IsNone, asJson = parsed.GetValue(json);
            long most = parsed.GetValue(rows);
            if (most < 1) throw new InputException($"--rows is {most}; measuring needs at least one row.");
            if (host.HasModel(parsed) || host.HasText(parsed))
                Splice(parsed.GetValue(sae)!, refinement, host, parsed, parsed.GetValue(hook), parsed.GetValue(tokens), save, asJson,
                    cancellationToken);
            else if (parsed.GetValue(truth) is { } name)
                ScoreAgainst(parsed.GetValue(sae)!, refinement, name, most, save, asJson, cancellationToken);
            else Run(parsed.GetValue(sae)!, refinement, parsed.GetValue(files) ?? [], parsed.GetValue(tensor), parsed.GetValue(all), most,
                BaselineNames.Parse(parsed.GetValue(baselines)!), save, asJson, cancellationToken);
            return Task.CompletedTask;
        });
        return command;
    }

    // Refined codes are another autoencoder's than the one in the folder, so what is measured of them is not kept there.
    private sealed record Refinement(double? Prune, bool Refit)
    {
        public bool IsNone => Prune is null && !Refit;

        public Autoencoder Load(RunFolder run)
        {
            Autoencoder autoencoder = run.LoadAutoencoder();
            if (IsNone) return autoencoder;
            try
            {
                return autoencoder is SparseAutoencoder sparse
                    ? new RefinedAutoencoder(sparse, Prune, Refit)
                    : throw new InputException($"{autoencoder.Options.Describe()} has no latents to prune or refit; leave out --prune and "
                        + "--refit.");
            }
            catch
            {
                autoencoder.Dispose();
                throw;
            }
        }
    }

    private static void ScoreAgainst(string sae, Refinement refinement, string truth, long rows, bool save, bool json,
        CancellationToken cancellationToken)
    {
        var run = RunFolder.Open(sae);
        string? hash = run.AutoencoderHash;
        using Autoencoder autoencoder = refinement.Load(run);
        if (autoencoder is not SparseAutoencoder sparse)
            throw new InputException($"{autoencoder.Options.Describe()} has no dictionary to compare with known features.");
        using var model = new SyntheticModel(SyntheticModelOptions.Parse(truth));
        KnownTruth known = KnownTruth.Measure(sparse, model, rows, cancellationToken);
        JsonObject result = new() { ["truth"] = known.ToJson(), [RunFolder.HashKey] = hash };
        bool kept = save && Keep(run, result);
        if (json)
        {
            Screen.WriteJson(result);
            return;
        }

        known.Write(sae);
        if (kept) SayKept(run);
    }

    private static void Run(string sae, Refinement refinement, string[] files, string? tensor, bool all, long rows,
        IReadOnlyList<BaselineKind> baselines, bool save, bool json, CancellationToken cancellationToken)
    {
        var run = RunFolder.Open(sae);
        string? hash = run.AutoencoderHash;
        using Autoencoder autoencoder = refinement.Load(run);
        IReadOnlyList<string> data = files.Length > 0 ? files : run.Data;
        if (data.Count == 0)
            throw new InputException($"no data is named, and {run.Path} does not say what {sae} was trained on; give files of vectors.");
        using ActivationFiles source = ActivationFiles.Open(data, tensor ?? run.Settings?.Tensor, files.Length > 0 ? [] : run.Targets);
        if (source.Width != autoencoder.InputWidth)
        {
            throw new InputException(
                $"{source.Name} has vectors of width {source.Width}, but {sae} was trained on width {autoencoder.InputWidth}; " +
                "give vectors of the same model and layer.");
        }

        (IActivationSource training, IActivationSource measured) = all ? (source, source) : HeldOut(run, source);
        if (source.IsEndless)
        {
            measured = RowSubset.Range(measured, 0, rows);
            if (all) training = measured;
        }

        var display = new RowsDisplay("measured", measured.Rows, TimeProvider.System);
        var comparison = Comparison.Run(
            autoencoder, training, measured, baselines, new RowsProgress(display, measured.Rows), cancellationToken);
        RowsDisplay.Clear();
        KnownTruth? known = autoencoder is SparseAutoencoder compared && source.Synthetic is { } model
            ? KnownTruth.Measure(compared, model, rows, cancellationToken)
            : null;
        LoadProbe? concerns = autoencoder is SparseAutoencoder sparse && run.AutoencoderHash is null
            ? LoadProbe.Run(sparse, measured, cancellationToken)
            : null;
        JsonObject result = comparison.ToJson();
        if (known is not null) result["truth"] = known.ToJson();
        if (concerns is not null) result["concerns"] = ProbeFlag.ToJson(concerns)!["concerns"]!.DeepClone();
        if (autoencoder.Origin is { Facts.Count: > 0 } origin)
            result["facts"] = new JsonObject(origin.Facts.Select(fact => KeyValuePair.Create(fact.Key, (JsonNode?)fact.Value)));
        IReadOnlyList<OutlierGroup> outliers = OutlierNames.Of(comparison.Trained, measured, source, run);
        if (outliers.Count > 0) result["outliers"] = OutlierNames.ToJson(outliers);
        result["data"] = source.Name;
        result["rows"] = measured.Rows;
        result["heldOut"] = !all;
        result[RunFolder.HashKey] = hash;
        bool kept = save && Keep(run, result);
        if (json)
        {
            Screen.WriteJson(result);
            return;
        }

        Console.Out.WriteLine($"{sae} on {Figures.Count(measured.Rows)} rows of {source.Name}{(all ? "" : ", held out from training")}:");
        MetricsTable.Write(comparison);
        foreach (OutlierGroup group in outliers.Take(OutliersShown)) Console.Out.WriteLine($"  {group.Describe()}");
        if (outliers.Count > OutliersShown) Console.Out.WriteLine($"  and {Figures.Count(outliers.Count - OutliersShown)} more kinds");
        known?.Write(sae);
        if (comparison.Trained.Density is { } density) DensityChart.Write(density, measured.Rows);
        foreach ((string name, string value) in autoencoder.Origin?.Facts ?? new Dictionary<string, string>(StringComparer.Ordinal))
            Console.Out.WriteLine($"Its files say {name}: {value.ReplaceLineEndings(" ")}");
        foreach (string concern in concerns?.Concerns ?? []) Screen.Results.MarkupLine($"[yellow]{Markup.Escape(concern)}[/]");
        if (kept) SayKept(run);
    }

    /// <summary>Splices the autoencoder into its host model.</summary>
    private static void Splice(string sae, Refinement refinement, HostFlags flags, ParseResult parsed, string? hookName, long tokens,
        bool save, bool json, CancellationToken cancellationToken)
    {
        if (tokens < 2) throw new InputException($"--tokens is {tokens}; a prediction needs at least 2.");
        var run = RunFolder.Open(sae);
        string? hash = run.AutoencoderHash;
        using Autoencoder autoencoder = refinement.Load(run);
        using RunHost host = flags.Open(run, parsed, hookName);
        TextCorpus corpus = flags.Corpus(parsed);
        var evaluator = host.Target is { } target
            ? new SpliceEvaluator(host.Model, host.Tokenizer, target, host.Pass, source: host.Hook)
            : new SpliceEvaluator(host.Model, host.Tokenizer, host.Hook, host.Pass);
        var display = new RowsDisplay("spliced", tokens, TimeProvider.System);
        SpliceReport report = evaluator.Run(autoencoder, corpus.Documents().Select(document => document.Document), corpus.Name, tokens,
            new RowsProgress(display, tokens), cancellationToken);
        RowsDisplay.Clear();
        MalformedTexts.Say(corpus);
        JsonObject result = JsonNode.Parse(report.ToJson())!.AsObject();
        MalformedTexts.AddTo(result, corpus);
        // Kept apart from the figures of rows, which are others.
        bool kept = save && Keep(run, new JsonObject { ["splice"] = result.DeepClone(), [RunFolder.HashKey] = hash });
        if (json)
        {
            result[RunFolder.HashKey] = hash;
            Screen.WriteJson(result);
            return;
        }

        Console.Out.WriteLine($"{sae} spliced into {host.Model.Name} on {corpus.Name}:");
        SpliceTable.Write(report);
        if (report.Reconstruction.Density is { } density) DensityChart.Write(density, report.Reconstruction.Rows);
        if (kept) SayKept(run);
    }

    // A file of another name is not the folder's autoencoder, so what is measured of it is not kept as if it were.
    private static bool Keep(RunFolder run, JsonObject result)
    {
        if (!string.Equals(Path.GetFileName(run.AutoencoderPath), AutoencoderFile.FileName, StringComparison.Ordinal)
            || !File.Exists(run.AutoencoderPath))
            return false;
        try
        {
            run.AddEvaluation(result);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"unweave: the result is not kept: {run.EvaluationPath} cannot be written ({e.Message}).");
            return false;
        }
    }

    private static void SayKept(RunFolder run) =>
        Console.Out.WriteLine($"Kept in {run.EvaluationPath}; `unweave serve {run.Path}` shows it.");

    /// <summary>The rows that the run trained on and those that it held out.</summary>
    private static (IActivationSource Training, IActivationSource HeldOut) HeldOut(RunFolder run, ActivationFiles source)
    {
        const string Fix = "add --all to measure on every row of the files";
        TrainingOptions settings = run.Settings
            ?? throw new InputException(
                $"{run.Path} has no {RunFolder.SettingsName}, so which rows were held out from training is not known; {Fix}.");
        if (settings.Validation == 0) throw new InputException($"the run in {run.Path} held no rows out (validation is 0); {Fix}.");
        run.CheckTrainedOn(source, Fix);
        return Comparison.Split(source, settings.Seed, settings.Validation);
    }

    private sealed class RowsProgress(RowsDisplay display, long rows) : IProgress<double>
    {
        public void Report(double value) => display.Report((long)(value * rows));
    }
}
