using System.Text.Json.Nodes;
using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Apps.Tests;

/// <summary>Texts to vectors, by the sentence encoder that is found beside the program.</summary>
public sealed class EmbedTests
{
    private static readonly string Encoder = Path.Combine(AppContext.BaseDirectory, "models", "minilm-int8");

    private static readonly string[] Texts =
        ["My card has not arrived yet.", "", "Where is the card that I ordered?", "Water the plants twice a week."];

    [Fact]
    public async Task Every_kind_of_text_file_gives_the_same_vectors_a_row_a_text()
    {
        using var place = new Workplace();
        place.Write("texts.txt", string.Join('\n', Texts) + "\n");
        place.Write("texts.jsonl", string.Concat(Texts.Select(text => $$"""{"body": "{{text}}", "id": 1}""" + "\n")));
        place.Write("texts.csv", "body,n\n" + string.Concat(Texts.Select(text => $"\"{text}\",1\n")));
        JsonNode said = (await place.Run("embed", "texts.txt", "-o", "txt.npy", "--json")).Succeeded().Json;
        Assert.Equal((4, 384, "mean", 256, 0), ((int)said["rows"]!, (int)said["width"]!, (string)said["pooling"]!, (int)said["length"]!,
            (int)said["textsCut"]!));
        (await place.Run("embed", "texts.jsonl", "--text-column", "body", "-o", "jsonl.safetensors")).Succeeded();
        (await place.Run("embed", "texts.csv", "--text-column", "body", "-o", "csv.npy", "--type", "fp16")).Succeeded();
        float[][] lines = Rows(place["txt.npy"]), json = Rows(place["jsonl.safetensors"]), table = Rows(place["csv.npy"]);
        Assert.Equal(lines, json);
        for (int row = 0; row < Texts.Length; row++)
        {
            Assert.Equal(1, Norms.L2(lines[row]), 1e-5);
            Assert.Equal(lines[row], table[row], (one, other) => Math.Abs(one - other) < 1e-3f);
        }

        Assert.True(Dot(lines[0], lines[2]) > 0.5 && Dot(lines[0], lines[3]) < 0.3, $"{Dot(lines[0], lines[2])} {Dot(lines[0], lines[3])}");
        JsonNode file = (await place.Run("inspect", "jsonl.safetensors", "--json")).Succeeded().Json["files"]![0]!;
        Assert.Equal(("minilm-int8", (string)said["embedder"]!),
            ((string)file["metadata"]!["model"]!, (string)file["metadata"]!["embedder"]!));
    }

