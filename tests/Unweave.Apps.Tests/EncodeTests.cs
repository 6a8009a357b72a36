using System.Text.Json.Nodes;

namespace Unweave.Apps.Tests;

public sealed class EncodeTests
{
    [Fact]
    public async Task Vectors_become_json_lines_and_npz_of_the_same_codes()
    {
        using var place = new Workplace();
        string vectors = place.WriteVectors("vectors.safetensors", rows: 500);
        (await place.Run("train", vectors, "--latents", "64", "--k", "4", "--tokens", "5000", "--batch", "250", "-o", "sae")).Succeeded();

        Outcome file = (await place.Run("encode", vectors, "--sae", "sae/", "-o", "codes.jsonl", "--json")).Succeeded();
        Assert.Equal((500, 64), ((int)file.Json["rows"]!, (int)file.Json["latents"]!));
        string[] lines = File.ReadAllLines(place["codes.jsonl"]);
        Assert.Equal(500, lines.Length);
        int entries = 0;
        for (int row = 0; row < lines.Length; row++)
        {
            JsonNode line = JsonNode.Parse(lines[row])!;
            int[] latents = [.. line["latents"]!.AsArray().Select(latent => (int)latent!)];
            Assert.Equal(row, (int)line["row"]!);
            Assert.InRange(latents.Length, 0, 4);
            Assert.Equal(latents.Order(), latents);
            Assert.All(latents, latent => Assert.InRange(latent, 0, 63));
            Assert.Equal(latents.Length, line["values"]!.AsArray().Count);
            entries += latents.Length;
        }

        Assert.Equal(entries, (int)file.Json["entries"]!);
        Outcome screen = (await place.Run("encode", vectors, "--sae", "sae/", "-o", "-")).Succeeded();
        Assert.Equal(File.ReadAllText(place["codes.jsonl"]), screen.Output);

        (await place.Run("encode", vectors, "--sae", "sae/", "-o", "codes.npz")).Succeeded();
        Outcome arrays = (await place.Run("inspect", "codes.npz", "--json")).Succeeded();
        var shapes = arrays.Json["files"]![0]!["tensors"]!.AsArray()
            .ToDictionary(tensor => (string)tensor!["name"]!, tensor => (Type: (string)tensor!["type"]!, Length: (int)tensor["shape"]![0]!),
                StringComparer.Ordinal);
        Assert.Equal(("Int64", 501), shapes["indptr"]);
        Assert.Equal(("Int32", entries), shapes["indices"]);
        Assert.Equal(("Float32", entries), shapes["data"]);
        Assert.Equal(("Int64", 2), shapes["shape"]);
        Assert.Equal(["codes.jsonl", "codes.npz", vectors],
            Directory.GetFiles(place.Folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal), StringComparer.Ordinal);
    }

    [Theory]
    [InlineData("-o codes.txt", "codes.txt: codes are written as .npz or .jsonl")]
    [InlineData("-o - --json", "-o - and --json both write to standard output")]
    [InlineData("--sae nowhere", "nowhere")]
    [InlineData("--sae narrow", "vectors.safetensors has vectors of width 16, but narrow was trained on width 8")]
    [InlineData("--sae undercomplete", "undercomplete")]
    public async Task What_cannot_be_encoded_is_refused(string flags, string expected)
    {
        using var place = new Workplace();
        string vectors = place.WriteVectors("vectors.safetensors", rows: 200),
            narrow = place.WriteVectors("narrow.safetensors", rows: 200, width: 8);
        string[] brief = ["--tokens", "200", "--batch", "100"];
        (await place.Run(["train", vectors, "--latents", "32", "--k", "4", .. brief, "-o", "sae"])).Succeeded();
        if (flags.EndsWith("narrow", StringComparison.Ordinal))
            (await place.Run(["train", narrow, "--latents", "32", "--k", "4", .. brief, "-o", "narrow"])).Succeeded();
        if (flags.EndsWith("undercomplete", StringComparison.Ordinal))
            (await place.Run(["train", vectors, "--architecture", "undercomplete", "--bottleneck", "4", .. brief, "-o", "undercomplete"]))
                .Succeeded();
        (await place.Run(["encode", vectors, .. flags.Split(' ')])).Refused(expected);
    }
}
