using System.Text.Json.Nodes;

namespace Unweave.Apps.Tests;

/// <summary>Autoencoders of other libraries: converted, inspected, probed, and taken by every command that takes one of ours.</summary>
public sealed class ConvertTests
{
    private const string TopK = "dictionary_learning/topk_threshold", Gemma = "gemma_scope/jumprelu_sae";

    [Fact]
    public async Task One_librarys_files_become_anothers_and_come_back()
    {
        using var place = new Workplace();
        Dialects.Copy(TopK, place["theirs"]);
        Outcome native = (await place.Run("convert", "theirs", "-o", "ours")).Succeeded();
        Assert.Contains("dictionary_learning: TopK", native.Output, StringComparison.Ordinal);
        Assert.Contains("autoencoder.safetensors", native.Output, StringComparison.Ordinal);
        JsonNode other = (await place.Run("convert", "ours", "--to", "sparsify", "-o", "other", "--json")).Succeeded().Json;
        Assert.Equal(["cfg.json", "sae.safetensors"], other["files"]!.AsArray().Select(file => (string)file!), StringComparer.Ordinal);
        Assert.InRange((double)other["largestDifference"]!, 0, 1e-5);
        Assert.Equal("sparsify", (string?)(await place.Run("inspect", "other", "--json")).Succeeded().Json["files"]![0]!["dialect"]);
        (await place.Run("convert", "other/sae.safetensors", "--to", "dictionary_learning", "-o", "back")).Succeeded();
        Assert.True(File.Exists(place["back/ae.pt"]));
        Assert.DoesNotContain(Directory.EnumerateDirectories(place.Folder), folder => folder.Contains("partial", StringComparison.Ordinal));

        JsonNode graphs = (await place.Run("convert", "theirs", "--to", "onnx", "-o", "graphs", "--json")).Succeeded().Json;
        Assert.Equal(["autoencoder.onnx", "decode.onnx", "encode.onnx", "weights.bin"],
            graphs["files"]!.AsArray().Select(file => (string)file!), StringComparer.Ordinal);
        Assert.InRange((double)graphs["largestDifference"]!, 0, 1e-5);

        // Nothing is written over unasked.
        (await place.Run("convert", "theirs", "-o", "ours")).Refused("--force");
        (await place.Run("convert", "theirs", "-o", "ours", "--force")).Succeeded();
    }

    [Fact]
    public async Task What_cannot_be_said_or_read_is_refused_by_name_and_nothing_is_written()
    {
        using var place = new Workplace();
        Dialects.Copy(Gemma, place["gemma"]);
        (await place.Run("convert", "gemma", "--to", "sparsify", "-o", "out")).Refused("JumpReLU");
        (await place.Run("convert", "gemma", "--to", "nothing", "-o", "out")).Refused("native");
        (await place.Run("convert", "gemma", "--set", "k", "-o", "out")).Refused("KEY=VALUE");
        (await place.Run("convert", "nowhere", "-o", "out")).Refused("nowhere");
        place.Write("empty/readme.txt", "nothing");
        (await place.Run("convert", "empty", "-o", "out")).Refused("looked for");
        Dialects.Copy("csr_adaptive_rep/csr", place["csr"]);
        (await place.Run("convert", "csr", "-o", "out")).Refused("--set k=");
        Assert.False(Directory.Exists(place["out"]));
        (await place.Run("convert", "csr", "--set", "k=4", "--set", "normalize=false", "-o", "out")).Succeeded();
    }

