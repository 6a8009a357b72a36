using System.Globalization;
using Unweave.Autoencoders;
using Unweave.Data;
using Unweave.Formats;

namespace Unweave.Training;

/// <summary>
/// The state of a run in one file, <c>training.safetensors</c>: weights, the optimizer's moments, the loss's running means, when each
/// latent last fired, the step and the options. With the data it is all there is: everything else follows from the step's number.
/// </summary>
internal static class TrainingState
{
    /// <summary>Name of the file in a run's folder.</summary>
    public const string FileName = "training.safetensors";

    /// <summary>Keys of the autoencoder's and the data's fingerprints.</summary>
    public const string AutoencoderKey = "autoencoder_sha256", DataKey = "data_sha256";

    private const string Format = "unweave-training", Version = "1";

    /// <summary>Writes the state beside the target and renames it: a torn write leaves the last state whole.</summary>
    /// <param name="run">The run.</param>
    /// <param name="source">Its data.</param>
    /// <param name="path">The state file.</param>
    /// <param name="autoencoder">SHA-256 of the weights as they were written for use, so that the two files know each other.</param>
    public static void Save(TrainingRun run, ITrainingData source, string path, string autoencoder)
    {
        Autoencoder model = run.Autoencoder; // before the state is taken, which holds the weights to train on
        var tensors = new List<TensorToWrite>();
        run.Learner.Save(tensor => tensors.Add(TensorToWrite.From(tensor.Name, tensor.Value)));
        tensors.Add(TensorToWrite.From("last_fired", run.LastFired, [run.LastFired.Length]));

        // Threads and places do not change the result, so they do not change the file either.
        TrainingOptions options = run.Options with { Threads = 0, Output = null, Data = [], Targets = [] };
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["format"] = Format,
            ["version"] = Version,
            ["options"] = RunFile.Write(options),
            ["step"] = Text(run.Step),
            ["input_scale"] = model.InputScale.ToString("R", CultureInfo.InvariantCulture),
            ["best_validation"] = run.BestValidation.ToString("R", CultureInfo.InvariantCulture),
            ["stale_validations"] = Text(run.Stale),
            ["data_rows"] = Text(source.Rows),
            ["data_width"] = Text(source.Width),
            [AutoencoderKey] = autoencoder,
        };
        if (source.Fingerprint is { } fingerprint) metadata[DataKey] = fingerprint;
        if (model.OutputScale != model.InputScale) metadata["output_scale"] = model.OutputScale.ToString("R", CultureInfo.InvariantCulture);
        SafetensorsWriter.Write(path, tensors, metadata);
    }

    /// <summary>Reads a state and gives the run that goes on from it.</summary>
    /// <param name="path">The state file.</param>
    /// <param name="source">The same vectors that the run was started on.</param>
    /// <param name="adapt">Settings that may differ when a run goes on: threads, output, data.</param>
    public static TrainingRun Load(string path, ITrainingData source, Func<TrainingOptions, TrainingOptions> adapt)
    {
        using TensorFile file = TensorFile.Open(path);
        if (!string.Equals(file.Metadata.GetValueOrDefault("format"), Format, StringComparison.Ordinal))
            throw new InputException($"{path} is not the state of a training run; start the run again without resuming.");
        string version = Required(file, "version");
        if (!string.Equals(version, Version, StringComparison.Ordinal))
            throw new InputException($"{path} was written by another version of Unweave (training state {version}, this one reads "
                + $"{Version}); resume with that version.");
        (file as SafetensorsFile)?.Verify();
        TrainingOptions options = adapt(RunFile.Parse(Required(file, "options"), path));
        if (Whole(file, "data_rows") != source.Rows || Whole(file, "data_width") != source.Width)
            throw new InputException($"{path} was trained on {Whole(file, "data_rows")} rows of width {Whole(file, "data_width")}, but "
                + $"{source.Name} has {source.Rows} of width {source.Width}; resume on the same data.");
        if (file.Metadata.TryGetValue(DataKey, out string? data) && !string.Equals(data, source.Fingerprint, StringComparison.Ordinal))
            throw new InputException($"{path} was trained on other data than {source.Name}, though of the same shape; resume on the "
                + $"same data.");
        return TrainingRun.Restore(options, source, run =>
        {
            run.Learner.Restore(
                parameter =>
                {
                    (int rows, int columns) = (parameter.Value.Rows, parameter.Value.Columns);
                    TensorInfo tensor = Find(file, parameter.Name, [rows, columns]);
                    for (int row = 0; row < rows; row++) file.Read(tensor, (long)row * columns, parameter.Value.Row(row));
                },
                Whole(file, "step"));

            TensorInfo fired = Find(file, "last_fired", [run.LastFired.Length]);
            file.ReadBytes(fired, 0, System.Runtime.InteropServices.MemoryMarshal.AsBytes(run.LastFired.AsSpan()));
            run.Stale = (int)Whole(file, "stale_validations");
            run.BestValidation = Real(file, "best_validation");
            Autoencoder model = run.Autoencoder;
            model.InputScale = (float)Real(file, "input_scale");
            model.OutputScale = file.Metadata.ContainsKey("output_scale") ? (float)Real(file, "output_scale") : model.InputScale;
        });
    }

    private static TensorInfo Find(TensorFile file, string name, long[] shape)
    {
        TensorInfo tensor = file[name];
        return tensor.Shape.SequenceEqual(shape)
            ? tensor
            : throw new InputException($"{file.Path}: tensor '{name}' is [{string.Join(", ", tensor.Shape)}], expected "
                + $"[{string.Join(", ", shape)}]; the file does not belong to this run.");
    }

    private static string Required(TensorFile file, string key) =>
        file.Metadata.TryGetValue(key, out string? value)
            ? value
            : throw new InputException($"{file.Path}: metadata '{key}' is missing; the file is not a whole training state.");

    private static long Whole(TensorFile file, string key) =>
        long.TryParse(Required(file, key), NumberStyles.None, CultureInfo.InvariantCulture, out long value)
            ? value
            : throw new InputException($"{file.Path}: metadata '{key}' is '{Required(file, key)}', expected a whole number.");

    private static double Real(TensorFile file, string key) =>
        double.TryParse(Required(file, key), NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            ? value
            : throw new InputException($"{file.Path}: metadata '{key}' is '{Required(file, key)}', expected a number.");

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
