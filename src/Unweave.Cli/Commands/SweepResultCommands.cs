using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Cli.Rendering;
using Unweave.Data;
using Unweave.Evaluation;
using Unweave.Onnx;
using Unweave.Runs;
using Unweave.Sweeps;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave sweep show</c>, <c>eval</c> and <c>plot</c>: what a sweep found.</summary>
internal static class SweepResultCommands
{
    /// <summary>Makes <c>show</c>.</summary>
    public static Command Show(Help help, Option<bool> json)
    {
        Argument<string> folder = Folder();
        var command = new Command("show", "Shows the table of a sweep and the laws fitted to it.\n\nWhile it is trained, too.") { folder };
        help.AddExamples(command, "unweave sweep show sweep/");
        command.SetAction(parsed =>
        {
            SweepRecord record = new SweepFolder(parsed.GetValue(folder)!).Read();
            record = record with { Laws = ScalingFit.Of(record) };
            if (parsed.GetValue(json)) Screen.WriteJson(ToJson(record));
            else Write(record);
        });
        return command;
    }

    /// <summary>Makes <c>eval</c>.</summary>
    public static Command Eval(Help help, Option<bool> json)
    {
        Argument<string> folder = Folder();
        var hook = new Option<string>("--hook")
        {
            HelpName = "HOOK",
            Description = "Where to splice the autoencoders in; left out, the hook that they were trained on.",
        };
        var tokens = new Option<long>("--tokens")
        {
            HelpName = "N",
            Description = "Tokens of the texts to run, at most.",
            DefaultValueFactory = _ => 100_000,
        };
        var command = new Command("eval", "Splices the autoencoders of a sweep into their model.\n\n"
            + "Each is measured as `unweave eval` does, and keeps the result in its folder; the sweep's table and pictures then have the "
            + "share of the model's loss recovered.")
        {
            folder, hook, tokens,
        };
        var host = new HostFlags(command);
        help.AddExamples(command, "unweave sweep eval sweep/ --text heldout.txt");
        command.SetAction((parsed, cancellationToken) =>
        {
            var sweep = new SweepFolder(parsed.GetValue(folder)!);
            Splice(sweep, host, parsed, parsed.GetValue(hook), parsed.GetValue(tokens), cancellationToken);
            SweepRecord record = Finish(sweep);
            if (parsed.GetValue(json)) Screen.WriteJson(ToJson(record));
            else Write(record);
            return Task.CompletedTask;
        });
        return command;
    }

    /// <summary>Makes <c>plot</c>.</summary>
    public static Command Plot(Help help, Option<bool> json)
    {
        Argument<string> folder = Folder();
        var output = new Option<string?>("--output", "-o")
        {
            HelpName = "FOLDER",
            Description = "Where to write; left out, the sweep's folder.",
        };
        var command = new Command("plot", "Draws a sweep as PNG: L0 against FVU and what else is known.\n\n"
            + "L0 against the share of the model's loss recovered where `sweep eval` measured it, and the law of size and sparsity where "
            + "there are points enough.")
        {
            folder, output,
        };
        help.AddExamples(command, "unweave sweep plot sweep/", "unweave sweep plot sweep/ -o pictures/");
        command.SetAction(parsed =>
        {
            string from = parsed.GetValue(folder)!, to = parsed.GetValue(output) ?? from;
            SweepRecord record = new SweepFolder(from).Read();
            IReadOnlyList<string> files = Draw(record with { Laws = ScalingFit.Of(record) }, to);
            if (files.Count == 0) throw new InputException($"the sweep in {from} has nothing to draw yet; train it first.");
            if (parsed.GetValue(json))
            {
                Screen.WriteJson(new JsonObject { ["files"] = new JsonArray([.. files.Select(file => (JsonNode)file)]) });
                return;
            }

            foreach (string file in files) Console.Out.WriteLine($"Written to {file}.");
        });
        return command;
    }