    [Fact]
    public async Task Inspecting_says_whose_it_is_and_a_probe_whether_it_works()
    {
        using var place = new Workplace();
        Dialects.Copy(Gemma, place["gemma"]);
        Outcome shown = (await place.Run("inspect", "gemma")).Succeeded();
        Assert.Contains("Gemma Scope: JumpReLU, 96 latents", shown.Output, StringComparison.Ordinal);
        Assert.Contains("b_dec is not subtracted", shown.Output, StringComparison.Ordinal);
        Assert.Contains("W_enc", shown.Output, StringComparison.Ordinal);

        // An autoencoder that was trained here, in another library's files: on its rows, and on others of a scale that it never saw.
        string vectors = place.WriteVectors("vectors.npy", rows: 2000);
        (await place.Run("train", vectors, "--latents", "64", "--k", "8", "--tokens", "40000", "--batch", "200", "-o", "sae")).Succeeded();
        (await place.Run("convert", "sae", "--to", "dictionary_learning", "-o", "theirs")).Succeeded();
        JsonNode right = (await place.Run("inspect", "theirs", "--probe", vectors, "--json")).Succeeded().Json["files"]![0]!["probe"]!;
        Assert.InRange((double)right["fvu"]!, 0, 0.9);
        Assert.Equal(8, (double)right["l0"]!, 0.5);
        Assert.Empty(right["concerns"]!.AsArray());

        float[] small = [.. Enumerable.Range(0, 200 * 16).Select(i => 0.001f * MathF.Sin(i))];
        string[] wrong = ["inspect", "theirs", "--probe", place.WriteArray("small.npy", [200, 16], small)];
        Assert.Contains("explains nothing", (await place.Run(wrong)).Succeeded().Output, StringComparison.Ordinal);
        (await place.Run("inspect", "theirs", "--probe", place.WriteVectors("wide.npy", rows: 50, width: 17))).Refused("width 17");
    }

    [Fact]
    public async Task Commands_take_another_librarys_autoencoder_as_it_is()
    {
        using var place = new Workplace();
        string vectors = place.WriteVectors("vectors.npy", rows: 600);
        (await place.Run("train", vectors, "--latents", "64", "--k", "8", "--tokens", "20000", "--batch", "200", "-o", "sae")).Succeeded();
        (await place.Run("convert", "sae", "--to", "sparsify", "-o", "theirs")).Succeeded();
        (await place.Run("encode", vectors, "--sae", "sae", "-o", "ours.jsonl")).Succeeded();
        (await place.Run("encode", vectors, "--sae", "theirs", "-o", "theirs.jsonl")).Succeeded();
        Assert.Equal(Latents("ours.jsonl"), Latents("theirs.jsonl"), StringComparer.Ordinal);
        Outcome measured = (await place.Run("eval", "theirs", vectors, "--all")).Succeeded();
        Assert.Contains("FVU", measured.Output, StringComparison.Ordinal);
        Assert.False(File.Exists(place["theirs/eval.json"])); // nothing is kept beside files of another library
        (await place.Run("serve", "theirs")).Refused("features build theirs");

        string[] Latents(string file) =>
        [
            .. File.ReadLines(place[file]).Select(line => JsonNode.Parse(line)!["latents"]!.ToJsonString()),
        ];
    }

    [Fact]
    public async Task A_catalog_of_another_librarys_autoencoder_makes_a_run_of_it()
    {
        using var place = new Workplace();
        string vectors = place.WriteVectors("vectors.npy", rows: 600);
        (await place.Run("train", vectors, "--latents", "64", "--k", "8", "--tokens", "20000", "--batch", "200", "-o", "sae")).Succeeded();
        (await place.Run("convert", "sae", "--to", "sparsify", "-o", "theirs")).Succeeded();
        string file = Path.Combine("theirs", "sae.safetensors");
        (await place.Run("features", "build", file, vectors)).Refused("-o");
        (await place.Run("features", "build", "theirs", "nowhere.npy", "-o", "run")).Refused("nowhere.npy");
        Assert.False(Directory.Exists(place["run"])); // a run of which nothing came goes again
        (await place.Run("features", "build", file, vectors, "-o", "run")).Succeeded();
        Assert.True(File.Exists(place["run/autoencoder.safetensors"]));
        (await place.Run("features", "list", "run")).Succeeded();
        (await place.Run("features", "build", "theirs", vectors, "-o", "run")).Refused("holds an autoencoder already");
        (await place.Run("features", "build", "theirs", vectors)).Succeeded();
        (await place.Run("features", "list", "theirs")).Succeeded();
    }
}
