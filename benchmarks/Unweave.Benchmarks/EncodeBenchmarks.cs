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

/// <summary>One row: the screen in 8 bits beside packing the whole encoder, and the product in 8 bits alone.</summary>
public unsafe class EncodeRowBenchmarks
{
    private const int Width = 384, Latents = 8192, Active = 32;

    private readonly Workers one = new(1);
    private readonly Matrix x = new(1, Width), w = new(Latents, Width), bias = new(1, Latents);
    private readonly SparseCodes codes = new(Latents);
    private readonly float[] products = new float[Latents];
    private readonly ScreenedEncoder screened = new();
    private FusedEncoder? fused;
    private Int8Matrix? screen;

    [GlobalSetup]
    public void Setup()
    {
        var rng = new Rng(1);
        rng.FillNormal(x.AsSpan());
        rng.FillNormal(w.AsSpan(), 1 / Math.Sqrt(Width));
        screen = new Int8Matrix(w, one);
        fused = new FusedEncoder(one);
    }

    [Benchmark(Baseline = true)]
    public void Packed()
    {
        fused!.Load(x);
        fused.TopK(w, bias.Pointer, Active, [], codes);
    }

    [Benchmark]
    public void Screened() => screened.TryTopK(screen!, w, bias.Row(0), Active, x, codes);

    [Benchmark]
    public void ProductIn8Bits() => screen!.Multiply(x.Row(0), products);
}
