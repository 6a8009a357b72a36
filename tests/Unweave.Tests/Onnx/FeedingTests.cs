using Unweave.Data;
using Unweave.Hosts;
using Unweave.Numerics;
using Unweave.Onnx;

namespace Unweave.Tests.Onnx;

/// <summary>How a model is to be fed is found by running it, whatever its export says of it.</summary>
public sealed class FeedingTests
{
    private const int Width = Graphs.Width, Vocabulary = Graphs.Vocabulary;

    [Theory]
    [InlineData(GraphBuilder.Float)]
    [InlineData(GraphBuilder.Float16)]
    [InlineData(GraphBuilder.BFloat16)]
    [InlineData(GraphBuilder.Double)]
    public void Logits_of_every_type_of_float_are_judged(int type)
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = Open(folder, b => Decoder(b, "batch", "sequence", type));
        Assert.True(host.Input.Causal && host.PredictsTokens);
    }

    [Theory]
    [InlineData(1, 8)]
    [InlineData(1, null)]
    [InlineData(null, 8)]
    [InlineData(2, 8)]
    [InlineData(3, null)]
    public void A_model_of_a_fixed_shape_gives_the_rows_of_the_free_one(int? batch, int? length)
    {
        using TemporaryFolder one = new(), two = new();
        using OnnxHost free = Open(one, b => Decoder(b, "batch", "sequence")),
            host = Open(two, b => Decoder(b, (object?)batch ?? "batch", (object?)length ?? "sequence"));
        Assert.Equal((batch, length), (host.Input.FixedBatch, host.Input.FixedLength));
        Assert.True(host.Input.Causal && host.PredictsTokens);
        Assert.Equal(length is null ? 32 : 8, host.Input.Context);
        foreach (string hook in (string[])["blocks.0", "blocks.0.mid", "blocks.0.mlp", "embed"])
        {
            Assert.True(host.FindOne(hook).PerToken, host.FindOne(hook).ToString());
            Assert.Equal(Rows(free, hook, "abc", "abcdef", "z"), Rows(host, hook, "abc", "abcdef", "z"), Near);
        }
    }

    [Fact]
    public void Sizes_that_only_constants_of_the_graph_tell_are_found()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = Open(folder, b =>
        {
            string ids = b.Input("input_ids", GraphBuilder.Int64, "batch", "sequence");
            string x = b.Node("Reshape", [b.Node("Gather", [b.Weight(1.0, Vocabulary, Width), ids]), b.Constant(1, 20, Width)]);
            x = b.Named("out", "Add", [x, b.Attention(x, Width, null)]);
            Logits(b, x);
        });
        Assert.Equal((1, 20), (host.Input.FixedBatch, host.Input.FixedLength));
        Assert.Equal(["batch", "sequence", "8"], host.FindOne("blocks.0").Shape, StringComparer.Ordinal);
        Assert.Contains(host.Notes, note => note.Contains("exactly 20 tokens", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("attention_mask", GraphBuilder.Int64, 1f, -1f)] // 1 where a token is read
    [InlineData("mask", GraphBuilder.Float, 1f, -1f)]
    [InlineData("src_key_padding_mask", GraphBuilder.Bool, 0f, 1f)] // 1 where it is ignored
    [InlineData("mask", GraphBuilder.Int64, 0f, 1f)]
    public void What_a_mask_means_is_found(string name, int type, float offset, float factor)
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = Open(folder, b =>
        {
            string ids = b.Input("input_ids", GraphBuilder.Int64, "batch", "sequence");
            string given = b.Node("Cast", [b.Input(name, type, "batch", "sequence")], ("to", GraphBuilder.Float));
            string hidden = b.Node("Add", [b.Node("Mul", [given, b.Constant([factor])]), b.Constant([offset])]);
            string mask = b.Node("Mul", [b.Node("Unsqueeze", [hidden, b.Constant(1, 2)]), b.Constant([-1e9f])]);
            string x = Graphs.Embed(b, ids);
            b.Named("hidden", "Add", [x, b.Attention(x, Width, mask)]);
            b.Output("hidden", GraphBuilder.Float, "batch", "sequence", Width);
        });
        Assert.True(host.Input is { Masked: true, Causal: false, PaddingShows: false });
        Assert.Equal(Rows(host, "blocks.0", "abc"), Rows(host, "blocks.0", "abc", "hijklmnop", "defg")[..(3 * Width)], Near);
    }

    [Fact]
    public void Texts_of_one_length_share_a_batch_where_no_mask_hides_filling()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = Open(folder, b =>
        {
            string ids = b.Input("input_ids", GraphBuilder.Int64, "batch", "sequence");
            b.Input("attention_mask", GraphBuilder.Int64, "batch", "sequence"); // and nothing reads it
            string x = Graphs.Embed(b, ids);
            b.Named("hidden", "Add", [x, b.Attention(x, Width, null)]);
            b.Output("hidden", GraphBuilder.Float, "batch", "sequence", Width);
        });
        Assert.True(host.Input.PaddingShows);
        Assert.Contains(host.Notes, note => note.Contains("one length", StringComparison.Ordinal));
        Assert.Equal(Rows(host, "blocks.0", "abc"), Rows(host, "blocks.0", "abc", "hijklmnop")[..(3 * Width)], Near);
    }

    [Theory]
    [InlineData("batch", "sequence")]
    [InlineData("sequence", "batch")]
    [InlineData("a", "b")]
    public void A_model_with_the_tokens_first_gives_the_rows_of_one_with_the_texts_first(string first, string second)
    {
        using TemporaryFolder one = new(), two = new();
        using OnnxHost usual = Open(one, b => Decoder(b, "batch", "sequence")), host = Open(two, b =>
        {
            string ids = b.Node("Transpose", [b.Input("input_ids", GraphBuilder.Int64, first, second)], ("perm", new[] { 1, 0 }));
            string x = Blocks(b, ids);
            x = b.Named("turned", "Transpose", [x], ("perm", new[] { 1, 0, 2 }));
            b.Named("flat", "Reshape", [x, b.Constant(-1, Width)]);
            b.Named("again", "Reshape", ["flat", b.Node("Shape", [x])]);
            b.Named("logits", "MatMul", ["again", b.Weight(Width, Vocabulary)]);
            b.Output("logits", GraphBuilder.Float, first, second, Vocabulary);
        });
        Assert.True(host.Input is { Causal: true, FixedBatch: null } && host.PredictsTokens);
        float[] right = Rows(usual, "blocks.0", "abc", "hijklmnop", "defg");
        Assert.Equal(["sequence", "batch", "8"], host.FindOne("turned").Shape, StringComparer.Ordinal);
        foreach (string hook in (string[])["blocks.0", "turned", "flat"])
        {
            Assert.Equal(right, Rows(host, hook, "abc", "hijklmnop", "defg"), Near);
            Assert.InRange(Unweave.Evaluation.SpliceEvaluator.CleanSplice(host, host.FindOne(hook), SpliceTests.Batch()), 0, 1e-6);
        }
    }

    [Fact]
    public void Texts_that_change_each_other_are_run_one_at_a_time()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = Open(folder, b =>
        {
            string x = b.Node("Gather", [b.Weight(1.0, Vocabulary, Width), b.Input("input_ids", GraphBuilder.Int64, "batch", "sequence")]);
            string all = b.Node("ReduceMean", [x], ("keepdims", 1)); // over the batch too
            b.Named("hidden", "Add", [x, b.Linear(b.Node("Sub", [x, all]), Width, Width)]);
            b.Output("hidden", GraphBuilder.Float, "batch", "sequence", Width);
        });
        Assert.Equal(1, host.Input.FixedBatch);
        Assert.Contains(host.Notes, note => note.Contains("one at a time", StringComparison.Ordinal));
        Assert.Equal(Rows(host, "blocks.0", "abc"), Rows(host, "blocks.0", "abc", "xyz")[..(3 * Width)], Near);
    }

    [Fact]
    public void Keys_and_values_with_the_batch_second_are_empty_for_each_text()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = Open(folder, b =>
        {
            string x = Blocks(b, b.Input("input_ids", GraphBuilder.Int64, "batch_size", "seq_len"));
            string past = b.Input("past_0", GraphBuilder.Float, 2, "batch_size", 2, "past_seq_len", Width / 2);
            string keys = b.Node("Transpose", [b.Node("Reshape", [x, b.Constant(0, 0, 2, Width / 2)])], ("perm", new[] { 0, 2, 1, 3 }));
            string both = b.Node("Unsqueeze", [keys, b.Constant(0)]);
            b.Named("present_0", "Concat", [past, b.Node("Concat", [both, both], ("axis", 0))], ("axis", 3));
            Logits(b, x);
            b.Output("present_0", GraphBuilder.Float, 2, "batch_size", 2, "total", Width / 2);
        });
        Assert.True(host.Input is { Causal: true, FixedBatch: null } && host.PredictsTokens);
        Assert.Equal(["batch", "sequence", "8"], host.FindOne("blocks.0").Shape, StringComparer.Ordinal);
    }

    [Fact]
    public void Inputs_that_no_data_tells_are_fed_and_named()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = Open(folder, b =>
        {
            string x = Blocks(b, b.Input("input_ids", GraphBuilder.Int64, "batch", "sequence"));
            string kinds = b.Input("position_ids", GraphBuilder.Int64, 3, "batch", "sequence");
            x = b.Node("Add",
                [x, b.Node("ReduceMean", [b.Node("Gather", [b.Weight(64, Width), kinds])], ("axes", new[] { 0 }), ("keepdims", 0))]);
            string from = b.Node("Unsqueeze", [b.Node("Neg", [b.Input("num_logits_to_keep", GraphBuilder.Int64)]), b.Constant(0)]);
            Logits(b, b.Node("Slice", [x, from, b.Constant(1L << 60), b.Constant(1)]));
        });
        Assert.True(host.PredictsTokens && host.Input.Causal);
        Assert.Contains(host.Notes, note => note.Contains("num_logits_to_keep is fed 0", StringComparison.Ordinal));
    }

    [Fact]
    public void Ids_of_one_and_of_three_axes_are_those_of_one_text()
    {
        foreach (object[] shape in (object[][])[["n"], [1, 1, "n"]])
        {
            using var folder = new TemporaryFolder();
            using OnnxHost host = Open(folder, b =>
                Logits(b, Blocks(b, b.Node("Reshape", [b.Input("input1", GraphBuilder.Int64, shape), b.Constant(1, -1)]))));
            Assert.Equal(1, host.Input.FixedBatch);
            Assert.True(host.PredictsTokens && host.Input.Causal && host.FindOne("blocks.0").PerToken);
        }
    }

    [Fact]
    public void A_language_model_is_one_by_the_width_of_its_output()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost scores = Open(folder, b =>
        {
            string x = Blocks(b, b.Input("input_ids", GraphBuilder.Int64, "batch", "sequence"));
            b.Named("last_hidden_state", "Identity", [x]);
            b.Named("scores", "MatMul", [x, b.Weight(Width, Vocabulary)]);
            b.Output("last_hidden_state", GraphBuilder.Float, "batch", "sequence", Width);
            b.Output("scores", GraphBuilder.Float, "batch", "sequence", Vocabulary);
        });
        Assert.True(scores.PredictsTokens);
        using OnnxHost classes = Open(folder, b =>
        {
            b.Named("logits", "MatMul", [Blocks(b, b.Input("input_ids", GraphBuilder.Int64, "batch", "sequence")), b.Weight(Width, 9)]);
            b.Output("logits", GraphBuilder.Float, "batch", "sequence", 9);
        });
        Assert.False(classes.PredictsTokens);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(6)]
    public void A_small_vocabulary_is_enough(int vocabulary)
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = Open(folder, b =>
        {
            string ids = b.Input("input_ids", GraphBuilder.Int64, "batch", "sequence");
            string x = b.Node("Gather", [b.Weight(1.0, vocabulary, Width), ids]);
            x = b.Node("Add", [x, b.Attention(x, Width, Graphs.Causal(b, ids))]);
            b.Named("logits", "MatMul", [x, b.Weight(Width, vocabulary)]);
            b.Output("logits", GraphBuilder.Float, "batch", "sequence", vocabulary);
        });
        Assert.True(host.Vocabulary == vocabulary && host.PredictsTokens && host.Input.Causal);
    }

    [Fact]
    public void A_window_is_as_long_as_the_positions_that_texts_can_use()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["config.json"], """{ "max_position_embeddings": 40 }""");
        using OnnxHost host = Open(folder, b =>
        {
            string ids = b.Input("input_ids", GraphBuilder.Int64, "batch", "sequence");
            string mask = b.Input("attention_mask", GraphBuilder.Int64, "batch", "sequence");
            string place = b.Node("Add", [b.Node("Mul", [b.Node("CumSum", [mask, b.Constant(1)]), mask]), b.Constant(1)]);
            string x = b.Node("Add",
                [b.Node("Gather", [b.Weight(Vocabulary, Width), ids]), b.Node("Gather", [b.Weight(40, Width), place])]);
            b.Named("hidden", "Add", [x, b.Mlp(x, Width)]);
            b.Output("hidden", GraphBuilder.Float, "batch", "sequence", Width);
        });
        Assert.Equal(38, host.Input.Context); // positions start at 2
        Assert.Equal(100 * Width, Rows(host, "blocks.0", new string('a', 100)).Length);
    }

    [Fact]
    public void The_usual_window_is_bounded()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["config.json"], """{ "max_position_embeddings": 16384 }""");
        using OnnxHost host = Open(folder, b =>
        {
            string ids = b.Input("input_ids", GraphBuilder.Int64, "batch", "sequence");
            string x = b.Node("Gather", [b.Weight(Vocabulary, Width), ids]);
            Logits(b, b.Node("Add", [x, b.Mlp(x, Width)]));
        });
        Assert.Equal(16_384, host.Input.Context);
        Assert.Equal(1024, new PassOptions().ContextOf(host, new LetterTokenizer()));
        Assert.Equal(4096, new PassOptions { Context = 4096 }.ContextOf(host, new LetterTokenizer()));
    }

    [Fact]
    public void Batches_with_logits_fit_memory_whatever_the_vocabulary()
    {
        const int Many = 200_000;
        using var folder = new TemporaryFolder();
        using OnnxHost host = Open(folder, b =>
        {
            string x = b.Node("Gather", [b.Weight(Many, 2), b.Input("input_ids", GraphBuilder.Int64, "batch", "sequence")]);
            b.Named("logits", "MatMul", [x, b.Weight(2, Many)]);
            b.Output("logits", GraphBuilder.Float, "batch", "sequence", Many);
        });
        Assert.InRange(new PassOptions().BatchTokensWithLogits(host), 100, 200);
        using OnnxHost small = Open(folder, b => Decoder(b, "batch", "sequence"));
        Assert.Equal(4096, new PassOptions().BatchTokensWithLogits(small));
    }

    [Fact]
    public void Special_tokens_that_no_text_has_need_no_row()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = Open(folder, b => Decoder(b, "batch", "sequence"));
        var tokenizer = new LetterTokenizer(Vocabulary + 1, start: false, Vocabulary);
        Assert.Equal(Rows(host, "blocks.0", "abc", "z"), Rows(host, tokenizer, "blocks.0", "abc", "z"), Near);
    }

    [Fact]
    public void Token_ids_are_data_too()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = Open(folder, b => Decoder(b, "batch", "sequence"));
        File.WriteAllBytes(folder["ids.npy"], Npy("<i8", [3, 5], Enumerable.Range(0, 15).SelectMany(i => BitConverter.GetBytes((long)i))));
        Hook[] hooks = [host.FindOne("blocks.0")];
        using var ids = ArrayFile.Open(folder["ids.npy"]);
        using (var pass = new ActivationPass(host, Harvester.Ids(host), hooks))
        using (var writer = HarvestWriter.Create(folder["acts"], Harvester.Describe(host, hooks, ids, new PassOptions())))
            Harvester.Run(pass, ids.Name, from => TokenIds.Documents(ids, Vocabulary, from), writer);
        using var harvest = Harvest.Open(folder["acts"]);
        Assert.Equal(Enumerable.Range(0, 15).Select(i => (i, (long)(i / 5), i % 5)),
            Enumerable.Range(0, 15).Select(i => harvest.Row(i)).Select(row => (row.Item1, row.Item2, row.Item3)));
        Assert.Contains("row 2 has the id 12; the model knows 0 to 11",
            Assert.Throws<InputException>(() => TokenIds.Documents(ids, 12).ToArray()).Message, StringComparison.Ordinal);
        File.WriteAllBytes(folder["floats.npy"], Npy("<f4", [1, 2], new byte[8]));
        using var floats = ArrayFile.Open(folder["floats.npy"]);
        Assert.Contains("token ids are whole numbers",
            Assert.Throws<InputException>(() => TokenIds.Documents(floats, 12)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Images_of_any_size_come_as_arrays_of_their_axes()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = Open(folder, b =>
        {
            string x = b.Named("after", "Conv", [b.Input("image", GraphBuilder.Float, "b", "c", "h", "w"), b.Weight(4, 3, 3, 3)],
                ("pads", new[] { 1, 1, 1, 1 }));
            b.Named("out", "GlobalAveragePool", [x]);
            b.Output("out", GraphBuilder.Float, "b", 4, 1, 1);
        });
        Assert.Equal(1, host.FindOne("after").FeatureAxis);
        File.WriteAllBytes(folder["images.npy"],
            Npy("<f4", [2, 3, 6, 4], Enumerable.Range(0, 144).SelectMany(i => BitConverter.GetBytes((float)i))));
        using var images = ArrayFile.Open(folder["images.npy"]);
        Hook[] hooks = [host.FindOne("after")];
        using (var writer = HarvestWriter.Create(folder["acts"], ArrayHarvester.Describe(host, hooks, [images])))
            ArrayHarvester.Run(host, hooks, [images], writer);
        using var harvest = Harvest.Open(folder["acts"]);
        Assert.Equal(2 * 24, harvest.Rows);
    }

    [Fact]
    public void Sizes_are_tried_until_the_model_runs()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost sound = Open(folder, b =>
        {
            string x = b.Node("Unsqueeze", [b.Input("input_values", GraphBuilder.Float, "b", "t"), b.Constant(1)]);
            string mask = b.Node("Cast", [b.Input("attention_mask", GraphBuilder.Int64, "b", "t")], ("to", GraphBuilder.Float));
            x = b.Node("Mul", [x, b.Node("Unsqueeze", [mask, b.Constant(1)])]);
            b.Named("heard", "Conv", [x, b.Weight(4, 1, 400)], ("strides", new[] { 160 }));
            b.Output("heard", GraphBuilder.Float, "b", 4, "frames");
        });
        Assert.Equal((4, 1), (sound.FindOne("heard").Width, sound.FindOne("heard").FeatureAxis));
        Assert.Equal(["batch", "4", "?"], sound.FindOne("heard").Shape, StringComparer.Ordinal);
        using OnnxHost slower = Open(folder, b =>
        {
            string x = b.Node("Unsqueeze", [b.Input("input_values", GraphBuilder.Float, "b", "t"), b.Constant(1)]);
            x = b.Node("Conv", [x, b.Weight(4, 1, 500)], ("strides", new[] { 320 }));
            b.Named("frames", "Transpose", [x], ("perm", new[] { 0, 2, 1 }));
            b.Output("frames", GraphBuilder.Float, "b", "frames", 4);
        });
        Assert.Equal(["batch", "?", "4"], slower.FindOne("frames").Shape, StringComparer.Ordinal);
        Assert.Equal(2, slower.FindOne("frames").FeatureAxis);
        using OnnxHost bytes = Open(folder, b =>
        {
            string x = b.Node("Cast", [b.Input("image", GraphBuilder.UInt8, "b", 8)], ("to", GraphBuilder.Float));
            b.Named("out", "MatMul", [x, b.Weight(8, 4)]);
            b.Output("out", GraphBuilder.Float, "b", 4);
        });
        using IHostRun run = bytes.Open(new HostPlan([], Output: true));
        using var pixels = new Matrix(1, 8);
        pixels.AsSpan().Fill(200);
        run.Run(new ArrayBatch(pixels));
        Assert.NotEqual(0, run.Output[0, 0]);
        using OnnxHost series = Open(folder, b =>
        {
            b.Named("out", "MatMul", [b.Input("past_values", GraphBuilder.Float, "b", 12, 7), b.Weight(7, 4)]);
            b.Output("out", GraphBuilder.Float, "b", 12, 4);
        });
        Assert.Equal("past_values", series.Input.Arrays[0].Name);
    }

    [Fact]
    public void What_an_input_takes_can_be_said()
    {
        using var folder = new TemporaryFolder();
        string path = Save(folder, b =>
        {
            string x = Blocks(b, b.Input("input_ids", GraphBuilder.Int64, "batch", "sequence"));
            Logits(b, b.Node("Add", [x, b.Input("style", GraphBuilder.Float, Width)]));
        });
        Assert.Contains("--input style=zeros", Assert.Throws<InputException>(() => OnnxHost.Open(path)).Message, StringComparison.Ordinal);
        using OnnxHost host = OnnxHost.Open(path, inputs: Inputs("style", "zeros"));
        Assert.True(host.PredictsTokens);
        Assert.Contains("has no input stile",
            Assert.Throws<InputException>(() => OnnxHost.Open(path, inputs: Inputs("stile", "zeros"))).Message, StringComparison.Ordinal);
        Assert.Contains("--input style=blue is neither",
            Assert.Throws<InputException>(() => OnnxHost.Open(path, inputs: Inputs("style", "blue"))).Message, StringComparison.Ordinal);
        using OnnxHost sized = OnnxHost.Open(
            Save(folder, b =>
            {
                b.Named("out", "Conv", [b.Input("image", GraphBuilder.Float, "b", "c", "h", "w"), b.Weight(4, 5, 3, 3)]);
                b.Output("out", GraphBuilder.Float, "b", 4, "h2", "w2");
            }), inputs: Inputs("image", "0x5x24x20"));
        Assert.Equal(["batch", "4", "22", "18"], sized.FindOne("out").Shape, StringComparer.Ordinal);
    }

    [Fact]
    public void Heads_are_read_together()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = Open(folder, b => Decoder(b, "batch", "sequence"));
        Hook heads = host.Hooks.First(hook => hook.Shape is ["batch", "sequence", "2", "4"]);
        Assert.True(heads.PerToken && heads.Width == Width);
        Assert.Equal(3 * Width, Rows(host, heads.Name, "abc").Length);
    }

    private static Dictionary<string, string> Inputs(string name, string what) =>
        new(StringComparer.Ordinal) { [name] = what };

    private static bool Near(float one, float other) => Math.Abs(one - other) < 1e-4f;

    private static byte[] Npy(string type, int[] shape, IEnumerable<byte> data)
    {
        string header = $"{{'descr': '{type}', 'fortran_order': False, 'shape': ({string.Join(", ", shape)},), }}";
        header = header.PadRight(117) + "\n";
        return [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. System.Text.Encoding.ASCII.GetBytes(header), .. data];
    }

    private static string Save(TemporaryFolder folder, Action<GraphBuilder> build)
    {
        var b = new GraphBuilder(3);
        build(b);
        return b.Save(folder);
    }

    private static OnnxHost Open(TemporaryFolder folder, Action<GraphBuilder> build) => OnnxHost.Open(Save(folder, build));

    private static void Decoder(GraphBuilder b, object batch, object length, int logits = GraphBuilder.Float)
    {
        string x = Blocks(b, b.Input("input_ids", GraphBuilder.Int64, batch, length));
        b.Named("logits", "Cast", [b.Node("MatMul", [x, b.Weight(Width, Vocabulary)])], ("to", logits));
        b.Output("logits", logits, batch, length, Vocabulary);
    }

    private static void Logits(GraphBuilder b, string x)
    {
        b.Named("logits", "MatMul", [x, b.Weight(Width, Vocabulary)]);
        b.Output("logits", GraphBuilder.Float, "batch", "sequence", Vocabulary);
    }

    private static string Blocks(GraphBuilder b, string ids)
    {
        string x = Graphs.Embed(b, ids);
        x = b.Node("Add", [x, b.Attention(b.Norm(x, Width), Width, Graphs.Causal(b, ids))]);
        return b.Node("Add", [x, b.Mlp(b.Norm(x, Width), Width)]);
    }

    private static float[] Rows(OnnxHost host, string hook, params string[] texts) =>
        Rows(host, new LetterTokenizer(start: false), hook, texts);

    private static float[] Rows(OnnxHost host, LetterTokenizer tokenizer, string hook, params string[] texts)
    {
        using var pass = new ActivationPass(host, tokenizer, [host.FindOne(hook)]);
        return [.. pass.Run(texts.Select((text, i) => ((long)i, new Document($"{i}", text))))
            .SelectMany(document => document.Activations[0].AsSpan().ToArray())];
    }
}
