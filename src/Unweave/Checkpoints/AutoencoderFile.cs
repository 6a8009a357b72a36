using System.Globalization;
using System.Numerics;
using System.Numerics.Tensors;
using System.Security.Cryptography;
using System.Text;
using Unweave.Autoencoders;
using Unweave.Checkpoints.Dialects;
using Unweave.Formats;

namespace Unweave.Checkpoints;

/// <summary>
/// The native format of a trained autoencoder: one safetensors file of its weights, whose metadata holds everything else needed to
/// build it again. <c>docs/formats.md</c> describes it byte by byte.
/// </summary>
public static class AutoencoderFile
{
    /// <summary>Name of the file within the folder of a run.</summary>
    public const string FileName = "autoencoder.safetensors";

    private const string FormatName = "unweave", OriginKey = "origin";
    private const int Version = 1;
    private const int RowsBetweenForgetting = 1 << 13; // so that little of the mapped file is in memory beside what was made of it
    private static readonly string[] Settings = ["version", "options", "input_width", "input_scale"];
    private static readonly string[] TargetSettings = ["output_width", "output_scale"]; // of a map between two spaces

    extension(Autoencoder autoencoder)
    {
        /// <summary>Writes the autoencoder, whole or not at all.</summary>
        /// <param name="path">
        /// A file ending in <c>.safetensors</c>, or a folder: then <c>autoencoder.safetensors</c> in it. Folders are made as needed.
        /// </param>
        /// <exception cref="InputException">The file cannot be written, or a weight is NaN or infinite.</exception>
        public void Save(string path)
        {
            string file = path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase) ? path : Path.Combine(path, FileName);
            foreach (Parameter parameter in autoencoder.Parameters) CheckFinite(parameter, file);
            MakeFolder(file);
            var metadata = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["format"] = FormatName,
                ["version"] = Version.ToString(CultureInfo.InvariantCulture),
                ["options"] = AutoencoderJson.Write(autoencoder.Options),
                ["input_width"] = autoencoder.InputWidth.ToString(CultureInfo.InvariantCulture),
                ["input_scale"] = autoencoder.InputScale.ToString("R", CultureInfo.InvariantCulture),
            };
            if (autoencoder.OutputWidth != autoencoder.InputWidth || autoencoder.OutputScale != autoencoder.InputScale)
            {
                metadata["output_width"] = autoencoder.OutputWidth.ToString(CultureInfo.InvariantCulture);
                metadata["output_scale"] = autoencoder.OutputScale.ToString("R", CultureInfo.InvariantCulture);
            }

