using Unweave.Catalog;

namespace Unweave.Tests.Catalog;

public sealed class CatalogSnapshotTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_snapshot_shows_one_state_whatever_is_written_meanwhile()
    {
        FeatureCatalog.Build(folder.Path, MadeFeatures.Source(20), MadeFeatures.First(20));
        using FeatureCatalog catalog = FeatureCatalog.Open(folder.Path);
        catalog.WriteMap([new MapPoint(3, 1, 2)]);
        using (CatalogSnapshot before = catalog.Snapshot())
        {
            FeatureCatalog.Build(
                folder.Path,
                MadeFeatures.Source(5) with { Texts = "others" },
                MadeFeatures.First(5).Select(feature => feature with { Max = 1 }));
            catalog.SetLabel(3, "written meanwhile");
            catalog.AddToList("made meanwhile", 3);

            Assert.Equal(MadeFeatures.Source(20), before.Source);
            Assert.Equal(MadeFeatures.Of(19).Max, before.Read(19).Max);
            Assert.Equal(MadeFeatures.Of(3).Max, before.Rows([3])[0].Max);
            Assert.Equal(20, before.Find(new FeatureQuery { Order = FeatureOrder.Latent }).Total);
            Assert.Equal(19, before.Next(new FeatureQuery { Order = FeatureOrder.Latent }, 18));
            Assert.Equal(20, before.Frequencies().Count);
            Assert.Single(before.Map());
            Assert.Null(before.Annotation(3).Label);
            Assert.Empty(before.Lists());
            Assert.Throws<ArgumentOutOfRangeException>(() => before.Read(20));
        }

        using CatalogSnapshot after = catalog.Snapshot();
        Assert.Equal("others", after.Source.Texts);
        Assert.Equal("written meanwhile", after.Annotation(3).Label);
        Assert.Empty(after.Map());
        Assert.Throws<ArgumentOutOfRangeException>(() => after.Read(5));
    }
}
