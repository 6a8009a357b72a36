using System.Text.Json.Nodes;

namespace Unweave.Apps.Tests;

public sealed class EvalTests
{
    private static readonly string[] Run = ["--latents", "64", "--k", "4", "--tokens", "40000", "--batch", "200", "--validation", "0.1"];

    [Fact]
    public async Task An_autoencoder_is_measured_on_held_out_rows_beside_its_baselines()
    {
        using var place = new Workplace();
        string vectors = place.WriteVectors("vectors.safetensors");
        Outcome train = (await place.Run(["train", vectors, .. Run, "-o", "sae", "--json"])).Succeeded();
        JsonNode eval = (await place.Run("eval", "sae", "--json")).Succeeded().Json;
        Assert.Equal((100, true), ((int)eval["rows"]!, (bool)eval["heldOut"]!));
        double Fvu(string which) => (double)eval[which]!["fvu"]!;

        // The trainer's own last validation is an independent path to the same figure, on the same rows.
        Assert.Equal((double)train.Json["validationFvu"]!, Fvu("autoencoder"), 4);

        // The data are sums of two of 24 directions in 16 dimensions: 4 components cannot hold them, and neither can 4 random rows.
        Assert.True(Fvu("autoencoder") < Fvu("pca"), eval.ToJsonString());
        Assert.True(Fvu("autoencoder") < Fvu("randomDictionary"), eval.ToJsonString());
        Assert.Equal(64, (int)eval["autoencoder"]!["density"]!["dead"]! + eval["autoencoder"]!["density"]!["counts"]!.AsArray()
            .Sum(count => (int)count!));

        Outcome shown = (await place.Run("eval", "sae/", vectors)).Succeeded();
        Assert.Contains("sae/ on 100 rows of vectors.safetensors, held out from training:", shown.Output, StringComparison.Ordinal);
        Assert.Contains("PCA, 4 components", shown.Output, StringComparison.Ordinal);
        Assert.Contains("How often the 64 latents fire", shown.Output, StringComparison.Ordinal);
        foreach (string name in (string[])["pcaByRow", "ica", "semiNonnegative", "kSvd", "identity"])
        {
            Assert.InRange(Fvu(name), 0, 1);
            Assert.True((double)eval[name]!["l0"]! <= 4, name);
        }

        JsonNode some = (await place.Run("eval", "sae", "--baselines", "k-svd,identity", "--json")).Succeeded().Json;
        Assert.Equal((true, true), (some["pca"] is null, some["identity"] is not null));
        Assert.Equal(Fvu("kSvd"), (double)some["kSvd"]!["fvu"]!);
        (await place.Run("eval", "sae", "--baselines", "kmeans")).Refused("there is no such baseline");
    }

    [Fact]
    public async Task What_was_measured_is_kept_in_the_folder_of_the_run_beside_what_was_there()
    {
        using var place = new Workplace();
        string vectors = place.WriteVectors("vectors.safetensors");
        (await place.Run(["train", vectors, .. Run, "-o", "sae"])).Succeeded();
        JsonNode eval = (await place.Run("eval", "sae", "--baselines", "pca,random", "--json", "--no-save")).Succeeded().Json;
        Assert.False(File.Exists(place["sae/eval.json"]));
        string hash = (string)eval["autoencoderSha256"]!;
        place.Write("sae/eval.json", $$"""{"splice":{"clean":1,"spliced":2,"zero":3},"rows":1,"autoencoderSha256":"{{hash}}"}""");
        Outcome said = (await place.Run("eval", "sae", "--baselines", "pca")).Succeeded();
        Assert.Contains("Kept in sae/eval.json", said.Output.Replace('\\', '/'), StringComparison.Ordinal);
        JsonNode kept = JsonNode.Parse(await File.ReadAllTextAsync(place["sae/eval.json"], TestContext.Current.CancellationToken))!;
        Assert.Equal((double)eval["autoencoder"]!["fvu"]!, (double)kept["autoencoder"]!["fvu"]!);
        Assert.Equal((100, "vectors.safetensors", true),
            ((int)kept["rows"]!, Path.GetFileName((string)kept["data"]!), (bool)kept["heldOut"]!));
        Assert.Equal(2, (int)kept["splice"]!["spliced"]!);

        // What was measured of another autoencoder is given up, and does not stand beside the new figures.
        place.Write("sae/eval.json", """{"splice":{"clean":1},"autoencoderSha256":"another"}""");
        (await place.Run("eval", "sae", "--baselines", "pca,random", "--json")).Succeeded();
        kept = JsonNode.Parse(await File.ReadAllTextAsync(place["sae/eval.json"], TestContext.Current.CancellationToken))!;
        Assert.Null(kept["splice"]);
        Assert.Equal(hash, (string)kept["autoencoderSha256"]!);
    }

    [Fact]
    public async Task Other_data_are_measured_whole_or_not_at_all()
    {
        using var place = new Workplace();
        string vectors = place.WriteVectors("vectors.safetensors"), others = place.WriteVectors("others.safetensors", rows: 300),
            wide = place.WriteVectors("wide.safetensors", width: 24);
        (await place.Run(["train", vectors, .. Run, "-o", "sae"])).Succeeded();
        (await place.Run("eval", "sae", others)).Refused("others.safetensors has 300 rows, but the run in sae was trained on 1000");
        (await place.Run("eval", "sae", wide)).Refused("wide.safetensors has vectors of width 24, but sae was trained on width 16");
        (await place.Run("eval", "nowhere")).Refused("nowhere");
        JsonNode all = (await place.Run("eval", "sae", "--baselines", "pca,random", others, "--all", "--json")).Succeeded().Json;
        Assert.Equal((300, false), ((int)all["rows"]!, (bool)all["heldOut"]!));
        File.Delete(place["sae/config.json"]);
        (await place.Run("eval", "sae", "--baselines", "pca,random", vectors)).Refused("add --all");
    }

    [Fact]
    public async Task An_undercomplete_autoencoder_is_measured_beside_PCA_of_its_width()
    {
        using var place = new Workplace();
        string vectors = place.WriteVectors("vectors.safetensors");
        (await place.Run("train", vectors, "--architecture", "undercomplete", "--bottleneck", "4", "--tokens", "10000", "--batch", "100",
            "-o", "sae")).Succeeded();
        JsonNode eval = (await place.Run("eval", "sae", "--baselines", "pca,random", "--json")).Succeeded().Json;
        Assert.Equal(4, (double)eval["pca"]!["l0"]!);
        Assert.Null(eval["randomDictionary"]);
        Outcome shown = (await place.Run("eval", "sae", "--baselines", "pca")).Succeeded();
        Assert.DoesNotContain("latents fire", shown.Output, StringComparison.Ordinal);
    }
}