    /// <summary>Puts figures and laws into the sweep's record, and draws it beside it.</summary>
    public static SweepRecord Finish(SweepFolder sweep)
    {
        SweepRecord record = sweep.Read();
        record = sweep.Write(record with { Laws = ScalingFit.Of(record) });
        Draw(record, sweep.Path);
        return record;
    }

    /// <summary>A sweep as JSON.</summary>
    public static JsonObject ToJson(SweepRecord record) =>
        JsonSerializer.SerializeToNode(record, SweepRecordJson.Default.SweepRecord)!.AsObject();

    /// <summary>Writes the table and the laws.</summary>
    public static void Write(SweepRecord record)
    {
        Screen.Results.Write(SweepTable.Make(record));
        foreach (SweepEntry point in record.Points.Where(point => point.Reason is not null))
            Console.Out.WriteLine($"{point.Folder} {(point.Status == SweepStatus.Diverged ? "diverged" : "was stopped")}: {point.Reason}");
        foreach (ScalingLaw law in record.Laws)
        {
            Console.Out.WriteLine($"{law.Architecture}: FVU = exp(α + β_k ln k + β_n ln n + γ ln k ln n) + exp(ζ + η ln k), fitted to "
                + $"{law.Points} points, off by {Figures.Percent(law.Residual)}:");
            CultureInfo culture = CultureInfo.InvariantCulture;
            string[] exponents =
            [
                .. law.Exponents.Select((one, i) => string.Create(culture, $"{one.Name} {one.Value:0.###}")
                    + (law.Errors.Count == 0 ? "" : string.Create(culture, $" ± {law.Errors[i]:0.###}"))),
            ];
            Console.Out.WriteLine("  " + string.Join(", ", exponents)
                + (law.Errors.Count == 0 ? "; the points do not determine them, so that they have no errors" : ""));
        }
    }

    private static Argument<string> Folder() => new("SWEEP") { Description = "Folder of the sweep." };

    private static IReadOnlyList<string> Draw(SweepRecord record, string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            return SweepPlots.Write(record, folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{folder}: the pictures cannot be written ({e.Message}); name another folder with "
                + "`unweave sweep plot -o`.", e);
        }
    }

    private static void Splice(SweepFolder sweep, HostFlags flags, ParseResult parsed, string? hook, long tokens,
        CancellationToken cancellationToken)
    {
        if (tokens < 2) throw new InputException($"--tokens is {tokens}; a prediction needs at least 2.");
        RunFolder[] runs = [.. sweep.Read().Points.Select(point => RunFolder.Open(sweep.RunPath(point))).Where(run => run.HasTraining)];
        if (runs.Length == 0) throw new InputException($"the sweep in {sweep.Path} has no trained autoencoder yet; train it first.");
        using RunHost host = flags.Open(runs[0], parsed, hook);
        TextCorpus corpus = flags.Corpus(parsed);
        var evaluator = new SpliceEvaluator(host.Model, host.Tokenizer, host.Hook, host.Pass);
        foreach (RunFolder run in runs)
        {
            cancellationToken.ThrowIfCancellationRequested();
            string? hash = run.AutoencoderHash;
            using Autoencoder autoencoder = run.LoadAutoencoder();
            var display = new RowsDisplay("spliced", tokens, TimeProvider.System);
            SpliceReport report = evaluator.Run(autoencoder, corpus.Documents().Select(document => document.Document), corpus.Name, tokens,
                new RowsProgress(display, tokens), cancellationToken);
            RowsDisplay.Clear();
            run.AddEvaluation(new JsonObject { ["splice"] = JsonNode.Parse(report.ToJson()), [RunFolder.HashKey] = hash });
            Console.Error.WriteLine($"{Path.GetFileName(run.Path)}  recovers {Figures.Percent(report.RecoveredOverZero)} of the loss");
        }

        MalformedTexts.Say(corpus);
    }

    private sealed class RowsProgress(RowsDisplay display, long rows) : IProgress<double>
    {
        public void Report(double value) => display.Report((long)(value * rows));
    }
}
