using Unweave.Evaluation;
using Unweave.Hosts;
using Unweave.Numerics;
using Unweave.Onnx;

namespace Unweave.Tests.Onnx;

/// <summary>Attention's heads, one by one and together, however a graph lays them out.</summary>
public sealed class HeadTests
{
    private const int Each = Graphs.Width / 2;

    // Heads joined; behind the tokens on an axis of their own; before the tokens; and both of these with the tokens before the texts.
    public static TheoryData<string, bool> Layouts => new()
    {
        { "heads0", false }, { "apart0", false }, { "mixed0", false }, { "flat0", false }, { "heads0", true }, { "apart0", true },
    };

    [Theory]
    [MemberData(nameof(Layouts))]
    public void One_head_is_its_part_of_all(string tensor, bool tokensFirst)
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Build(tokensFirst).Save(folder));
        Hook all = host.FindOne("blocks.0.attn.heads"), whole = host.FindOne(tensor);
        Assert.Equal((2, Graphs.Width, true), (whole.Heads, whole.Width, whole.PerToken));
        Hook[] heads = [host.FindOne($"{tensor}.0"), host.FindOne($"{tensor}.1")];
        Assert.All(heads, head => Assert.True(head.PerToken && head.Width == Each, head.ToString()));
        using IHostRun run = host.Open(new HostPlan([all, whole, .. heads]));
        run.Run(SpliceTests.Batch());
        Assert.Equal(run.Activations(0).AsSpan().ToArray(), run.Activations(1).AsSpan().ToArray());
        for (int row = 0; row < run.Activations(0).Rows; row++)
        {
            Assert.Equal(run.Activations(0).Row(row).ToArray(),
                (float[])[.. run.Activations(2).Row(row), .. run.Activations(3).Row(row)]);
        }
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public void One_head_is_put_back_and_replaced_alone(string tensor, bool tokensFirst)
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Build(tokensFirst).Save(folder));
        Hook all = host.FindOne(tensor), head = host.FindOne($"{tensor}.1");
        TokenBatch batch = SpliceTests.Batch();
        Assert.InRange(SpliceEvaluator.CleanSplice(host, all, batch), 0, 1e-6);
        Assert.InRange(SpliceEvaluator.CleanSplice(host, head, batch), 0, 1e-6);

        // No head, as against all heads of which one is none.
        using IHostRun clean = host.Open(new HostPlan([all])), one = host.Open(new HostPlan([], head, Output: true)),
            whole = host.Open(new HostPlan([], all, Output: true));
        clean.Run(batch);
        using Matrix changed = clean.Activations(0).Clone(), none = new(changed.Rows, Each);
        for (int row = 0; row < changed.Rows; row++) changed.Row(row)[Each..].Clear();
        one.Run(batch, none);
        whole.Run(batch, changed);
        Assert.Equal(whole.Output.AsSpan().ToArray(), one.Output.AsSpan().ToArray(), (a, b) => Math.Abs(a - b) < 1e-5);
        Assert.Contains("cannot be read in the same run",
            Assert.Throws<InputException>(() => host.Open(new HostPlan([host.FindOne($"{tensor}.0")], head, Output: true))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Heads_that_are_not_there_are_refused_and_several_are_found_at_once()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Decoder().Save(folder));
        Assert.Equal(["blocks.0.attn.heads.1", "blocks.1.attn.heads.1"], host.Find("blocks.*.attn.heads.1").Select(hook => hook.Name),
            StringComparer.Ordinal);
        Assert.Contains("the heads 0 to 1", Assert.Throws<InputException>(() => host.FindOne("blocks.0.attn.heads.2")).Message,
            StringComparison.Ordinal);
        Assert.Contains("no heads", Assert.Throws<InputException>(() => host.FindOne("blocks.0.mlp.1")).Message, StringComparison.Ordinal);
        Hook mean = host.FindOne("blocks.0.attn.heads.1.mean");
        Assert.True(mean.PerText && mean.Width == Each);
    }

    // One block of attention that goes through every layout of its heads.
    private static GraphBuilder Build(bool tokensFirst)
    {
        var b = new GraphBuilder(13);
        string ids = b.Input("input_ids", GraphBuilder.Int64, "batch", "sequence");
        string x = Graphs.Embed(b, ids), read = b.Norm(x, Graphs.Width);
        string q = Apart(read), k = Apart(read), v = Apart(read);
        string scores = b.Node("MatMul", [q, b.Node("Transpose", [k], ("perm", new[] { 0, 1, 3, 2 }))]);
        scores = b.Node("Add", [scores, Graphs.Causal(b, ids)]);
        string mixed = b.Named("mixed0", "MatMul", [b.Node("Softmax", [scores], ("axis", -1)), v]);
        string joined;
        if (tokensFirst)
        {
            string apart = b.Named("apart0", "Transpose", [mixed], ("perm", new[] { 2, 0, 1, 3 }));
            joined = b.Named("heads0", "Reshape", [apart, b.Constant(0, 0, Graphs.Width)]);
            joined = b.Node("Transpose", [b.Linear(joined, Graphs.Width, Graphs.Width)], ("perm", new[] { 1, 0, 2 }));
        }
        else
        {
            string apart = b.Named("apart0", "Transpose", [mixed], ("perm", new[] { 0, 2, 1, 3 }));
            string flat = b.Named("flat0", "Reshape", [apart, b.Constant(-1, 2, Each)]);
            string back = b.Node("Reshape", [flat, b.Node("Shape", [apart])]);
            joined = b.Linear(b.Named("heads0", "Reshape", [back, b.Constant(0, 0, Graphs.Width)]), Graphs.Width, Graphs.Width);
        }

        x = b.Node("Add", [x, joined]);
        b.Named("logits", "MatMul", [x, b.Weight(Graphs.Width, Graphs.Vocabulary)]);
        b.Output("logits", GraphBuilder.Float, "batch", "sequence", Graphs.Vocabulary);
        return b;

        string Apart(string x) => b.Node("Transpose",
            [b.Node("Reshape", [b.Linear(x, Graphs.Width, Graphs.Width), b.Constant(0, 0, 2, Each)])], ("perm", new[] { 0, 2, 1, 3 }));
    }
}
