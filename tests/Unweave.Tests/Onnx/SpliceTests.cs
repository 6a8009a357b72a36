using Unweave.Evaluation;
using Unweave.Hosts;
using Unweave.Numerics;
using Unweave.Onnx;

namespace Unweave.Tests.Onnx;

/// <summary>Activations that are read and put back change nothing, at every hook of graphs of every make.</summary>
public sealed class SpliceTests
{
    public static TheoryData<string> Models =>
        [
            "decoder", "encoder", "convolutions", "around", "parallel", "nested", "conditional", "half", "quantised", "past", "fused",
            "merged", "pooled", "normed", "four bits", "functions",
        ];

    [Theory]
    [MemberData(nameof(Models))]
    public void The_clean_activation_put_back_gives_the_clean_output_at_every_hook(string name)
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Build(name).Save(folder));
        int spliced = 0;

        // The runtime keeps more than 16 bits between operations, and the hook has 16.
        double tolerance = name is "half" ? 1e-3 : 1e-6;
        using Matrix? array = host.Input.Tokens
            ? null
            : Noise(3, host.Input.Arrays[0].Shape.Aggregate(1, (product, axis) => product * axis!.Value));
        HostBatch batch = array is null ? Batch() : new ArrayBatch(array);
        foreach (Hook hook in host.Hooks.Where(hook => !IsOutput(hook)))
        {
            try
            {
                Assert.InRange(SpliceEvaluator.CleanSplice(host, hook, batch), 0, tolerance);
                spliced++;
            }
            catch (InputException e) when (e.Message.Contains("nothing that is read depends on", StringComparison.Ordinal))
            {
            }
        }

        Assert.True(spliced >= (name is "conditional" or "half" ? 3 : 8), $"{spliced} hooks of {host.Hooks.Count}");
    }

    [Fact]
    public void Activations_are_put_back_where_two_lengths_follow_the_input()
    {
        using var folder = new TemporaryFolder();
        var b = new GraphBuilder();
        string x = b.Named("stem", "Conv", [b.Input("image", GraphBuilder.Float, "batch", 3, "height", "width"), b.Weight(6, 3, 3, 3)]);
        x = b.Named("turned", "Transpose", [b.Named("bent", "Relu", [x])], ("perm", new[] { 0, 2, 3, 1 }));
        b.Named("out", "ReduceMean", [b.Node("MatMul", [x, b.Weight(6, 5)])], ("axes", new[] { 1, 2 }), ("keepdims", 0));
        b.Output("out", GraphBuilder.Float, "batch", 5);
        using OnnxHost host = OnnxHost.Open(b.Save(folder));
        using Matrix images = Noise(3, 3 * 10 * 7);
        var batch = new ArrayBatch([images], [[3, 10, 7]]);
        foreach (string name in (string[])["stem", "bent", "turned"])
        {
            Hook hook = host.FindOne(name);
            Assert.Equal(2, hook.Shape.Count(axis => axis is "?"));
            Assert.InRange(SpliceEvaluator.CleanSplice(host, hook, batch), 0, 1e-6);
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Another_activation_put_in_changes_the_output(string name)
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Build(name).Save(folder));
        Hook hook = host.Hooks.First(hook =>
            hook.Kind is HookKind.Residual or HookKind.Embedding || hook.Name is "hidden" or "joined" or "sum");
        using Matrix? array = host.Input.Tokens
            ? null
            : Noise(3, host.Input.Arrays[0].Shape.Aggregate(1, (product, axis) => product * axis!.Value));
        HostBatch batch = array is null ? Batch() : new ArrayBatch(array);
        using IHostRun clean = host.Open(new HostPlan([hook], Output: true)), patched = host.Open(new HostPlan([], hook, Output: true));
        clean.Run(batch);
        using Matrix changed = clean.Activations(0).Clone();
        changed.Clear();
        patched.Run(batch, changed);
        Assert.NotEqual(clean.Output.AsSpan().ToArray(), patched.Output.AsSpan().ToArray());
    }

    internal static GraphBuilder Build(string name) => name switch
    {
        "decoder" => Graphs.Decoder(),
        "encoder" => Graphs.Encoder(),
        "convolutions" => Graphs.Convolutions(),
        "around" => Graphs.Around(),
        "parallel" => Graphs.Parallel(nested: false),
        "nested" => Graphs.Parallel(nested: true),
        "half" => Graphs.Half(),
        "quantised" => Graphs.Quantised(),
        "past" => Graphs.WithPast(),
        "fused" => Graphs.Fused(),
        "merged" => Graphs.Merged(),
        "pooled" => Graphs.Pooled(),
        "normed" => Graphs.NormedBranches(),
        "four bits" => Graphs.NormedBranches(static (b, x, from, to) => b.FewBitProduct(x, from, to)),
        "functions" => Graphs.Functions(),
        _ => Graphs.Conditional(),
    };

    internal static TokenBatch Batch() => new([new int[] { 1, 2, 3, 4, 5, 6 }, new int[] { 7, 8, 9 }, new int[] { 10, 11, 12, 13 }]);

    private static bool IsOutput(Hook hook) => hook.Tensor is "logits" or "last_hidden_state";

    private static Matrix Noise(int rows, int columns)
    {
        var noise = new Matrix(rows, columns);
        new Rng(9).FillNormal(noise.AsSpan());
        return noise;
    }
}
