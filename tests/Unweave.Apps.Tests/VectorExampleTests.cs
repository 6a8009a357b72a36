namespace Unweave.Apps.Tests;

public sealed class VectorExampleTests
{
    [Fact]
    public async Task Every_example_about_vectors_runs()
    {
        using var place = new Workplace();
        place.WriteVectors("vectors.npy");
        place.WriteVectors("shards/0.npy", rows: 500, seed: 1);
        place.WriteVectors("shards/1.npy", rows: 500, seed: 2);
        place.Write("run.json", """{ "batch": 256, "autoencoder": { "latents": 64, "k": 4 } }""");
        Dialects.Copy("gemma_scope/jumprelu_sae", place["gemma-scope"]);
        foreach (string command in (string[])["train", "eval", "encode", "inspect", "convert", "schema"])
        {
            foreach (string example in HelpExamples.Of((await place.Run([.. command.Split(' '), "--help"])).Succeeded())
                .Where(example => !HelpExamples.AboutAModel(example)))
            {
                List<string> words = [.. example.Replace("'", "", StringComparison.Ordinal).Split(' ').Skip(1)];
                HelpExamples.Shorten(words);
                Outcome outcome = await place.Run([.. words]);
                Assert.True(outcome.Code == 0, $"{example}\n{outcome.Output}\n{outcome.Error}");
            }
        }
    }
}
