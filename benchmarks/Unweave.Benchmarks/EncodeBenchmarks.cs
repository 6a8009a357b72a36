using BenchmarkDotNet.Attributes;
using Unweave.Numerics;

namespace Unweave.Benchmarks;

/// <summary>The fused encoder beside a dense product that writes every pre-activation and then searches it.</summary>
public unsafe class EncodeBenchmarks
{
    private const int Batch = 2048, Width = 768, Latents = 12288, Active = 32;

    private readonly Workers workers = new();
    private readonly Matrix x = new(Batch, Width), w = new(Latents, Width), bias = new(1, Latents), pre = new(Batch, Latents);
    private readonly SparseCodes codes = new(Latents);
    private FusedEncoder? encoder;
    private DenseProduct? product;

    [GlobalSetup]
    public void Setup()
    {
        var rng = new Rng(1);
        rng.FillNormal(x.AsSpan());
        rng.FillNormal(w.AsSpan(), 1 / Math.Sqrt(Width));
        encoder = new FusedEncoder(workers);
        product = new DenseProduct(workers);
    }

    [Benchmark(Baseline = true)]
    public void DenseThenSelect()
    {
        product!.PackRight(w, transposed: true);
        product.Multiply(x, transposed: false, pre);
        workers.Run(Batch, r =>
        {
            float[] row = pre.Row(r).ToArray();
            _ = Selection.KthLargest(row, Active);
        });
    }

    [Benchmark]
    public void Fused()
    {
        encoder!.Load(x);
        encoder.TopK(w, bias.Pointer, Active, [], codes);
    }
}
