using Unweave.Formats;
using Unweave.Hosts;
using Unweave.Numerics;
using Unweave.Onnx;

namespace Unweave.Tests.Onnx.Embedding;

/// <summary>Sentence encoders: their vectors are the runtime's, pooled as their files or the caller say.</summary>
public sealed class OnnxEmbedderTests
{
    private const string MeanPooling = """{"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": false}""",
        Tanh = """{"in_features": 8, "out_features": 3, "activation_function": "torch.nn.modules.activation.Tanh"}""";

    private static readonly string[] Texts = ["abc", "d", "abcdefgh ijkl", "cab", "", "u", "hello deer"];

    [Theory]
    [InlineData(TextPooling.Mean)]
    [InlineData(TextPooling.Cls)]
    [InlineData(TextPooling.Last)]
    [InlineData(TextPooling.Max)]
    public void A_text_has_the_pooled_rows_that_the_runtime_gives_to_it_alone(TextPooling pooling)
    {
        using var made = new MadeEncoder();
        using OnnxEmbedder embedder = OnnxEmbedder.Open(made.Folder, new EmbedderOptions { Pooling = pooling });
        using Matrix vectors = embedder.Embed(Texts, TestContext.Current.CancellationToken);
        Assert.Equal((Texts.Length, Graphs.Width), (vectors.Rows, vectors.Columns));
        Assert.Empty(embedder.Notes);
        for (int i = 0; i < Texts.Length; i++)
        {
            float[][] rows = made.Output(made.Ids(Texts[i])); // an empty text has its start and end tokens
            float[] pooled = pooling switch
            {
                TextPooling.Mean => MadeEncoder.Mean(rows),
                TextPooling.Cls => rows[0],
                TextPooling.Last => rows[^1],
                _ => [.. Enumerable.Range(0, Graphs.Width).Select(c => rows.Max(row => row[c]))],
            };
            AssertNear(MadeEncoder.Unit(pooled), vectors.Row(i));
        }
    }

    [Fact]
    public void Vectors_keep_their_length_where_that_is_asked_for()
    {
        using var made = new MadeEncoder();
        using OnnxEmbedder embedder = OnnxEmbedder.Open(made.Folder, new EmbedderOptions { UnitLength = false });
        using Matrix vectors = embedder.Embed(["abc"], TestContext.Current.CancellationToken);
        AssertNear(MadeEncoder.Mean(made.Output(made.Ids("abc"))), vectors.Row(0));
    }

    [Theory]
    [InlineData("""{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}""", TextPooling.Cls)]
    [InlineData("""{"pooling_mode_lasttoken": true}""", TextPooling.Last)]
    [InlineData("""{"pooling_mode_max_tokens": true}""", TextPooling.Max)]
    [InlineData("""{"pooling_mode": "cls"}""", TextPooling.Cls)]
    [InlineData(MeanPooling, TextPooling.Mean)]
    public void The_files_of_sentence_transformers_say_the_pooling_and_a_choice_stands_above_them(string config, TextPooling expected)
    {
        using var made = new MadeEncoder();
        Modules(made);
        made.Write("1_Pooling/config.json", config);
        using OnnxEmbedder said = OnnxEmbedder.Open(made.Folder);
        Assert.Equal(expected, said.Pooling);
        Assert.Empty(said.Notes);
        TextPooling other = expected == TextPooling.Mean ? TextPooling.Last : TextPooling.Mean;
        using OnnxEmbedder chosen = OnnxEmbedder.Open(made.Folder, new EmbedderOptions { Pooling = other });
        Assert.Equal(other, chosen.Pooling);
        Assert.NotEqual(said.Identity, chosen.Identity, StringComparer.Ordinal);
    }

    [Fact]
    public void Files_above_a_folder_named_onnx_count_too()
    {
        using var made = new MadeEncoder();
        Modules(made);
        made.Write("1_Pooling/config.json", """{"pooling_mode_cls_token": true}""");
        Directory.CreateDirectory(made.At("onnx"));
        File.Copy(made.At("model.onnx"), made.At("onnx/model.onnx"));
        using OnnxEmbedder embedder = OnnxEmbedder.Open(made.At("onnx/model.onnx"));
        Assert.Equal(TextPooling.Cls, embedder.Pooling);
    }

