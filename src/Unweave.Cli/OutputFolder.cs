namespace Unweave.Cli;

/// <summary>The folder that a run writes to.</summary>
internal static class OutputFolder
{
    /// <summary>The trained autoencoder within it.</summary>
    public const string AutoencoderName = "autoencoder.safetensors";

    /// <summary>The state of training within it, for a run to resume from.</summary>
    public const string StateName = "training.safetensors";

    /// <summary>The settings of the run within it.</summary>
    public const string RunFileName = "config.json";

    /// <summary>Refuses a folder that already holds a run, so that none is lost unasked.</summary>
    /// <param name="folder">The folder; null writes nothing.</param>
    /// <exception cref="InputException">It holds one.</exception>
    public static void RefuseTrained(string? folder)
    {
        if (folder is null || !(File.Exists(Path.Combine(folder, AutoencoderName)) || File.Exists(Path.Combine(folder, StateName)))) return;
        throw new InputException($"{folder} already holds a run; choose another folder with -o, go on with that run with --resume, or write over it with --force.");
    }
}
