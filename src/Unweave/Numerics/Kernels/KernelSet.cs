using System.Numerics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Unweave.Numerics.Kernels;

/// <summary>Adam's numbers at one step, folded so that the inner loop multiplies (Kingma and Ba 2015, algorithm 1).</summary>
/// <param name="Beta1">β₁.</param>
/// <param name="Beta2">β₂.</param>
/// <param name="Epsilon">ε.</param>
/// <param name="Rate">lr / (1 − β₁ᵗ).</param>
/// <param name="SecondMomentScale">1 / (1 − β₂ᵗ).</param>
internal readonly record struct AdamStep(float Beta1, float Beta2, float Epsilon, float Rate, float SecondMomentScale);

/// <summary>
/// The inner loops, for one instruction set. <see cref="Current"/> is the widest that this processor has, or the one that the
/// environment variable <c>UNWEAVE_KERNELS</c> names. Pointers are not checked here: callers validate shapes at the public edge.
/// </summary>
internal abstract unsafe class KernelSet
{
    /// <summary>Every set that this processor can run, widest first.</summary>
    public static IReadOnlyList<KernelSet> Available { get; } = FindAvailable();

    /// <summary>The set in use.</summary>
    public static KernelSet Current { get; } = Choose(Environment.GetEnvironmentVariable("UNWEAVE_KERNELS"));

    /// <summary>Name of the set: avx512, avx2, portable or scalar.</summary>
    public abstract string Name { get; }

    /// <summary>Rows of a tile of the product.</summary>
    public abstract int TileRows { get; }

    /// <summary>Columns of a tile of the product.</summary>
    public abstract int TileColumns { get; }

    /// <summary>One tile of X·Wᵀ; see <see cref="ITile.Multiply"/>.</summary>
    public abstract void Multiply(float* x, float* w, nint depth, float* tile);

    /// <summary>One row of a tile: the same sums as those of <see cref="Multiply"/>, of a row that is alone.</summary>
    /// <param name="x">The row, <c>[depth]</c>.</param>
    /// <param name="w">A panel of W, <c>[depth][TileColumns]</c>.</param>
    /// <param name="depth">Length d of the sums.</param>
    /// <param name="row">Overwritten, <c>[TileColumns]</c>.</param>
    public abstract void MultiplyRow(float* x, float* w, nint depth, float* row);

    /// <summary>Appends the columns of a tile's row whose value plus bias is above a threshold, ascending.</summary>
    /// <param name="row">The row, <c>[TileColumns]</c>.</param>
    /// <param name="bias">Bias of each column, −∞ for padding, <c>[TileColumns]</c>.</param>
    /// <param name="threshold">Strict lower bound.</param>
    /// <param name="ids">Latent of each column.</param>
    /// <param name="values">Receives the values; room for TileColumns of them.</param>
    /// <param name="latents">Receives the latents; likewise.</param>
    /// <returns>How many were appended.</returns>
    public abstract int AppendAbove(float* row, float* bias, float threshold, int* ids, float* values, int* latents);

    /// <summary>destination += Σⱼ weights[j] · matrix[rows[j]], summed in the order of j.</summary>
    public abstract void WeightedSum(float* destination, float* matrix, nint width, int* rows, float* weights, nint count);

    /// <summary>results[j] = vector · matrix[rows[j]].</summary>
    public abstract void Dots(float* vector, float* matrix, nint width, int* rows, float* results, nint count);

    /// <summary>Σ aᵢ·bᵢ.</summary>
    public abstract float Dot(float* a, float* b, nint count);

    /// <summary>destination += scale · source.</summary>
    public abstract void AddScaled(float* destination, float* source, float scale, nint count);

    /// <summary>destination *= scale.</summary>
    public abstract void Scale(float* destination, float scale, nint count);

    /// <summary>One Adam step on consecutive weights.</summary>
    public abstract void Adam(float* weights, float* first, float* second, float* gradient, nint count, in AdamStep step);

    private static List<KernelSet> FindAvailable()
    {
        var sets = new List<KernelSet>();
        if (Avx512F.IsSupported && Vector512.IsHardwareAccelerated)
            sets.Add(new LaneKernels<Lanes512, Vector512<float>, Tile8x3<Lanes512, Vector512<float>>>("avx512"));
        if (Avx2.IsSupported && Fma.IsSupported)
            sets.Add(new LaneKernels<Lanes256, Vector256<float>, Tile4x3<Lanes256, Vector256<float>>>("avx2"));
        if (Vector.IsHardwareAccelerated)
            sets.Add(new LaneKernels<LanesPortable, Vector<float>, Tile4x3<LanesPortable, Vector<float>>>("portable"));
        sets.Add(new LaneKernels<LanesScalar, float, Tile4x3<LanesScalar, float>>("scalar"));
        return sets;
    }

    private static KernelSet Choose(string? name)
    {
        if (string.IsNullOrEmpty(name)) return Available[0];
        return Available.FirstOrDefault(set => string.Equals(set.Name, name, StringComparison.OrdinalIgnoreCase))
            ?? throw new InputException($"UNWEAVE_KERNELS is '{name}', but this processor runs "
                + $"{string.Join(", ", Available.Select(set => set.Name))}; name one of them or unset the variable.");
    }
}
