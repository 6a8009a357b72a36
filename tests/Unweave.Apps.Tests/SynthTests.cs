using System.Text.Json.Nodes;

namespace Unweave.Apps.Tests;

public sealed class SynthTests
{
    [Fact]
    public async Task Every_example_runs()
    {
        using var place = new Workplace();
        foreach (string example in HelpExamples.Of((await place.Run("synth", "--help")).Succeeded()))
        {
            List<string> words = [.. example.Split(' ').Skip(1)];
            HelpExamples.Shorten(words);
            if (words[0] is "eval") words.AddRange(["--rows", "2000"]);
            Outcome outcome = await place.Run([.. words]);
            Assert.True(outcome.Code == 0, $"{example}\n{outcome.Output}\n{outcome.Error}");
        }
    }

    [Fact]
    public async Task A_run_on_a_synthetic_model_is_scored_against_its_features()
    {
        using var place = new Workplace();
        string[] settings = ["synth:synth-1k,seed=3", "--latents", "256", "--k", "4", "--batch", "256"];
        (await place.Run(["train", .. settings, "--tokens", "30000", "-o", "whole"])).Succeeded();
        JsonNode eval = (await place.Run("eval", "whole", "--rows", "3000", "--json")).Succeeded().Json;
        JsonNode scores = Assert.Single(eval["truth"]!.AsArray())!;
        Assert.Equal(("synth:synth-1k,seed=3", 3000, 256, 4.0), ((string)scores["truth"]!, (int)scores["rows"]!, (int)scores["latents"]!,
            (double)scores["l0"]!));
        Assert.InRange((double)scores["trueL0"]!, 3.4, 4.1);
        Assert.InRange((double)scores["f1"]!, 0.01, 0.99);

        // A code without its weakest latents has fewer, and is another than the folder's, so that it is not kept there.
        File.Delete(place["whole/eval.json"]);
        JsonNode pruned = (await place.Run("eval", "whole", "--truth", "synth-1k,seed=3", "--rows", "3000", "--prune", "0.5", "--json"))
            .Succeeded().Json;
        Assert.InRange((double)pruned["truth"]![0]!["l0"]!, 0.5, 3.9);
        JsonNode refitted = (await place.Run("eval", "whole", "--rows", "3000", "--refit", "--json")).Succeeded().Json;
        Assert.True((double)refitted["truth"]![0]!["explainedVariance"]! > (double)scores["explainedVariance"]!);
        Assert.False(File.Exists(place["whole/eval.json"]));

        // by another model's features it scores what chance gives
        JsonNode other = (await place.Run("eval", "whole", "--truth", "synth-1k,seed=4", "--rows", "3000", "--json", "--no-save"))
            .Succeeded().Json;
        Assert.True((double)other["truth"]![0]!["mcc"]! < (double)scores["mcc"]!);
        Outcome refused = await place.Run("eval", "whole", "--truth", "synth-4k");
        Assert.Contains("width 256", refused.Error, StringComparison.Ordinal);
        // Rows that are saved are those that are made again, and so are their codes.
        (await place.Run("synth", "synth-1k", "--rows", "300", "--save", "saved")).Succeeded();
        (await place.Run("encode", "synth:synth-1k,rows=300", "--sae", "whole", "-o", "a.npz")).Succeeded();
        (await place.Run("encode", "saved/rows.npy", "--sae", "whole", "-o", "b.npz")).Succeeded();
        Assert.Equal(await File.ReadAllBytesAsync(place["a.npz"]), await File.ReadAllBytesAsync(place["b.npz"]));
        JsonNode files = (await place.Run("inspect", "saved/codes.npz", "saved/features.npy", "--json")).Succeeded().Json;
        Assert.Equal(2, files["files"]!.AsArray().Count);
        Outcome endless = await place.Run("encode", "synth:synth-1k", "--sae", "whole");
        Assert.Contains("synth:synth-1k,rows=100000", endless.Error, StringComparison.Ordinal);
        Outcome unknown = await place.Run("synth", "synth-2k");
        Assert.Contains("Did you mean synth-1k?", unknown.Error, StringComparison.Ordinal);
    }
}