    [Fact]
    public void A_guess_is_said()
    {
        using var made = new MadeEncoder();
        using OnnxEmbedder mean = OnnxEmbedder.Open(made.Folder);
        Assert.Equal(TextPooling.Mean, mean.Pooling);
        Assert.Contains("their mean is taken", Assert.Single(mean.Notes), StringComparison.Ordinal);

        using var decoder = new MadeEncoder(Graphs.Decoder());
        using OnnxEmbedder last = OnnxEmbedder.Open(decoder.Folder);
        Assert.Equal(TextPooling.Last, last.Pooling);
        Assert.Contains("the model looks back only", Assert.Single(last.Notes), StringComparison.Ordinal);
        using Matrix vectors = last.Embed(["abc"], TestContext.Current.CancellationToken);
        AssertNear(MadeEncoder.Unit(Hidden(decoder, "abc")[^1]), vectors.Row(0)); // what the unembedding reads, not logits
    }

    [Fact]
    public void An_output_that_the_graph_pools_is_taken_unless_another_pooling_is_chosen()
    {
        using var made = new MadeEncoder(Graphs.Pooled());
        Modules(made);
        made.Write("1_Pooling/config.json", """{"pooling_mode_cls_token": true}""");
        using OnnxEmbedder graph = OnnxEmbedder.Open(made.Folder), mean = OnnxEmbedder.Open(
            made.Folder, new EmbedderOptions { Pooling = TextPooling.Mean });
        Assert.Equal((TextPooling.Model, TextPooling.Mean), (graph.Pooling, mean.Pooling));
        using Matrix one = graph.Embed(Texts, TestContext.Current.CancellationToken),
            two = mean.Embed(Texts, TestContext.Current.CancellationToken);
        for (int i = 0; i < Texts.Length; i++)
        {
            AssertNear(MadeEncoder.Unit(made.Output(made.Ids(Texts[i]), "sentence_embedding")[0]), one.Row(i));
            AssertNear(one.Row(i).ToArray(), two.Row(i)); // which is the mean, in this graph
        }
    }

    [Fact]
    public void Prefixes_of_queries_and_documents_are_written_before_texts()
    {
        using var made = new MadeEncoder();
        made.Write("config_sentence_transformers.json", """{"prompts": {"query": "q: ", "passage": "p: "}, "default_prompt_name": null}""");
        using OnnxEmbedder embedder = OnnxEmbedder.Open(made.Folder), plain = OnnxEmbedder.Open(
            made.Folder, new EmbedderOptions { DocumentPrefix = "", QueryPrefix = "" });
        Assert.Equal(("q: ", "p: "), (embedder.QueryPrefix, embedder.DocumentPrefix));
        using Matrix documents = embedder.Embed(["abc"], TestContext.Current.CancellationToken),
            queries = embedder.Queries.Embed(["abc"], TestContext.Current.CancellationToken),
            written = plain.Embed(["p: abc", "q: abc"], TestContext.Current.CancellationToken);
        AssertNear(written.Row(0).ToArray(), documents.Row(0));
        AssertNear(written.Row(1).ToArray(), queries.Row(0));
        Assert.Same(plain, plain.Queries);
        Assert.Equal((embedder.Identity, embedder.Width), (embedder.Queries.Identity, embedder.Queries.Width));
        Assert.NotEqual(plain.Identity, embedder.Identity, StringComparer.Ordinal);
    }

    [Fact]
    public void The_default_prompt_stands_in_where_queries_or_documents_have_none()
    {
        using var made = new MadeEncoder();
        made.Write("config_sentence_transformers.json", """{"prompts": {"sts": "s: ", "query": "q: "}, "default_prompt_name": "sts"}""");
        using OnnxEmbedder embedder = OnnxEmbedder.Open(made.Folder);
        Assert.Equal(("q: ", "s: "), (embedder.QueryPrefix, embedder.DocumentPrefix));
    }

    [Fact]
    public void A_prefix_is_left_out_of_the_pooling_where_the_files_say_so()
    {
        using var made = new MadeEncoder();
        made.Write("1_Pooling/config.json", """{"pooling_mode_mean_tokens": true, "include_prompt": false}""");
        using OnnxEmbedder embedder = OnnxEmbedder.Open(made.Folder, new EmbedderOptions { DocumentPrefix = "p: ", QueryPrefix = "" });
        using Matrix documents = embedder.Embed(["abc"], TestContext.Current.CancellationToken),
            queries = embedder.Queries.Embed(["abc"], TestContext.Current.CancellationToken);
        float[][] rows = made.Output(made.Ids("p: abc"));
        AssertNear(MadeEncoder.Unit(MadeEncoder.Mean(rows[3..])), documents.Row(0)); // [CLS], p and the colon are left out
        AssertNear(MadeEncoder.Unit(MadeEncoder.Mean(made.Output(made.Ids("abc")))), queries.Row(0));
    }

