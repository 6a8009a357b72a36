using Unweave.Catalog;
using Unweave.Interpretation;
using Unweave.Numerics;
using Unweave.Projection;
using Unweave.Tests.Evaluation;

namespace Unweave.Tests.Catalog;

public sealed class FeatureMapTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Latents_that_fire_get_places_near_those_that_point_alike()
    {
        const int Latents = 90;
        using FeatureCatalog catalog = Built(Latents);
        var rng = new Rng(1);
        using var directions = new Matrix(Latents, 8);
        rng.FillNormal(directions.AsSpan(), 0.05);
        for (int latent = 0; latent < Latents; latent++)
        {
            // Two bundles; lengths differ a thousandfold and say nothing.
            directions[latent, latent % 2] += 1;
            float length = MathF.Pow(10, latent % 4);
            foreach (ref float value in directions.Row(latent)) value *= length;
        }

        using var autoencoder = new FixedDictionary(directions);
        var told = new Told();
        var options = new TSneOptions { Perplexity = 10, Iterations = 300 };
        IReadOnlyList<MapPoint> map = FeatureMap.Make(catalog, autoencoder, MapLayout.Decoder, options, told,
            TestContext.Current.CancellationToken);
        Assert.Equal(Enumerable.Range(0, Latents).Where(latent => MadeFeatures.Of(latent).Kind != FeatureKind.Dead),
            map.Select(point => point.Latent));
        foreach (MapPoint point in map)
            Assert.Equal(point.Latent % 2,
                map.Where(other => other != point)
                    .MinBy(other => Math.Pow(other.X - point.X, 2) + Math.Pow(other.Y - point.Y, 2)).Latent % 2);
        Assert.Equal(Enumerable.Range(1, 300), told.All.Select(step => step.Iteration));
        Assert.Equal(map, told.All[^1].Points);
        Assert.Equal(map,
            FeatureMap.Make(catalog, autoencoder, MapLayout.Decoder, options,
                cancellationToken: TestContext.Current.CancellationToken));
        catalog.WriteMap(map);
        Assert.Equal(map, catalog.Map());
    }

    [Fact]
    public void Latents_that_fire_together_get_places_near_each_other_wherever_they_point()
    {
        const int Latents = 90, Groups = 3;
        var rng = new Rng(1);
        // Each fires with six of its own group, and with one that is dead.
        IEnumerable<Feature> features = MadeFeatures.First(Latents).Select(feature => feature with
        {
            Kind = feature.Latent == 0 ? FeatureKind.Dead : FeatureKind.Ordinary,
            Partners = [.. Enumerable.Range(1, 6).Select(step =>
                new RelatedLatent((feature.Latent + (step * Groups)) % Latents, 5 - (step * 0.5f))), new RelatedLatent(0, 9)],
            Nearest = [],
        });
        FeatureCatalog.Build(folder.Path, MadeFeatures.Source(Latents), features);
        using FeatureCatalog catalog = FeatureCatalog.Open(folder.Path);
        using var directions = new Matrix(Latents, 8);
        rng.FillNormal(directions.AsSpan(), 1);
        using var autoencoder = new FixedDictionary(directions);
        var told = new Told();
        IReadOnlyList<MapPoint> map = FeatureMap.Make(
            catalog, autoencoder, MapLayout.Together, new TSneOptions { Iterations = 300 }, told, TestContext.Current.CancellationToken);
        Assert.Equal(Enumerable.Range(1, Latents - 1), map.Select(point => point.Latent));
        int right = map.Count(point => map.Where(other => other != point)
            .MinBy(other => Math.Pow(other.X - point.X, 2) + Math.Pow(other.Y - point.Y, 2)).Latent % Groups == point.Latent % Groups);
        Assert.True(right >= 0.95 * map.Count, $"{right} of {map.Count}");
        Assert.Equal(100, told.All.Count(step => step.Forming));
    }

    [Fact]
    public void A_latent_is_of_the_part_of_the_corpus_that_half_of_its_examples_are_from()
    {
        FeatureExample Of(string document) => new(document, 0, 0, ["a"], [1], 0);
        FeatureCatalog.Build(folder.Path, MadeFeatures.Source(3), MadeFeatures.First(3).Select(feature => feature with
        {
            Top = feature.Latent switch
            {
                0 => [Of("bible/Ge-1"), Of("bible/Ge-2"), Of("sotu/1900")],
                1 => [Of("bible/Ge-1"), Of("sotu/1900"), Of("wordnet/noun")],
                _ => [Of("speech-1"), Of("speech-2")],
            },
            Quantiles = [],
        }));
        using FeatureCatalog catalog = FeatureCatalog.Open(folder.Path);
        IReadOnlyList<LatentContext> contexts = catalog.Contexts(TestContext.Current.CancellationToken);
        Assert.Equal(("bible", null, null), (contexts[0].Source, contexts[1].Source, contexts[2].Source));
    }

    [Fact]
    public void Another_autoencoder_is_refused()
    {
        using FeatureCatalog catalog = Built(10);
        using var directions = new Matrix(11, 4);
        using var autoencoder = new FixedDictionary(directions);
        Assert.Contains("10 latents", Assert.Throws<InputException>(() => FeatureMap.Make(catalog, autoencoder, MapLayout.Decoder)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Where_all_are_dead_the_map_is_empty()
    {
        FeatureCatalog.Build(folder.Path, MadeFeatures.Source(3),
            MadeFeatures.First(3).Select(feature => feature with { Kind = FeatureKind.Dead }));
        using FeatureCatalog catalog = FeatureCatalog.Open(folder.Path);
        using var directions = new Matrix(3, 4);
        using var autoencoder = new FixedDictionary(directions);
        Assert.Empty(FeatureMap.Make(catalog, autoencoder, MapLayout.Decoder));
    }

    private FeatureCatalog Built(int latents)
    {
        FeatureCatalog.Build(folder.Path, MadeFeatures.Source(latents), MadeFeatures.First(latents));
        return FeatureCatalog.Open(folder.Path);
    }

    private sealed class Told : IProgress<FeatureMapProgress>
    {
        public List<FeatureMapProgress> All { get; } = [];

        public void Report(FeatureMapProgress value) => All.Add(value);
    }
}
