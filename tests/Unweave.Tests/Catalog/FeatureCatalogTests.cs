using System.Text.Json;
using Microsoft.Data.Sqlite;
using Unweave.Catalog;
using Unweave.Interpretation;

namespace Unweave.Tests.Catalog;

public sealed class FeatureCatalogTests : IDisposable
{
    private const int Latents = 60;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void What_was_written_comes_back()
    {
        using FeatureCatalog catalog = Built();
        Assert.Equal(Path.Combine(folder.Path, FeatureCatalog.FileName), catalog.Path);
        Assert.Equal(MadeFeatures.Source(Latents), catalog.Source);
        foreach (Feature feature in MadeFeatures.First(Latents))
            Assert.Equal(JsonSerializer.Serialize(feature), JsonSerializer.Serialize(catalog.Read(feature.Latent)));
        Assert.Equal(MadeFeatures.First(Latents).Select(feature => feature.Frequency), catalog.Frequencies());
    }

    [Fact]
    public void Activations_keep_four_digits_and_the_strongest_all()
    {
        Feature feature = MadeFeatures.Of(0) with
        {
            Max = 12.345678f,
            Top = [new FeatureExample("d", 1, 2, ["a\ud800\0", "b"], [12.345678f, 1.23456e-7f], 0)],
        };
        FeatureCatalog.Build(folder.Path, MadeFeatures.Source(1), [feature]);
        using FeatureCatalog catalog = FeatureCatalog.Open(folder.Path);
        Feature read = catalog.Read(0);
        Assert.Equal(12.345678f, read.Max);
        Assert.Equal([12.35f, 1.235e-7f], read.Top[0].Activations);
        // Half a character cannot be stored; the rest is as it was.
        Assert.Equal(["a\ufffd\0", "b"], read.Top[0].Pieces);
    }

    [Fact]
    public void A_catalog_without_the_number_of_texts_of_each_class_is_read_and_labelled()
    {
        Built().Dispose();
        using (var connection = new SqliteConnection($"Data Source={Path.Combine(folder.Path, FeatureCatalog.FileName)};Pooling=False"))
        {
            connection.Open();
            using SqliteCommand drop = connection.CreateCommand();
            drop.CommandText = "ALTER TABLE label_1 DROP COLUMN firing";
            drop.ExecuteNonQuery();
        }

        using FeatureCatalog catalog = FeatureCatalog.Open(folder.Path);
        Assert.Equal([MadeFeatures.Label(9)!], catalog.Labels(9));
        FeatureLabel added = new("with the number", "topic", 0.9, 0.8, 45, 5);
        catalog.AddLabels([(9, added)]);
        Assert.Equal([MadeFeatures.Label(9)!, added], catalog.Labels(9).OrderBy(label => label.Method, StringComparer.Ordinal));
    }

    [Fact]
    public void Rows_say_what_is_known()
    {
        using FeatureCatalog catalog = Built();
        Feature feature = MadeFeatures.Of(9);
        FeatureRow row = Assert.Single(catalog.Rows([9]));
        Assert.Equal(new FeatureRow(9, feature.Kind, feature.Frequency, feature.Density, feature.Max, "label wj", "tokens",
            MadeFeatures.Label(9)!.Detection, false, false, "tokenwj"), row);
        Assert.Equal([40, 2, 7], catalog.Rows([40, 2, 999, 7]).Select(found => found.Latent));
        // A label that is no better than chance is kept, but not shown.
        Assert.Equal((null, null, null), (catalog.Rows([1])[0].Label, catalog.Rows([1])[0].LabelMethod, catalog.Rows([1])[0].Score));
        Assert.Equal([MadeFeatures.Label(1)!], catalog.Labels(1));
        Assert.Empty(catalog.Find(new FeatureQuery { Text = "poor" }).Rows);
    }

