using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;

namespace Unweave.Apps.Tests;

/// <summary>Commands on a host model: the embedded one, found beside the program.</summary>
public sealed class HostTests
{
    private static readonly string Model = Path.Combine(AppContext.BaseDirectory, "models", "english-4m");
    private static readonly string HeldOut = Path.Combine(AppContext.BaseDirectory, "data", "corpus", "held-out.jsonl.gz");

    [Fact]
    public async Task Hooks_are_listed_and_searched()
    {
        using var place = new Workplace();
        Outcome listed = (await place.Run("hooks", Model)).Succeeded();
        foreach (string part in (string[])["language model, causal, 4,096 tokens, context 128", "embed", "blocks.3.mlp.neurons",
            "[batch, sequence, 1024]", "residual stream after the block", "final", "more tensors"])
            Assert.Contains(part, listed.Output, StringComparison.Ordinal);
        JsonArray found = (await place.Run("hooks", Model, "blocks.?", "--json")).Succeeded().Json["hooks"]!.AsArray();
        Assert.Equal(["blocks.0", "blocks.1", "blocks.2", "blocks.3"], found.Select(hook => (string)hook!["name"]!),
            StringComparer.Ordinal);
        (await place.Run("hooks", Model, "block.2")).Refused("Nearest: blocks.2");
    }

    [Fact]
    public async Task Two_hooks_are_harvested_in_one_pass_and_trained_on()
    {
        using var place = new Workplace();
        Outcome harvested = (await place.Run("harvest", "--model", Model, "--hook", "blocks.1", "--hook", "blocks.2.mlp", "--text", HeldOut,
            "--tokens", "8000", "--rows-per-shard", "3000", "-o", "acts")).Succeeded();
        Assert.Contains("Train on it: unweave train acts#blocks.1", harvested.Output, StringComparison.Ordinal);
        Assert.True(Directory.GetFiles(place["acts/blocks.2.mlp"]).Length >= 2);
        JsonNode again = (await place.Run("harvest", "--model", Model, "--hook", "blocks.1", "--hook", "blocks.2.mlp", "--text", HeldOut,
            "--tokens", "8000", "--rows-per-shard", "3000", "-o", "acts", "--resume", "--json")).Succeeded().Json;
        Assert.True((bool)again["finished"]!);
        Assert.InRange((long)again["rows"]!, 8000, 9000);
        (await place.Run("train", "acts", "-o", "sae")).Refused("choose one by its name after '#'");
        string[] train = ["--latents", "256", "--k", "8", "--tokens", "20000", "--batch", "500"];
        (await place.Run(["train", "acts#blocks.1", .. train, "-o", "sae"])).Succeeded();
        JsonNode host = JsonNode.Parse(File.ReadAllText(place["sae/host.json"]))!;
        Assert.Equal("blocks.1", (string)host["hook"]!);
        Outcome spliced = (await place.Run("eval", "sae", "--text", HeldOut, "--tokens", "3000")).Succeeded();
        Assert.Contains("activations at blocks.1", spliced.Output, StringComparison.Ordinal);
        (await place.Run("eval", "sae", "--text", HeldOut, "--hook", "blocks.1.mlp.neurons")).Refused("has width 1024");
        (await place.Run("harvest", "--model", Model, "--hook", "blocks.1", "--text", HeldOut, "-o", "acts", "--resume"))
            .Refused("the list of hooks was");
    }

