using System.Security.Cryptography;
using Microsoft.ML.OnnxRuntime;
using Unweave.Hosts;
using Unweave.Numerics;
using Unweave.Onnx;

namespace Unweave.Tests.Onnx;

/// <summary>Models as files: what is read, what is refused, and what padding does.</summary>
public sealed class OnnxHostTests
{
    [Fact]
    public void Weights_in_a_file_beside_the_model_are_found()
    {
        using TemporaryFolder one = new(), two = new();
        using OnnxHost inside = OnnxHost.Open(Graphs.Decoder().Save(one)),
            beside = OnnxHost.Open(Graphs.Decoder().SaveWithWeightsBeside(two, "weights.bin"));
        Assert.Equal(Logits(inside), Logits(beside));
        byte[] both = [.. File.ReadAllBytes(two["model.onnx"]), .. File.ReadAllBytes(two["weights.bin"])];
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(both)), beside.Hash);
    }

    [Fact]
    public void Weights_in_the_file_are_copied_for_no_part_of_the_model()
    {
        const int Width = 5000;
        const long Weights = 4L * Width * Width;
        using var folder = new TemporaryFolder();
        string path = Wide(Width).Save(folder);
        long before = GC.GetAllocatedBytesForCurrentThread();
        using OnnxHost host = OnnxHost.Open(path);
        long opened = GC.GetAllocatedBytesForCurrentThread();
        Hook hook = host.FindOne("hidden");
        using IHostRun below = host.Open(new HostPlan([hook])), above = host.Open(new HostPlan([], hook, Output: true)),
            whole = host.Open(new HostPlan([], Output: true));
        long planned = GC.GetAllocatedBytesForCurrentThread();
        Assert.InRange(opened - before, 0, 0.02 * Weights);
        Assert.InRange(planned - opened, 0, 0.01 * Weights);

        // The parts still compute what the whole does.
        using var x = new Matrix(2, Width);
        new Rng(3).FillNormal(x.AsSpan());
        var batch = new ArrayBatch([x]);
        whole.Run(batch);
        below.Run(batch);
        above.Run(batch, below.Activations(0));
        Assert.Equal(whole.Output.AsSpan().ToArray(), above.Output.AsSpan().ToArray());

        // And what the runtime computes on the file itself.
        using var alone = new InferenceSession(path);
        using OrtValue input = OrtValue.CreateTensorValueFromMemory(x.AsSpan().ToArray(), [2, Width]);
        using var options = new RunOptions();
        using IDisposableReadOnlyCollection<OrtValue> own = alone.Run(options, alone.InputNames, [input], alone.OutputNames);
        Assert.Equal(own[0].GetTensorDataAsSpan<float>().ToArray(), whole.Output.AsSpan().ToArray(),
            (a, b) => Math.Abs(a - b) < 1e-4 * Math.Max(1, Math.Abs(a)));
        Assert.True(whole.Output.AsSpan().ToArray().Max(Math.Abs) > 0);
    }

    [Fact]
    public void A_model_that_was_replaced_while_in_use_is_refused()
    {
        using var folder = new TemporaryFolder();
        string path = Graphs.Decoder().Save(folder);
        using OnnxHost host = OnnxHost.Open(path);
        File.SetLastWriteTimeUtc(path, File.GetLastWriteTimeUtc(path).AddSeconds(1));
        Assert.Contains("was changed or removed", Assert.Throws<InputException>(() => host.Open(new HostPlan([], Output: true))).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("missing.bin", "which is not beside it")]
    [InlineData("../weights.bin", "outside its folder")]
    [InlineData("/etc/passwd", "outside its folder")]
    [InlineData("", "outside its folder")]
    public void Weights_that_are_missing_or_elsewhere_are_refused(string location, string part)
    {
        using var folder = new TemporaryFolder();
        string path = Graphs.Decoder().SaveWithWeightsBeside(folder, location);
        Refused(path, part);
    }

    [Fact]
    public void What_is_not_a_model_is_named()
    {
        using var folder = new TemporaryFolder();
        string path = Graphs.Decoder().Save(folder);
        byte[] whole = File.ReadAllBytes(path);
        File.WriteAllText(folder["text.onnx"], "this is not a model");
        File.WriteAllBytes(folder["empty.onnx"], []);
        File.WriteAllBytes(folder["cut.onnx"], whole[..(whole.Length / 2)]);
        File.WriteAllBytes(folder["zeros.onnx"], new byte[100]);
        Refused(folder["text.onnx"], "text.onnx is not an ONNX model");
        Refused(folder["empty.onnx"], "is empty");
        Refused(folder["cut.onnx"], "cut short");
        Refused(folder["zeros.onnx"], "not an ONNX model");
        Refused(folder["none.onnx"], "no such file");
    }

    [Fact]
    public void Damaged_models_end_in_a_clear_error_or_in_the_model()
    {
        using var folder = new TemporaryFolder();
        byte[] whole = File.ReadAllBytes(Graphs.Decoder().Save(folder));
        var random = new Unweave.Numerics.Rng(5);
        int refused = 0;
        for (int round = 0; round < 300; round++)
        {
            byte[] damaged = [.. whole];
            for (int i = 0; i <= random.NextBelow(4); i++) damaged[random.NextBelow(damaged.Length)] = (byte)random.NextBelow(256);
            if (random.NextBelow(4) == 0) damaged = damaged[..(int)random.NextBelow(damaged.Length)];
            File.WriteAllBytes(folder["damaged.onnx"], damaged);
            try
            {
                OnnxHost.Open(folder["damaged.onnx"], threads: 1).Dispose();
            }
            catch (InputException e)
            {
                Assert.DoesNotContain('\n', e.Message);
                refused++;
            }
        }

        Assert.InRange(refused, 30, 299);
    }

    [Fact]
    public void A_folder_is_searched_for_its_model()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("has no ONNX file", Assert.Throws<InputException>(() => OnnxHost.Open(folder.Path)).Message,
            StringComparison.Ordinal);
        Directory.CreateDirectory(folder["onnx"]);
        File.Move(Graphs.Decoder().Save(folder), folder[Path.Combine("onnx", "decoder.onnx")]);
        File.WriteAllText(folder["config.json"], """{ "n_positions": 20 }""");
        using (OnnxHost found = OnnxHost.Open(folder.Path))
        {
            Assert.EndsWith("decoder.onnx", found.Name, StringComparison.Ordinal);
            Assert.Equal(20, found.Input.Context);
        }

        File.Copy(folder[Path.Combine("onnx", "decoder.onnx")], folder[Path.Combine("onnx", "other.onnx")]);
        Assert.Contains("decoder.onnx, other.onnx", Assert.Throws<InputException>(() => OnnxHost.Open(folder.Path)).Message,
            StringComparison.Ordinal);
        File.WriteAllText(folder["config.json"], "{");
        File.Delete(folder[Path.Combine("onnx", "other.onnx")]);
        Assert.Contains("is not JSON", Assert.Throws<InputException>(() => OnnxHost.Open(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("decoder")]
    [InlineData("encoder")]
    [InlineData("past")]
    public void Padding_changes_nothing_before_it(string name)
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(SpliceTests.Build(name).Save(folder));
        Hook hook = host.Hooks.Last(hook => hook.Kind == HookKind.Residual);
        using IHostRun run = host.Open(new HostPlan([hook]));
        int[] text = [5, 6, 7];
        run.Run(new TokenBatch([text]));
        float[] alone = run.Activations(0).AsSpan().ToArray();
        run.Run(new TokenBatch([new int[] { 1, 2, 3, 4, 5, 6, 7, 8 }, text], padding: 9));
        float[] together = run.Activations(0).AsSpan().Slice(8 * hook.Width, 3 * hook.Width).ToArray();
        for (int i = 0; i < alone.Length; i++) Assert.Equal(alone[i], together[i], 5);
    }

    [Fact]
    public void A_batch_that_the_model_refuses_says_so_in_one_line()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Decoder().Save(folder));
        using IHostRun run = host.Open(new HostPlan([], Output: true));
        string message = Assert.Throws<InputException>(() => run.Run(new TokenBatch([new int[] { 1, 1000 }]))).Message;
        Assert.Contains("refuses this batch (1 × 2 tokens)", message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
        Assert.Throws<InputException>(() => run.Run(new TokenBatch([new int[100]])));
        Assert.Throws<ArgumentException>(() => run.Run(new TokenBatch([new int[2]]), new Unweave.Numerics.Matrix(2, 8)));
    }

    [Fact]
    public void A_plan_that_changes_nothing_is_refused()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Decoder().Save(folder));
        Hook early = host.FindOne("blocks.0"), late = host.FindOne("blocks.1");
        Assert.Contains("nothing that is read depends on blocks.1",
            Assert.Throws<InputException>(() => host.Open(new HostPlan([early], late))).Message, StringComparison.Ordinal);
        Assert.Contains("is patched, so", Assert.Throws<InputException>(() => host.Open(new HostPlan([early], early))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_later_hook_is_read_while_an_earlier_one_is_patched()
    {
        using var folder = new TemporaryFolder();
        using OnnxHost host = OnnxHost.Open(Graphs.Decoder().Save(folder));
        Hook early = host.FindOne("blocks.0"), late = host.FindOne("blocks.1");
        using IHostRun clean = host.Open(new HostPlan([early, late])), patched = host.Open(new HostPlan([late], early, Output: true));
        clean.Run(SpliceTests.Batch());
        patched.Run(SpliceTests.Batch(), clean.Activations(0));
        Assert.Equal(clean.Activations(1).AsSpan().ToArray(), patched.Activations(0).AsSpan().ToArray());
    }

    [Fact]
    public void An_input_that_cannot_be_fed_is_named()
    {
        using var folder = new TemporaryFolder();
        var two = new GraphBuilder();
        two.Output(two.Node("Add",
            [two.Node("Cast", [two.Input("input_ids", GraphBuilder.Int64, "batch", "sequence")], ("to", GraphBuilder.Float)),
                two.Input("pixels", GraphBuilder.Float, "batch", "sequence")]), GraphBuilder.Float, "batch", "sequence");
        Refused(two.Save(folder), "also pixels");
        var deep = new GraphBuilder();
        deep.Output(deep.Node("Identity", [deep.Input("cube", GraphBuilder.Int64, 2, 2, 2)]), GraphBuilder.Int64, 2, 2, 2);
        Refused(deep.Save(folder), "what to feed to input cube");
    }

    private static GraphBuilder Wide(int width)
    {
        var b = new GraphBuilder();
        string x = b.Input("x", GraphBuilder.Float, "batch", width);
        b.Named("logits", "MatMul", [b.Named("hidden", "MatMul", [x, b.Weight(width, width)]), b.Weight(width, 10)]);
        b.Output("logits", GraphBuilder.Float, "batch", 10);
        return b;
    }

    private static void Refused(string path, string part) =>
        Assert.Contains(part, Assert.Throws<InputException>(() => OnnxHost.Open(path)).Message, StringComparison.Ordinal);

    private static float[] Logits(OnnxHost host)
    {
        using IHostRun run = host.Open(new HostPlan([], Output: true));
        run.Run(SpliceTests.Batch());
        return run.Output.AsSpan().ToArray();
    }
}
