using System.Diagnostics;
using Unweave.Tests.Catalog;

namespace Unweave.Apps.Tests;

public sealed class FeatureExampleTests
{
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
        (await place.Run("convert", "sae", "--to", "saelens", "-o", "gemma-scope")).Succeeded();
        string gemma = Directory.CreateDirectory(place["gemma"]).FullName; // stands in for a larger model
        foreach (string file in Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "models", "english-4m")))
            File.Copy(file, Path.Combine(gemma, Path.GetFileName(file)));
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
            foreach (string example in HelpExamples.Of((await place.Run([.. command.Split(' '), "--help"])).Succeeded()))
            {
                // Two hundred latents ask a server more than a test should.
                string[] words = [.. HelpExamples.Words(example).Skip(1).Select(word => word is "200" ? "2" : word)];
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
}
