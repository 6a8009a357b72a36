using System.Text;
using System.Text.RegularExpressions;
using Unweave.Autoencoders;
using Unweave.Checkpoints;
using Unweave.Data;
using Unweave.Formats;
using Unweave.Hosts;
using Unweave.Training;

namespace Unweave.Runs;

/// <summary>
/// A run's folder, open for training: by one process at a time. The system frees the lock when the process ends, however it ends.
/// </summary>
internal sealed partial class RunWriter : IDisposable
{
    private readonly RunFolder folder;
    private readonly FileStream held;

    private RunWriter(RunFolder folder, FileStream alone) => (this.folder, held) = (folder, alone);

    /// <summary>Whether there is a state to resume from.</summary>
    public bool HasState => File.Exists(folder.StatePath);

    /// <summary>Makes the folder where there is none, locks it, and removes what a killed writer left half written.</summary>
    /// <exception cref="InputException">It cannot be made, or another process trains into it.</exception>
    public static RunWriter Open(string path)
    {
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"The output folder {path} cannot be made: {e.Message} Name another with output.", e);
        }

        FileStream alone = FolderLock.Take(path, RunFolder.LockName,
            "is being trained into by another run; wait for its end, or name another output folder");
        try
        {
            foreach (string file in Directory.EnumerateFiles(path))
                if (Partial().IsMatch(Path.GetFileName(file))) File.Delete(file);
            return new RunWriter(RunFolder.Open(path), alone);
        }
        catch
        {
            alone.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Removes an earlier run before another begins. The state goes first, so that nothing can be resumed from it; the settings stay until
    /// they are replaced. The catalog of features may hold people's work, so it is set aside.
    /// </summary>
    public void Clear()
    {
        try
        {
            File.Delete(folder.StatePath);
            File.Delete(folder.EvaluationPath);
            SetCatalogAside();
            File.Delete(folder.HostPath);
            File.Delete(folder.MetricsPath);
            File.Delete(folder.AutoencoderPath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException(
                $"{folder.Path} holds an earlier run that cannot be removed ({e.Message}); close what uses it, or choose another "
                    + $"folder.", e);
        }
    }

    /// <summary>Writes what is known of the run before its first step.</summary>
    public void Begin(TrainingOptions options, HostReference? host)
    {
        // Paths are kept whole, so that the run is found from any working folder.
        TrainingOptions kept = options with
        {
            Output = Path.GetFullPath(folder.Path),
            Data = [.. options.Data.Select(ActivationFiles.FullName)],
            Targets = [.. options.Targets.Select(ActivationFiles.FullName)],
            From = options.From is { } from ? Path.GetFullPath(from) : null,
        };
        AtomicFile.Write(folder.SettingsPath, stream => stream.Write(Encoding.UTF8.GetBytes(RunFile.Write(kept))));
        if (host is not null) Write(host.WithFullPaths());
    }

    /// <summary>Opens the log, without the lines of steps after those done.</summary>
    public MetricsWriter OpenMetrics(long step) => new(folder.MetricsPath, step);

    /// <summary>The run that goes on from the state.</summary>
    /// <exception cref="InputException">The settings or the data are not those of the state.</exception>
    public TrainingRun Resume(TrainingOptions options, ITrainingData data) => TrainingState.Load(folder.StatePath, data, saved =>
    {
        TrainingOptions adapted = saved with
        {
            Threads = options.Threads,
            Output = options.Output,
            Data = options.Data,
            Targets = options.Targets,
            From = options.From,
        };
        string was = RunFile.Write(adapted), now = RunFile.Write(options);
        return string.Equals(was, now, StringComparison.Ordinal) ? adapted : throw new InputException(
            $"{folder.StatePath} belongs to a run with other settings: {FirstDifference(was, now)}; " +
            $"resume with the settings in {RunFolder.SettingsName} beside it, or start afresh in another folder.");
    });

    /// <summary>Writes the autoencoder again where it is not that of the state: the writer was killed between the two files.</summary>
    public void Repair(TrainingRun run)
    {
        if (folder.AutoencoderHash is { } hash
            && string.Equals(folder.StateValue(TrainingState.AutoencoderKey), hash, StringComparison.Ordinal))
            return;
        Save(run);
        Write(folder.ReadHost());
    }

    /// <summary>Writes the autoencoder, then the state, which names it.</summary>
    public void Checkpoint(TrainingRun run, ITrainingData data)
    {
        Save(run);
        TrainingState.Save(run, data, folder.StatePath, folder.AutoencoderHash!);
        Write(folder.ReadHost());
    }

    /// <inheritdoc/>
    public void Dispose() => held.Dispose();

    private void Save(TrainingRun run)
    {
        using SparseAutoencoder? folded = run.Folded();
        (folded ?? run.Autoencoder).Save(folder.AutoencoderPath);
    }

    private void Write(HostReference? host)
    {
        if (host is not null) folder.WriteHost(host);
    }

    private void SetCatalogAside()
    {
        if (!File.Exists(folder.CatalogPath)) return;
        string aside = Enumerable.Range(1, int.MaxValue).Select(folder.EarlierCatalogPath).First(path => !File.Exists(path));
        if (File.Exists(folder.CatalogPath + "-wal")) File.Move(folder.CatalogPath + "-wal", aside + "-wal");
        File.Delete(folder.CatalogPath + "-shm");
        File.Move(folder.CatalogPath, aside);
    }

    private static string FirstDifference(string saved, string given)
    {
        (string was, string now) = saved.Split('\n').Zip(given.Split('\n')).First(
            pair => !string.Equals(pair.First, pair.Second, StringComparison.Ordinal));
        return $"it had {was.Trim().TrimEnd(',')}, now {now.Trim().TrimEnd(',')}";
    }

    // What AtomicFile leaves of a process that was killed. Whoever is alive and writes here holds the lock.
    [GeneratedRegex(
        @"^(?:autoencoder\.safetensors|training\.safetensors|config\.json|metrics\.jsonl|host\.json|eval\.json)\.partial-\d+-\d+$",
            RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Partial();
}
