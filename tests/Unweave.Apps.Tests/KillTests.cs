using System.Diagnostics;
using Unweave.Autoencoders;
using Unweave.Checkpoints;

namespace Unweave.Apps.Tests;

/// <summary>Nothing is lost: runs killed without warning, and disks that fill up.</summary>
public sealed class KillTests
{
    private static readonly string[] Train =
    [
        "train", "vectors.safetensors", "--latents", "128", "--k", "4", "--batch", "128", "--tokens", "512000", "--checkpoint-steps", "7",
        "--seed", "3",
    ];

    [Fact]
    public async Task A_run_killed_at_random_moments_and_resumed_writes_the_bytes_of_one_that_was_not()
    {
        using var place = new Workplace();
        place.WriteVectors("vectors.safetensors", rows: 3000);
        (await place.Run([.. Train, "-o", "whole", "--threads", "1"])).Succeeded();
        int seed = Environment.TickCount;
        var random = new Numerics.Rng((ulong)seed);
        const int Kills = 5;
        for (int kill = 0; kill < Kills; kill++)
        {
            // Killed some moments after it has written another checkpoint: within a step, between steps or within the next checkpoint.
            DateTime before = Written(place["killed/training.safetensors"]);
            using Process run = Cli.Start(place.Folder, kill == 0 ? [.. Train, "-o", "killed"] : ["train", "--resume", "-o", "killed"]);
            Task<Outcome> end = Cli.End(run);
            while (!end.IsCompleted && Written(place["killed/training.safetensors"]) == before) await Task.Delay(5);
            await Task.Delay(TimeSpan.FromMilliseconds(random.NextBelow(60)));
            Assert.False(end.IsCompleted, "The run was over before it could be killed: make it longer.");
            run.Kill();
            await end;
        }

        (await place.Run("train", "--resume", "-o", "killed")).Succeeded();
        foreach (string name in (string[])["autoencoder.safetensors", "training.safetensors"])
            Assert.True(File.ReadAllBytes(place[$"whole/{name}"]).AsSpan().SequenceEqual(File.ReadAllBytes(place[$"killed/{name}"])),
                $"{name} differs, seed {seed}");
        Assert.Equal(Steps(place["whole/metrics.jsonl"]), Steps(place["killed/metrics.jsonl"]));
    }

    [Fact]
    public async Task A_disk_that_fills_up_during_a_checkpoint_leaves_the_last_one_whole()
    {
        using var place = new Workplace();
        place.WriteVectors("vectors.safetensors", rows: 2000);

        // The first checkpoint of about 90 KB fits on a disk of 128 KB; the second, written beside it, does not.
        using (new SmallDisk(place["small"], "128k"))
        {
            string[] run =
            [
                "train", "vectors.safetensors", "--latents", "160", "--k", "4", "--batch", "64", "--tokens", "64000", "--checkpoint-steps",
                "10", "-o", "small/run",
            ];
            (await place.Run(run)).Refused("training.safetensors: the disk");
            using SparseAutoencoder kept = SparseAutoencoder.Load(place["small/run"]);
            Assert.Equal(160, kept.Latents);
            Assert.Empty(Directory.GetFiles(place["small/run"], "*partial*"));
            Outcome inspected = await place.Run("inspect", "small/run/training.safetensors", "--json");
            inspected.Succeeded();
        }
    }

    private static List<string> Steps(string metrics) => [.. File.ReadLines(metrics).Select(line => line.Split(',')[0])];

    private static DateTime Written(string path) => File.Exists(path) ? File.GetLastWriteTimeUtc(path) : default;
}
