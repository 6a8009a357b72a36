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

    [Fact]
    public async Task The_table_is_written_as_a_search_finds_it()
    {
        using var place = new Workplace();
        SampleCatalog.Build(place["run"], 1200);
        using (FeatureCatalog catalog = FeatureCatalog.Open(place["run"]))
        {
            catalog.SetLabel(3, "war, \"peace\"\tand\nships");
            catalog.SetStar(3, starred: true);
        }

        await using Site site = await Site.Start(place["run"]);
        using HttpResponseMessage answer = await site.Client.GetAsync("api/runs/run/export/features.csv?order=latent");
        Assert.Equal("text/csv", answer.Content.Headers.ContentType!.MediaType);
        string[] csv = (await answer.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(1201, csv.Length);
        Assert.Equal("latent,label,method,score,frequency,density,max,kind,starred,tokens", csv[0]);
        Assert.StartsWith("3,\"war, \"\"peace\"\" and ships\",you,", csv[4], StringComparison.Ordinal);
        Assert.Contains(",yes,", csv[4], StringComparison.Ordinal);
        string[] tsv = (await site.Client.GetStringAsync("api/runs/run/export/features.tsv?text=harpoon&kind=ordinary&order=frequency"))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string[][] cells = [.. tsv[1..].Select(line => line.Split('\t'))];
        Assert.NotEmpty(cells);
        Assert.All(cells, line => Assert.Equal((10, "ordinary"), (line.Length, line[7])));
        double[] frequencies = [.. cells.Select(line => double.Parse(line[4], System.Globalization.CultureInfo.InvariantCulture))];
        Assert.Equal(frequencies.Order(), frequencies);
        using HttpResponseMessage wrong = await site.Client.GetAsync("api/runs/run/export/features.csv?order=beauty");
        Assert.Equal(System.Net.HttpStatusCode.BadRequest, wrong.StatusCode);
    }
}
