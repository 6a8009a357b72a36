using System.Diagnostics.CodeAnalysis;
using Unweave.Autoencoders;
using Unweave.Catalog;
using Unweave.Hosts;
using Unweave.Indexing;
using Unweave.Onnx;
using Unweave.Runs;
using Unweave.Training;

namespace Unweave.Web.Runs;

/// <summary>
/// One run: its folder, and what of it is open. Each part is opened when first asked for, again when its file has changed, and is
/// shared by all readers. Weights and the model are used under a lease, so that none is disposed while it works. Public because parts of
/// pages, which Razor makes public, take it as a parameter.
/// </summary>
public sealed class ServedRun : IDisposable
{
    private readonly Lock entry = new();
    private readonly FilePart<FeatureCatalog> catalog;
    private readonly FilePart<Autoencoder> autoencoder;
    private readonly FilePart<TrainingOptions> settings;
    private readonly FilePart<IndexedTexts>? texts;
    private readonly Lock summaryEntry = new();
    private OpenedHost? host;
    private RunSummary? summary;
    private (DateTime, DateTime, DateTime, DateTime, DateTime) summarized;

    /// <summary>Names a run; nothing is opened yet.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="files">Its files.</param>
    /// <param name="indexFolder">The index of texts that it is the run of; null for none.</param>
    internal ServedRun(string name, RunFolder files, string? indexFolder = null)
    {
        (Name, Files, IndexFolder) = (name, files, indexFolder);
        // An index that is added to stays open and is refreshed; only one that was built again has another recipe.
        if (indexFolder is not null)
            texts = new FilePart<IndexedTexts>(Path.Combine(indexFolder, IndexRecipe.FileName), _ => IndexedTexts.Open(indexFolder));
        // A new build goes into the same file, and the catalog shows it by itself; only a file that came or went is opened again.
        catalog = new FilePart<FeatureCatalog>(Files.CatalogPath, FeatureCatalog.Open, follow: false);
        autoencoder = new FilePart<Autoencoder>(Files.AutoencoderPath, _ => Files.LoadAutoencoder());
        settings = new FilePart<TrainingOptions>(Files.SettingsPath, RunFile.Read);
        Log = new MetricsReader(Files.MetricsPath);
    }

    /// <summary>Its name, that of its folder.</summary>
    internal string Name { get; }

    /// <summary>Its files.</summary>
    internal RunFolder Files { get; }

    /// <summary>Its folder.</summary>
    internal string Folder => Files.Path;

    /// <summary>The folder of the index of texts that it is the run of; null for none.</summary>
    internal string? IndexFolder { get; }

    /// <summary>Whether texts can be searched by its latents.</summary>
    [MemberNotNullWhen(true, nameof(IndexFolder))]
    internal bool HasIndex => IndexFolder is not null;

    /// <summary>Where a reader begins: the search where there is one, else the overview.</summary>
    internal string FirstPage => HasIndex ? Links.Search(Name) : Links.Run(Name);

    /// <summary>
    /// The catalog of its features; null when none was built, or when it is that of another autoencoder (<see cref="CatalogProblem"/>).
    /// </summary>
    /// <exception cref="InputException">It is damaged, of a newer version, or locked.</exception>
    internal FeatureCatalog? Catalog => catalog.Get() is { } open && open.Mismatch(Files) is null ? open : null;

    /// <summary>Why the catalog that is there is not shown; null when it is, or when there is none.</summary>
    internal string? CatalogProblem => catalog.Get()?.Mismatch(Files);

    /// <summary>Its trained autoencoder, of any kind, for its sizes and settings; null when training has not written one yet.</summary>
    /// <exception cref="InputException">The file is damaged.</exception>
    internal Autoencoder? Trained => autoencoder.Get();

    /// <summary>Its trained autoencoder where that has a dictionary of latents, for its sizes and settings; else null.</summary>
    /// <exception cref="InputException">The file is damaged.</exception>
    internal SparseAutoencoder? Autoencoder => Trained as SparseAutoencoder;

    /// <summary>Its settings; null where it has no run file.</summary>
    /// <exception cref="InputException">The file is damaged.</exception>
    internal TrainingOptions? Settings => settings.Get();

    /// <summary>
    /// The model and the hook that it was trained on; null for other vectors, or where the file that says so cannot be used.
    /// </summary>
    internal HostReference? Origin
    {
        get
        {
            try
            {
                return Files.Host;
            }
            catch (InputException)
            {
                return null; // opening the host says why
            }
        }
    }

    /// <summary>Whether it has what a model can be opened from; opening it may still fail, and says why.</summary>
    internal bool HasHost => File.Exists(Files.HostPath) && Autoencoder is not null;

    /// <summary>Latents that steering was tried with; null before someone asked for it.</summary>
    internal SteeringTrials? Steered { get; set; }

    /// <summary>The making of its map.</summary>
    internal MapMaking Making { get; } = new();

