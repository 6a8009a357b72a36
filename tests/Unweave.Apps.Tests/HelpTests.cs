using System.Diagnostics;
using Unweave.Tests.Catalog;

namespace Unweave.Apps.Tests;

public sealed class HelpTests
{
    [Theory]
    [InlineData("")]
    [InlineData("demo")]
    [InlineData("train")]
    [InlineData("eval")]
    [InlineData("encode")]
    [InlineData("features")]
    [InlineData("features build")]
    [InlineData("features list")]
    [InlineData("features show")]
    [InlineData("features explain")]
    [InlineData("features export")]
    [InlineData("features mark")]
    [InlineData("features map")]
    [InlineData("read")]
    [InlineData("steer")]
    [InlineData("attribute")]
    [InlineData("inspect")]
    [InlineData("hooks")]
    [InlineData("harvest")]
    [InlineData("pull")]
    [InlineData("schema")]
    [InlineData("serve")]
    [InlineData("learn")]
    public async Task Every_command_has_help_with_an_example(string command)
    {
        using var place = new Workplace();
        Outcome help = (await place.Run([.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"])).Succeeded();
        Assert.Contains("Usage:", help.Output, StringComparison.Ordinal);
        Assert.Contains("--json", help.Output, StringComparison.Ordinal);
        Assert.Contains(Examples(help), example => example.StartsWith($"unweave {command}", StringComparison.Ordinal));
        Assert.All(help.Output.Split('\n'), line => Assert.True(line.Length <= 100, line));
        Assert.Equal("", help.Error);
    }

    [Fact]
    public async Task Every_example_of_the_help_runs()
    {
        using var place = new Workplace();
        place.WriteVectors("vectors.npy");
        place.WriteVectors("shards/0.npy", rows: 500, seed: 1);
        place.WriteVectors("shards/1.npy", rows: 500, seed: 2);
        place.Write("run.json", """{ "batch": 256, "autoencoder": { "latents": 64, "k": 4 } }""");
        foreach (string command in (string[])["train", "eval", "encode", "inspect", "schema"])
        {
            foreach (string example in Examples((await place.Run([.. command.Split(' '), "--help"])).Succeeded())
                .Where(example => !AboutAModel(example)))
            {
                List<string> words = [.. example.Replace("'", "", StringComparison.Ordinal).Split(' ').Skip(1)];
                Shorten(words);
                Outcome outcome = await place.Run([.. words]);
                Assert.True(outcome.Code == 0, $"{example}\n{outcome.Output}\n{outcome.Error}");
            }
        }
    }

    [Fact]
    public async Task Every_example_about_a_model_runs()
    {
        using var place = new Workplace();
        string model = Path.Combine(AppContext.BaseDirectory, "models", "english-4m"),
            text = string.Concat(Enumerable.Repeat("The people of the United States have a government of laws, and not of men. ", 60));
        foreach (string file in Directory.GetFiles(model)) place.Write($"gpt2/{Path.GetFileName(file)}", "");
        foreach (string file in Directory.GetFiles(model)) File.Copy(file, place[$"gpt2/{Path.GetFileName(file)}"], overwrite: true);
        foreach (string name in (string[])["corpus/one.txt", "corpus/two.md", "heldout.txt"]) place.Write(name, text);
        int ran = 0;
        foreach (string command in (string[])["hooks", "harvest", "train", "eval"])
        {
            foreach (string example in Examples((await place.Run([.. command.Split(' '), "--help"])).Succeeded())
                .Where(example => AboutAModel(example) && !example.Contains("vision", StringComparison.Ordinal)
                    && !example.Contains(".gz", StringComparison.Ordinal)))
            {
                // The model at hand has four blocks, and the texts are short.
                List<string> words =
                [
                    .. example.Replace("'", "", StringComparison.Ordinal).Replace("blocks.8", "blocks.2", StringComparison.Ordinal)
                        .Split(' ').Skip(1).Select(word => word is "models/english-4m" ? model : word),
                ];
                Shorten(words);
                if (command is "train") words.AddRange(["--batch", "64", "--buffer", "256", "--validation", "0"]);
                Outcome outcome = await place.Run([.. words]);
                Assert.True(outcome.Code == 0, $"{example}\n{outcome.Output}\n{outcome.Error}");
                ran++;
            }
        }

        Assert.True(ran >= 6, $"{ran}");
    }

    [Fact]
    public async Task Every_example_about_features_runs()
    {
        using var place = new Workplace();
        (await place.Run("demo", "--harvest", "8000", "--tokens", "8000", "--latents", "1280", "--k", "16", "--batch", "1000", "-o", "sae"))
            .Succeeded();
        Directory.Move(place["sae/activations"], place["acts"]);
        foreach (string name in (string[])["corpus/one.txt", "corpus/two.md"])
            place.Write(
                name, string.Concat(Enumerable.Repeat("The people of the United States went to war in the year of our Lord 1851. ", 60)));
        using var vectors = new Workplace();
        (await vectors.Run("train", vectors.WriteVectors("vectors.npy"), "--latents", "64", "--k", "4", "--tokens", "8192", "-o", "sae"))
            .Succeeded();
        vectors.Write("texts.jsonl", string.Concat(Enumerable.Repeat("""{ "text": "one of a thousand texts" }""" + "\n", 1000)));
        using var chat = new LoopbackChat((request, _) =>
            ChatReply.Says(request.System.Contains("LABEL:", StringComparison.Ordinal)
                ? "LABEL: of the people"
                : "[" + string.Join(',', request.User.Split('\n').Where(line => line.EndsWith('"') && char.IsAsciiDigit(line[0]))
                    .Select(_ => 1)) + "]"));
        var environment = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["UNWEAVE_CHAT_URL"] = chat.Address,
            ["UNWEAVE_CHAT_KEY"] = "key",
            ["UNWEAVE_CHAT_MODEL"] = "toy",
        };
        int ran = 0;
        foreach (string command in (string[])["features build", "features list", "features show", "features explain", "features mark",
            "features map", "features export", "features", "read", "steer", "attribute"])
        {
            foreach (string example in Examples((await place.Run([.. command.Split(' '), "--help"])).Succeeded()))
            {
                // Two hundred latents ask a server more than a test should.
                string[] words = [.. Words(example).Skip(1).Select(word => word is "200" ? "2" : word)];
                using Process process = Cli.Start(example.Contains("vectors", StringComparison.Ordinal) ? vectors.Folder : place.Folder,
                    environment, words);
                Outcome outcome = await Cli.End(process);
                Assert.True(outcome.Code == 0, $"{example}\n{outcome.Output}\n{outcome.Error}");
                ran++;
            }
        }

        Assert.True(ran >= 13, $"{ran}");
        Assert.NotEmpty(chat.Requests);
    }

    /// <summary>The words of a line as a shell takes them apart: those in double quotes are one.</summary>
    private static string[] Words(string line) =>
    [
        .. line.Split('"').SelectMany((part, i) => i % 2 == 1 ? [part] : part.Split(' ', StringSplitOptions.RemoveEmptyEntries)),
    ];

    private static bool AboutAModel(string example) =>
        example.Contains("gpt2/", StringComparison.Ordinal) || example.Contains("acts/", StringComparison.Ordinal)
            || example.Contains("--text", StringComparison.Ordinal) || example.Contains("models/", StringComparison.Ordinal);

    /// <summary>The lines under the heading of the examples.</summary>
    private static string[] Examples(Outcome help)
    {
        string[] lines = help.Output.Split('\n');
        int heading = Array.FindIndex(lines, line => line is "Example:" or "Examples:");
        return heading < 0
            ? []
            : [.. lines[(heading + 1)..].TakeWhile(line => line.StartsWith("  ", StringComparison.Ordinal)).Select(line => line.Trim())];
    }

    /// <summary>The examples are sized for real data: here a run of a few steps says as much.</summary>
    private static void Shorten(List<string> words)
    {
        if (words[0] is not "train" || words.Contains("--resume", StringComparer.Ordinal)) return;
        int tokens = words.IndexOf("--tokens");
        if (tokens >= 0) words.RemoveRange(tokens, 2);
        words.AddRange(["--tokens", "4096"]);
    }
}
