using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Unweave.Apps.Tests;

public sealed class TrainTests
{
    private static readonly string[] Small = ["--latents", "64", "--k", "4", "--tokens", "20000", "--batch", "256"];

    [Fact]
    public async Task A_run_leaves_its_folder_and_says_how_it_went()
    {
        using var place = new Workplace();
        string vectors = place.WriteVectors("vectors.safetensors");
        Outcome run = (await place.Run(["train", vectors, .. Small, "-o", "sae", "--json"])).Succeeded();
        Assert.Equal((79, 79, 20224), ((int)run.Json["step"]!, (int)run.Json["steps"]!, (int)run.Json["rows"]!));
        Assert.True((bool)run.Json["finished"]!);
        Assert.InRange((double)run.Json["fvu"]!, 0, 0.5);
        Assert.InRange((double)run.Json["l0"]!, 0, 4);
        Assert.Contains("step 79/79", run.Error, StringComparison.Ordinal);
        string[] expected = ["autoencoder.safetensors", "config.json", "metrics.jsonl", "training.safetensors"];
        Assert.Equal(expected, Directory.GetFiles(place["sae"]).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal),
            StringComparer.Ordinal);
        JsonNode config = JsonNode.Parse(File.ReadAllText(place["sae/config.json"]))!;
        Assert.Equal((64, 4, 20000), ((int)config["autoencoder"]!["latents"]!, (int)config["autoencoder"]!["k"]!, (int)config["rows"]!));
        Assert.All(File.ReadAllLines(place["sae/metrics.jsonl"]), line => Assert.NotNull(JsonNode.Parse(line)!["step"]));
    }

    [Fact]
    public async Task A_trained_folder_is_not_written_over_unasked()
    {
        using var place = new Workplace();
        string vectors = place.WriteVectors("vectors.safetensors");
        (await place.Run(["train", vectors, .. Small, "-o", "sae"])).Succeeded();
        byte[] first = File.ReadAllBytes(place["sae/autoencoder.safetensors"]);
        (await place.Run(["train", vectors, .. Small, "-o", "sae", "--seed", "1"])).Refused("sae already holds a trained autoencoder");
        Assert.Equal(first, File.ReadAllBytes(place["sae/autoencoder.safetensors"]));
        (await place.Run(["train", vectors, .. Small, "-o", "sae", "--seed", "1", "--force"])).Succeeded();
        Assert.NotEqual(first, File.ReadAllBytes(place["sae/autoencoder.safetensors"]));
        (await place.Run("train", "--resume", "-o", "sae", "--seed", "2")).Refused("\"seed\": 1, now \"seed\": 2");
    }

    [Fact]
    public async Task Flags_override_the_run_file()
    {
        using var place = new Workplace();
        place.WriteVectors("vectors.safetensors");
        place.Write("run.json",
            """
            { "data": ["vectors.safetensors"], "tokens": 5000, "batch": 100, "output": "one",
              "autoencoder": { "architecture": "relu", "latents": 48 } }
            """);
        (await place.Run("train", "--config", "run.json", "--batch", "500", "--l1-coefficient", "0.5", "--unit-decoder", "-o", "two"))
            .Succeeded();
        Assert.False(Directory.Exists(place["one"]));
        JsonNode config = JsonNode.Parse(File.ReadAllText(place["two/config.json"]))!;
        Assert.Equal((5000, 500), ((int)config["rows"]!, (int)config["batch"]!));
        Assert.Equal(("relu", 48, 0.5, true),
            ((string)config["autoencoder"]!["architecture"]!, (int)config["autoencoder"]!["latents"]!,
                (double)config["autoencoder"]!["l1Coefficient"]!, (bool)config["autoencoder"]!["unitDecoder"]!));
    }

    [Theory]
    [InlineData("--architecture kl --latents 32")]
    [InlineData("--architecture undercomplete --bottleneck 4 --hidden 12,8 --activation relu")]
    public async Task Every_architecture_trains(string flags)
    {
        using var place = new Workplace();
        string vectors = place.WriteVectors("vectors.safetensors");
        (await place.Run(["train", vectors, .. flags.Split(' '), "--tokens", "4000", "--batch", "200", "-o", "sae"])).Succeeded();
        Assert.True(File.Exists(place["sae/autoencoder.safetensors"]));
    }

    [Fact]
    public async Task Interrupted_and_resumed_it_is_the_run_that_was_not()
    {
        using var place = new Workplace();
        string vectors = place.WriteVectors("vectors.safetensors");
        string[] settings = ["--latents", "256", "--k", "8", "--tokens", "600000", "--batch", "512", "--validation", "0"];
        using Process process = Cli.Start(place.Folder, ["train", vectors, .. settings, "-o", "stopped"]);
        Task<Outcome> ending = Cli.End(process);
        while (!File.Exists(place["stopped/metrics.jsonl"]) || new FileInfo(place["stopped/metrics.jsonl"]).Length == 0)
        {
            Assert.False(ending.IsCompleted, "The run ended before it could be interrupted.");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        Cli.Interrupt(process);
        Outcome stopped = await ending;
        Assert.Equal(130, stopped.Code);
        Assert.Contains("Go on with: unweave train --resume -o stopped", stopped.Output, StringComparison.Ordinal);
        Assert.True(File.Exists(place["stopped/training.safetensors"]));

        Outcome resumed = (await place.Run("train", "--resume", "-o", "stopped", "--json")).Succeeded();
        Assert.True((bool)resumed.Json["finished"]!);
        (await place.Run(["train", vectors, .. settings, "-o", "whole"])).Succeeded();
        Assert.Equal(File.ReadAllBytes(place["whole/autoencoder.safetensors"]),
            File.ReadAllBytes(place["stopped/autoencoder.safetensors"]));
    }

    [Fact]
    public async Task A_torn_checkpoint_is_found_and_named()
    {
        using var place = new Workplace();
        string vectors = place.WriteVectors("vectors.safetensors");
        (await place.Run(["train", vectors, .. Small, "-o", "sae"])).Succeeded();
        foreach (string name in (string[])["autoencoder.safetensors", "training.safetensors"])
        {
            string path = place["sae/" + name];
            byte[] whole = File.ReadAllBytes(path);
            byte[] changed = [.. whole];
            changed[^100] ^= 1;
            File.WriteAllBytes(path, changed);
            string[] command = name[0] == 'a' ? ["encode", vectors, "--sae", "sae"] : ["train", "--resume", "-o", "sae"];
            (await place.Run(command)).Refused("checksum");
            File.WriteAllBytes(path, whole[..(whole.Length / 2)]);
            (await place.Run(command)).Refused(name);
            File.WriteAllBytes(path, whole);
        }
    }
}
