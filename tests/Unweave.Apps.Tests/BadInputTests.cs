namespace Unweave.Apps.Tests;

public sealed class BadInputTests
{
    [Theory]
    [InlineData("trian", "there is no command 'trian'. Did you mean train?")]
    [InlineData("train vectors.safetensors --lattents 8", "there is no flag '--lattents' of train. Did you mean --latents?")]
    [InlineData("train vectors.safetensors --k", "--k needs a value")]
    [InlineData("train vectors.safetensors --k x", "--k is 'x'; it must be a whole number")]
    [InlineData("train vectors.safetensors --k 8 --k 9", "--k is given twice")]
    [InlineData("train vectors.safetensors --k 64 --latents 32", "k is 64 but latents is 32; lower k or raise latents.")]
    [InlineData("train vectors.safetensors --l1-coefficient 3",
        "--l1-coefficient belongs to the architectures gated and relu, but the architecture is topk (the default)")]
    [InlineData("train vectors.safetensors --architecture kl --k 3",
        "--k belongs to the architectures topk, ")]
    [InlineData("train vectors.safetensors --architecture undercomplete --bottleneck 16", "bottleneck is 16 but the vectors have width 16")]
    [InlineData("train vectors.safetensors --patience 2 --validation 0", "patience is 2 but validation is 0")]
    [InlineData("train vectors.safetensors --tensor embeddings", "no tensor named 'embeddings'; it has 'vectors'")]
    [InlineData("train vectors.safetensors --config run.json", "run.json line 3: k is \"4\"; it must be a whole number")]
    [InlineData("train vectors.safetensors --config torn.json", "torn.json line 2: this is not JSON")]
    [InlineData("train vectors.safetensors --config missing.json", "missing.json: there is no such run file")]
    [InlineData("train --resume -o nowhere", "nowhere: there is no run to resume here")]
    [InlineData("train", "no data is named")]
    [InlineData("train missing.safetensors", "missing.safetensors")]
    [InlineData("train shards/*.npy", "shards/*.npy")]
    [InlineData("train empty.safetensors", "empty.safetensors")]
    [InlineData("train norows.safetensors", "norows.safetensors")]
    [InlineData("train torn.safetensors", "torn.safetensors")]
    [InlineData("train flat.safetensors", "flat.safetensors")]
    [InlineData("train nan.safetensors --tokens 2000 --latents 64 --k 4", "nan.safetensors")]
    [InlineData("train vectors.safetensors wide.safetensors", "width")]
    [InlineData("train vectors.safetensor", "there is no such file, the nearest there: 'vectors.safetensors'.")]
    [InlineData("train nope.npy", "nope.npy: there is no such file.")] // none that is there is near
    [InlineData("train notes.md", "notes.md: is text ('# One two three'); safetensors")]
    [InlineData("encode nope.npy", "nope.npy: there is no such file.")] // not that there is no sae
    [InlineData("encode vectors.safetensors", "--sae is sae, but there is no such run or file")]
    [InlineData("inspect", "inspect needs PATH")]
    [InlineData("inspect missing.npy", "missing.npy")]
    [InlineData("inspect torn.safetensors", "torn.safetensors")]
    [InlineData("schema --check run.json", "run.json line 3: k is \"4\"")]
    [InlineData("schema --check contradiction.json", "contradiction.json: k is 9 but latents is 8")]
    public async Task What_cannot_be_used_ends_in_one_line_and_exit_code_2(string line, string expected)
    {
        using Workplace place = Prepare();
        string[] words = line.Split(' ');
        (await place.Run(words)).Refused(expected);

        Outcome json = await place.Run([.. words, "--json"]);
        Assert.Contains(expected, (string?)json.Json["error"], StringComparison.Ordinal);
        Assert.Equal(2, (int?)json.Json["exitCode"]);
    }

    private static Workplace Prepare()
    {
        var place = new Workplace();
        place.WriteVectors("vectors.safetensors", rows: 300);
        place.WriteVectors("wide.safetensors", rows: 10, width: 24);
        place.WriteArray("norows.safetensors", [0, 16], []);
        place.WriteArray("flat.safetensors", [8], [1, 2, 3, 4, 5, 6, 7, 8]);
        float[] values = new float[300 * 16];
        for (int i = 0; i < values.Length; i++) values[i] = (i % 7) - 3;
        values[(123 * 16) + 4] = float.NaN;
        place.WriteArray("nan.safetensors", [300, 16], values);
        place.Write("empty.safetensors", "");
        byte[] whole = File.ReadAllBytes(place["vectors.safetensors"]);
        File.WriteAllBytes(place["torn.safetensors"], whole[..(whole.Length / 2)]);
        place.Write("run.json", "{\n  \"autoencoder\": {\n    \"k\": \"4\"\n  }\n}");
        place.Write("notes.md", "# One\n\ntwo three\n");
        place.Write("torn.json", "{\n  \"tokens\" 4 }");
        place.Write("contradiction.json", """{ "autoencoder": { "k": 9, "latents": 8 } }""");
        return place;
    }
}
