using System.Text.Json.Nodes;

namespace Unweave.Apps.Tests;

public sealed class DemoTests(SmallDemo small)
{
    private static readonly string[] Small = ["--latents", "256", "--k", "8", "--tokens", "60000", "--batch", "1000"];

    [Fact]
    public async Task It_harvests_trains_splices_and_shows_tokens_in_context()
    {
        Workplace place = await small.Place();
        Outcome demo = await small.Outcome();
        foreach (string part in (string[])["recovered over zeros", "activations at blocks.2", "Over ", "loss as it is",
            "fraction of variance unexplained", "PCA, 8 components", "How often the 256 latents fire", "What its latents mean",
            "live latents", "The autoencoder is in sae", "unweave serve sae"])
            Assert.Contains(part, demo.Output, StringComparison.Ordinal);
        string[] examples =
        [
            .. demo.Output.Split('\n')
                .Where(line => line.Length > 8 && line[..6].Contains('.', StringComparison.Ordinal) && line[6..8] is "  "
                    && line.Contains('«', StringComparison.Ordinal)),
        ];
        Assert.All(examples, line => Assert.Contains("»", line, StringComparison.Ordinal));
        Assert.InRange(examples.Length, 4, 48);
        Assert.All(demo.Output.Split('\n'), line => Assert.True(line.Length <= 100, line));

        // Its folder knows where the activations came from.
        place.Write("my.txt", string.Concat(Enumerable.Repeat("The people of the United States have a government of laws. ", 30)));
        JsonNode splice = (await place.Run("eval", "sae", "--text", "my.txt", "--json")).Succeeded().Json;
        Assert.Equal("blocks.2", (string)splice["hook"]!);
        Assert.True((double)splice["clean"]! < (double)splice["spliced"]! && (double)splice["spliced"]! < (double)splice["zero"]!,
            splice.ToJsonString());
    }

    [Fact]
    public async Task It_trains_measures_and_shows_what_latents_mean()
    {
        using var place = new Workplace();
        Outcome demo = (await place.Run(["demo", "--embeddings", .. Small, "-o", "small"])).Succeeded();
        foreach (string part in (string[])["FVU", "PCA, 8 components", "random dictionary", "How often the 256 latents fire",
            "12 of those whose labels hold best", "The autoencoder is in small", "live latents", "unweave serve small",
            "unweave eval small", "unweave encode FILES --sae small"])
            Assert.Contains(part, demo.Output, StringComparison.Ordinal);
        // long headings are wrapped
        string flowing = string.Join(' ', demo.Output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(
            12, System.Text.RegularExpressions.Regex.Count(flowing, @"latent \d+, fires on [\d.]+% of the definitions, detection 0\.\d\d"));
        Assert.Equal(60, demo.Output.Split('\n')
            .Count(line => line.Length > 40 && char.IsAsciiDigit(line[5]) && line[32..38].Trim() is "noun" or "verb" or "adj" or "adv"));
        Assert.All(demo.Output.Split('\n'), line => Assert.True(line.Length <= 100, line));
        (await place.Run("eval", "small", "--json")).Succeeded();
    }

    [Fact]
    public async Task Its_result_is_json_too_and_its_latents_are_about_something()
    {
        using var place = new Workplace();
        JsonNode demo = (await place.Run(["demo", "--embeddings", .. Small, "--json"])).Succeeded().Json;
        Assert.True(File.Exists(place["runs/demo-embeddings/autoencoder.safetensors"]));
        Assert.Equal(60, (int)demo["training"]!["steps"]!);
        JsonArray latents = demo["latents"]!.AsArray();
        Assert.Equal(12, latents.Count);

        // Labels that hold best, each of another subject.
        Assert.Equal(12, latents.Select(latent => (string)latent!["label"]!).Distinct(StringComparer.Ordinal).Count());
        double[] detection = [.. latents.Select(latent => (double)latent!["detection"]!)];
        Assert.Equal(detection.OrderDescending(), detection);
        Assert.True(detection[0] > 0.75, latents[0]!.ToJsonString());
        Assert.All(latents, latent => Assert.Equal(5, latent!["examples"]!.AsArray().Count));
        Assert.True((int)demo["features"]!["labelledByLuck"]! < (int)demo["features"]!["labelled"]!);
    }
}
