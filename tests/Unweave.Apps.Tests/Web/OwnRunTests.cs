using Unweave.Catalog;
using Unweave.Learn;
using Unweave.Learn.LanguageModels;
using Unweave.Web;
using Unweave.Web.Runs;

namespace Unweave.Apps.Tests.Web;

/// <summary>The latents of a reader's own run that the explainer shows.</summary>
public sealed class OwnRunTests
{
    [Fact]
    public void They_have_labels_that_hold_come_by_interest_and_are_shown_on_texts_where_they_are_strong()
    {
        using var place = new Workplace();
        SampleCatalog.Build(place["run"]);
        using var runs = new ServedRuns(new ServeOptions { Folder = place.Folder });
        OwnRun own = new OwnRuns(runs).Best(8)!;
        Assert.Equal("run", own.Name);
        Assert.Equal(8, own.Latents.Count);

        using FeatureCatalog catalog = FeatureCatalog.Open(place["run"]);
        int[] byInterest =
            [.. catalog.Find(new FeatureQuery { Order = FeatureOrder.Interest, MinScore = 0.75, MaxFrequency = 0.02, Take = 8 }).Rows
                .Select(row => row.Latent)];
        Assert.Equal(byInterest, own.Latents.Select(shown => shown.Latent));
        foreach (ShownLatent shown in own.Latents)
        {
            Assert.True(shown.Detection >= 0.75);
            Assert.Empty(shown.Raised);
            Assert.InRange(shown.Examples.Count, 1, 6);
            Assert.All(shown.Examples, example => Assert.True(example.Activation >= shown.Max / 2));
            Assert.Equal($"/runs/run/features/{shown.Latent}", shown.Address);
        }
    }
}
