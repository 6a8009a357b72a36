using System.Runtime.CompilerServices;
using Unweave.Autoencoders;
using Unweave.Checkpoints;
using Unweave.Numerics;

namespace Unweave.Tests.Numerics;

public sealed class MatrixTests
{
    [Fact]
    public void More_elements_than_a_span_holds_are_read_by_rows_and_blocks()
    {
        using var matrix = new Matrix(65_537, 32_768); // 8 GB of address space, of which two pages are touched
        matrix[65_536, 7] = 3;
        Assert.Equal(3, matrix.Row(65_536)[7]);
        Assert.Equal(3, matrix.Block(65_535, 2)[32_768 + 7]);
        Assert.Contains("by Block", Assert.Throws<InvalidOperationException>(() => matrix.AsSpan().Length).Message,
            StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => matrix.Block(0, 65_537).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => matrix.Block(65_536, 2).Length);
    }

    [Fact]
    public void A_refused_layout_leaves_sparse_codes_as_they_were()
    {
        var codes = new SparseCodes(10, [0, 2, 3], [1, 4, 7], [1f, 2f, 3f]);
        Assert.Contains("give fewer rows", Assert.Throws<InputException>(() => codes.Layout([int.MaxValue, int.MaxValue, 1])).Message,
            StringComparison.Ordinal);
        Assert.Equal((2, 3L), (codes.Rows, codes.Count));
        Assert.Equal([0L, 2, 3], codes.Starts.ToArray());
        Assert.Equal([1, 4], codes.Latents(0).ToArray());
        Assert.Equal([3f], codes.Values(1).ToArray());
    }

    [Theory]
    [InlineData("""{ "architecture": "relu", "latents": 4096 }""")]
    [InlineData("""{ "architecture": "topk", "latents": 4096 }""")]
    [InlineData("""{ "architecture": "kl", "latents": 512 }""")]
    public void Nothing_is_given_back_while_an_autoencoder_that_nobody_holds_encodes(string options)
    {
        using var folder = new TemporaryFolder();
        using (Autoencoder made = AutoencoderJson.Read(options, "test").Build(256, new Rng(1))) made.Save(folder["sae"]);
        using var x = new Matrix(512, 256);
        new Rng(2).FillNormal(x.AsSpan());
        bool stop = false;
        var collector = new Thread(() =>
        {
            while (!Volatile.Read(ref stop))
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        });
        collector.Start();
        try
        {
            SparseCodes expected = EncodeOnce(folder["sae"], x);
            for (int i = 0; i < 6; i++) Assert.Equal(expected.AllValues, EncodeOnce(folder["sae"], x).AllValues);
            Assert.Equal(1, LastRow(new Matrix(3, 40_000)));
        }
        finally
        {
            Volatile.Write(ref stop, true);
            collector.Join();
        }
    }

    // Optimized, so that nothing but the call itself could keep the autoencoder alive.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static SparseCodes EncodeOnce(string path, Matrix x) => SparseAutoencoder.Load(path).Encode(x);

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static float LastRow(Matrix matrix)
    {
        Span<float> row = matrix.Row(2);
        row.Fill(1);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return row[^1];
    }
}