    [Fact]
    public void The_best_computed_label_is_shown_until_the_user_writes_one()
    {
        using FeatureCatalog catalog = Built();
        catalog.AddLabels(
            [(9, new FeatureLabel("worse", "topic", 0.66, 0.6, 100)), (9, new FeatureLabel("lucky", "words", 0.99, double.NaN, 1)),
                (10, new FeatureLabel("late", "topic", 0.8, double.NaN, 80))]);
        Assert.Equal("label wj", catalog.Rows([9])[0].Label);
        Assert.Equal("words, tokens, topic", string.Join(", ", catalog.Labels(9).Select(label => label.Method)));
        Assert.Equal(("late", "topic", 0.8), (catalog.Rows([10])[0].Label, catalog.Rows([10])[0].LabelMethod, catalog.Rows([10])[0].Score));
        catalog.AddLabels([(10, new FeatureLabel("replaced", "topic", 0.85, 0.75, 80))]);
        Assert.Equal("replaced", catalog.Rows([10])[0].Label);

        catalog.SetLabel(10, "  mine\r\nall\u0007mine ");
        Assert.Equal(("mine all mine", "you", 0.85),
            (catalog.Rows([10])[0].Label, catalog.Rows([10])[0].LabelMethod, catalog.Rows([10])[0].Score));
        Assert.Equal([10], Find(catalog, new FeatureQuery { Text = "mine" }));
        catalog.SetLabel(10, " ");
        Assert.Equal("replaced", catalog.Rows([10])[0].Label);
        Assert.Empty(Find(catalog, new FeatureQuery { Text = "mine" }));
    }

    [Fact]
    public void Notes_stars_and_lists_are_kept()
    {
        using (FeatureCatalog catalog = Built())
        {
            catalog.SetNote(3, "first line\nsecond \0line");
            catalog.SetStar(3, true);
            catalog.AddToList("b'\"; DROP TABLE list", 3);
            catalog.AddToList("a", 3);
            catalog.AddToList("a", 3);
            catalog.AddToList("a", 4);
        }

        using FeatureCatalog again = FeatureCatalog.Open(folder.Path);
        Annotation said = again.Annotation(3);
        Assert.Equal((null, "first line\nsecond line", true), (said.Label, said.Note, said.Starred));
        Assert.Equal(["a", "b'\"; DROP TABLE list"], said.Lists);
        Assert.Equal([("a", 2), ("b'\"; DROP TABLE list", 1)], again.Lists());
        Assert.True(again.Rows([3])[0] is { Starred: true, HasNote: true });
        Assert.Equal([3], Find(again, new FeatureQuery { Text = "second" }));
        Assert.Equal([3], Find(again, new FeatureQuery { Starred = true }));
        Assert.Equal([3, 4], Find(again, new FeatureQuery { List = "a" }));
        again.RemoveFromList("a", 3);
        again.RemoveList("b'\"; DROP TABLE list");
        again.SetStar(3, false);
        again.SetNote(3, null);
        Assert.Equal([("a", 1)], again.Lists());
        Assert.Equal((null, null, false, 0),
            (again.Annotation(3).Label, again.Annotation(3).Note, again.Annotation(3).Starred, again.Annotation(3).Lists.Count));
    }

    [Fact]
    public void The_map_comes_back()
    {
        using FeatureCatalog catalog = Built();
        Assert.Empty(catalog.Map());
        MapPoint[] points = [new(0, 1.5f, -2), new(59, 1e-20f, 3e20f)];
        catalog.WriteMap([new(1, 1, 1)]);
        catalog.WriteMap(points);
        Assert.Equal(points, catalog.Map());
    }

    [Fact]
    public void Latents_that_are_not_there_are_refused()
    {
        using FeatureCatalog catalog = Built();
        Assert.Throws<ArgumentOutOfRangeException>(() => catalog.Read(Latents));
        Assert.Throws<ArgumentOutOfRangeException>(() => catalog.Read(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => catalog.Annotation(Latents));
        Assert.Throws<ArgumentOutOfRangeException>(() => catalog.SetStar(Latents, true));
        Assert.Throws<ArgumentOutOfRangeException>(() => catalog.AddLabels([(Latents, new FeatureLabel("x", "y", 1, 1, 1))]));
    }

    private FeatureCatalog Built()
    {
        FeatureCatalog.Build(folder.Path, MadeFeatures.Source(Latents),
            MadeFeatures.First(Latents)
                .Select(feature =>
                    (feature, (IReadOnlyList<FeatureLabel>)(MadeFeatures.Label(feature.Latent) is { } label ? [label] : []))));
        return FeatureCatalog.Open(folder.Path);
    }

    private static IEnumerable<int> Find(FeatureCatalog catalog, FeatureQuery query) => catalog.Find(query).Rows.Select(row => row.Latent);
}
