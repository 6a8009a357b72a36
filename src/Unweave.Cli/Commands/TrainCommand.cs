using System.CommandLine;
using Unweave.Checkpoints;
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
            RunFileDraft draft = flags.Read(parsed);
            if (parsed.GetValue(files) is { Length: > 0 } data) draft.Set(Setting("data"), data);
            bool resumed = parsed.GetValue(resume);
            if (resumed) draft = Resumed(draft);
            return Run(draft.ToOptions(), resumed, parsed.GetValue(force), parsed.GetValue(json), cancellation);
        });
        return command;
    }

    private static async Task<int> Run(TrainingOptions options, bool resume, bool force, bool json, CancellationToken cancellation)
    {
        if (options.Data.Count == 0) throw new InputException("no data is named; give files of vectors, such as `unweave train vectors.npy`, or `data` in the run file.");
        if (!resume && !force) RefuseTrained(options.Output);
        using ActivationFiles source = ActivationFiles.Open(options.Data, options.Tensor);
        options.Validate(source.Width);
        TrainingEnd end = await TrainingEnd.Of(options, source, source.Name, resume, cancellation);
        if (json) Screen.WriteJson(end.ToJson(options));
        else end.Write(options);
        return end.Interrupted ? ExitCode.Interrupted : ExitCode.Done;
    }

    /// <summary>Refuses a folder that already holds a trained autoencoder, so that none is lost unasked.</summary>
    private static void RefuseTrained(string? folder)
    {
        if (folder is null || !File.Exists(Path.Combine(folder, AutoencoderFile.FileName))) return;
        throw new InputException($"{folder} already holds a trained autoencoder; choose another folder with -o, go on with its run with --resume, or write over it with --force.");
    }

    /// <summary>What was given over the settings of the run in the output folder; what would make it another run is refused when it is resumed.</summary>
    private static RunFileDraft Resumed(RunFileDraft draft)
    {
        string folder = draft.Output ?? new TrainingOptions().Output!;
        string path = Path.Combine(folder, Trainer.SettingsFileName);
        if (!File.Exists(path)) throw new InputException($"{folder}: there is no run to resume here ({Trainer.SettingsFileName} is missing); name its folder with -o, or leave --resume out to start one.");
        // A folder that was moved or is named from elsewhere is still the folder of its run.
        draft.Set(Setting("output"), [folder]);
        return draft.Over(RunFileDraft.Open(path));
    }

    private static RunFileSetting Setting(string name) => RunFileSetting.All.First(setting => string.Equals(setting.Name, name, StringComparison.Ordinal));
}