    [Fact]
    public void Texts_are_cut_at_the_length_that_the_files_or_the_caller_say()
    {
        using var made = new MadeEncoder();
        made.Write("tokenizer_config.json", """{"model_max_length": 9}""");
        made.Write("1_Pooling/config.json", MeanPooling);
        using (OnnxEmbedder tokenizer = OnnxEmbedder.Open(made.Folder)) Assert.Equal(9, tokenizer.Length);
        made.Write("sentence_bert_config.json", """{"max_seq_length": 6, "do_lower_case": false}""");
        using OnnxEmbedder said = OnnxEmbedder.Open(made.Folder), chosen = OnnxEmbedder.Open(
            made.Folder, new EmbedderOptions { Length = 4 });
        Assert.Equal((6, 4), (said.Length, chosen.Length));
        foreach (OnnxEmbedder embedder in (OnnxEmbedder[])[said, chosen])
        {
            using Matrix vectors = embedder.Embed(["abcdefgh", "ab"], TestContext.Current.CancellationToken);
            AssertNear(MadeEncoder.Unit(MadeEncoder.Mean(made.Output(made.Ids("abcdefgh", embedder.Length)))), vectors.Row(0));
            Assert.Equal(1, embedder.TextsCut);
        }

        Assert.NotEqual(said.Identity, chosen.Identity, StringComparer.Ordinal);
        Assert.Contains("no room for a token",
            Assert.Throws<InputException>(() => OnnxEmbedder.Open(made.Folder, new EmbedderOptions { Length = 2 })).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Layers_behind_the_pooling_are_applied()
    {
        using var made = new MadeEncoder();
        made.Write("modules.json", """
            [{"type": "sentence_transformers.models.Transformer", "path": ""},
             {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"},
             {"type": "sentence_transformers.models.Dense", "path": "2_Dense"}]
            """);
        made.Write("1_Pooling/config.json", MeanPooling);
        made.Write("2_Dense/config.json", Tanh);
        var random = new Rng(5);
        float[] weights = new float[3 * Graphs.Width], bias = new float[3];
        random.FillNormal(weights, 0.5);
        random.FillNormal(bias, 0.5);
        Dense(made, weights, bias);
        using OnnxEmbedder embedder = OnnxEmbedder.Open(made.Folder);
        Assert.Equal(3, embedder.Width);
        using Matrix vectors = embedder.Embed(["abc"], TestContext.Current.CancellationToken);
        float[] x = MadeEncoder.Mean(made.Output(made.Ids("abc")));
        float[] y = [.. Enumerable.Range(0, 3).Select(
            i => MathF.Tanh(bias[i] + x.Select((value, j) => value * weights[(i * x.Length) + j]).Sum()))];
        AssertNear(MadeEncoder.Unit(y), vectors.Row(0));

        string identity = embedder.Identity;
        Dense(made, [.. weights.Select(value => -value)], bias);
        using (OnnxEmbedder other = OnnxEmbedder.Open(made.Folder)) Assert.NotEqual(identity, other.Identity, StringComparer.Ordinal);
        made.Write("2_Dense/config.json", """{"activation_function": "torch.nn.modules.activation.GELU"}""");
        Refused(made, "GELU");
        File.Delete(made.At("2_Dense/config.json"));
        Refused(made, "config.json is missing");

        static void Dense(MadeEncoder made, float[] weights, float[] bias) => SafetensorsWriter.Write(made.At("2_Dense/model.safetensors"),
            [TensorToWrite.From("linear.weight", weights, [3, Graphs.Width]), TensorToWrite.From("linear.bias", bias)]);
    }

    [Theory]
    [InlineData("modules.json", "[{\"type\": \"sentence_transformers.models.LSTM\", \"path\": \"1\"}]", "LSTM, which is not known here")]
    [InlineData("modules.json", "{\"type\": 1}", "is not a list of modules")]
    [InlineData("modules.json", "[{\"type\":", "is not JSON")]
    [InlineData("1_Pooling/config.json", "{\"pooling_mode_weightedmean_tokens\": true}", "weightedmean_tokens, which is not known here")]
    [InlineData("1_Pooling/config.json", "{\"pooling_mode_mean_tokens\": true, \"pooling_mode_max_tokens\": true}", "mean_tokens with max")]
    [InlineData("1_Pooling/config.json", "{}", "names no pooling")]
    [InlineData("1_Pooling/config.json", "3", "neither an object nor a list")]
    [InlineData("config_sentence_transformers.json", "[", "is not JSON")]
    public void Files_that_are_damaged_or_ask_for_what_is_not_known_are_refused_by_name(string file, string text, string expected)
    {
        using var made = new MadeEncoder();
        made.Write(file, text);
        InputException refused = Assert.Throws<InputException>(() => OnnxEmbedder.Open(made.Folder));
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
        Assert.Contains(file, refused.Message.Replace('\\', '/'), StringComparison.Ordinal);
    }

    [Fact]
    public void A_pooling_that_is_chosen_makes_one_that_is_not_known_harmless()
    {
        using var made = new MadeEncoder();
        made.Write("1_Pooling/config.json", """{"pooling_mode_weightedmean_tokens": true}""");
        using OnnxEmbedder embedder = OnnxEmbedder.Open(made.Folder, new EmbedderOptions { Pooling = TextPooling.Last });
        Assert.Equal(TextPooling.Last, embedder.Pooling);
    }

    [Fact]
    public void A_model_without_the_output_that_is_asked_for_is_refused_with_what_it_has()
    {
        using var made = new MadeEncoder();
        InputException refused = Assert.Throws<InputException>(
            () => OnnxEmbedder.Open(made.Folder, new EmbedderOptions { Pooling = TextPooling.Model }));
        Assert.Contains("no output with one vector for each text", refused.Message, StringComparison.Ordinal);
        Assert.Contains("[batch, sequence, 8]", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_vector_that_is_not_finite_is_refused_with_its_text()
    {
        GraphBuilder graph = Graphs.Encoder();
        graph.Named("sentence_embedding", "Div",
            [graph.Node("ReduceSum", ["last_hidden_state", graph.Constant(1)], ("keepdims", 0)), graph.Constant([0f])]);
        graph.Output("sentence_embedding", GraphBuilder.Float, "batch", Graphs.Width);
        using var made = new MadeEncoder(graph);
        using OnnxEmbedder embedder = OnnxEmbedder.Open(made.Folder);
        Assert.Contains("text 0 ('abc') a vector with NaN or infinity",
            Assert.Throws<InputException>(() => embedder.Embed(["abc"], TestContext.Current.CancellationToken)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_text_without_any_token_has_a_row_of_zeros()
    {
        using var made = new MadeEncoder(Graphs.Decoder());
        File.Delete(made.At("vocab.txt"));
        made.Write("tokenizer.json", """
            {"model": {"type": "WordLevel", "unk_token": "u", "vocab": {"u": 0, "a": 1, "b": 2}}, "pre_tokenizer": {"type": "Whitespace"},
             "added_tokens": []}
            """);
        using OnnxEmbedder embedder = OnnxEmbedder.Open(made.Folder);
        using Matrix vectors = embedder.Embed(["a b", "", " "], TestContext.Current.CancellationToken);
        Assert.Equal(1, Norms.L2(vectors.Row(0)), 1e-5);
        Assert.All(vectors.AsSpan()[Graphs.Width..].ToArray(), value => Assert.Equal(0, value));
        using Matrix none = embedder.Embed([], TestContext.Current.CancellationToken);
        Assert.Equal((0, Graphs.Width), (none.Rows, none.Columns));
    }

    [Fact]
    public void It_stops_when_it_is_told_to()
    {
        using var made = new MadeEncoder();
        using OnnxEmbedder embedder = OnnxEmbedder.Open(made.Folder);
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.Throws<OperationCanceledException>(() => embedder.Embed(["abc"], stop.Token));
    }

    [Fact]
    public void Several_threads_share_an_embedder()
    {
        using var made = new MadeEncoder();
        using OnnxEmbedder embedder = OnnxEmbedder.Open(made.Folder);
        using Matrix expected = embedder.Embed(Texts, TestContext.Current.CancellationToken);
        Parallel.For(0, 64, i =>
        {
            using Matrix one = embedder.Embed([Texts[i % Texts.Length]], TestContext.Current.CancellationToken);
            AssertNear(expected.Row(i % Texts.Length).ToArray(), one.Row(0));
        });
    }

    private static void Modules(MadeEncoder made) => made.Write("modules.json", """
        [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
         {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
         {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}]
        """);

    private static void Refused(MadeEncoder made, string expected) => Assert.Contains(
        expected, Assert.Throws<InputException>(() => OnnxEmbedder.Open(made.Folder)).Message, StringComparison.Ordinal);

    private static float[][] Hidden(MadeEncoder decoder, string text)
    {
        using OnnxHost host = OnnxHost.Open(decoder.Folder);
        using IHostRun run = host.Open(new HostPlan([host.FindOne("final")]));
        run.Run(new TokenBatch([decoder.Ids(text).Select(id => (int)id).ToArray()]));
        Matrix rows = run.Activations(0);
        return [.. Enumerable.Range(0, rows.Rows).Select(row => rows.Row(row).ToArray())];
    }

    internal static void AssertNear(float[] expected, ReadOnlySpan<float> actual, float tolerance = 1e-5f)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], tolerance);
    }
}
