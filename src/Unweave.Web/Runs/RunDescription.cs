using System.Globalization;
using Unweave.Autoencoders;
using Unweave.Hosts;
using Unweave.Training;

namespace Unweave.Web.Runs;

/// <summary>A run in words.</summary>
internal static class RunDescription
{
    /// <summary>How many latents of a row an architecture keeps active by its settings; null where that follows from the data.</summary>
    public static int? ActiveLatents(AutoencoderOptions? options) => options switch
    {
        SelectionOptions selection => selection.K,
        _ => null,
    };

    /// <summary>What a run was trained on, in a few words: the model's hook, else the files.</summary>
    public static string Data(TrainingOptions? settings, HostReference? host) => host is not null
        ? $"{ModelName(host.Model)} {host.Hook}"
        : string.Join(", ", (settings?.Data ?? []).Select(ShortPath));

    /// <summary>The end of a path: what it names, in its folder.</summary>
    public static string ShortPath(string path)
    {
        string[] parts = path.Split(['/', '\\'], StringSplitOptions.RemoveEmptyEntries);
        return parts.Length <= 2 ? path : string.Join('/', parts[^2..]);
    }

    /// <summary>The settings that a reader asks for first, by name.</summary>
    /// <param name="settings">The run file.</param>
    /// <param name="width">Width of the vectors, where it is known.</param>
    /// <param name="host">The model, where there is one.</param>
    public static IEnumerable<(string Name, string Value)> Settings(TrainingOptions settings, int? width, HostReference? host)
    {
        yield return ("architecture", settings.Autoencoder.Describe());
        if (width is { } d) yield return ("width", Figures.Count(d));
        if (host is not null)
        {
            yield return ("model", ModelName(host.Model));
            yield return ("hook", $"{host.Hook}, windows of {host.Context} tokens");
        }

        string steps = $"{Figures.Count(settings.Steps)} steps of {Figures.Count(settings.Batch)}";
        yield return ("rows to train on", $"{Figures.Count(settings.Rows)}, in {steps}");
        string peak = settings.LearningRate is { } rate ? Number(rate) : "by the number of latents";
        yield return ("learning rate", $"{peak}, falling over the last {Figures.Percent(settings.DecayFraction)}");
        string every = $"measured every {Figures.Count(settings.ValidateEvery)} steps";
        yield return ("held out", settings.Validation == 0 ? "nothing" : $"{Figures.Percent(settings.Validation)} of the rows, {every}");
        yield return ("seed", settings.Seed.ToString(CultureInfo.InvariantCulture));
        if (settings.Data.Count > 0) yield return ("data", string.Join(", ", settings.Data.Select(ShortPath)));
    }

    /// <summary>A model's folder, or its file where that says more.</summary>
    private static string ModelName(string path)
    {
        string file = Path.GetFileName(path);
        if (file is "model.onnx" && Path.GetFileName(Path.GetDirectoryName(path)) is { Length: > 0 } folder) return folder;
        return path.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase) ? file : path;
    }

    private static string Number(double value) => value.ToString("G6", CultureInfo.InvariantCulture);
}
