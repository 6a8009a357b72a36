using System.Globalization;
using Unweave.Autoencoders;
using Unweave.Hosts;
using Unweave.Training;

namespace Unweave.Web;

/// <summary>A run in words.</summary>
internal static class RunWords
{
    /// <summary>The autoencoder in a few words: <c>TopK, 4,096 latents, 32 active</c>.</summary>
    public static string Architecture(AutoencoderOptions options) => options switch
    {
        TopKOptions topK => $"TopK, {Figures.Count(topK.Latents)} latents, {topK.K} active",
        ReluOptions relu => $"ReLU with L1, {Figures.Count(relu.Latents)} latents",
        KlOptions kl => $"sigmoid with KL sparsity, {Figures.Count(kl.Latents)} latents",
        UndercompleteOptions narrow => $"undercomplete, bottleneck of {Figures.Count(narrow.Bottleneck)}",
        VariationalOptions variational => $"variational, {Figures.Count(variational.Bottleneck)} latents",
        DictionaryOptions dictionary => $"{Figures.Count(dictionary.Latents)} latents",
        _ => options.GetType().Name,
    };

    /// <summary>A run in one line.</summary>
    public static string Short(Run run)
    {
        AutoencoderOptions? options = run.Settings?.Autoencoder ?? run.Trained?.Options;
        string what = options is null ? "no autoencoder" : Architecture(options);
        return run.Catalog is null ? $"{what}; no features yet" : what;
    }

    /// <summary>The settings that a reader asks for first, by name.</summary>
    /// <param name="settings">The run file.</param>
    /// <param name="width">Width of the vectors, where it is known.</param>
    /// <param name="host">The model, where there is one.</param>
    public static IEnumerable<(string Name, string Value)> Settings(TrainingOptions settings, int? width, HostReference? host)
    {
        yield return ("architecture", Architecture(settings.Autoencoder));
        if (settings.Autoencoder is ReluOptions relu) yield return ("L1 penalty", Number(relu.L1Coefficient));
        if (settings.Autoencoder is KlOptions kl) yield return ("KL penalty", $"{Number(kl.KlCoefficient)}, target {Number(kl.TargetActivation)}");
        if (width is { } d) yield return ("width", Figures.Count(d));
        if (host is not null)
        {
            yield return ("model", ModelName(host.Model));
            yield return ("hook", $"{host.Hook}, windows of {host.Context} tokens");
        }

        yield return ("rows to train on", $"{Figures.Count(settings.Tokens)}, in {Figures.Count(settings.Steps)} steps of {Figures.Count(settings.Batch)}");
        yield return ("learning rate", $"{(settings.LearningRate is { } rate ? Number(rate) : "by the number of latents")}, falling over the last {Figures.Percent(settings.DecayFraction)}");
        yield return ("held out", settings.Validation == 0 ? "nothing" : $"{Figures.Percent(settings.Validation)} of the rows, measured every {Figures.Count(settings.ValidateEvery)} steps");
        yield return ("seed", settings.Seed.ToString(CultureInfo.InvariantCulture));
        if (settings.Data.Count > 0) yield return ("data", string.Join(", ", settings.Data));
    }

    /// <summary>A model's folder, or its file where that says more.</summary>
    private static string ModelName(string path)
    {
        string file = Path.GetFileName(path);
        return file is "model.onnx" && Path.GetFileName(Path.GetDirectoryName(path)) is { Length: > 0 } folder ? folder : path.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase) ? file : path;
    }

    private static string Number(double value) => value.ToString("G6", CultureInfo.InvariantCulture);
}
