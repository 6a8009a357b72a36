using System.Text.Json;
using System.Text.Json.Nodes;
using Unweave.Autoencoders;
using Unweave.Training;

namespace Unweave.Tests.Training;

public sealed class RunFileTests
{
    public static TheoryData<string> Architectures => [.. Architecture.Trainable.Select(architecture => architecture.Name)];

    [Fact]
    public void An_empty_file_is_every_default() =>
        Assert.Equal(RunFile.Write(new TrainingOptions()), RunFile.Write(RunFile.Parse("{}", "run.json")));

    [Fact]
    public void A_setting_left_out_keeps_its_default()
    {
        TrainingOptions options = RunFile.Parse("""{ "rows": 5, "autoencoder": { "k": 3 } }""", "run.json");
        Assert.Equal(5, options.Rows);
        Assert.Equal(2048, options.Batch);
        Assert.Equal(6.25e-10, options.Epsilon);
        TopKOptions topK = Assert.IsType<TopKOptions>(options.Autoencoder);
        Assert.Equal((3, 4096, 1.0 / 32), (topK.K, topK.Latents, topK.AuxCoefficient));
    }

    [Fact]
    public void What_is_written_is_read_back()
    {
        var options = new TrainingOptions
        {
            Autoencoder = new UndercompleteOptions
            {
                Bottleneck = 7,
                Hidden = [64, 16],
                Activation = Activation.Relu,
                Noise = 0.25,
                Masking = 0.5,
            },
            Rows = 12_345_678_901,
            Batch = 17,
            Seed = ulong.MaxValue,
            Threads = 3,
            LearningRate = 1.25e-4,
            WarmupSteps = 9,
            DecayFraction = 0.3,
            SparsityWarmupFraction = 0.4,
            Beta1 = 0.8,
            Beta2 = 0.99,
            Epsilon = 1e-8,
            GradientClip = 1.5,
            DeadAfter = 100,
            InputScaling = InputScaling.None,
            Validation = 0.125,
            ValidateEvery = 11,
            Patience = 4,
            CheckpointSteps = 13,
            CheckpointMinutes = 0.5,
            Data = ["a.npy", "b c/*.npy"],
            Tensor = "x",
            Output = null,
        };
        string json = RunFile.Write(options);
        TrainingOptions read = RunFile.Parse(json, "run.json");
        Assert.Equal(json, RunFile.Write(read));
        var undercomplete = (UndercompleteOptions)read.Autoencoder;
        Assert.Equal([64, 16], undercomplete.Hidden);
        Assert.Equal(["a.npy", "b c/*.npy"], read.Data);

        // With the lists taken out, records compare every other property.
        TrainingOptions Bare(TrainingOptions whole) =>
            whole with { Data = [], Targets = [], Autoencoder = (UndercompleteOptions)whole.Autoencoder with { Hidden = [] } };
        Assert.Equal(Bare(options), Bare(read));
    }

    [Fact]
    public void Comments_trailing_commas_and_the_schema_reference_are_allowed_and_the_architecture_may_come_last()
    {
        TrainingOptions options = RunFile.Parse(
            """
            {
              "$schema": "https://example.org/run.json",
              // the sparse part
              "autoencoder": { "l1Coefficient": 2.5, "unitDecoder": true, "architecture": "relu", },
            }
            """,
            "run.json");
        Assert.Equal(new ReluOptions { L1Coefficient = 2.5, UnitDecoder = true }, options.Autoencoder);
    }

