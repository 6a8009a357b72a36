using Unweave.Autoencoders;
using Unweave.Catalog;

namespace Unweave.Web.Runs;

/// <summary>
/// A run's map being made in the background: one at a time, shared by all who look at it, and ended when the run is closed.
/// </summary>
internal sealed class MapMaking : IDisposable
{
    private readonly Lock entry = new();
    private CancellationTokenSource? stop;
    private volatile FeatureMapProgress? progress;
    private volatile string? problem;

    /// <summary>Whether one is being made now.</summary>
    public bool Running
    {
        get
        {
            lock (entry) return stop is not null;
        }
    }

    /// <summary>How far it is; null before its first step.</summary>
    public FeatureMapProgress? Progress => progress;

    /// <summary>Why the last one could not be made, in a sentence; null when nothing is wrong.</summary>
    public string? Problem => problem;

    /// <summary>Starts, where none is being made; the map goes into the catalog when it is done.</summary>
    /// <param name="run">The run; without a catalog and an autoencoder with latents nothing is done.</param>
    /// <param name="layout">What makes latents neighbors.</param>
    public void Start(ServedRun run, MapLayout layout)
    {
        ArgumentNullException.ThrowIfNull(run);
        lock (entry)
        {
            if (stop is not null || run.Catalog is not { } catalog || run.LeaseAutoencoder() is not { } weights) return;
            stop = new CancellationTokenSource();
            (progress, problem) = (null, null);
            _ = Task.Run(() => Make(catalog, weights, layout, stop));
        }
    }

    /// <summary>Ends the making; the catalog keeps the map that it had.</summary>
    public void Stop()
    {
        lock (entry) stop?.Cancel();
    }

    /// <inheritdoc/>
    public void Dispose() => Stop();

    private void Make(FeatureCatalog catalog, Lease<Autoencoder> weights, MapLayout layout, CancellationTokenSource source)
    {
        try
        {
            if (weights.Value is not SparseAutoencoder autoencoder) return;
            catalog.WriteMap(FeatureMap.Make(catalog, autoencoder, layout, null, new ProgressReporter(this), source.Token));
        }
        catch (OperationCanceledException)
        {
        }
        catch (Exception e) when (e is InputException or IOException or ObjectDisposedException)
        {
            problem = e.Message;
        }
        finally
        {
            lock (entry) stop = null;
            source.Dispose();
            weights.Dispose();
        }
    }

    private sealed class ProgressReporter(MapMaking making) : IProgress<FeatureMapProgress>
    {
        public void Report(FeatureMapProgress value) => making.progress = value;
    }
}
