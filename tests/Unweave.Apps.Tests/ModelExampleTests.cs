namespace Unweave.Apps.Tests;

public sealed class ModelExampleTests
{
    [Fact]
    public async Task Every_example_about_a_model_runs()
    {
        using var place = new Workplace();
        string model = Path.Combine(AppContext.BaseDirectory, "models", "english-4m"),
            text = string.Concat(Enumerable.Repeat("The people of the United States have a government of laws, and not of men. ", 60));
        foreach (string name in (string[])["gpt2", "minilm"])
        {
            Directory.CreateDirectory(place[name]);
            foreach (string file in Directory.GetFiles(model)) File.Copy(file, place[$"{name}/{Path.GetFileName(file)}"]);
        }

        place.Write("texts.jsonl", $$"""{"text":"{{text}}"}""");
        foreach (string name in (string[])["corpus/one.txt", "corpus/two.md", "heldout.txt"]) place.Write(name, text);
        int ran = 0;
        foreach (string command in (string[])["hooks", "harvest", "train", "eval"])
        {
            foreach (string example in HelpExamples.Of((await place.Run([.. command.Split(' '), "--help"])).Succeeded())
                .Where(example => HelpExamples.AboutAModel(example) && !example.Contains("vision", StringComparison.Ordinal)
                    && !example.Contains(".gz", StringComparison.Ordinal)))
            {
                // The model at hand has four blocks, and the texts are short.
                List<string> words =
                [
                    .. example.Replace("'", "", StringComparison.Ordinal).Replace("blocks.8", "blocks.2", StringComparison.Ordinal)
                        .Replace("blocks.5", "blocks.2", StringComparison.Ordinal)
                        .Split(' ').Skip(1).Select(word => word is "models/english-4m" ? model : word),
                ];
                HelpExamples.Shorten(words);
                if (command is "train") words.AddRange(["--batch", "64", "--buffer", "256", "--validation", "0"]);
                Outcome outcome = await place.Run([.. words]);
                Assert.True(outcome.Code == 0, $"{example}\n{outcome.Output}\n{outcome.Error}");
                ran++;
            }
        }

        Assert.True(ran >= 6, $"{ran}");
    }
}