    /// <summary>Its map as pages draw it.</summary>
    internal SharedMaps Maps { get; } = new();

    /// <summary>Its log, read as far as it is written.</summary>
    internal MetricsReader Log { get; }

    /// <summary>The run as a line of a table, read again only when one of its files is another one or while it trains.</summary>
    /// <param name="time">What time it is.</param>
    internal RunSummary Summary(TimeProvider time)
    {
        (DateTime, DateTime, DateTime, DateTime, DateTime) now = (
            File.GetLastWriteTimeUtc(Files.SettingsPath), File.GetLastWriteTimeUtc(Files.MetricsPath),
            File.GetLastWriteTimeUtc(Files.EvaluationPath), File.GetLastWriteTimeUtc(Files.AutoencoderPath),
            File.GetLastWriteTimeUtc(Files.HostPath));
        lock (summaryEntry)
        {
            if (summary is null || now != summarized || summary.Status.Live)
                (summary, summarized) = (RunSummary.Read(this, time), now);
            return summary;
        }
    }

    /// <summary>Its autoencoder with its weights, which stay until the lease is disposed; null without one.</summary>
    /// <exception cref="InputException">The file is damaged.</exception>
    internal Lease<Autoencoder>? LeaseAutoencoder() => autoencoder.Lease();

    /// <summary>The autoencoder in the model that it was trained on, which stays open until the lease is disposed.</summary>
    /// <param name="missing">Why there is none, in one sentence with the likely fix; null when there is one.</param>
    internal Lease<ServedHost>? LeaseHost(out string? missing)
    {
        using Lease<Autoencoder>? current = autoencoder.Lease();
        DateTime named = File.GetLastWriteTimeUtc(Files.HostPath);
        lock (entry)
        {
            if (host is null || !ReferenceEquals(host.Source, current?.Value) || host.Named != named)
            {
                host?.Host?.Release();
                host = OpenHost(current, named);
            }

            missing = host.Missing;
            return host.Host?.Lease();
        }
    }

    /// <summary>The autoencoder in the model that it was trained on, which stays open until the lease is disposed.</summary>
    /// <exception cref="InputException">There is none; the message says why.</exception>
    internal Lease<ServedHost> LeaseHost() => LeaseHost(out string? missing) ?? throw new InputException(missing!);

    /// <summary>Opens the host, and says why it cannot be used where it cannot.</summary>
    internal string? HostMissing(bool predicting = false)
    {
        using Lease<ServedHost>? opened = LeaseHost(out string? missing);
        return predicting && opened is { Value.Autoencoder.PredictsTokens: false }
            ? "Its model is no language model: it does not predict tokens."
            : missing;
    }

    /// <summary>
    /// The index of texts with its embedder, in the last state that was committed; it stays open until the lease is disposed. Null where
    /// the run has none.
    /// </summary>
    /// <exception cref="InputException">It is damaged, or its embedder cannot be opened.</exception>
    internal Lease<IndexedTexts>? LeaseIndex()
    {
        Lease<IndexedTexts>? lease = texts?.Lease();
        try
        {
            lease?.Value.Texts.Index.Refresh();
            return lease;
        }
        catch
        {
            lease?.Dispose();
            throw;
        }
    }

    /// <summary>A latent's decoder row, <c>[d]</c>, at the scale of the weights; null without an autoencoder.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such latent.</exception>
    internal float[]? DecoderRow(int latent)
    {
        using Lease<Autoencoder>? weights = autoencoder.Lease();
        if (weights?.Value is not SparseAutoencoder sparse) return null;
        ArgumentOutOfRangeException.ThrowIfNegative(latent);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(latent, sparse.Latents);
        return sparse.Decoder.Row(latent).ToArray();
    }

    /// <summary>Stops what is open.</summary>
    public void Dispose()
    {
        Making.Dispose();
        lock (entry)
        {
            host?.Host?.Release();
            host = null;
        }

        texts?.Dispose();
        catalog.Dispose();
        autoencoder.Dispose();
    }

    private OpenedHost OpenHost(Lease<Autoencoder>? current, DateTime named)
    {
        string? missing = null;
        if (current?.Value is not SparseAutoencoder)
        {
            missing = "The run has no autoencoder with a dictionary of latents yet; it is written when training ends.";
        }
        else if (!File.Exists(Files.HostPath))
        {
            missing = "It was trained on vectors, not on the activations of a model, so there is no model to run.";
        }
        else
        {
            try
            {
                return new OpenedHost(current.Value, named, new Leased<ServedHost>(ServedHost.Open(Files, autoencoder.Lease()!)), null);
            }
            catch (InputException e)
            {
                missing = e.Message;
            }
        }

        return new OpenedHost(current?.Value, named, null, missing);
    }

    /// <summary>The host as it was last opened, or why it could not be.</summary>
    private sealed record OpenedHost(Autoencoder? Source, DateTime Named, Leased<ServedHost>? Host, string? Missing);
}