    [Fact]
    public async Task Training_and_the_catalog_go_on_from_the_vectors_with_the_same_texts()
    {
        using var place = new Workplace();
        string[] things = ["piano", "violin", "apple", "pear", "river", "lake", "anger", "joy"];
        string[] texts = [.. Enumerable.Range(0, 240).Select(i => $"the {things[i % 8]} number {i} of them all")];
        place.Write("texts.txt", string.Join('\n', texts));
        Outcome embedded = (await place.Run("embed", "texts.txt", "-o", "vectors.npy")).Succeeded();
        Assert.Contains("vectors.npy has 240 vectors of 384 numbers", embedded.Output, StringComparison.Ordinal);
        Assert.Contains("unweave features build sae/ vectors.npy --text texts.txt", embedded.Output, StringComparison.Ordinal);
        (await place.Run("train", "vectors.npy", "--latents", "32", "--k", "4", "--rows", "6000", "--batch", "60", "-o", "sae"))
            .Succeeded();
        (await place.Run("features", "build", "sae", "vectors.npy", "--text", "texts.txt")).Succeeded();
        Outcome found = (await place.Run("features", "list", "sae", "piano")).Succeeded();
        Assert.Contains("piano", found.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Flags_stand_above_what_the_model_says()
    {
        using var place = new Workplace();
        place.Write("texts.txt", "one two three four five\n");
        place.Write("cut.txt", "one two three\n");
        place.Write("prefixed.txt", "query: one two three four five\n");
        await Embed("texts.txt", "plain", []);
        await Embed("texts.txt", "cut", ["--length", "5"]);
        await Embed("cut.txt", "short", []);
        await Embed("texts.txt", "first", ["--pooling", "cls"]);
        await Embed("texts.txt", "query", ["--query-prefix", "query: ", "--query"]);
        await Embed("prefixed.txt", "written", []);
        await Embed("texts.txt", "raw", ["--raw"]);
        float[] plain = One("plain");
        Assert.Equal(One("short"), One("cut"));
        Assert.Equal(One("written"), One("query"));
        Assert.InRange(Dot(plain, One("first")), -1, 0.99);
        double length = Norms.L2(One("raw"));
        Assert.InRange(length, 1.5, 100);
        Assert.Equal(plain, [.. One("raw").Select(value => (float)(value / length))], (one, other) => Math.Abs(one - other) < 1e-5f);

        // The folder with the model elsewhere is the same encoder.
        Directory.CreateDirectory(place["own"]);
        foreach (string file in (string[])["model.onnx", "vocab.txt", "tokenizer_config.json"])
            File.Copy(Path.Combine(Encoder, file), place[$"own/{file}"]);
        Outcome guessed = await Embed("texts.txt", "own", ["--model", "own/"]);
        Assert.Contains("their mean is taken", guessed.Error, StringComparison.Ordinal);
        Assert.Equal(plain, One("own"));

        async Task<Outcome> Embed(string texts, string name, string[] flags) =>
            (await place.Run(["embed", texts, "-o", $"{name}.npy", .. flags])).Succeeded();

        float[] One(string name) => Rows(place[$"{name}.npy"])[0];
    }

    [Fact]
    public async Task Every_example_runs()
    {
        using var place = new Workplace();
        place.Write("texts.jsonl", """{"text": "one"}""" + "\n");
        place.Write("reviews.csv", "review,stars\n\"very good\",5\n");
        foreach (string name in (string[])["questions.txt", "texts.txt"]) place.Write(name, "what is it?\nwho knows?\n");
        Directory.CreateDirectory(place["e5-small"]);
        foreach (string file in Directory.GetFiles(Encoder)) File.Copy(file, place[$"e5-small/{Path.GetFileName(file)}"]);
        File.Copy(Path.Combine(Encoder, "model.onnx"), place["encoder.onnx"]);
        File.Copy(Path.Combine(Encoder, "vocab.txt"), place["vocab.txt"]);
        string[] examples = HelpExamples.Of((await place.Run("embed", "--help")).Succeeded());
        Assert.Equal(4, examples.Length);
        foreach (string example in examples)
        {
            Outcome outcome = await place.Run([.. HelpExamples.Words(example.Replace('\'', '"')).Skip(1)]);
            Assert.True(outcome.Code == 0, $"{example}\n{outcome.Output}\n{outcome.Error}");
        }
    }

    [Theory]
    [InlineData("texts.txt", "no file is named")]
    [InlineData("texts.txt -o vectors.csv", "end it in .npy or .safetensors")]
    [InlineData("nothing.txt -o vectors.npy", "nothing.txt")]
    [InlineData("empty.txt -o vectors.npy", "no text to embed")]
    [InlineData("texts.txt -o vectors.npy --length 600", "longer than the 512")]
    [InlineData("texts.txt -o vectors.npy --pooling sum", "must be one of")]
    [InlineData("texts.txt -o vectors.npy --pooling model", "no output with one vector for each text")]
    [InlineData("texts.txt -o vectors.npy --model nowhere", "nowhere")]
    public async Task What_cannot_be_embedded_is_refused_and_nothing_is_written(string words, string expected)
    {
        using var place = new Workplace();
        place.Write("texts.txt", "one\n");
        place.Write("empty.txt", "");
        (await place.Run(["embed", .. words.Split(' ')])).Refused(expected);
        Assert.Equal(["empty.txt", "texts.txt"],
            Directory.GetFiles(place.Folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal), StringComparer.Ordinal);
    }

    private static float[][] Rows(string path)
    {
        using ActivationFile file = ActivationFile.Open(path);
        using Matrix rows = file.Rows(0, (int)file.Rows);
        return [.. Enumerable.Range(0, rows.Rows).Select(row => rows.Row(row).ToArray())];
    }

    private static double Dot(float[] one, float[] other) => one.Zip(other, (a, b) => (double)a * b).Sum();
}
