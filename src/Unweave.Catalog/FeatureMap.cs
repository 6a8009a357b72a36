using Unweave.Autoencoders;
using Unweave.Interpretation;
using Unweave.Numerics;
using Unweave.Projection;

namespace Unweave.Catalog;

/// <summary>A map that is being made.</summary>
/// <param name="Iteration">Steps done.</param>
/// <param name="Iterations">Steps in all.</param>
/// <param name="Loss">Divergence before the step, in nats.</param>
/// <param name="Points">Where the latents are now.</param>
public sealed record FeatureMapProgress(int Iteration, int Iterations, double Loss, IReadOnlyList<MapPoint> Points);

/// <summary>Places of latents in the plane, near each other where their decoder rows point alike.</summary>
public static class FeatureMap
{
    /// <summary>Computes the map of all latents that are not dead; <see cref="FeatureCatalog.WriteMap"/> keeps it.</summary>
    /// <param name="catalog">Says which latents are dead.</param>
    /// <param name="autoencoder">The catalog's autoencoder.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="progress">Told after each step, on the calling thread; null for silence.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>A point for each latent, in ascending order; none where all are dead.</returns>
    /// <exception cref="InputException">
    /// The autoencoder has another number of latents than the catalog, or a decoder row is not finite.
    /// </exception>
    public static IReadOnlyList<MapPoint> Make(
        FeatureCatalog catalog,
        SparseAutoencoder autoencoder,
        TSneOptions? options = null,
        IProgress<FeatureMapProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(autoencoder);
        options ??= new TSneOptions();
        int latents = catalog.Source.Latents;
        if (latents != autoencoder.Latents)
        {
            throw new InputException($"{catalog.Path} is of {latents} latents, but the autoencoder beside it has {autoencoder.Latents}; "
                + "make the catalog again with `unweave features build`.");
        }

        FeatureKind[] live = [.. Enum.GetValues<FeatureKind>().Where(kind => kind != FeatureKind.Dead)];
        int[] shown = [.. catalog.Find(new FeatureQuery { Kinds = live, Order = FeatureOrder.Latent, Take = latents }).Rows
            .Select(row => row.Latent)];
        using var rows = new Matrix(shown.Length, autoencoder.Decoder.Columns);
        for (int i = 0; i < shown.Length; i++)
        {
            // What a latent writes is a direction; its length says how the activations are scaled.
            Span<float> row = rows.Row(i);
            autoencoder.Decoder.Row(shown[i]).CopyTo(row);
            float norm = (float)Norms.L2(row);
            if (norm > 0)
                for (int c = 0; c < row.Length; c++) row[c] /= norm;
        }

        MapPoint[] points = [];
        foreach (TSneStep step in TSne.Run(rows, options, cancellationToken))
        {
            ReadOnlySpan<float> places = step.Points.Span;
            if (progress is null && step.Iteration < options.Iterations) continue;
            points = new MapPoint[shown.Length];
            for (int i = 0; i < points.Length; i++) points[i] = new MapPoint(shown[i], places[2 * i], places[(2 * i) + 1]);
            progress?.Report(new FeatureMapProgress(step.Iteration, options.Iterations, step.Loss, points));
        }

        return points;
    }
}
