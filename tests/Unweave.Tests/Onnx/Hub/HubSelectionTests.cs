using Unweave.Onnx;

namespace Unweave.Tests.Onnx.Hub;

public sealed class HubSelectionTests
{
    [Theory]
    [InlineData("model.onnx", "model.onnx", "")]
    [InlineData("onnx/model.onnx onnx/model_fp16.onnx onnx/model_quantized.onnx", "onnx/model.onnx",
        "onnx/model_fp16.onnx onnx/model_quantized.onnx")]
    [InlineData("onnx/model.onnx model.onnx", "model.onnx", "onnx/model.onnx")]
    [InlineData("cuda/model.onnx cpu/model.onnx", "cpu/model.onnx", "cuda/model.onnx")]
    [InlineData("cpu/model.onnx onnx/model.onnx onnx/deep/model.onnx", "onnx/model.onnx", "cpu/model.onnx onnx/deep/model.onnx")]
    [InlineData("decoder_model.onnx decoder_model_int8.onnx encoder_model.onnx", "decoder_model.onnx encoder_model.onnx",
        "decoder_model_int8.onnx")]
    [InlineData("gpt2-10.onnx", "gpt2-10.onnx", "")]
    [InlineData("model.onnx model.onnx_data model.onnx_data_1 model_fp16.onnx model_fp16.onnx_data",
        "model.onnx model.onnx_data model.onnx_data_1", "model_fp16.onnx")]
    [InlineData("model.onnx model.onnx.data other.bin", "model.onnx model.onnx.data", "")]
    [InlineData("model.onnx weights.onnx_data", "model.onnx weights.onnx_data", "")]
    [InlineData("onnx/model.onnx model.onnx_data onnx2/model.onnx_data", "onnx/model.onnx", "")]
    [InlineData("model.onnx README.md pytorch_model.bin", "model.onnx", "")]
    [InlineData(
        "model.onnx tokenizer.json tokenizer_config.json special_tokens_map.json vocab.json merges.txt vocab.txt spiece.model " +
        "config.json generation_config.json",
            "config.json generation_config.json merges.txt model.onnx special_tokens_map.json spiece.model tokenizer.json " +
            "tokenizer_config.json vocab.json vocab.txt", "")]
    [InlineData("a/onnx/model.onnx a/config.json config.json b/config.json a/onnx/config.json",
        "a/config.json a/onnx/config.json a/onnx/model.onnx config.json", "")]
    public void The_graph_comes_with_its_data_and_the_tokenizer(string files, string chosen, string others)
    {
        HubSelection selection = Choose(files);
        Assert.Equal(chosen, string.Join(' ', selection.Files.Select(file => file.Path)));
        Assert.Equal(others, string.Join(' ', selection.OtherGraphs));
    }

    [Theory]
    [InlineData("onnx/model_int8.onnx", "config.json onnx/model_int8.onnx")]
    [InlineData("model_int8.onnx", "config.json onnx/model_int8.onnx")]
    [InlineData("*int8*", "config.json onnx/model_int8.onnx")]
    [InlineData("model.onnx", "config.json onnx/model.onnx onnx/model.onnx_data")]
    [InlineData("onnx/*.onnx", "config.json onnx/model.onnx onnx/model.onnx_data onnx/model_int8.onnx")]
    [InlineData("onnx/**", "config.json onnx/deep/x.txt onnx/model.onnx onnx/model.onnx_data onnx/model_int8.onnx")]
    [InlineData("**/x.txt", "config.json onnx/deep/x.txt x.txt")]
    [InlineData("onnx/**/x.txt", "config.json onnx/deep/x.txt")]
    [InlineData("?.txt", "config.json onnx/deep/x.txt x.txt")]
    [InlineData("./x.txt x.txt", null)]
    [InlineData("onnx/x.txt", null)]
    [InlineData("X.TXT", null)]
    [InlineData("x.txt\n", null)]
    [InlineData("(x", null)]
    public void Globs_choose_instead_of_the_default(string glob, string? chosen)
    {
        const string Files = "config.json onnx/model.onnx onnx/model.onnx_data onnx/model_int8.onnx onnx/deep/x.txt x.txt";
        if (chosen is not null)
        {
            Assert.Equal(chosen, string.Join(' ', Choose(Files, glob).Files.Select(file => file.Path)));
            return;
        }

        string message = Assert.Throws<InputException>(() => Choose(Files, glob)).Message;
        Assert.Contains("owner/name: no file matches --include", message, StringComparison.Ordinal);
        Assert.Contains("Its ONNX files are onnx/model.onnx, onnx/model_int8.onnx.", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_glob_must_match_and_a_near_name_is_offered()
    {
        Assert.Equal("config.json model.onnx x.txt",
            string.Join(' ', Choose("config.json model.onnx x.txt", "x.txt", "*.onnx").Files.Select(file => file.Path)));
        Assert.Contains("Did you mean config.json?",
            Assert.Throws<InputException>(() => Choose("config.json model.onnx", "*.onnx", "confg.json")).Message,
            StringComparison.Ordinal);
        Assert.Contains("--include is empty", Assert.Throws<InputException>(() => Choose("model.onnx", "")).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_without_a_graph_says_how_to_make_one_unless_globs_ask_for_something_else()
    {
        Assert.Contains("owner/name has no ONNX file; export one with `optimum-cli export onnx --model owner/name FOLDER`",
            Assert.Throws<InputException>(() => Choose("model.safetensors config.json")).Message, StringComparison.Ordinal);
        Assert.Equal(2, Choose("model.safetensors config.json", "*.safetensors").Files.Count);
    }

    [Theory]
    [InlineData("model.onnx.partial")]
    [InlineData("model.onnx.PARTIAL.etag")]
    public void Names_that_the_cache_uses_itself_are_refused(string path) =>
        Assert.Contains("over another file", Assert.Throws<InputException>(() => Choose($"model.onnx {path}")).Message,
            StringComparison.Ordinal);

    private static HubSelection Choose(string files, params string[] include) =>
        HubSelection.Choose(new HubListing(FakeHub.Commit, [.. files.Split(' ').Select(path => new HubFile(path, 1, null))]),
            new HubRequest { Name = "owner/name", Include = include });
}
