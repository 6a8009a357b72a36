using Unweave.Hosts;
using Unweave.Onnx;

namespace Unweave.Tests.Onnx;

/// <summary>Short names come from the shape of the graph.</summary>
public sealed class HookTests
{
    [Fact]
    public void A_pre_norm_decoder_has_streams_branches_heads_and_neurons()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Decoder().Save(folder));
        string[] block(int i) =>
            [$"blocks.{i}.attn.heads", $"blocks.{i}.attn", $"blocks.{i}.mid", $"blocks.{i}.mlp.neurons", $"blocks.{i}.mlp", $"blocks.{i}"];
        Assert.Equal(["embed", .. block(0), .. block(1), "final"], Named(host).Select(hook => hook.Name), StringComparer.Ordinal);
        Assert.Equal("mid0", host.FindOne("blocks.0.mid").Tensor);
        Assert.Equal("out0", host.FindOne("blocks.0").Tensor);
        Assert.Equal("out1", host.FindOne("blocks.1").Tensor);
        Assert.Equal(2 * Graphs.Width, host.FindOne("blocks.1.mlp.neurons").Width);
        Assert.Equal(["batch", "sequence", "8"], host.FindOne("blocks.1").Shape, StringComparer.Ordinal);
        Assert.All(Named(host), hook => Assert.True(hook.PerToken, hook.ToString()));
        Assert.True(host.Input.Causal);
        Assert.True(host.PredictsTokens);
        Assert.Equal(Graphs.Vocabulary, host.Vocabulary);
    }

    [Theory]
    [InlineData("fused")]
    [InlineData("merged")]
    [InlineData("functions")]
    public void A_decoder_that_was_fused_or_merged_has_the_hooks_of_a_plain_one(string name)
    {
        using TemporaryFolder one = new(), two = new();
        using OnnxHost plain = OnnxHost.Open(Graphs.Decoder().Save(one)), host = OnnxHost.Open(SpliceTests.Build(name).Save(two));
        Assert.Equal(Named(plain).Select(hook => (hook.Name, hook.Width)), Named(host).Select(hook => (hook.Name, hook.Width)));
        Assert.Equal("mid0", host.FindOne("blocks.0.mid").Tensor);
        Assert.Equal(name is "fused" ? "after1/sum" : "out1", host.FindOne("blocks.1").Tensor);
        Assert.True(host.Input.Causal && host.PredictsTokens);
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("dynamic 8 bits")]
    [InlineData("static 8 bits")]
    [InlineData("4 bits")]
    public void Heads_neurons_and_the_last_stream_are_found_before_products_of_every_kind_whatever_is_done_behind_them(string kind)
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.NormedBranches(kind switch
        {
            "plain" => null,
            "static 8 bits" => static (b, x, from, to) => b.Node("MatMul", [x, b.DequantizedWeight(from, to)]),
            "4 bits" => static (b, x, from, to) => b.FewBitProduct(x, from, to),
            _ => static (b, x, from, to) => b.QuantisedProduct(x, from, to),
        }).Save(folder));
        for (int block = 0; block < 2; block++)
        {
            Assert.Equal($"heads{block}", host.FindOne($"blocks.{block}.attn.heads").Tensor);
            Assert.Equal($"neurons{block}", host.FindOne($"blocks.{block}.mlp.neurons").Tensor);
            Assert.Equal($"mid{block}", host.FindOne($"blocks.{block}.mid").Tensor);
            Assert.Equal($"out{block}", host.FindOne($"blocks.{block}").Tensor);
            Assert.Equal(2, host.FindOne($"blocks.{block}.attn.heads").Heads);
        }

        // Where the tensor is known by another name, it is the input of the identity.
        Assert.Equal(Graphs.Width, host.FindOne("final").Width);
        using IHostRun run = host.Open(new HostPlan([host.FindOne("final"), host.FindOne("final_norm")]));
        run.Run(SpliceTests.Batch());
        Assert.Equal(run.Activations(1).AsSpan().ToArray(), run.Activations(0).AsSpan().ToArray());
    }

    [Fact]
    public void What_a_pooled_output_reads_is_not_what_an_unembedding_reads()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Pooled().Save(folder));
        Assert.DoesNotContain(host.Hooks, hook => hook.Kind == HookKind.Final);
    }

    [Fact]
    public void The_channels_of_an_image_are_followed_through_what_leaves_the_axes_in_place()
    {
        using var folder = new TemporaryFolder();
        var b = new GraphBuilder();
        string image = b.Input("image", GraphBuilder.Float, "batch", 3, 12, 10);
        string x = b.Named("stem", "Conv", [image, b.Weight(6, 3, 3, 3)], ("pads", new[] { 1, 1, 1, 1 }));
        b.Named("max", "Max", [x, b.Node("Mul", [x, b.Constant([0.1f])])]);
        b.Named("power", "Pow", ["max", b.Constant([2f])]);
        b.Named("cut", "Slice", ["power", b.Constant(0), b.Constant(4), b.Constant(1)]);
        b.Named("turned", "Transpose", ["cut"], ("perm", new[] { 0, 2, 3, 1 }));
        b.Named("mixed", "MatMul", ["turned", b.Weight(4, 5)]);
        b.Output("mixed", GraphBuilder.Float, "batch", 12, 10, 5);
        using OnnxHost host = OnnxHost.Open(b.Save(folder));
        Assert.Equal([("max", 6, 1), ("power", 6, 1), ("cut", 4, 1), ("turned", 4, 3), ("mixed", 5, 3)],
            ((string[])["max", "power", "cut", "turned", "mixed"]).Select(host.FindOne)
                .Select(hook => (hook.Name, hook.Width, hook.FeatureAxis)));
    }

    [Fact]
    public void A_post_norm_encoder_streams_through_its_normalizations()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Encoder().Save(folder));
        Hook last = host.FindOne("blocks.1");
        Assert.False(last.Tensor is "sum1");
        Assert.True(Named(host).Count(hook => hook.Kind == HookKind.Residual) == 2, string.Join(", ", Named(host)));
        Assert.False(host.Input.Causal);
        Assert.True(host.Input.Masked);
        Assert.False(host.PredictsTokens);
        Assert.Equal(Graphs.Vocabulary, host.Vocabulary);

        // The stream after the last block is the model's output.
        using IHostRun run = host.Open(new HostPlan([last], Output: true));
        run.Run(SpliceTests.Batch());
        Assert.Equal(run.Output.AsSpan().ToArray(), run.Activations(0).AsSpan().ToArray());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Attention_and_MLP_side_by_side_are_one_block(bool nested)
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Parallel(nested).Save(folder));
        Assert.Equal(["out0", "out1"], Named(host).Where(hook => hook.Kind == HookKind.Residual).Select(hook => hook.Tensor),
            StringComparer.Ordinal);
        Assert.Equal(2, Named(host).Count(hook => hook.Kind == HookKind.AttentionOutput));
        Assert.Equal(2, Named(host).Count(hook => hook.Kind == HookKind.BranchOutput));
        Assert.DoesNotContain(Named(host), hook => hook.Kind == HookKind.ResidualMiddle);
    }

    [Fact]
    public void A_convolutional_network_is_read_channel_vectors_first()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Convolutions().Save(folder));
        Assert.False(host.Input.Tokens);
        Hook block = host.FindOne("blocks.0");
        Assert.Equal(("joined", 6, 1), (block.Tensor, block.Width, block.FeatureAxis));
        Assert.Equal(["batch", "6", "8", "8"], block.Shape, StringComparer.Ordinal);

        // Against the definition: a row is the channels of one pixel.
        using var image = new Unweave.Numerics.Matrix(2, 3 * 16 * 16);
        new Unweave.Numerics.Rng(4).FillNormal(image.AsSpan());
        Hook pooled = host.FindOne("pooled"), after = host.FindOne("after");
        using IHostRun run = host.Open(new HostPlan([after, pooled]));
        run.Run(new ArrayBatch(image));
        Assert.Equal((2 * 64, 6), (run.Activations(0).Rows, run.Activations(0).Columns));
        for (int item = 0; item < 2; item++)
        {
            for (int channel = 0; channel < 6; channel++)
            {
                double mean = Enumerable.Range(0, 64).Average(pixel => run.Activations(0)[(item * 64) + pixel, channel]);
                Assert.Equal(run.Activations(1)[item, channel], mean, 4);
            }
        }
    }

    [Fact]
    public void A_hook_is_found_by_short_name_tensor_and_glob()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Decoder().Save(folder));
        Assert.Equal("blocks.1", host.FindOne("out1").Name);
        Assert.Equal(["blocks.0.mlp", "blocks.1.mlp"], host.Find("BLOCKS.?.mlp").Select(hook => hook.Name), StringComparer.Ordinal);
        Assert.Contains("one is needed", Assert.Throws<InputException>(() => host.FindOne("blocks.*")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_hook_names_the_nearest()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Decoder().Save(folder));
        string message = Assert.Throws<InputException>(() => host.FindOne("block.1")).Message;
        Assert.Contains("block.1", message, StringComparison.Ordinal);
        Assert.Contains("Nearest: blocks.1", message, StringComparison.Ordinal);
        Assert.Contains("There are embed, blocks.0.attn.heads", Assert.Throws<InputException>(() => host.Find("*xyz*")).Message,
            StringComparison.Ordinal);
    }

    private static IEnumerable<Hook> Named(OnnxHost host) => host.Hooks.Where(hook => hook.Kind != HookKind.Tensor);
}
