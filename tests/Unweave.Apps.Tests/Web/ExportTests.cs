using System.Text.Json.Nodes;
using Unweave.Catalog;

namespace Unweave.Apps.Tests.Web;

/// <summary>An export takes as long as its reader does, and the features may be built anew meanwhile.</summary>
public sealed class ExportTests
{
    [Fact]
    public async Task An_export_shows_one_build_though_another_comes_in_its_middle()
    {
        const int Latents = 3000; // more than the buffers between server and reader hold
        using var place = new Workplace();
        SampleCatalog.Build(place["run"], Latents);
        await using Site site = await Site.Start(place["run"]);
        using HttpResponseMessage answer = await site.Client.GetAsync(
            "api/runs/run/export/neuronpedia", HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync());
        string first = (await lines.ReadLineAsync())!;

        CatalogSource source;
        using (FeatureCatalog catalog = FeatureCatalog.Open(place["run"])) source = catalog.Source;
        FeatureCatalog.Build(
            place["run"],
            source with { Latents = 40, Texts = "another corpus" },
            Enumerable.Range(0, 40).Select(latent => SampleCatalog.Feature(latent, 40)));

        string[] all = [first, .. (await lines.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries)];
        Assert.Equal(Latents, all.Length);
        Assert.All(all, line => Assert.Equal(source.Texts, (string)JsonNode.Parse(line)!["dataset"]!));
        string now = await site.Client.GetStringAsync("api/runs/run/export/neuronpedia");
        Assert.Equal(40, now.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }
}