    [Fact]
    public async Task Documents_that_cannot_be_read_are_named_counted_and_passed_over_unless_strictness_is_asked_for()
    {
        using var place = new Workplace();
        string[] sentences =
            [.. Enumerable.Range(0, 40).Select(i => $$"""{"text":"The Senate adjourned on day {{i}} of the session, the House too."}""")];
        File.WriteAllLines(place["texts.jsonl"], [.. sentences[..20], "{\"text\":17}", .. sentences[20..], "{\"text\":\"cut"]);
        string[] texts = ["--text", "texts.jsonl"], model = ["--model", Model, "--hook", "blocks.1", .. texts];
        const string First = "texts.jsonl: line 21 has a number in the field 'text'", Last = "texts.jsonl: line 42 is not well-formed JSON",
            Count = "2 documents could not be read and were skipped";

        Outcome harvested = (await place.Run(["harvest", .. model, "-o", "acts", "--json"])).Succeeded();
        Said(harvested);
        Assert.Equal(40, (int)harvested.Json["documents"]!);
        Assert.Equal(2, (int)JsonNode.Parse(File.ReadAllText(place["acts/manifest.json"]))!["malformed"]!);
        Outcome again = (await place.Run(["harvest", .. model, "-o", "acts", "--resume", "--json"])).Succeeded();
        Assert.Equal(2, (int)again.Json["malformedDocuments"]!);

        string[] train = ["--latents", "64", "--k", "4", "--tokens", "2000", "--batch", "100", "--validation", "0"];
        Said((await place.Run(["train", .. model, .. train, "--buffer", "400", "-o", "sae", "--json"])).Succeeded());
        Said((await place.Run(["eval", "sae", .. texts, "--tokens", "100000", "--json"])).Succeeded());
        Said((await place.Run(["features", "build", "sae", .. texts, "--json"])).Succeeded());

        (await place.Run(["harvest", .. model, "-o", "strict", "--strict"])).Refused(First);
        (await place.Run(["eval", "sae", .. texts, "--strict"])).Refused(First);
        File.WriteAllLines(place["texts.jsonl"], [.. sentences.Select(line => line.Replace("text", "body", StringComparison.Ordinal))]);
        (await place.Run(["harvest", .. model, "-o", "none"])).Refused("line 1 has no field 'text'; it has 'body'");

        static void Said(Outcome outcome)
        {
            foreach (string part in (string[])[First, Last, Count]) Assert.Contains(part, outcome.Error, StringComparison.Ordinal);
            Assert.Equal(2, (int)outcome.Json["malformedDocuments"]!);
        }
    }

    [Fact]
    public async Task Tokens_that_the_vocabulary_lacks_are_counted_and_said()
    {
        using var place = new Workplace();
        File.WriteAllLines(place["vocab.txt"], ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "of", "senate", ".", ","]);
        string[] harvest = ["harvest", "--model", Model, "--hook", "blocks.1", "--text", HeldOut, "--tokens", "3000"];
        Outcome many = (await place.Run([.. harvest, "--tokenizer", "vocab.txt", "-o", "acts", "--json"])).Succeeded();
        Assert.Contains("not in the tokenizer's vocabulary", many.Error, StringComparison.Ordinal);
        Assert.Contains("--tokenizer", many.Error, StringComparison.Ordinal);
        long unknown = (long)many.Json["unknownTokens"]!;
        Assert.InRange(unknown, 1000, (long)many.Json["rows"]!);
        JsonNode manifest = JsonNode.Parse(File.ReadAllText(place["acts/manifest.json"]))!;
        Assert.Equal(1, (int)manifest["harvest"]!["unknownToken"]!);
        Assert.Equal(unknown, manifest["shards"]!.AsArray().Sum(shard => (long)shard!["unknown"]!));

