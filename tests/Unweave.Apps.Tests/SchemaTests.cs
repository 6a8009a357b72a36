using System.Text.Json.Nodes;

namespace Unweave.Apps.Tests;

public sealed class SchemaTests
{
    [Fact]
    public async Task The_schema_is_json_with_every_flag_of_train()
    {
        using var place = new Workplace();
        JsonNode schema = (await place.Run("schema")).Succeeded().Json;
        string help = (await place.Run("train", "--help")).Succeeded().Output;
        IEnumerable<string> names = schema["properties"]!.AsObject().Select(property => property.Key)
            .Concat(schema["properties"]!["autoencoder"]!["anyOf"]!.AsArray()
                .SelectMany(kind => kind!["properties"]!.AsObject().Select(property => property.Key)))
            .Where(name => name is not "$schema" and not "autoencoder");
        Assert.All(names, name =>
            Assert.Contains(System.Text.Json.JsonNamingPolicy.KebabCaseLower.ConvertName(name), help, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_right_run_file_passes_the_check()
    {
        using var place = new Workplace();
        place.Write("run.json", """{ "tokens": 1000, "batch": 100, /* small */ "autoencoder": { "k": 8 }, }""");
        Assert.Contains("run.json is a valid run file: 10 steps of 100 rows.",
            (await place.Run("schema", "--check", "run.json")).Succeeded().Output, StringComparison.Ordinal);
        JsonNode json = (await place.Run("schema", "--check", "run.json", "--json")).Succeeded().Json;
        Assert.Equal(8, (int?)json["options"]!["autoencoder"]!["k"]);
    }
}