    [Theory]
    [InlineData("", "run.json line 1: this is not JSON")]
    [InlineData("[]", "run.json line 1: a run file is a JSON object")]
    [InlineData("{\n  \"rows\": 5,\n  \"batch\" 3 }", "run.json line 3: this is not JSON")]
    [InlineData("{ \"rows\": 5 } x", "run.json line 1: this is not JSON")]
    [InlineData("{\n\n  \"rowz\": 5 }", "run.json line 3: there is no setting 'rowz'. Did you mean rows?")]
    [InlineData("{ \"zebra\": 5 }", "there is no setting 'zebra'. `unweave schema` prints all of them.")]
    [InlineData("{ \"rows\": \"5\" }", "rows is \"5\"; it must be a whole number")]
    [InlineData("{ \"rows\": 5.5 }", "rows is 5.5; it must be a whole number")]
    [InlineData("{ \"rows\": 1e6 }", "rows is 1e6; it must be a whole number")]
    [InlineData("{ \"rows\": null }", "rows is null; it must be a whole number")]
    [InlineData("{ \"batch\": 99999999999 }", "batch is 99999999999, which is out of range")]
    [InlineData("{ \"learningRate\": 1e999 }", "learningRate is 1e999; it must be a finite number, or null")]
    [InlineData("{ \"inputScaling\": \"meannorm\" }",
        "inputScaling is \"meannorm\"; it must be one of meanNorm, none, center, whiten. Did you mean meanNorm?")]
    [InlineData("{ \"inputScaling\": 1 }", "inputScaling is 1; it must be one of meanNorm, none, center, whiten")]
    [InlineData("{ \"data\": \"a.npy\" }", "data is \"a.npy\"; it must be a list of texts")]
    [InlineData("{ \"data\": [null] }", "data is [null]; it must be a list of texts")]
    [InlineData("{ \"batch\": 1,\n \"batch\": 2 }", "run.json line 2: batch is given twice")]
    [InlineData("{ \"autoencoder\": 5 }", "autoencoder must be an object")]
    [InlineData("{ \"autoencoder\": { \"architecture\": \"toppk\" } }",
        "Did you mean topk?")]
    [InlineData("{ \"autoencoder\": { \"architecture\": null } }", "architecture is null; it must be one of")]
    [InlineData("{ \"autoencoder\": { \"hidden\": [1.5], \"architecture\": \"undercomplete\" } }",
        "hidden is [1.5]; it must be a list of whole numbers")]
    [InlineData("{ \"autoencoder\": { \"batch\": 5 } }", "batch is a setting of the run; move it out of autoencoder")]
    [InlineData("{ \"k\": 5 }", "k is a setting of the autoencoder; move it into \"autoencoder\"")]
    [InlineData("{ \"autoencoder\": {\n \"l1Coefficient\": 5 } }",
        "run.json line 2: l1Coefficient belongs to the architectures gated and relu, but the architecture is topk (the default)")]
    public void A_mistake_is_named_with_its_place_and_its_fix(string json, string expected)
    {
        string message = Assert.Throws<InputException>(() => RunFile.Parse(json, "run.json")).Message;
        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.StartsWith("run.json line ", message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void A_file_that_is_not_there_is_named()
    {
        string message = Assert.Throws<InputException>(() => RunFile.Read("nowhere/run.json")).Message;
        Assert.Equal("nowhere/run.json: there is no such run file.", message);
    }

    [Fact]
    public void A_flag_overrides_the_file_and_both_are_named_when_they_disagree()
    {
        var draft = RunFileDraft.Parse("{\n \"rows\": 5,\n \"autoencoder\": { \"k\": 3 } }", "run.json");
        draft.Set(Setting("rows"), ["2_000"]);
        Assert.Equal(2000, draft.ToOptions().Rows);

        draft.Set(Setting("architecture"), ["kl"]);
        string message = Assert.Throws<InputException>(draft.ToOptions).Message;
        Assert.Equal("run.json line 3: k belongs to the architectures topk, batchtopk, matryoshka, hierarchical, abstopk, "
            + "crosscoder and pursuit, but the architecture is kl (--architecture); leave it out or choose architecture topk.", message);
    }

    [Theory]
    [InlineData("k", "five", "--k is 'five'; it must be a whole number")]
    [InlineData("k", "1.5", "--k is 1.5; it must be a whole number")]
    [InlineData("k", "null", "--k is null; it must be a whole number")]
    [InlineData("beta1", "true", "--beta1 is true; it must be a finite number")]
    [InlineData("inputScaling", "non", "--input-scaling is \"non\"; it must be one of meanNorm, none, center, whiten. Did you mean none?")]
    public void A_flag_of_the_wrong_kind_is_refused(string name, string word, string expected)
    {
        var draft = new RunFileDraft();
        string message = Assert.Throws<InputException>(() =>
        {
            draft.Set(Setting(name), [word]);
            draft.ToOptions();
        }).Message;
        Assert.StartsWith(expected, message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Architectures))]
    public void Every_setting_of_an_architecture_can_be_given_as_a_flag_at_its_default(string architecture)
    {
        var draft = new RunFileDraft();
        draft.Set(Setting("architecture"), [architecture]);
        foreach (RunFileSetting setting in RunFileSetting.All.Where(setting =>
            !setting.IsArchitecture && string.Equals(setting.Architecture ?? architecture, architecture, StringComparison.Ordinal)))
        {
            Assert.NotEmpty(setting.Description);
            if (setting.Kind is SettingKind.Text or SettingKind.Texts or SettingKind.Integers) continue;
            draft.Set(setting, [setting.Default.Trim('"')]);
        }

        Assert.Equal(RunFile.Write(RunFile.Parse($$"""{ "autoencoder": { "architecture": "{{architecture}}" } }""", "run.json")),
            RunFile.Write(draft.ToOptions()));
    }

    [Fact]
    public void The_schema_holds_every_property_with_its_description_and_default()
    {
        JsonNode schema = JsonNode.Parse(RunFile.Schema())!;
        JsonNode written = JsonNode.Parse(RunFile.Write(new TrainingOptions()))!;
        foreach ((string name, JsonNode? value) in written.AsObject())
        {
            JsonNode property = schema["properties"]![name]!;
            Assert.NotEmpty((string)property["description"]!);
            if (name is not "autoencoder") Assert.True(JsonNode.DeepEquals(value, property["default"]), name);
        }

        // Independent of the schema's maker: the properties that reflection finds.
        string[] expected =
        [
            .. typeof(TrainingOptions).GetProperties().Select(property => JsonNamingPolicy.CamelCase.ConvertName(property.Name))
            .Where(name => name is not "steps").Order(StringComparer.Ordinal),
        ];
        Assert.Equal(expected, written.AsObject().Select(entry => entry.Key).Order(StringComparer.Ordinal), StringComparer.Ordinal);
    }

    [Fact]
    public void Rows_have_the_name_of_earlier_versions_too_but_not_twice()
    {
        Assert.Equal(7, RunFile.Parse("""{ "tokens": 7 }""", "run.json").Rows);
        InputException twice = Assert.Throws<InputException>(() => RunFile.Parse("""{ "tokens": 7, "rows": 8 }""", "run.json"));
        Assert.Contains("rows is given twice", twice.Message, StringComparison.Ordinal);
    }

    private static RunFileSetting Setting(string name) =>
        RunFileSetting.All.First(setting => string.Equals(setting.Name, name, StringComparison.Ordinal));
}
