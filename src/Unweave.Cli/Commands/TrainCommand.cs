using System.CommandLine;
using Unweave.Cli.Rendering;
using Unweave.Data;
using Unweave.Runs;
using Unweave.Training;

namespace Unweave.Cli.Commands;

/// <summary><c>unweave train</c>: trains an autoencoder on files of vectors, or goes on with a run that was stopped.</summary>
internal static class TrainCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Help help, Option<bool> json)
    {
        var files = new Argument<string[]>("FILES")
        {
            Description =
                "Files of vectors, [rows, d]: npy, npz, safetensors or Parquet; paths or quoted globs. They replace `data` of the run "
                + "file.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var resume = new Option<bool>("--resume") { Description = "Go on with the run in the output folder from its last checkpoint." };
        var force = new Option<bool>("--force") { Description = "Write over a trained autoencoder in the output folder." };
        var hook = new Option<string?>("--hook") { HelpName = "HOOK", Description = "With --model: where to read." };
        var buffer = new Option<int>("--buffer")
        {
            HelpName = "N",
            Description = "With --model: rows that are shuffled at once, in memory.",
            DefaultValueFactory = _ => 262_144,
        };
        var command = new Command("train",
            "Trains an autoencoder on vectors, a harvest or a model.\n\nVectors come from files or from a harvest; with --model they are a "
            + "model's activations as they are made, with nothing on the disk.")
        {
            files, resume, force, hook, buffer,
        };
        var host = new HostFlags(command);
        var flags = new SettingFlags(command, help, output: "sae");
        help.AddExamples(
            command,
            "unweave train vectors.npy --k 32 --latents 4096 -o sae/",
            "unweave train 'shards/*.npy' --config run.json --tokens 500_000 -o run2/",
            "unweave train acts/ --k 32 --latents 16384 -o sae/",
            "unweave train --model gpt2/ --hook blocks.8 --text corpus/ -o read/",
            "unweave train --resume -o sae/");
        command.SetAction((parsed, cancellationToken) =>
        {
            RunFileDraft draft = flags.Read(parsed);
            if (parsed.GetValue(files) is { Length: > 0 } data) draft.Set(Setting("data"), data);
            bool resumed = parsed.GetValue(resume);
            TrainingOptions options = resumed ? Resumed(draft) : draft.ToOptions();
            if (host.HasModel(parsed))
                return Stream(options, host, parsed, parsed.GetValue(hook), parsed.GetValue(buffer), resumed, parsed.GetValue(force),
                    parsed.GetValue(json), cancellationToken);
            return Run(options, resumed, parsed.GetValue(force), parsed.GetValue(json), cancellationToken);
        });
        return command;
    }

    private static async Task<int> Run(TrainingOptions options, bool resume, bool force, bool json, CancellationToken cancellationToken)
    {
        if (options.Data.Count == 0)
            throw new InputException(
                "no data is named; give files of vectors or a harvest, such as `unweave train vectors.npy`, `data` in the run file, or "
                + "--model with --hook and --text.");
        RefuseTrained(options.Output, resume, force);
        using ActivationFiles source = ActivationFiles.Open(options.Data, options.Tensor, options.Targets);
        options.Validate(source.Width, source.Target?.Width);
        TrainingEnd end = await TrainingEnd.RunAsync(options, source, source.Name, resume, cancellationToken);
        return Ended(end, options, json);
    }

    /// <summary>Trains on a model's activations as they are made.</summary>
    private static async Task<int> Stream(TrainingOptions options, HostFlags flags, ParseResult parsed, string? hookName, int buffer,
        bool resume, bool force, bool json, CancellationToken cancellationToken)
    {
        RefuseTrained(options.Output, resume, force);
        using var stream = ModelStream.Open(flags, parsed, hookName, buffer, options.Batch, options.Data);
        using StreamedData data = stream.Rows(options);
        options.Validate(data.Width);
        TrainingEnd end = await TrainingEnd.RunAsync(options, data, stream.Name, resume, stream.Origin, cancellationToken);
        MalformedTexts.Say(stream.Corpus);
        return Ended(end with { MalformedDocuments = stream.Corpus.MalformedDocuments }, options, json);
    }

    private static int Ended(TrainingEnd end, TrainingOptions options, bool json)
    {
        if (json) Screen.WriteJson(end.ToJson(options));
        else end.Write(options);
        return end.Interrupted ? ExitCode.Interrupted : ExitCode.Done;
    }

    /// <summary>Refuses a folder that already holds a trained autoencoder, so that none is lost unasked.</summary>
    private static void RefuseTrained(string? folder, bool resume, bool force)
    {
        if (resume || force || folder is null || !RunFolder.Open(folder).HasTraining) return;
        throw new InputException(
            $"{folder} already holds a trained autoencoder; choose another folder with -o, go on with its run with --resume, or write "
            + "over it with --force.");
    }

    /// <summary>
    /// What was given over the settings of the run in the output folder; what would make it another run is refused when it is resumed.
    /// </summary>
    private static TrainingOptions Resumed(RunFileDraft draft)
    {
        string folder = draft.Output ?? throw new InputException("output is null, but a run is resumed in its folder; name it with -o.");
        var run = RunFolder.Open(folder);
        if (!File.Exists(run.SettingsPath))
            throw new InputException(
                $"{folder}: there is no run to resume here ({RunFolder.SettingsName} is missing); name its folder with -o, or leave "
                + "--resume out to start one.");
        bool named = draft.Has(Setting("data"));
        // A folder that was moved or is named from elsewhere is still the folder of its run.
        draft.Set(Setting("output"), [folder]);
        TrainingOptions options = draft.Over(RunFileDraft.Open(run.SettingsPath)).ToOptions();
        if (!named) options = options with { Data = run.Data };
        return draft.Has(Setting("targets")) ? options : options with { Targets = run.Targets };
    }

    private static RunFileSetting Setting(string name) =>
        RunFileSetting.All.First(setting => string.Equals(setting.Name, name, StringComparison.Ordinal));
}
