using System.CommandLine;
using System.Globalization;
using Unweave.Autoencoders;
using Unweave.Catalog;
using Unweave.Hosts;
using Unweave.Interpretation;
using Unweave.Onnx;

namespace Unweave.Cli;

/// <summary>An autoencoder in the model that it was trained on, with the labels of its catalog where there is one: what reading, steering and attribution need.</summary>
internal sealed class HostedRun : IDisposable
{
    private readonly OnnxHost model;
    private readonly SparseAutoencoder autoencoder;
    private readonly FeatureCatalog? catalog;

    private HostedRun(OnnxHost model, ITokenizer tokenizer, SparseAutoencoder autoencoder, Hook hook, int? context, FeatureCatalog? catalog)
    {
        this.model = model;
        this.autoencoder = autoencoder;
        this.catalog = catalog;
        Hosted = new HostedAutoencoder(model, tokenizer, hook, autoencoder, context);
        Tokenizer = tokenizer;
    }

    /// <summary>The autoencoder in its host.</summary>
    public HostedAutoencoder Hosted { get; }

    /// <summary>The host's tokenizer.</summary>
    public ITokenizer Tokenizer { get; }

    /// <summary>Opens a run.</summary>
    /// <param name="folder">Its folder.</param>
    /// <param name="flags">The host's flags.</param>
    /// <param name="parsed">The command line.</param>
    /// <param name="hook">Where the autoencoder belongs; null takes where it was trained.</param>
    public static HostedRun Open(string folder, HostFlags flags, ParseResult parsed, string? hook)
    {
        SparseAutoencoder trainedHere = FeatureBuild.Open(folder);
        OnnxHost? opened = null;
        try
        {
            HostReference? trained = HostReference.Find(folder);
            string path = flags.ModelPath(parsed, trained?.Model);
            opened = OnnxHost.Open(path);
            if (trained is not null && !string.Equals(trained.ModelHash, opened.Hash, StringComparison.Ordinal)) Console.Error.WriteLine($"{folder} was trained on another model ({trained.Model}) than {path}.");
            Hook at = opened.FindOne(hook ?? trained?.Hook ?? throw new InputException($"{folder} does not say which hook it was trained on; name it with --hook (`unweave hooks {path}` lists them)."));
            bool same = string.Equals(trained?.ModelHash, opened.Hash, StringComparison.Ordinal);
            return new HostedRun(opened, flags.Tokenizer(parsed, path), trainedHere, at, same && trained!.Context > 0 ? trained.Context : null, FeatureCatalog.Exists(folder) ? FeatureCatalog.Open(folder) : null);
        }
        catch
        {
            opened?.Dispose();
            trainedHere.Dispose();
            throw;
        }
    }

    /// <summary>Latents with their labels, as far as they have any.</summary>
    public IReadOnlyDictionary<int, string> Labels(IEnumerable<int> latents) =>
        catalog?.Rows([.. latents.Distinct().Where(latent => latent < catalog.Source.Latents)]).Where(row => row.Label is not null).ToDictionary(row => row.Latent, row => row.Label!) ?? [];

    /// <summary>A latent's number, with its label.</summary>
    public static string Named(int latent, IReadOnlyDictionary<int, string> labels) => labels.TryGetValue(latent, out string? label) ? $"{latent.ToString(CultureInfo.InvariantCulture)} {label}" : latent.ToString(CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    public void Dispose()
    {
        Hosted.Dispose();
        catalog?.Dispose();
        model.Dispose();
        autoencoder.Dispose();
    }
}
