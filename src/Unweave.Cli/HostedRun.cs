using System.CommandLine;
using System.Globalization;
using Unweave.Autoencoders;
using Unweave.Catalog;
using Unweave.Hosts;
using Unweave.Interpretation;
using Unweave.Onnx;
using Unweave.Runs;

namespace Unweave.Cli;

/// <summary>
/// An autoencoder in the model that it was trained on, with the labels of its catalog where there is one: what reading, steering and
/// attribution need.
/// </summary>
internal sealed class HostedRun : IDisposable
{
    private readonly RunHost host;
    private readonly SparseAutoencoder autoencoder;
    private readonly FeatureCatalog? catalog;

    private HostedRun(RunFolder run, RunHost host, SparseAutoencoder autoencoder)
    {
        (this.host, this.autoencoder) = (host, autoencoder);
        Hosted = new HostedAutoencoder(host.Model, host.Tokenizer, host.Hook, autoencoder, host.Pass.Context,
            host.Pass.KeepSpecial);
        catalog = OpenLabels(run);
    }

    /// <summary>The autoencoder in its host.</summary>
    public HostedAutoencoder Hosted { get; }

    /// <summary>The host's tokenizer.</summary>
    public ITokenizer Tokenizer => host.Tokenizer;

    /// <summary>Opens a run.</summary>
    /// <param name="folder">Its folder.</param>
    /// <param name="flags">The host's flags.</param>
    /// <param name="parsed">The command line.</param>
    /// <param name="hook">Where the autoencoder belongs; null takes where it was trained.</param>
    public static HostedRun Open(string folder, HostFlags flags, ParseResult parsed, string? hook)
    {
        var run = RunFolder.Open(folder);
        SparseAutoencoder loaded = run.LoadSparseAutoencoder();
        RunHost? opened = null;
        try
        {
            opened = flags.Open(run, parsed, hook);
            return new HostedRun(run, opened, loaded);
        }
        catch
        {
            opened?.Dispose();
            loaded.Dispose();
            throw;
        }
    }

    /// <summary>Latents with their labels, as far as they have any.</summary>
    public IReadOnlyDictionary<int, string> Labels(IEnumerable<int> latents) => catalog?
        .Rows([.. latents.Distinct().Where(latent => latent < catalog.Source.Latents)])
        .Where(row => row.Label is not null).ToDictionary(row => row.Latent, row => row.Label!) ?? [];

    /// <summary>A latent's number, with its label.</summary>
    public static string Named(int latent, IReadOnlyDictionary<int, string> labels)
    {
        string number = latent.ToString(CultureInfo.InvariantCulture);
        return labels.TryGetValue(latent, out string? label) ? $"{number} {label}" : number;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Hosted.Dispose();
        catalog?.Dispose();
        host.Dispose();
        autoencoder.Dispose();
    }

    // Labels are only shown beside the numbers: those of another autoencoder are left out, and that is said.
    private static FeatureCatalog? OpenLabels(RunFolder run)
    {
        if (!FeatureCatalog.Exists(run.CatalogPath)) return null;
        try
        {
            return FeatureCatalog.Open(run);
        }
        catch (InputException e)
        {
            Console.Error.WriteLine($"Without labels: {e.Message}");
            return null;
        }
    }
}
