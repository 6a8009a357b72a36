using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Checkpoints;
using Unweave.Data;
using Unweave.Formats;
using Unweave.Hosts;
using Unweave.Training;

namespace Unweave.Runs;

/// <summary>
/// The folder of a run: its files, their names, and whether they belong together. What was computed from an autoencoder keeps the SHA-256
/// of its weights; with another autoencoder in the folder it is refused. Files of versions that did not keep it are read. A folder or file
/// of another library's autoencoder can be named too; it is read as it is, and nothing is kept beside it.
/// </summary>
public sealed class RunFolder
{
    /// <summary>Names of the files in the folder, beside <see cref="AutoencoderFile.FileName"/>.</summary>
    public const string SettingsName = "config.json", MetricsName = "metrics.jsonl", HostName = "host.json", EvaluationName = "eval.json",
        CatalogName = "features.db";

    /// <summary>Key of an evaluation under which the autoencoder's SHA-256 is kept.</summary>
    public const string HashKey = "autoencoderSha256";

    internal const string LockName = "training.lock";

    private readonly string named;

    private RunFolder(string folder, string autoencoder, string named) =>
        (Path, AutoencoderPath, this.named) = (folder, autoencoder, named);

    /// <summary>The folder, as it was named.</summary>
    public string Path { get; }

    /// <summary>Where the autoencoder is, or will be.</summary>
    public string AutoencoderPath { get; }

    /// <summary>Where the settings are: a run file.</summary>
    public string SettingsPath => In(SettingsName);

    /// <summary>Where the log is.</summary>
    public string MetricsPath => In(MetricsName);

    /// <summary>Where the catalog of features is, which <c>Unweave.Catalog</c> reads and writes.</summary>
    public string CatalogPath => In(CatalogName);

    /// <summary>Where the evaluation is.</summary>
    public string EvaluationPath => In(EvaluationName);

    internal string StatePath => In(TrainingState.FileName);

    internal string HostPath => In(HostName);

    /// <summary>Whether training wrote an autoencoder or a state here.</summary>
    public bool HasTraining => File.Exists(AutoencoderPath) || File.Exists(StatePath);

    // What to load: the run's own autoencoder, or, where there is none, what was named, which may be another library's.
    private string Weights =>
        !File.Exists(AutoencoderPath) && (Directory.Exists(named) || (File.Exists(named) && !IsOwnFile)) ? named : AutoencoderPath;

    // A run may be named by any of its files.
    private bool IsOwnFile => System.IO.Path.GetFileName(named) is SettingsName or MetricsName or HostName or EvaluationName or CatalogName;

    /// <summary>The settings, as they were written; null where there is no run file.</summary>
    /// <exception cref="InputException">The file is damaged.</exception>
    public TrainingOptions? Settings => File.Exists(SettingsPath) ? RunFile.Read(SettingsPath) : null;

    /// <summary>The files of vectors that the run was trained on, where they are now; empty where that is not known.</summary>
    /// <exception cref="InputException">The run file is damaged.</exception>
    public IReadOnlyList<string> Data => [.. (Settings?.Data ?? []).Select(Locate)];

    /// <summary>The files of the rows' targets, where they are now; empty where the rows are their own.</summary>
    /// <exception cref="InputException">The run file is damaged.</exception>
    public IReadOnlyList<string> Targets => [.. (Settings?.Targets ?? []).Select(Locate)];

    /// <summary>SHA-256 of the weights of the autoencoder, from its header; null where there is none that can be read.</summary>
    public string? AutoencoderHash => Value(AutoencoderPath, SafetensorsFile.ChecksumKey);

    /// <summary>The model and the hook whose activations were trained on; null for vectors of unknown origin.</summary>
    /// <exception cref="InputException">The file is damaged, or belongs to another autoencoder.</exception>
    public HostReference? Host
    {
        get
        {
            HostReference? host = ReadHost();
            // The writer names the autoencoder here last: where it was killed before that, the state vouches for the autoencoder.
            bool vouched = host is not null && StateValue(TrainingState.AutoencoderKey) is { } known
                && string.Equals(known, AutoencoderHash, StringComparison.Ordinal);
            string? mismatch = vouched
                ? null
                : Mismatch(HostPath, host?.AutoencoderSha256, "remove it, and name the model and the hook with --model and --hook");
            return mismatch is null ? host : throw new InputException(mismatch);
        }
    }

