using System.Numerics.Tensors;
using BenchmarkDotNet.Attributes;
using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Benchmarks;

/// <summary>Every set of kernels that this processor runs, beside the platform's own vector library.</summary>
public unsafe class KernelBenchmarks
{
    private const int Width = 768, Rows = 4096, Active = 32;

    private readonly Matrix matrix =
        new(Rows, Width), result = new(1, Width), gradient = new(1, Width), first = new(1, Width), second = new(1, Width);
    private readonly int[] rows = new int[Active];
    private readonly float[] weights = new float[Active], dots = new float[Active];
    private KernelSet kernels = KernelSet.Current;

    /// <summary>Name of the set of kernels.</summary>
    [ParamsSource(nameof(Sets))]
    public string Set { get; set; } = "";

    public static IEnumerable<string> Sets => KernelSet.Available.Select(set => set.Name);

    [GlobalSetup]
    public void Setup()
    {
        kernels = KernelSet.Available.Single(set => string.Equals(set.Name, Set, StringComparison.Ordinal));
        var rng = new Rng(1);
        rng.FillNormal(matrix.AsSpan());
        rng.FillNormal(gradient.AsSpan());
        rng.FillNormal(weights);
        for (int j = 0; j < Active; j++) rows[j] = (int)rng.NextBelow(Rows);
    }

    [Benchmark]
    public void WeightedSum()
    {
        fixed (int* r = rows)
        fixed (float* w = weights)
            kernels.WeightedSum(result.Pointer, matrix.Pointer, Width, r, w, Active);
    }

    [Benchmark]
    public void WeightedSumByTensorPrimitives()
    {
        for (int j = 0; j < Active; j++) TensorPrimitives.MultiplyAdd(matrix.Row(rows[j]), weights[j], result.Row(0), result.Row(0));
    }

    [Benchmark]
    public void Dots()
    {
        fixed (int* r = rows)
        fixed (float* d = dots)
            kernels.Dots(result.Pointer, matrix.Pointer, Width, r, d, Active);
    }

    [Benchmark]
    public void DotsByTensorPrimitives()
    {
        for (int j = 0; j < Active; j++) dots[j] = TensorPrimitives.Dot(matrix.Row(rows[j]), result.Row(0));
    }

    [Benchmark]
    public void Adam() =>
        kernels.Adam(result.Pointer, first.Pointer, second.Pointer, gradient.Pointer, Width, new AdamStep(0.9f, 0.999f, 1e-8f, 1e-4f, 1));
}
