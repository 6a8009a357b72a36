using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Training;

namespace Unweave.Tests.Training;

public sealed class SweepFileTests
{
    private static SweepFile Parse(string json) => SweepFile.Parse(json, "sweep.json");

    private static string Refusal(string json) => Assert.Throws<InputException>(() => Parse(json)).Message;

    [Fact]
    public void Lists_mean_every_combination_the_first_varying_slowest()
    {
        SweepFile file = Parse(
            """
            {
              "learningRate": [1e-3, null], // comments are allowed, as in a run file
              "autoencoder": { "architecture": ["topk", "batchtopk"], "k": [4, 8], "latents": 64 },
              "output": "here"
            }
            """);
        Assert.Equal(
            [
                "0-topk-learningRate1e-3-k4", "1-topk-learningRate1e-3-k8", "2-topk-learningRatenull-k4", "3-topk-learningRatenull-k8",
                "4-batchtopk-learningRate1e-3-k4", "5-batchtopk-learningRate1e-3-k8", "6-batchtopk-learningRatenull-k4",
                "7-batchtopk-learningRatenull-k8",
            ],
            file.Points.Select(point => point.Name), StringComparer.Ordinal);
        Assert.Equal((4, 64, 1e-3), Of(file.Points[0]));
        Assert.Equal((8, 64, (double?)null), Of(file.Points[7]));
        Assert.Equal(Path.Combine("here", "7-batchtopk-learningRatenull-k8"), file.Points[7].Options.Output);
        Assert.Single(file.Passes);

        static (int, int, double?) Of(SweepPoint point) => point.Options.Autoencoder switch
        {
            TopKOptions topK => (topK.K, topK.Latents, point.Options.LearningRate),
            var other => (((BatchTopKOptions)other).K, ((BatchTopKOptions)other).Latents, point.Options.LearningRate),
        };
    }

    [Fact]
    public void A_list_of_autoencoders_is_the_union_of_their_grids()
    {
        SweepFile file = Parse(
            """
            { "autoencoder": [ { "k": [4, 8], "latents": 64 }, { "architecture": "relu", "l1Coefficient": [1, 2], "latents": 64 } ] }
            """);
        Assert.Equal(["0-k4", "1-k8", "2-relu-l1Coefficient1", "3-relu-l1Coefficient2"], file.Points.Select(point => point.Name),
            StringComparer.Ordinal);
        Assert.Equal(2, ((ReluOptions)file.Points[3].Options.Autoencoder).L1Coefficient);
    }

    [Fact]
    public void A_setting_that_is_a_list_is_swept_by_a_list_of_lists()
    {
        SweepFile one = Parse("""{ "autoencoder": { "architecture": "undercomplete", "hidden": [12, 8] }, "data": ["a", "b"] }""");
        Assert.Equal([12, 8], ((UndercompleteOptions)Assert.Single(one.Points).Options.Autoencoder).Hidden);
        Assert.Equal("0", one.Points[0].Name);
        SweepFile two = Parse("""{ "autoencoder": { "architecture": "undercomplete", "hidden": [[12, 8], [6]] } }""");
        Assert.Equal(["0-hidden12x8", "1-hidden6"], two.Points.Select(point => point.Name), StringComparer.Ordinal);
    }

    [Fact]
    public void Runs_that_see_the_same_rows_share_a_pass()
    {
        SweepFile file = Parse(
            """
            { "seed": [0, 1], "weightSeed": [5, 6], "rows": [1000, 2000], "batch": 100, "sweep": { "atOnce": 3 } }
            """);
        Assert.Equal(8, file.Points.Count);
        Assert.Equal([3, 1, 3, 1], file.Passes.Select(pass => pass.Count));
        Assert.All(file.Passes, pass => Assert.Single(pass.Select(point => point.Options.Seed).Distinct()));
    }

