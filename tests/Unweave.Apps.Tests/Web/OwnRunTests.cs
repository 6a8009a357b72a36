using Unweave.Catalog;
using Unweave.Interpretation;
using Unweave.Learn;
using Unweave.Learn.LanguageModels;
using Unweave.Web;
using Unweave.Web.Runs;

namespace Unweave.Apps.Tests.Web;

/// <summary>The latents of a reader's own run that the explainer shows.</summary>
public sealed class OwnRunTests(FeaturesTests.Run demo) : IClassFixture<FeaturesTests.Run>
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

    [Fact]
    public void Their_texts_are_whole_windows_so_that_an_excerpt_can_end_with_a_word()
    {
        demo.Copy("own");
        using FeatureCatalog catalog = FeatureCatalog.Open(demo.Place["own"]);
        var rare = new FeatureQuery { MaxFrequency = 0.02, Order = FeatureOrder.Frequency, Descending = true, Take = 8 };
        // The small demo's own labels do not hold well enough.
        catalog.AddLabels(catalog.Find(rare).Rows.Select(row => (row.Latent, new FeatureLabel("a label", "test", 0.99, 0.99, 100))));
        using var runs = new ServedRuns(new ServeOptions { Folder = demo.Place["own"] });
        OwnRun own = new OwnRuns(runs).Best(8)!;
        foreach (ShownLatent shown in own.Latents)
        {
            Feature whole = catalog.ReadWithWindows(shown.Latent), cut = catalog.Read(shown.Latent);
            Assert.True(whole.Top[0].Pieces.Count > cut.Top[0].Pieces.Count);
            Assert.Contains(shown.Examples, example => example.Pieces.Count > cut.Top.Max(of => of.Pieces.Count));
        }
    }

    [Fact]
    public void An_excerpt_that_comes_with_the_explainer_leaves_out_a_word_that_it_cuts()
    {
        Assert.All(ShownLatent.Demo.Append(ShownLatent.Neuron).SelectMany(shown => shown.Examples), example =>
        {
            Assert.Equal(example.Pieces.Count, example.Activations.Count);
            Assert.InRange(example.Peak, 0, example.Pieces.Count - 1);
        });
        string relations = ShownLatent.Demo.Single(shown => shown.Latent == 3546).Examples[0].Text;
        Assert.EndsWith("friendly relations with that", relations, StringComparison.Ordinal); // "Emp", of Empire, follows
    }
}
