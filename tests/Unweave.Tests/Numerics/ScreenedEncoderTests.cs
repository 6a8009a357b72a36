using CsCheck;
using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Tests.Numerics;

public sealed unsafe class ScreenedEncoderTests
{
    public static TheoryData<string> Sets => [.. KernelSet.Available.Select(set => set.Name)];

    // Small whole numbers make many pre-activations equal to the last place; the others are as in use.
    [Theory]
    [MemberData(nameof(Sets))]
    public void Codes_are_the_bytes_of_the_fused_encoder(string name)
    {
        KernelSet kernels = KernelSet.Available.Single(set => string.Equals(set.Name, name, StringComparison.Ordinal));
        Gen.Select(Gen.Int[1, 700], Gen.Int[1, 70], Gen.Int[1, 90], Gen.Bool, Gen.ULong).Sample(
            (n, d, k, whole, seed) =>
            {
                var rng = new Rng(seed);
                using Matrix weights = new(n, d), bias = new(1, n), x = new(3, d);
                foreach (Matrix matrix in (Matrix[])[weights, bias, x])
                {
                    rng.FillNormal(matrix.AsSpan());
                    if (!whole) continue;
                    foreach (ref float value in matrix.AsSpan()) value = MathF.Round(value);
                }

                if (n > 3) weights.Row(n / 2).Clear();
                x.Row(2).Clear();
                using var screen = new Int8Matrix(weights, Workers.Shared);
                using var fused = new FusedEncoder(Workers.Shared, kernels);
                using var screened = new ScreenedEncoder(kernels);
                SparseCodes expected = new(n), actual = new(n);
                fused.Load(x);
                fused.TopK(weights, bias.Pointer, k, [], expected);
                Assert.True(screened.TryTopK(screen, weights, bias.Row(0), k, x, actual));
                Same(expected, actual);
                float threshold = (float)rng.NextBelow(4) / 2;
                fused.Above(weights, bias.Pointer, threshold, expected);
                Assert.True(screened.TryAbove(screen, weights, bias.Row(0), threshold, x, actual));
                Same(expected, actual);
            },
            iter: 300);
    }

    [Fact]
    public void What_has_no_bounds_is_left_to_the_fused_encoder()
    {
        using Matrix weights = new(4, 2, [1, 2, 3, 4, 5, 6, 7, 8]), x = new(2, 2, [1, 1, 1, float.NaN]);
        using var screen = new Int8Matrix(weights, Workers.Shared);
        using var screened = new ScreenedEncoder();
        var codes = new SparseCodes(4);
        Assert.False(screened.TryTopK(screen, weights, new float[4], 2, x, codes));
        Assert.False(screened.TryAbove(screen, weights, new float[4], 2, x, codes));
        Assert.Equal(0, codes.Rows);
    }

    // Large enough for the screen to leave most latents out: the same codes, of far fewer products.
    [Fact]
    public void Rows_of_a_large_dictionary_are_the_same_too()
    {
        const int Latents = 4096, Width = 128;
        var rng = new Rng(8);
        using Matrix weights = new(Latents, Width), bias = new(1, Latents), x = new(200, Width);
        rng.FillNormal(weights.AsSpan());
        rng.FillNormal(bias.AsSpan());
        rng.FillNormal(x.AsSpan());
        using var screen = new Int8Matrix(weights, Workers.Shared);
        using var fused = new FusedEncoder(Workers.Shared);
        using var screened = new ScreenedEncoder();
        SparseCodes expected = new(Latents), actual = new(Latents);
        fused.Load(x);
        fused.TopK(weights, bias.Pointer, 32, [], expected);
        Assert.True(screened.TryTopK(screen, weights, bias.Row(0), 32, x, actual));
        Same(expected, actual);
        Assert.InRange(screened.Multiplied, 200 * 32, 200 * Latents / 10);
    }

    private static void Same(SparseCodes expected, SparseCodes actual)
    {
        Assert.Equal(expected.Starts, actual.Starts);
        Assert.Equal(expected.AllLatents, actual.AllLatents);
        Assert.Equal(expected.AllValues.ToArray().Select(BitConverter.SingleToInt32Bits),
            actual.AllValues.ToArray().Select(BitConverter.SingleToInt32Bits));
    }
}