    [Theory]
    [InlineData("""{ "autoencoder": { "kk": [1, 2] } }""", "sweep.json line 1: there is no setting 'kk'.")]
    [InlineData("""{ "autoencoder": { "k": ["a"] } }""", "k is \"a\"; it must be a whole number")]
    [InlineData("""{ "autoencoder": { "k": [] } }""", "k is an empty list")]
    [InlineData("""{ "autoencoder": { "k": [4, 4] } }""", "k has 4 twice")]
    [InlineData("""{ "autoencoder": [ 3 ] }""", "a list of autoencoders holds objects")]
    [InlineData("""{ "autoencoder": [] }""", "a list of autoencoders holds objects")]
    [InlineData("""{ "autoencoder": [ { "k": 4 }, { "k": 4 } ] }""", "0 and 1 have the same settings")]
    [InlineData("""{ "threads": [1, 2] }""", "all autoencoders of a sweep have the same")]
    [InlineData("""{ "data": [["a"], ["b"]] }""", "all autoencoders of a sweep have the same")]
    [InlineData("""{ "sweep": { "stopFaktor": 2 } }""", "Did you mean stopFactor?")]
    [InlineData("""{ "sweep": { "stopFactor": "2" } }""", "sweep.stopFactor is \"2\"; it must be a number, or null")]
    [InlineData("""{ "sweep": { "stopFactor": 1 } }""", "must be above 1")]
    [InlineData("""{ "sweep": { "stopAfter": 2 } }""", "must lie in [0, 1]")]
    [InlineData("""{ "sweep": { "atOnce": -1 } }""", "use 0 for all")]
    [InlineData("""{ "sweep": 3 }""", "sweep must be an object")]
    [InlineData("""{ "architecture": "topk" }""", "architecture is a setting of the autoencoder")]
    [InlineData("""{ "autoencoder": { "architecture": ["topk", "relu"], "k": 4 } }""", "k belongs to the architectures topk")]
    public void What_is_wrong_is_named(string json, string expected) =>
        Assert.Contains(expected, Refusal(json), StringComparison.Ordinal);

    [Fact]
    public void Contradictions_name_the_autoencoder()
    {
        InputException k = Assert.Throws<InputException>(() => Parse("""{ "autoencoder": { "latents": 6, "k": [4, 8] } }""").Validate(16));
        Assert.Contains("1-k8: k is 8 but latents is 6", k.Message, StringComparison.Ordinal);
        InputException rule = Assert.Throws<InputException>(() =>
            Parse("""{ "validation": 0, "sweep": { "stopFactor": 2 } }""").Validate(16));
        Assert.Contains("sweep.stopFactor is 2 but validation is 0", rule.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_file_takes_no_lists_and_says_where_they_belong()
    {
        InputException list = Assert.Throws<InputException>(() => RunFile.Parse("""{ "autoencoder": { "k": [4, 8] } }""", "run.json"));
        Assert.Contains("k is [4,8]; it must be a whole number, written in digits. Lists of values are for `unweave sweep`.", list.Message,
            StringComparison.Ordinal);
        Assert.Contains("there is no setting 'sweep'", Assert.Throws<InputException>(() => RunFile.Parse("""{ "sweep": {} }""", "run.json"))
            .Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_does_not_fit_in_memory_is_refused_with_what_would()
    {
        SweepFile file = Parse("""{ "batch": 100, "autoencoder": { "latents": 1000, "k": [1, 2, 3, 4, 5, 6] } }""");
        double one = SweepMemory.Of(file.Points[0].Options, 50, null), shared = SweepMemory.Shared(100, 50);
        Assert.InRange(one, 4 * 3 * 1000 * 101, 2 * 4 * 3 * 1000 * 101); // weights and two moments, and a little beside them
        Assert.Equal(shared + (6 * one), SweepMemory.Check(file, 50, null, available: 1e12), 1.0);
        InputException full = Assert.Throws<InputException>(() =>
            SweepMemory.Check(file, 50, null, available: (shared + (4.5 * one)) / 0.9));
        Assert.Contains("6 autoencoders trained at once need about", full.Message, StringComparison.Ordinal);
        Assert.Contains("\"atOnce\": 4", full.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_schema_lets_every_setting_but_those_of_the_sweep_be_a_list()
    {
        JsonObject schema = SweepSchema.Create(), properties = schema["properties"]!.AsObject();
        foreach (RunFileSetting setting in RunFileSetting.All.Where(one => one.Architecture is null && !one.IsArchitecture))
        {
            bool several = properties[setting.Name]!["anyOf"] is JsonArray { Count: 2 };
            Assert.Equal(!SweepFile.Fixed.Contains(setting.Name, StringComparer.Ordinal), several);
        }

        JsonArray kinds = properties["autoencoder"]!["anyOf"]![0]!["anyOf"]!.AsArray();
        Assert.Equal(Architecture.Trainable.Count + 1, kinds.Count);
        Assert.Equal(["stopFactor", "stopAfter", "atOnce"], properties["sweep"]!["properties"]!.AsObject().Select(one => one.Key),
            StringComparer.Ordinal);
    }
}
