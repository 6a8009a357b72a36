using Unweave.Autoencoders;
using Unweave.Numerics;
using Unweave.Projection;

namespace Unweave.Catalog;

/// <summary>Makes the map of a catalog: the latents that fire, laid out by t-SNE of their decoder rows, compared by angle.</summary>
public static class FeatureMap
{
    /// <summary>Lays the latents out and writes the map.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="autoencoder">Its autoencoder.</param>
    /// <param name="options">Settings of t-SNE.</param>
    /// <param name="progress">Told each step.</param>
    /// <param name="cancellation">Ends it; the map is then as it was.</param>
    /// <returns>The divergence at the end, in nats, and the number of latents.</returns>
    /// <exception cref="InputException">The catalog is that of another autoencoder.</exception>
    public static (double Loss, int Latents) Make(FeatureCatalog catalog, SparseAutoencoder autoencoder, TSneOptions? options = null, IProgress<TSneStep>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(autoencoder);
        IReadOnlyList<double> frequencies = catalog.Frequencies();
        if (frequencies.Count != autoencoder.Latents) throw new InputException($"{catalog.Path} has {frequencies.Count} latents, the autoencoder {autoencoder.Latents}; build the catalog again with `unweave features build`.");
        int[] live = [.. Enumerable.Range(0, autoencoder.Latents).Where(latent => frequencies[latent] > 0)];
        using var rows = new Matrix(live.Length, autoencoder.Decoder.Columns);
        for (int i = 0; i < live.Length; i++)
        {
            ReadOnlySpan<float> row = autoencoder.Decoder.Row(live[i]);
            double norm = 0;
            foreach (float value in row) norm += (double)value * value;
            float scale = norm > 0 ? (float)(1 / Math.Sqrt(norm)) : 0;
            Span<float> unit = rows.Row(i);
            for (int c = 0; c < unit.Length; c++) unit[c] = row[c] * scale;
        }

        double loss = 0;
        MapPoint[] points = [];
        foreach (TSneStep step in TSne.Run(rows, options, cancellation))
        {
            progress?.Report(step);
            loss = step.Loss;
            if (step.Iteration == step.Iterations) points = [.. live.Select((latent, i) => new MapPoint(latent, step.Points[i, 0], step.Points[i, 1]))];
        }

        catalog.WriteMap(points);
        return (loss, live.Length);
    }
}