    /// <summary>Names a run; nothing is read yet.</summary>
    /// <param name="path">Its folder, or a file in it: that of the autoencoder, whatever its name, or another.</param>
    public static RunFolder Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        bool weights = path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase);
        string folder = Directory.Exists(path) || !(weights || File.Exists(path)) ? path : Folder(path);
        bool own = weights && !ReferenceEquals(folder, path)
            && !string.Equals(System.IO.Path.GetFileName(path), TrainingState.FileName, StringComparison.Ordinal);
        return new RunFolder(folder, own ? path : System.IO.Path.Combine(folder, AutoencoderFile.FileName), path);

        static string Folder(string file) => System.IO.Path.GetDirectoryName(file) is { Length: > 0 } parent ? parent : ".";
    }

    /// <summary>Whether a folder holds a run: settings, an autoencoder or a catalog of features.</summary>
    public static bool Exists(string folder)
    {
        RunFolder run = Open(folder);
        return File.Exists(run.SettingsPath) || File.Exists(run.AutoencoderPath) || File.Exists(run.CatalogPath);
    }

    /// <summary>Reads the autoencoder, checking every byte.</summary>
    /// <exception cref="InputException">There is none, or it is damaged.</exception>
    public Autoencoder LoadAutoencoder() => Autoencoder.Load(Weights);

    /// <summary>Reads an autoencoder that has a dictionary of latents, checking every byte.</summary>
    /// <exception cref="InputException">There is none, it is damaged, or of an architecture without a dictionary.</exception>
    public SparseAutoencoder LoadSparseAutoencoder() => SparseAutoencoder.Load(Weights);

    /// <summary>
    /// Where something is that the run was made from: as it was recorded, or, where that is gone, as it lay to the folder before both were
    /// moved.
    /// </summary>
    /// <param name="recorded">
    /// A file, a folder, a pattern or a hook of a harvest. Earlier versions recorded it relative to their working folder.
    /// </param>
    public string Locate(string recorded)
    {
        ArgumentException.ThrowIfNullOrEmpty(recorded);
        if (SyntheticModelOptions.IsSource(recorded)) return recorded;
        if (System.IO.Path.IsPathFullyQualified(recorded) && IsThere(recorded)) return recorded;
        if (Settings?.Output is not { } output
            || System.IO.Path.IsPathFullyQualified(output) != System.IO.Path.IsPathFullyQualified(recorded))
            return recorded;

        // Both are relative to the same unknown folder, or to none; deep enough that ".." does not reach the root.
        string any = System.IO.Path.GetFullPath("/1/2/3/4/5/6/7/8/9");
        string between = System.IO.Path.GetRelativePath(System.IO.Path.GetFullPath(output, any), System.IO.Path.GetFullPath(recorded, any));
        string moved = System.IO.Path.GetFullPath(System.IO.Path.Combine(Path, between));
        return IsThere(moved) ? moved : recorded;
    }

    /// <summary>
    /// Says that something was computed from another autoencoder than the one that is here, and what to do; null when it belongs to it.
    /// </summary>
    /// <param name="what">What it is, for the message: its file.</param>
    /// <param name="hash">The SHA-256 that it keeps; null of earlier versions, which kept none.</param>
    /// <param name="remedy">What to do, as the end of a sentence.</param>
    public string? Mismatch(string what, string? hash, string remedy) =>
        hash is null || AutoencoderHash is not { } now || string.Equals(hash, now, StringComparison.Ordinal) ? null
            : $"{what} belongs to another autoencoder than the one that is now in {Path}; {remedy}.";

    /// <summary>Reads what was measured of the autoencoder; null where there is nothing.</summary>
    /// <exception cref="InputException">It is not a JSON object, or was measured of another autoencoder.</exception>
    public JsonObject? ReadEvaluation()
    {
        if (!File.Exists(EvaluationPath)) return null;
        try
        {
            var measured = JsonNode.Parse(File.ReadAllBytes(EvaluationPath)) as JsonObject;
            string? mismatch = Mismatch(EvaluationPath, (string?)measured?[HashKey], $"measure it again with `unweave eval {Path}`");
            return mismatch is null ? measured : throw new InputException(mismatch);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InputException($"{EvaluationPath} is not JSON ({e.Message}); measure it again with `unweave eval {Path}`.", e);
        }
    }

    /// <summary>
    /// Adds what was measured to what the folder keeps of its autoencoder: figures under the same keys are replaced, those of another
    /// autoencoder are given up.
    /// </summary>
    /// <param name="measured">The figures; what they were measured of is under <see cref="HashKey"/>.</param>
    public void AddEvaluation(JsonObject measured)
    {
        ArgumentNullException.ThrowIfNull(measured);
        JsonObject all = [];
        try
        {
            JsonObject? known = ReadEvaluation();
            if (string.Equals((string?)known?[HashKey], (string?)measured[HashKey], StringComparison.Ordinal)) all = known ?? all;
        }
        catch (InputException)
        {
            // of another autoencoder, or damaged: measured anew
        }

        foreach ((string key, JsonNode? value) in measured) all[key] = value?.DeepClone();
        WriteEvaluation(all);
    }

    /// <summary>Writes what was measured.</summary>
    /// <param name="measured">The figures; what they were measured of is under <see cref="HashKey"/>.</param>
    public void WriteEvaluation(JsonObject measured)
    {
        ArgumentNullException.ThrowIfNull(measured);
        AtomicFile.Write(EvaluationPath, stream => stream.Write(Encoding.UTF8.GetBytes(measured.ToJsonString())));
    }

    /// <summary>Says whose activations the autoencoder is of, for the one that is here.</summary>
    internal void WriteHost(HostReference host)
    {
        byte[] json = (host.WithFullPaths() with { AutoencoderSha256 = AutoencoderHash }).ToJson();
        AtomicFile.Write(HostPath, stream => stream.Write(json));
    }

    /// <summary>Takes back <see cref="WriteHost"/>.</summary>
    internal void ForgetHost() => File.Delete(HostPath);

    /// <summary>Catalogs of earlier runs in this folder, set aside when another run began.</summary>
    public IEnumerable<string> EarlierCatalogs() => Directory.GetFiles(Path, "features-earlier-*.db");

    /// <summary>Refuses other data than those that the run was trained on, as far as its state says.</summary>
    /// <param name="source">The data.</param>
    /// <param name="remedy">What to do, as the end of a sentence.</param>
    /// <exception cref="InputException">They are others.</exception>
    public void CheckTrainedOn(IActivationSource source, string remedy)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (long.TryParse(StateValue("data_rows"), out long rows) && rows != source.Rows)
            throw new InputException($"{source.Name} has {source.Rows} rows, but the run in {Path} was trained on {rows}, so these are "
                + $"other data; {remedy}.");
        if (StateValue(TrainingState.DataKey) is { } trained
            && !string.Equals(trained, DataFingerprint.Compute(source), StringComparison.Ordinal))
            throw new InputException($"{source.Name} has as many rows as the run in {Path} was trained on, but these are other data; "
                + $"{remedy}.");
    }

    internal string EarlierCatalogPath(int number) => In($"features-earlier-{number}.db");

    /// <summary>Reads the reference to the host without asking to which autoencoder it belongs.</summary>
    internal HostReference? ReadHost() => File.Exists(HostPath) ? HostReference.Read(HostPath) : null;

    /// <summary>A value of the state's header; null where it is not kept.</summary>
    internal string? StateValue(string key) => Value(StatePath, key);

    private static string? Value(string path, string key)
    {
        if (!File.Exists(path)) return null;
        try
        {
            using TensorFile file = TensorFile.Open(path);
            return file.Metadata.GetValueOrDefault(key);
        }
        catch (InputException)
        {
            return null; // who reads the file itself says what is wrong with it
        }
    }

    private static bool IsThere(string path)
    {
        if (System.IO.Path.Exists(path)) return true;
        int at = path.AsSpan().IndexOfAny('*', '?', '#');
        return at > 0 && System.IO.Path.Exists(path[at] == '#' ? path[..at] : System.IO.Path.GetDirectoryName(path[..at]));
    }

    private string In(string name) => System.IO.Path.Combine(Path, name);
}
