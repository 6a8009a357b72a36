using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Unweave.Apps.Tests;

public sealed class SweepTests
{
    private static readonly string Model = Path.Combine(AppContext.BaseDirectory, "models", "english-4m");

    [Fact]
    public async Task A_grid_is_trained_shown_and_drawn()
    {
        using var place = new Workplace();
        place.WriteVectors("vectors.safetensors");
        place.Write("sweep.json",
            """
            {
              "rows": 8000, "batch": 200, "data": ["vectors.safetensors"],
              "autoencoder": { "latents": [24, 48, 96], "k": [2, 4, 8] } // nine
            }
            """);
        Outcome check = (await place.Run("schema", "--sweep", "--check", "sweep.json", "--json")).Succeeded();
        Assert.Equal((9, 1), (check.Json["points"]!.AsArray().Count, (int)check.Json["passes"]!));
        Outcome run = (await place.Run("sweep", "sweep.json", "-o", "out", "--json")).Succeeded();
        Assert.True((bool)run.Json["finished"]!);
        JsonArray points = run.Json["points"]!.AsArray();
        Assert.All(points, point => Assert.Equal("finished", (string)point!["status"]!));
        Assert.All(points, point => Assert.InRange((double)point!["fvu"]!, 0, 1));
        Assert.Equal("3-latents48-k2", (string)points[3]!["folder"]!);
        Assert.Contains("9 autoencoders in one pass over the data, with about", run.Error, StringComparison.Ordinal);

        // Each folder is a run's for every command.
        (await place.Run("train", "vectors.safetensors", "--rows", "8000", "--batch", "200", "--latents", "48", "--k", "2", "-o", "alone"))
            .Succeeded();
        Assert.Equal(File.ReadAllBytes(place["alone/autoencoder.safetensors"]),
            File.ReadAllBytes(place["out/3-latents48-k2/autoencoder.safetensors"]));
        (await place.Run("eval", "out/3-latents48-k2")).Succeeded();

        Outcome table = (await place.Run("sweep", "show", "out")).Succeeded();
        Assert.Contains("3-latents48-k2", table.Output, StringComparison.Ordinal);
        Assert.Contains("topk: FVU = exp(α + β_k ln k + β_n ln n + γ ln k ln n) + exp(ζ + η ln k), fitted to 9 points", table.Output,
            StringComparison.Ordinal);
        foreach (string picture in (string[])["out/pareto.png", "out/scaling-topk.png"])
            Assert.Equal("PNG"u8.ToArray(), File.ReadAllBytes(place[picture])[1..4]);
        Outcome drawn = (await place.Run("sweep", "plot", "out", "-o", "pictures", "--json")).Succeeded();
        Assert.Equal(2, drawn.Json["files"]!.AsArray().Count);
        Assert.True(File.Exists(place["pictures/pareto.png"]));

        (await place.Run("sweep", "sweep.json", "-o", "out")).Refused("out already holds a sweep");
        (await place.Run("sweep")).Refused("no sweep is named");
        (await place.Run("sweep", "show", "alone")).Refused("alone holds no sweep");
        (await place.Run("sweep", "sweep.json", "missing.npy", "-o", "other")).Refused("missing.npy: there is no such file");
    }

    [Fact]
    public async Task A_model_is_run_once_for_all_and_what_its_loss_recovers_is_in_the_table()
    {
        using var place = new Workplace();
        place.Write("texts.txt", string.Concat(Enumerable.Repeat("The people of the United States have a government of laws. ", 80)));
        place.Write("sweep.json", """{ "rows": 4096, "batch": 64, "validation": 0, "autoencoder": { "latents": 64, "k": [2, 8] } }""");
        string[] stream = ["--model", Model, "--hook", "blocks.2", "--text", "texts.txt", "--buffer", "256"];
        (await place.Run(["sweep", "sweep.json", .. stream, "-o", "out"])).Succeeded();
        (await place.Run(["train", .. stream, "--rows", "4096", "--batch", "64", "--validation", "0", "--latents", "64", "--k", "8", "-o",
            "alone"])).Succeeded();
        foreach (string name in (string[])["autoencoder.safetensors", "training.safetensors"])
            Assert.Equal(File.ReadAllBytes(place[$"alone/{name}"]), File.ReadAllBytes(place[$"out/1-k8/{name}"]));

        Outcome measured = (await place.Run("sweep", "eval", "out", "--text", "texts.txt", "--tokens", "500", "--json")).Succeeded();
        double[] recovered = [.. measured.Json["points"]!.AsArray().Select(point => (double)point!["recovered"]!)];
        Assert.Equal(2, recovered.Length);
        Assert.All(recovered, share => Assert.InRange(share, 0.5, 1.2)); // texts that repeat are easier beside a little noise
        Assert.NotEqual(recovered[0], recovered[1]);
        JsonNode kept = JsonNode.Parse(File.ReadAllText(place["out/1-k8/eval.json"]))!["splice"]!;
        (double clean, double zero, double spliced) = ((double)kept["clean"]!, (double)kept["zero"]!, (double)kept["spliced"]!);
        Assert.Equal((zero - spliced) / (zero - clean), recovered[1], 1e-12);
        Assert.True(File.Exists(place["out/recovered.png"]));
        Assert.Contains("CE recovered", (await place.Run("sweep", "show", "out")).Succeeded().Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Killed_and_resumed_it_writes_the_bytes_of_one_that_was_not()
    {
        using var place = new Workplace();
        place.WriteVectors("vectors.safetensors", rows: 3000);
        place.Write("sweep.json",
            """
            { "rows": 128000, "batch": 128, "seed": [3, 4], "data": ["vectors.safetensors"], "checkpointSteps": 50, "validateEvery": 40,
              "autoencoder": { "latents": 96, "k": [2, 4, 8] } }
            """);
        (await place.Run("sweep", "sweep.json", "-o", "whole", "--threads", "1")).Succeeded();
        const int Kills = 2;
        for (int kill = 0; kill < Kills; kill++)
        {
            int before = Checkpoints();
            using Process run = Cli.Start(
                place.Folder, kill == 0 ? ["sweep", "sweep.json", "-o", "killed"] : ["sweep", "--resume", "-o", "killed"]);
            Task<Outcome> end = Cli.End(run);
            while (!end.IsCompleted && Checkpoints() <= before) await Task.Delay(5, TestContext.Current.CancellationToken);
            Assert.False(end.IsCompleted, "The sweep was over before it could be killed: make it longer.");
            run.Kill();
            await end;
        }

        Outcome resumed = (await place.Run("sweep", "--resume", "-o", "killed", "--json")).Succeeded();
        foreach (JsonNode? point in resumed.Json["points"]!.AsArray())
        {
            string folder = (string)point!["folder"]!;
            foreach (string name in (string[])["autoencoder.safetensors", "training.safetensors"])
            {
                Assert.True(File.ReadAllBytes(place[$"whole/{folder}/{name}"]).AsSpan()
                    .SequenceEqual(File.ReadAllBytes(place[$"killed/{folder}/{name}"])), $"{folder}/{name} differs");
            }
        }

        // How far the runs are, in steps of a hundred.
        int Checkpoints() => !Directory.Exists(place["killed"]) ? 0 : Directory.GetDirectories(place["killed"])
            .Where(folder => File.Exists(Path.Combine(folder, "training.safetensors")))
            .Sum(folder => File.ReadLines(Path.Combine(folder, "metrics.jsonl")).Count() / 10);
    }
}
