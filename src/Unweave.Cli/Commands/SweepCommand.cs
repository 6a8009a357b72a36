using System.CommandLine;
using System.Text.Json.Nodes;
using Unweave.Cli.Rendering;
using Unweave.Data;
using Unweave.Hosts;
using Unweave.Runs;
using Unweave.Training;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave sweep</c>: trains the autoencoders of a grid of settings together, and compares them.</summary>
internal static class SweepCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var run = new Argument<string?>("FILE")
        {
            Description = "File of the sweep (JSON): a run file whose settings may be lists; `unweave schema --sweep` prints its schema. "
                + "Left out with --resume.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var files = new Argument<string[]>("FILES")
        {
            Description = "Files of vectors, [rows, d]: npy, npz, safetensors or Parquet; they replace `data` of the file.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var output = new Option<string?>("--output", "-o")
        {
            HelpName = "FOLDER",
            Description = "Folder of the sweep, with a run's folder in it for each autoencoder; left out, `output` of the file, or sweep.",
        };
        var threads = new Option<int>("--threads") { HelpName = "N", Description = "Threads; 0 takes one for each processor." };
        var resume = new Option<bool>("--resume") { Description = "Go on with the sweep in the output folder from its last checkpoints." };
        var hook = new Option<string?>("--hook") { HelpName = "HOOK", Description = "With --model: where to read." };
        var buffer = new Option<int>("--buffer")
        {
            HelpName = "N",
            Description = "With --model: rows that are shuffled at once, in memory.",
            DefaultValueFactory = _ => 262_144,
        };
        var command = new Command("sweep",
            "Trains a grid of settings in one pass over the data.\n\n"
            + "Settings of its file may be lists, which means every combination. The autoencoders that see the same rows are trained on "
            + "the same batches: one read, one pass of the model, one scaling; each is what `train` makes of its settings alone, byte for "
            + "byte, in a folder of its own.")
        {
            run, files, output, threads, resume, hook, buffer,
            SweepResultCommands.Show(help, json), SweepResultCommands.Eval(help, json), SweepResultCommands.Plot(help, json),
        };
        var host = new HostFlags(command);
        help.AddExamples(
            command,
            "unweave sweep sweep.json vectors.npy -o sweep/",
            "unweave sweep sweep.json --model gpt2/ --hook blocks.8 --text corpus/",
            "unweave sweep --resume -o sweep/");
        command.SetAction((parsed, cancellationToken) =>
        {
            SweepFile file = Read(parsed.GetValue(run), parsed.GetValue(output), parsed.GetValue(files) ?? [], parsed.GetValue(resume),
                parsed.GetValue(threads));
            var at = new Place(file, parsed.GetValue(resume), parsed.GetValue(json));
            return host.HasModel(parsed)
                ? Stream(at, host, parsed, parsed.GetValue(hook), parsed.GetValue(buffer), cancellationToken)
                : Run(at, cancellationToken);
        });
        return command;
    }

    private static SweepFile Read(string? file, string? output, string[] data, bool resume, int threads)
    {
        if (threads < 0) throw new InputException($"--threads is {threads}; use 0 for one thread a processor.");
        SweepFile read = file is not null ? SweepFile.Read(file, output, data.Length > 0 ? data : null)
            : resume ? new SweepFolder(output ?? "sweep").ToFile(data.Length > 0 ? data : null)
            : throw new InputException("no sweep is named; give its file, such as `unweave sweep sweep.json`, or go on with one with "
                + "--resume.");
        return threads == 0 ? read : read.With(options => options with { Threads = threads });
    }

    private static async Task<int> Run(Place at, CancellationToken cancellationToken)
    {
        TrainingOptions first = at.File.Points[0].Options;
        if (first.Data.Count == 0)
            throw new InputException("no data is named; give files of vectors or a harvest after the sweep's file, `data` in it, or "
                + "--model with --hook and --text.");
        using ActivationFiles source = ActivationFiles.Open(first.Data, first.Tensor, first.Targets);
        string name = $"{Figures.Count(source.Rows)} vectors of width {source.Width}: {source.Name}";
        return await Train(at, name, source.Width, source.Target?.Width,
            options => new ShuffledData(source, options.Seed, options.Validation),
            Trainer.HostOf(source), cancellationToken);
    }

    private static async Task<int> Stream(Place at, HostFlags flags, ParseResult parsed, string? hook, int buffer,
        CancellationToken cancellationToken)
    {
        using var stream = ModelStream.Open(flags, parsed, hook, buffer, at.File.Points.Max(point => point.Options.Batch),
            at.File.Points[0].Options.Data);
        int ended = await Train(at, $"a stream of vectors of width {stream.Width}: {stream.Name}", stream.Width, null, stream.Rows,
            stream.Origin, cancellationToken);
        MalformedTexts.Say(stream.Corpus);
        return ended;
    }

    private static async Task<int> Train(Place at, string name, int width, int? targetWidth,
        Func<TrainingOptions, ITrainingData> open, HostReference? host, CancellationToken cancellationToken)
    {
        at.File.Validate(width, targetWidth);
        double memory = SweepMemory.Check(at.File, width, targetWidth);
        var display = new SweepDisplay(at.File, TimeProvider.System);
        await display.Follow($"Training {SweepTable.Describe(at.File)}, with about {Figures.Bytes((long)memory)} of memory, on {name}",
            SweepTrainer.Run(at.File, name, open, host, at.Resume, cancellationToken: cancellationToken));
        bool interrupted = cancellationToken.IsCancellationRequested;
        SweepRecord record = SweepResultCommands.Finish(new SweepFolder(at.File.Output));
        if (at.Json)
        {
            JsonObject result = SweepResultCommands.ToJson(record);
            result["output"] = at.File.Output;
            result["finished"] = !interrupted;
            result["seconds"] = Math.Round(display.Elapsed.TotalSeconds, 3);
            Screen.WriteJson(result);
        }
        else
        {
            SweepResultCommands.Write(record);
            if (interrupted) Console.Out.WriteLine($"Stopped. Go on with: unweave sweep --resume -o {at.File.Output}");
            else Console.Out.WriteLine($"Trained in {Figures.Duration(display.Elapsed)}. Written to {at.File.Output}, a run's folder for "
                + $"each. Look at them: unweave serve {at.File.Output}");
        }

        return interrupted ? ExitCode.Interrupted : ExitCode.Done;
    }

    private readonly record struct Place(SweepFile File, bool Resume, bool Json);
}
