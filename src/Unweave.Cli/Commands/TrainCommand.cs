using System.CommandLine;
using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Checkpoints;
using Unweave.Cli.Rendering;
using Unweave.Data;
using Unweave.Training;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave train</c>: trains an autoencoder on files of vectors, or goes on with a run that was stopped.</summary>
internal static class TrainCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var files = new Argument<string[]>("FILES") { Description = "Files of vectors, [rows, d]: npy, npz, safetensors or Parquet; paths or quoted globs. They replace `data` of the run file.", Arity = ArgumentArity.ZeroOrMore };
        var resume = new Option<bool>("--resume") { Description = "Go on with the run in the output folder from its last checkpoint." };
        var force = new Option<bool>("--force") { Description = "Write over a trained autoencoder in the output folder." };
        var command = new Command("train", "Trains an autoencoder on files of vectors.") { files, resume, force };
        var flags = new SettingFlags(command, help);
        help.AddExamples(
            command,
            "unweave train vectors.npy --k 32 --latents 4096 -o sae/",
            "unweave train 'shards/*.npy' --config run.json --tokens 500_000 -o run2/",
            "unweave train --resume -o sae/");
        command.SetAction((parsed, cancellation) =>
        {
            string[] data = parsed.GetValue(files) ?? [];
            bool resumed = parsed.GetValue(resume);
            RunFileDraft? saved = resumed ? Saved(flags, parsed) : null;
            RunFileDraft draft = flags.Read(parsed, saved);
            if (data.Length > 0) draft.Set(RunFileSetting.All.First(setting => setting.Name is "data"), data);
            TrainingOptions options = draft.ToOptions();
            if (options.Data.Count == 0) throw new InputException("no data is named; give files of vectors, such as `unweave train vectors.npy`, or `data` in the run file.");
            return Run(options, resumed, parsed.GetValue(force), parsed.GetValue(json), cancellation);
        });
        return command;
    }

    private static async Task<int> Run(TrainingOptions options, bool resume, bool force, bool json, CancellationToken cancellation)
    {
        if (!resume && !force) RefuseTrained(options.Output);
        using ActivationFiles source = ActivationFiles.Open(options.Data, options.Tensor);
        options.Validate(source.Width);
        var display = new TrainingDisplay(TimeProvider.System);
        StepReport? last = await display.Follow(Title(options, source), Trainer.Run(options, source, resume, cancellation: cancellation));
        bool interrupted = cancellation.IsCancellationRequested && last is not { Last: true };
        if (json) Screen.WriteJson(ToJson(options, last, interrupted, display.Elapsed));
        else Write(options, last, interrupted, display.Elapsed);
        return interrupted ? ExitCode.Interrupted : ExitCode.Done;
    }

    /// <summary>Refuses a folder that already holds a trained autoencoder, so that none is lost unasked.</summary>
    private static void RefuseTrained(string? folder)
    {
        if (folder is null || !File.Exists(Path.Combine(folder, AutoencoderFile.FileName))) return;
        throw new InputException($"{folder} already holds a trained autoencoder; choose another folder with -o, go on with its run with --resume, or write over it with --force.");
    }

    /// <summary>What is trained on what, in a line.</summary>
    public static string Title(TrainingOptions options, IActivationSource source) =>
        $"Training {Describe(options.Autoencoder)} on {Figures.Count(source.Rows)} vectors of width {source.Width} from {source.Name}";

    /// <summary>The settings of the run in the output folder; flags that would make it another run are refused when it is resumed.</summary>
    private static RunFileDraft Saved(SettingFlags flags, ParseResult parsed)
    {
        string folder = flags.Given(parsed).Where(flag => flag.Setting.Name is "output").Select(flag => flag.Values[^1]).FirstOrDefault() ?? new TrainingOptions().Output!;
        string path = Path.Combine(folder, Trainer.SettingsFileName);
        if (!File.Exists(path)) throw new InputException($"{folder}: there is no run to resume here ({Trainer.SettingsFileName} is missing); name its folder with -o, or leave --resume out to start one.");
        RunFileDraft draft = RunFileDraft.Open(path);
        // A folder that was moved or is named from elsewhere is still the folder of its run.
        draft.Set(RunFileSetting.All.First(setting => setting.Name is "output"), [folder]);
        return draft;
    }

    private static string Describe(AutoencoderOptions options) => options switch
    {
        TopKOptions topK => $"a TopK autoencoder (n {Figures.Count(topK.Latents)}, k {topK.K})",
        ReluOptions relu => $"a ReLU autoencoder (n {Figures.Count(relu.Latents)}, L1 {relu.L1Coefficient})",
        KlOptions kl => $"a KL autoencoder (n {Figures.Count(kl.Latents)}, ρ {kl.TargetActivation})",
        UndercompleteOptions narrow => $"an undercomplete autoencoder (bottleneck {narrow.Bottleneck})",
        _ => "an autoencoder",
    };

    private static void Write(TrainingOptions options, StepReport? last, bool interrupted, TimeSpan elapsed)
    {
        string folder = options.Output ?? "";
        if (interrupted)
        {
            Console.Out.WriteLine(last is null ? "Stopped before the first step." : $"Stopped after step {last.Step:N0} of {last.Steps:N0}.");
            if (options.Output is not null) Console.Out.WriteLine($"Go on with: unweave train --resume -o {folder}");
            return;
        }

        if (last is null)
        {
            Console.Out.WriteLine($"The run in {folder} is already finished.");
            return;
        }

        string end = last.StoppedEarly ? $"Stopped early after step {last.Step:N0} of {last.Steps:N0}, because validation had stopped improving" : "Trained";
        Console.Out.WriteLine($"{end} in {Figures.Duration(elapsed)}: {Describe(last)}.");
        if (options.Output is null) return;
        Console.Out.WriteLine($"Written to {folder}.");
        Console.Out.WriteLine($"Measure it: unweave eval {folder} {string.Join(' ', options.Data)}");
    }

    private static string Describe(StepReport last)
    {
        string held = last.ValidationFvu is { } fvu ? $", {Figures.Short(fvu)} held out" : "";
        string sparse = last.L0 > 0 ? $", L0 {Figures.Short(last.L0)}, {Figures.Count(last.Dead)} dead latents" : "";
        return $"FVU {Figures.Short(last.Fvu)}{held}{sparse}";
    }

    private static JsonObject ToJson(TrainingOptions options, StepReport? last, bool interrupted, TimeSpan elapsed) => new()
    {
        ["output"] = options.Output,
        ["finished"] = !interrupted,
        ["step"] = last?.Step,
        ["steps"] = options.Steps,
        ["tokens"] = last?.Tokens,
        ["loss"] = last?.Loss.Total,
        ["fvu"] = last?.Fvu,
        ["validationFvu"] = last?.ValidationFvu,
        ["l0"] = last?.L0,
        ["dead"] = last?.Dead,
        ["stoppedEarly"] = last?.StoppedEarly ?? false,
        ["seconds"] = Math.Round(elapsed.TotalSeconds, 3),
    };
}