        (await place.Run("train", "acts", "--latents", "64", "--k", "4", "--tokens", "3000", "--batch", "500", "-o", "sae")).Succeeded();
        Outcome read = (await place.Run("read", "sae", "the senate adjourned", "--json")).Succeeded();
        Assert.Equal(1, (int)read.Json["unknownTokens"]!);
        Assert.Contains("1 of 3 tokens (33.33%)", read.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("vocabulary", (await place.Run("read", "sae", "the senate")).Succeeded().Error, StringComparison.Ordinal);

        Outcome none = (await place.Run([.. harvest, "-o", "bytes", "--json"])).Succeeded(); // bytes spell everything
        Assert.Null(none.Json["unknownTokens"]);
        Assert.DoesNotContain("vocabulary", none.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Texts_with_one_vector_each_are_harvested_trained_on_cataloged_and_read()
    {
        using var place = new Workplace();
        Outcome harvested = (await place.Run("harvest", "--model", Model, "--hook", "blocks.2.mean", "--text", HeldOut, "--tokens", "120",
            "--context", "64", "--input", "input_ids=ids", "-o", "acts")).Succeeded();
        Assert.Contains("rows of 120 documents", harvested.Output, StringComparison.Ordinal);
        Assert.Contains("more than the 64 tokens of a window", harvested.Output, StringComparison.Ordinal);
        (await place.Run("train", "acts", "--latents", "64", "--k", "4", "--tokens", "2000", "--batch", "20", "-o", "sae")).Succeeded();
        JsonNode host = JsonNode.Parse(File.ReadAllText(place["sae/host.json"]))!;
        Assert.Equal("blocks.2.mean", (string)host["hook"]!);
        Assert.Equal("ids", (string)host["inputs"]!["input_ids"]!);
        (await place.Run("features", "build", "sae")).Succeeded();
        JsonNode built = (await place.Run("features", "build", "sae", "--text", HeldOut, "--tokens", "50", "--json")).Succeeded().Json;
        Assert.Equal((50, 50), ((long)built["rows"]!, (long)built["windows"]!));
        place.Write("other.txt", "Other texts.");
        (await place.Run("features", "build", "sae", "acts", "--text", "other.txt")).Refused("is not what acts was made of");
        const string Text = "The people of the United States.";
        JsonArray tokens = (await place.Run("read", "sae", Text, "--json")).Succeeded().Json["tokens"]!.AsArray();
        Assert.Equal(Text, (string)Assert.Single(tokens)!["text"]!);
        (await place.Run("eval", "sae", "--text", HeldOut)).Refused("has one vector for each text");
        (await place.Run("eval", "sae", "--all")).Succeeded();
        (await place.Run("harvest", "--model", Model, "--hook", "blocks.1.attn.heads.0", "--text", HeldOut, "--tokens", "500",
            "-o", "head")).Succeeded();
        (await place.Run("harvest", "--model", Model, "--hook", "blocks.1", "--hook", "blocks.2.mean", "--text", HeldOut, "-o", "both"))
            .Refused("do not stand beside each other");
    }

    [Fact]
    public async Task A_harvest_killed_at_random_moments_and_resumed_is_the_harvest_that_was_not()
    {
        using var place = new Workplace();
        string[] harvest =
        [
            "harvest", "--model", Model, "--hook", "blocks.0", "--text", HeldOut, "--tokens", "60000", "--rows-per-shard", "4000",
        ];
        (await place.Run([.. harvest, "-o", "whole"])).Succeeded();
        var random = new Numerics.Rng((ulong)Environment.TickCount);
        for (int kill = 0; kill < 3; kill++)
        {
            int shards = Shards(place);
            using Process run = Cli.Start(place.Folder, [.. harvest, "-o", "killed", "--resume"]);
            Task<Outcome> end = Cli.End(run);
            while (!end.IsCompleted && Shards(place) == shards) await Task.Delay(5);
            await Task.Delay(TimeSpan.FromMilliseconds(random.NextBelow(40)));
            run.Kill();
            await end;
            Assert.True(Shards(place) > shards);
        }

        (await place.Run([.. harvest, "-o", "killed", "--resume"])).Succeeded();
        foreach (string file in Directory.GetFiles(place["whole"], "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(place["whole"], file)))
        {
            // Activations may differ in their last bits, as batches are put together anew after a kill; tokens and documents may not.
            if (file.StartsWith("rows", StringComparison.Ordinal) || file.StartsWith("documents", StringComparison.Ordinal))
                Assert.True(File.ReadAllBytes(place[$"whole/{file}"]).AsSpan()
                    .SequenceEqual(File.ReadAllBytes(place[$"killed/{file}"])), file);
            else
                Assert.Equal(new FileInfo(place[$"whole/{file}"]).Length, new FileInfo(place[$"killed/{file}"]).Length);
        }
    }

    [Fact]
    public async Task Training_on_the_way_leaves_no_activations_and_resumes_to_the_same_bytes()
    {
        using var place = new Workplace();
        string[] train =
        [
            "train", "--model", Model, "--hook", "blocks.1", "--text", HeldOut, "--latents", "128", "--k", "4", "--batch", "200",
            "--tokens", "12000", "--buffer", "2000", "--checkpoint-steps", "10",
        ];
        (await place.Run([.. train, "-o", "whole"])).Succeeded();
        Assert.Equal(["autoencoder.safetensors", "config.json", "host.json", "metrics.jsonl", "training.safetensors"],
            Directory.GetFiles(place["whole"]).Select(Path.GetFileName).Order(StringComparer.Ordinal), StringComparer.Ordinal);
        using (Process run = Cli.Start(place.Folder, [.. train, "-o", "killed"]))
        {
            Task<Outcome> end = Cli.End(run);
            while (!end.IsCompleted && !File.Exists(place["killed/training.safetensors"])) await Task.Delay(2);
            run.Kill();
            await end;
        }

        (await place.Run([.. train, "-o", "killed", "--resume"])).Succeeded();
        Assert.True(File.ReadAllBytes(place["whole/autoencoder.safetensors"]).AsSpan()
            .SequenceEqual(File.ReadAllBytes(place["killed/autoencoder.safetensors"])));
        (await place.Run("eval", "whole", "--text", HeldOut, "--tokens", "2000")).Succeeded();
    }

    [Theory]
    [InlineData("hooks README.txt", "README.txt is not an ONNX model")]
    [InlineData("hooks torn.onnx", "cut short")]
    [InlineData("hooks nowhere/", "There is no model at nowhere/")]
    [InlineData("hooks", "hooks needs MODEL")]
    [InlineData("harvest --model MODEL --hook blocks.9 --text README.txt -o acts", "no tensor is named blocks.9. Nearest: blocks.")]
    [InlineData("harvest --model MODEL --text README.txt -o acts", "no hook is named")]
    [InlineData("harvest --model MODEL --hook blocks.1 -o acts", "no texts are named")]
    [InlineData("harvest --model MODEL --hook blocks.1 --text README.txt", "no folder is named")]
    [InlineData("harvest --hook blocks.1 --text README.txt -o acts", "no model is named")]
    [InlineData("harvest --model MODEL --hook blocks.1 --text latin1.txt -o acts", "latin1.txt")]
    [InlineData("harvest --model MODEL --hook blocks.1 --text empty.txt -o acts", "empty.txt")]
    [InlineData("harvest --model MODEL --hook blocks.1 --text nowhere.txt -o acts", "nowhere.txt")]
    [InlineData("harvest --model MODEL --hook blocks.1 --text README.txt --context 129 -o acts", "longer than the 128")]
    [InlineData("harvest --model MODEL --hook blocks.1 --text README.txt --context 1 -o acts", "no room")]
    [InlineData("harvest --model MODEL --hook blocks.1 --text README.txt --tokenizer large.json -o acts", "tokens, ")]
    [InlineData("harvest --model MODEL --hook blocks.1 --text README.txt --tokenizer README.txt -o acts", "README.txt")]
    [InlineData("harvest --model MODEL --hook blocks.1 --text README.txt --type int4 -o acts", "int4")]
    [InlineData("harvest --model MODEL --hook blocks.1 --array vectors.npy -o acts", "holds Float32 [50, 16]; token ids are")]
    [InlineData("train vectors.npy --model MODEL --hook blocks.1 --text README.txt", "are both given")]
    [InlineData("train --model MODEL --hook blocks.1 --text README.txt --buffer 10", "less than a batch")]
    [InlineData("train --model MODEL --text README.txt", "no hook is named")]
    [InlineData("eval sae --text README.txt", "sae")]
    public async Task What_cannot_be_used_ends_in_one_line_and_exit_code_2(string line, string expected)
    {
        using var place = new Workplace();
        place.Write("README.txt", "A text that is no model and no tokenizer.");
        place.Write("empty.txt", " \n");
        File.WriteAllBytes(place["latin1.txt"], Encoding.Latin1.GetBytes("caf\u00e9 au lait"));
        File.WriteAllBytes(place["torn.onnx"], File.ReadAllBytes(Path.Combine(Model, "model.onnx"))[..100_000]);
        string tokenizer = File.ReadAllText(Path.Combine(Model, "tokenizer.json"));
        JsonNode larger = JsonNode.Parse(tokenizer)!;
        larger["model"]!["vocab"]!["zq"] = 4096;
        larger["model"]!["merges"]!.AsArray().Add("z q");
        place.Write("large.json", larger.ToJsonString());
        place.WriteVectors("vectors.npy", rows: 50);
        (await place.Run([.. line.Split(' ').Select(word => word is "MODEL" ? Model : word)])).Refused(expected);
    }

    private static int Shards(Workplace place)
    {
        string manifest = place["killed/manifest.json"];
        try
        {
            return File.Exists(manifest) ? JsonNode.Parse(File.ReadAllText(manifest))!["shards"]!.AsArray().Count : 0;
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
