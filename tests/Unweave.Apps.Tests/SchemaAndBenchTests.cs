using System.Text.Json.Nodes;

namespace Unweave.Apps.Tests;

public sealed class SchemaAndBenchTests
{
    [Fact]
    public async Task The_schema_is_json_with_every_flag_of_train()
    {
        using var place = new Workplace();
        JsonNode schema = (await place.Run("schema")).Succeeded().Json;
        string help = (await place.Run("train", "--help")).Succeeded().Output;
        IEnumerable<string> names = schema["properties"]!.AsObject().Select(property => property.Key)
            .Concat(schema["properties"]!["autoencoder"]!["anyOf"]!.AsArray().SelectMany(kind => kind!["properties"]!.AsObject().Select(property => property.Key)))
            .Where(name => name is not "$schema" and not "autoencoder");
        Assert.All(names, name => Assert.Contains(System.Text.Json.JsonNamingPolicy.KebabCaseLower.ConvertName(name), help, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_right_run_file_passes_the_check()
    {
        using var place = new Workplace();
        place.Write("run.json", """{ "tokens": 1000, "batch": 100, /* small */ "autoencoder": { "k": 8 }, }""");
        Assert.Contains("run.json is a valid run file: 10 steps of 100 rows.", (await place.Run("schema", "--check", "run.json")).Succeeded().Output, StringComparison.Ordinal);
        JsonNode json = (await place.Run("schema", "--check", "run.json", "--json")).Succeeded().Json;
        Assert.Equal(8, (int?)json["options"]!["autoencoder"]!["k"]);
    }

    [Fact]
    public async Task The_benchmark_prints_a_line_a_phase()
    {
        using var place = new Workplace();
        string[] shape = ["bench", "step", "--batch", "64", "--d", "32", "--latents", "128", "--k", "4", "--repeats", "3"];
        Outcome shown = (await place.Run(shape)).Succeeded();
        Assert.Matches(@"(?m)^step median_ms [\d.]+ min_ms [\d.]+ tokens_per_s \d+$", shown.Output);
        foreach (string phase in (string[])["encode", "decode", "backward", "update"]) Assert.Matches($@"(?m)^{phase} median_ms [\d.]+ min_ms [\d.]+$", shown.Output);
        JsonNode json = (await place.Run([.. shape, "--json"])).Succeeded().Json;
        Assert.True((double)json["step"]!["minMs"]! <= (double)json["step"]!["medianMs"]!);
        Assert.True((long)json["peakResidentBytes"]! > 0);
    }
}