            metadata["settings_sha256"] = SettingsHash(metadata);
            if (autoencoder.Origin is { } origin) metadata[OriginKey] = AutoencoderJson.WriteOrigin(origin);
            IEnumerable<TensorToWrite> tensors =
                autoencoder.Parameters.Select(parameter => TensorToWrite.From(parameter.Name, parameter.Value, ShapeOf(parameter)));
            SafetensorsWriter.Write(file, [.. tensors], metadata);
        }

        /// <summary>
        /// Reads an autoencoder of any kind, checking every byte: one of ours, or one that another library wrote in a dialect that is
        /// known, told by its content.
        /// </summary>
        /// <param name="path">The file, or the folder that holds it.</param>
        /// <exception cref="InputException">
        /// There is none, it is torn or damaged, or of no known dialect; the message says which.
        /// </exception>
        public static Autoencoder Load(string path) => Read(path);
    }

    internal static Autoencoder Read(string path)
    {
        if (Directory.Exists(path))
        {
            string own = Path.Combine(path, FileName);
            return File.Exists(own) ? ReadOwn(own) : Dialect.Read(path);
        }

        bool isOwn = false;
        if (File.Exists(path) && !path.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
        {
            using TensorFile file = TensorFile.Open(path);
            isOwn = file.Metadata.GetValueOrDefault("format") is FormatName;
        }

        return isOwn || string.Equals(Path.GetFileName(path), FileName, StringComparison.Ordinal) ? ReadOwn(path) : Dialect.Read(path);
    }

    private static Autoencoder ReadOwn(string path)
    {
        using TensorFile file = TensorFile.Open(path);
        if (file is not SafetensorsFile safetensors || file.Metadata.GetValueOrDefault("format") is not FormatName)
            throw new InputException($"{path}: this is a {file.Format} file, but not an autoencoder that Unweave wrote; give the folder "
                + $"or file that training wrote.");
        CheckVersion(file);
        _ = Required(file, "sha256");
        safetensors.Verify();
        file.Forget(); // checking it has filled memory with all of it
        if (!string.Equals(Required(file, "settings_sha256"), SettingsHash(file.Metadata), StringComparison.Ordinal))
            throw new InputException($"{path}: the checksum of its settings does not match them; the file is damaged or was edited: "
                + $"restore it, or train again.");
        AutoencoderOptions options = AutoencoderJson.Read(Required(file, "options"), path);
        int width = Number<int>(file, "input_width");
        int outputWidth = file.Metadata.ContainsKey("output_width") ? Number<int>(file, "output_width") : width;
        float scale = Scale(file, "input_scale"), outputScale = file.Metadata.ContainsKey("output_scale")
            ? Scale(file, "output_scale")
            : scale;
        CheckOptions(file, options, width, outputWidth);

        Autoencoder autoencoder = options.Build(width, outputWidth, rng: null); // every weight is read below
        try
        {
            (autoencoder.InputScale, autoencoder.OutputScale) = (scale, outputScale);
            if (file.Metadata.TryGetValue(OriginKey, out string? origin)) autoencoder.Origin = AutoencoderJson.ReadOrigin(origin);
            CheckTensors(file, autoencoder.Parameters);
            foreach (Parameter parameter in autoencoder.Parameters)
            {
                TensorInfo tensor = file[parameter.Name];
                for (int row = 0; row < parameter.Value.Rows; row++)
                {
                    file.Read(tensor, (long)row * parameter.Value.Columns, parameter.Value.Row(row));
                    if (row % RowsBetweenForgetting == 0) file.Forget();
                }

                CheckFinite(parameter, path);
            }

            return autoencoder;
        }
        catch
        {
            autoencoder.Dispose();
            throw;
        }
    }

    private static void MakeFolder(string file)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{file}: its folder cannot be made: {e.Message}", e);
        }
    }

    private static void CheckVersion(TensorFile file)
    {
        int version = Number<int>(file, "version");
        if (version > Version)
        {
            throw new InputException($"{file.Path}: this was written by a newer Unweave (format version {version}; this one reads up to "
                + $"{Version}); update Unweave.");
        }

        if (version < 1) throw new InputException($"{file.Path}: version is {version} in the metadata; the file is damaged.");
    }

    /// <summary>Refuses settings that contradict each other, and a model far larger than the file before its memory is asked for.</summary>
    private static void CheckOptions(TensorFile file, AutoencoderOptions options, int width, int outputWidth)
    {
        try
        {
            options.Validate(width, outputWidth);
        }
        catch (InputException e)
        {
            throw new InputException($"{file.Path}: {e.Message}", e);
        }

        double needed = options.ParameterCount(width, outputWidth);
        double held = file.Tensors.Sum(tensor => (double)tensor.Count);
        if (needed > (4 * held) + 1e6)
        {
            throw new InputException($"{file.Path}: its settings describe a model of {needed:G4} weights, but it holds {held:G4}; the "
                + $"file is damaged.");
        }
    }

    private static void CheckTensors(TensorFile file, IReadOnlyList<Parameter> parameters)
    {
        var problems = new List<string>();
        foreach (Parameter parameter in parameters)
        {
            IReadOnlyList<long> shape = ShapeOf(parameter);
            TensorInfo? found = file.Tensors.FirstOrDefault(tensor => string.Equals(tensor.Name, parameter.Name, StringComparison.Ordinal));
            if (found is null) problems.Add($"'{parameter.Name}' [{string.Join(", ", shape)}] is missing");
            else if (!found.Shape.SequenceEqual(shape))
                problems.Add($"'{parameter.Name}' is [{string.Join(", ", found.Shape)}] where [{string.Join(", ", shape)}] is expected");
            else if (found.Type != ElementType.Float32)
                problems.Add($"'{parameter.Name}' is {found.Type} where {ElementType.Float32} is expected");
        }

        foreach (TensorInfo tensor in file.Tensors)
        {
            if (!parameters.Any(parameter => string.Equals(parameter.Name, tensor.Name, StringComparison.Ordinal)))
                problems.Add($"'{tensor.Name}' is not expected");
        }

        if (problems.Count > 0)
            throw new InputException($"{file.Path}: the tensors do not fit the settings: {string.Join("; ", problems)}.");
    }

    private static void CheckFinite(Parameter parameter, string path)
    {
        for (int row = 0; row < parameter.Value.Rows; row++)
        {
            if (!TensorPrimitives.IsFiniteAll<float>(parameter.Value.Row(row)))
                throw new InputException($"{path}: the weights '{parameter.Name}' have NaN or an infinity in row {row}; training "
                    + $"diverged: lower its learning rate.");
        }
    }

    /// <summary>The data's checksum leaves out the settings beside it, where one changed digit would silently make another model.</summary>
    private static string SettingsHash(IReadOnlyDictionary<string, string> metadata) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join(
            '\n',
            Settings.Concat(TargetSettings.Where(metadata.ContainsKey)).Select(key => metadata.GetValueOrDefault(key))))));

    /// <summary>A vector is stored with one axis.</summary>
    private static long[] ShapeOf(Parameter parameter) =>
        parameter.Value.Rows == 1 ? [parameter.Value.Columns] : [parameter.Value.Rows, parameter.Value.Columns];

    private static float Scale(TensorFile file, string key)
    {
        float scale = Number<float>(file, key);
        if (scale > 0 && float.IsFinite(scale)) return scale;
        throw new InputException($"{file.Path}: {key} is {scale} in the metadata; it must be positive.");
    }

    private static string Required(TensorFile file, string key) =>
        file.Metadata.TryGetValue(key, out string? value)
            ? value
            : throw new InputException($"{file.Path}: {key} is missing from its metadata; the file is damaged.");

    private static T Number<T>(TensorFile file, string key)
        where T : INumber<T> =>
        T.TryParse(Required(file, key), NumberStyles.Float, CultureInfo.InvariantCulture, out T? number)
            ? number
            : throw new InputException($"{file.Path}: {key} is '{Required(file, key)}' in its metadata, which is no number; the file is "
                + $"damaged.");
}

/// <summary>The part of <see cref="AutoencoderFile"/> that only autoencoders with a dictionary have.</summary>
public static class SparseAutoencoderFile
{
    extension(SparseAutoencoder)
    {
        /// <summary>Reads an autoencoder that has a dictionary of latents, checking every byte.</summary>
        /// <param name="path">The file, or the folder that holds it.</param>
        /// <exception cref="InputException">As for any autoencoder; or it is an undercomplete or variational one.</exception>
        public static SparseAutoencoder Load(string path)
        {
            Autoencoder autoencoder = AutoencoderFile.Read(path);
            if (autoencoder is SparseAutoencoder sparse) return sparse;
            autoencoder.Dispose();
            throw new InputException($"{path}: this autoencoder ({autoencoder.Options.Describe()}) has no sparse latents; "
                + $"use one trained as {Architecture.NamesWhere(options => options is DictionaryOptions { Trainable: true })}.");
        }
    }
}
