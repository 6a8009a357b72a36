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
/// <param name="Forming">Whether clusters are still forming: attraction is exaggerated, and the divergence says nothing yet.</param>
public sealed record FeatureMapProgress(int Iteration, int Iterations, double Loss, IReadOnlyList<MapPoint> Points, bool Forming = false);

/// <summary>Places of latents in the plane, near each other where they fire together or where their decoder rows point alike.</summary>
public static class FeatureMap
{
    /// <summary>Computes the map of all latents that are not dead; <see cref="FeatureCatalog.WriteMap"/> keeps it.</summary>
    /// <param name="catalog">Says which latents are dead, and which fire together.</param>
    /// <param name="autoencoder">The catalog's autoencoder.</param>
    /// <param name="layout">What makes latents neighbors.</param>
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
        MapLayout layout,
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
        // A graph of few neighbors each is drawn together soon; with more, its groups would fall onto a line first.
        if (layout == MapLayout.Together)
        {
            options = options with
            {
                Exaggeration = Math.Min(options.Exaggeration, 4),
                ExaggeratedIterations = Math.Min(options.ExaggeratedIterations, 100),
            };
        }

        IEnumerable<TSneStep> steps = layout == MapLayout.Decoder || shown.Length < 2
            ? TSne.Run(rows, options, cancellationToken)
            : TSne.Run(rows, Graph(catalog, shown, cancellationToken), options, Workers.Shared, cancellationToken);
        int forming = TSne.ExaggeratedSteps(options);
        foreach (TSneStep step in steps)
        {
            ReadOnlySpan<float> places = step.Points.Span;
            if (progress is null && step.Iteration < options.Iterations) continue;
            points = new MapPoint[shown.Length];
            for (int i = 0; i < points.Length; i++) points[i] = new MapPoint(shown[i], places[2 * i], places[(2 * i) + 1]);
            progress?.Report(new FeatureMapProgress(step.Iteration, options.Iterations, step.Loss, points, step.Iteration <= forming));
        }

        return points;
    }

    // Who fires with whom, by how much more often than by chance. A latent with few such partners is held by its nearest decoder rows too,
    // more weakly than by any of them, so that none drifts about.
    private static Affinities Graph(FeatureCatalog catalog, int[] shown, CancellationToken cancellationToken)
    {
        const int Enough = 5;
        IReadOnlyList<LatentContext> contexts = catalog.Contexts(cancellationToken);
        var place = new Dictionary<int, int>(shown.Length);
        for (int i = 0; i < shown.Length; i++) place[shown[i]] = i;
        return Affinities.From([.. shown.Select((latent, i) =>
        {
            LatentContext context = contexts[latent];
            List<(int, double)> near = [.. context.Partners.Where(partner => partner.Value > 0 && place.ContainsKey(partner.Latent))
                .Select(partner => (place[partner.Latent], (double)partner.Value))];
            if (near.Count >= Enough) return (IReadOnlyList<(int, double)>)near;
            double weakest = near.Select(one => one.Item2).DefaultIfEmpty(1).Min() / 2;
            var known = near.Select(one => one.Item1).Append(i).ToHashSet();
            near.AddRange(context.Nearest.Where(other => other.Value > 0 && place.ContainsKey(other.Latent))
                .Select(other => place[other.Latent]).Where(known.Add).Select(other => (other, weakest)));
            return near;
        })]);
    }
}
