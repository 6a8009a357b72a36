using Unweave.Autoencoders;
using Unweave.Catalog;
using Unweave.Checkpoints;
using Unweave.Interpretation;
using Unweave.Training;

namespace Unweave.Web;

/// <summary>
/// One run: its folder, and what of it is open. Each part is opened when first asked for, again when its file has changed, and is
/// shared by all readers.
/// </summary>
public sealed class Run : IDisposable
{
    private readonly Lock entry = new();
    private readonly FilePart<FeatureCatalog> catalog;
    private readonly FilePart<Autoencoder> autoencoder;
    private readonly FilePart<TrainingOptions> settings;
    private RunHost? host;

    /// <summary>Names a run; nothing is opened yet.</summary>
    internal Run(string name, string folder)
    {
        Name = name;
        Folder = folder;
        // A new build goes into the same file, and the catalog shows it by itself; only a file that came or went is opened again.
        catalog = new FilePart<FeatureCatalog>(Path.Combine(folder, FeatureCatalog.FileName), FeatureCatalog.Open, follow: false);
        autoencoder = new FilePart<Autoencoder>(Path.Combine(folder, AutoencoderFile.FileName), Autoencoders.Autoencoder.Load);
        settings = new FilePart<TrainingOptions>(Path.Combine(folder, Trainer.SettingsFileName), RunFile.Read);
        Log = new RunLog(Path.Combine(folder, RunLog.FileName));
    }

    /// <summary>Its name, that of its folder.</summary>
    public string Name { get; }

    /// <summary>Its folder.</summary>
    public string Folder { get; }

    /// <summary>The catalog of its features; null when none was built.</summary>
    /// <exception cref="InputException">It is damaged, of a newer version, or locked.</exception>
    public FeatureCatalog? Catalog => catalog.Get();

    /// <summary>Its trained autoencoder, of any kind; null when training has not written one yet.</summary>
    /// <exception cref="InputException">The file is damaged.</exception>
    public Autoencoder? Trained => autoencoder.Get();

    /// <summary>Its trained autoencoder where that has a dictionary of latents; else null.</summary>
    /// <exception cref="InputException">The file is damaged.</exception>
    public SparseAutoencoder? Autoencoder => Trained as SparseAutoencoder;

    /// <summary>Its settings; null where it has no run file.</summary>
    /// <exception cref="InputException">The file is damaged.</exception>
    public TrainingOptions? Settings => settings.Get();

    /// <summary>The making of its map.</summary>
    public MapMaking Making { get; } = new();

    /// <summary>Its log, read as far as it is written.</summary>
    internal RunLog Log { get; }

    /// <summary>The autoencoder in the model that it was trained on; null where that cannot be, and <see cref="HostMissing"/> says why.</summary>
    public HostedAutoencoder? Host => Hosted().Autoencoder;

    /// <summary>Why there is no <see cref="Host"/>, in one sentence with the likely fix; null when there is one.</summary>
    public string? HostMissing => Hosted().Missing;

    /// <summary>A latent's decoder row, <c>[d]</c>, at the scale of the weights; null without an autoencoder.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such latent.</exception>
    public float[]? DecoderRow(int latent)
    {
        if (Autoencoder is not { } sparse) return null;
        ArgumentOutOfRangeException.ThrowIfNegative(latent);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(latent, sparse.Latents);
        return sparse.Decoder.Row(latent).ToArray();
    }

    /// <summary>Stops what is open.</summary>
    public void Dispose()
    {
        Making.Dispose();
        lock (entry) host?.Dispose();
        catalog.Dispose();
        autoencoder.Dispose();
    }

    private RunHost Hosted()
    {
        SparseAutoencoder? current = Autoencoder;
        lock (entry)
        {
            if (host is not null && ReferenceEquals(host.Source, current) && (current is not null || host.Missing is not null)) return host;
            host?.Dispose();
            return host = RunHost.Open(Folder, current);
        }
    }
}
