using CsCheck;
using Unweave.Autoencoders;

namespace Unweave.Tests.Checkpoints;

public sealed class AutoencoderJsonTests
{
    private static readonly Gen<AutoencoderOptions> AnyOptions = Gen.OneOf(
        Gen.Select(Gen.Int[1, 99], Gen.Int.Nullable(), Gen.Double, Gen.Int,
            (k, auxK, weight, multi) =>
                (AutoencoderOptions)new TopKOptions { Latents = 7, K = k, AuxK = auxK, AuxCoefficient = weight, MultiK = multi }),
        Gen.Select(Gen.Double, Gen.Bool, (l1, unit) => (AutoencoderOptions)new ReluOptions { L1Coefficient = l1, UnitDecoder = unit }),
        Gen.Select(Gen.Double, Gen.Bool, (target, running) => (AutoencoderOptions)new KlOptions
        {
            TargetActivation = target,
            MeanEstimate = running ? MeanEstimate.Running : MeanEstimate.Batch,
        }),
        Gen.Select(Gen.Int[1, 9], Gen.Enum<Activation>(), (width, activation) => (AutoencoderOptions)new UndercompleteOptions
        {
            Bottleneck = width,
            Activation = activation,
            Noise = 0.1,
        }))
        .Where(options =>
            options switch
            {
                TopKOptions o => double.IsFinite(o.AuxCoefficient),
                ReluOptions o => double.IsFinite(o.L1Coefficient),
                KlOptions o => double.IsFinite(o.TargetActivation),
                _ => true,
            });

    [Fact]
    public void Settings_come_back_as_they_were_written() =>
        AnyOptions.Sample(options =>
        {
            AutoencoderOptions read = Read(AutoencoderJson.Write(options));
            Assert.Equal(AutoencoderJson.Write(options), AutoencoderJson.Write(read));
            if (options is not UndercompleteOptions) Assert.Equal(options, read); // a record compares its list by reference
        });

    [Fact]
    public void What_is_missing_keeps_its_default_and_the_architecture_may_come_last()
    {
        Assert.Equal(new TopKOptions { K = 8 }, Read("""{ "k": 8, "architecture": "topk" }"""));
        Assert.Equal(new ReluOptions(), Read("""{ "architecture": "relu" }"""));
        Assert.Equal(new KlOptions { MeanEstimate = MeanEstimate.Running },
            Read("""{ "meanEstimate": "running", "architecture": "kl" }"""));
        var undercomplete = Assert.IsType<UndercompleteOptions>(
            Read("""{ "architecture": "undercomplete", "hidden": [256, 64], "activation": "relu" }"""));
        Assert.Equal([256, 64], undercomplete.Hidden);
        Assert.Equal((32, Activation.Relu), (undercomplete.Bottleneck, undercomplete.Activation));
    }

    [Fact]
    public void People_may_write_comments_and_trailing_commas() =>
        Assert.Equal(new TopKOptions { K = 8 }, Read("{ // few\n \"architecture\": \"topk\", \"k\": 8, }"));

    [Theory]
    [InlineData("""{ "architecture": "topk", "kay": 3 }""",
        "there is no setting 'kay'; there are architecture, multiK, multiCoefficient, k, initialK, kFraction, auxK, ")]
    [InlineData("""{ "architecture": "topk", "K": 3 }""", "there is no setting 'K'; there are")]
    [InlineData("""{ "architecture": "topk", "l1Coefficient": 3 }""", "there is no setting 'l1Coefficient'; there are")]
    [InlineData("""{ "architecture": "topk", "x\ny": 3 }""", "there is no setting 'x y'; there are")]
    [InlineData("""{ "k": 3 }""", "architecture is missing; name one of topk, batchtopk, matryoshka, ")]
    [InlineData("""{ "architecture": "leaprelu" }""",
        "architecture is \"leaprelu\"; it must be one of topk, batchtopk, matryoshka, ")]
    [InlineData("""{ "architecture": null }""", "architecture is null; it must be")]
    [InlineData("""{ "architecture": 1 }""", "architecture is 1; it must be")]
    [InlineData("""{ "architecture": "topk", "k": "many" }""",
        "k is \"many\", which it cannot be; its default, 32, shows how it is written.")]
    [InlineData("""{ "architecture": "topk", "k": 3.5 }""", "k is 3.5, which it cannot be")]
    [InlineData("""{ "architecture": "topk", "k": null }""", "k is null, which it cannot be")]
    [InlineData("""{ "architecture": "topk", "k": 99999999999 }""", "k is 99999999999, which it cannot be")]
    [InlineData("""{ "architecture": "topk", "auxCoefficient": 1e999 }""", "auxCoefficient is 1e999, which is too large for a number.")]
    [InlineData("""{ "architecture": "undercomplete", "hidden": null }""", "hidden is null, which it cannot be; its default, [], shows")]
    [InlineData("""{ "architecture": "undercomplete", "hidden": [1, "x"] }""", "hidden is [1,\"x\"], which it cannot be")]
    [InlineData("""{ "architecture": "undercomplete", "activation": "gelu" }""",
        "activation is \"gelu\", which it cannot be; its default, \"tanh\", shows")]
    [InlineData("""{ "architecture": "undercomplete", "activation": 1 }""", "activation is 1, which it cannot be")]
    [InlineData("""{ "architecture": "topk", "k": 3, "k": 4 }""", "this is not valid JSON: Duplicate property 'k'")]
    [InlineData("""{ "architecture": "topk" """, "this is not valid JSON: ")]
    [InlineData("", "this is not valid JSON: ")]
    [InlineData("[1]", "the settings are not a JSON object")]
    [InlineData("null", "the settings are not a JSON object")]
    public void What_cannot_be_read_is_named_in_one_line(string json, string said)
    {
        string message = Assert.Throws<InputException>(() => Read(json)).Message;
        Assert.StartsWith("run.json: " + said, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void Text_mutated_at_random_is_read_or_refused_and_nothing_else()
    {
        byte[] valid = System.Text.Encoding.UTF8.GetBytes(
            """{ "architecture": "undercomplete", "hidden": [256, 64], "activation": "relu", "noise": 0.5 }""");
        Gen.Select(Gen.Int[0, valid.Length - 1], Gen.Byte[32, 126], Gen.Int[0, valid.Length]).Array[1, 3].Sample(edits =>
        {
            byte[] text = [.. valid];
            foreach ((int at, byte value, int cut) in edits)
            {
                text[at] = value;
                if (cut % 7 == 0) text = [.. text[..(cut / 2)], .. text[cut..], .. new byte[valid.Length].Select(_ => (byte)' ')];
            }

            try
            {
                Assert.IsType<AutoencoderOptions>(Read(System.Text.Encoding.UTF8.GetString(text)), exactMatch: false);
            }
            catch (InputException e)
            {
                Assert.StartsWith("run.json: ", e.Message, StringComparison.Ordinal);
            }
        }, iter: 10_000);
    }

    private static AutoencoderOptions Read(string json) => AutoencoderJson.Read(json, "run.json");
}
