using Unweave.Numerics;
using Unweave.Numerics.Kernels;

namespace Unweave.Tests.Numerics;

/// <summary>
/// Every set of kernels that this processor runs, against plain loops in double precision, at every length past the widest register.
/// </summary>
public sealed unsafe class KernelTests
{
    private const int Longest = 70;

    public static TheoryData<string> Sets => [.. KernelSet.Available.Select(set => set.Name)];

    private static KernelSet Named(string name) =>
        KernelSet.Available.Single(set => string.Equals(set.Name, name, StringComparison.Ordinal));

    private static Matrix Normal(Rng rng, int rows, int columns)
    {
        var matrix = new Matrix(rows, columns);
        rng.FillNormal(matrix.AsSpan());
        return matrix;
    }

    private static void Near(double expected, double actual, double magnitude, string what) =>
        Assert.True(Math.Abs(expected - actual) <= 1e-6 * (1 + magnitude), $"{what}: expected {expected}, got {actual}");

    [Theory]
    [MemberData(nameof(Sets))]
    public void Tiles_match_the_reference_at_every_depth(string name)
    {
        KernelSet kernels = Named(name);
        var rng = new Rng(1);
        for (int depth = 0; depth <= Longest; depth++)
        {
            using Matrix x = Normal(rng, kernels.TileRows, depth), w = Normal(rng, kernels.TileColumns, depth);
            float[] packedX = Interleave(x), packedW = Interleave(w), tile = new float[kernels.TileRows * kernels.TileColumns];
            Array.Fill(tile, float.NaN);
            fixed (float* px = packedX)
            fixed (float* pw = packedW)
            fixed (float* pt = tile) kernels.Multiply(px, pw, depth, pt);
            double[,] expected = ReferenceKernels.Product(x, w);
            for (int r = 0; r < kernels.TileRows; r++)
                for (int c = 0; c < kernels.TileColumns; c++)
                    Near(expected[r, c], tile[(r * kernels.TileColumns) + c], depth, $"depth {depth} [{r}, {c}]");
        }
    }

    [Fact]
    public void Panels_interleave_rows_and_columns_and_pad_with_zeros()
    {
        const int Width = 20;
        float** pointers = stackalloc float*[Width];
        var rng = new Rng(2);
        for (int count = 0; count <= 20; count++)
        {
            for (int depth = 0; depth <= 35; depth++)
            {
                using Matrix rows = Normal(rng, count, depth), columns = Normal(rng, depth, count);
                float[] fromRows = new float[depth * Width], fromColumns = new float[depth * Width];
                Array.Fill(fromRows, float.NaN);
                Array.Fill(fromColumns, float.NaN);
                for (int r = 0; r < count; r++) pointers[r] = rows.Pointer + (r * depth);
                fixed (float* a = fromRows) Panels.FromRows(pointers, count, Width, depth, a);
                fixed (float* b = fromColumns) Panels.FromColumns(columns.Pointer, count, count, Width, depth, b);
                for (int p = 0; p < depth; p++)
                {
                    for (int c = 0; c < Width; c++)
                    {
                        Assert.Equal(c < count ? rows[c, p] : 0, fromRows[(p * Width) + c]);
                        Assert.Equal(c < count ? columns[p, c] : 0, fromColumns[(p * Width) + c]);
                    }
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Sets))]
    public void Vector_kernels_match_the_reference_at_every_length(string name)
    {
        KernelSet kernels = Named(name);
        var rng = new Rng(3);
        for (int length = 0; length <= Longest; length++)
        {
            using Matrix vectors = Normal(rng, 13, length);
            float* v = vectors.Pointer;
            Near(ReferenceKernels.Dot(vectors.Row(0), vectors.Row(1)), kernels.Dot(v, v + length, length), length, $"dot {length}");

            for (int count = 0; count <= 12; count++)
            {
                int[] rows = [.. Enumerable.Range(0, count).Select(_ => 1 + (int)rng.NextBelow(12))];
                float[] weights = [.. rows.Select(_ => (float)rng.NextNormal())], sum = vectors.Row(0).ToArray(), dots = new float[count];
                double[] expected = ReferenceKernels.WeightedSum(sum, vectors, rows, weights);
                fixed (int* pr = rows)
                fixed (float* pw = weights)
                fixed (float* ps = sum)
                fixed (float* pd = dots)
                {
                    kernels.WeightedSum(ps, v, length, pr, pw, count);
                    kernels.Dots(v, v, length, pr, pd, count);
                }

                for (int c = 0; c < length; c++) Near(expected[c], sum[c], count * 4, $"weighted sum {length}×{count} [{c}]");
                for (int j = 0; j < count; j++)
                    Near(ReferenceKernels.Dot(vectors.Row(0), vectors.Row(rows[j])), dots[j], length, $"dots {length} [{j}]");
            }

            float[] scaled = vectors.Row(2).ToArray(), added = vectors.Row(3).ToArray();
            fixed (float* ps = scaled)
            fixed (float* pa = added)
            {
                kernels.Scale(ps, 1.7f, length);
                kernels.AddScaled(pa, v, -0.3f, length);
            }

            for (int c = 0; c < length; c++)
            {
                Assert.Equal(vectors[2, c] * 1.7f, scaled[c]);
                Near(vectors[3, c] - (0.3f * (double)vectors[0, c]), added[c], 4, $"add scaled {length} [{c}]");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Sets))]
    public void Adam_matches_the_reference_over_many_steps(string name)
    {
        KernelSet kernels = Named(name);
        foreach (int length in (int[])[0, 1, 7, 16, 33, Longest])
        {
            var rng = new Rng(4);
            using Matrix weights = Normal(rng, 1, length), first = new(1, length), second = new(1, length);
            double[] w = [.. weights.AsSpan().ToArray().Select(v => (double)v)], m = new double[length], s = new double[length];
            for (int step = 1; step <= 20; step++)
            {
                using Matrix gradient = Normal(rng, 1, length);
                var adam = new AdamStep(0.9f, 0.999f, 1e-8f, (float)(0.01 / (1 - Math.Pow(0.9, step))),
                    (float)(1 / (1 - Math.Pow(0.999, step))));
                for (int i = 0; i < length; i++)
                    (w[i], m[i], s[i]) = ReferenceKernels.Adam(w[i], m[i], s[i], gradient[0, i], 0.01, 0.9, 0.999, 1e-8, step);
                kernels.Adam(weights.Pointer, first.Pointer, second.Pointer, gradient.Pointer, length, adam);
            }

            for (int i = 0; i < length; i++) Assert.Equal(w[i], weights[0, i], 1e-5);
        }
    }

    [Theory]
    [MemberData(nameof(Sets))]
    public void Fused_top_k_keeps_what_a_full_sort_keeps(string name)
    {
        KernelSet kernels = Named(name);
        var rng = new Rng(5);
        foreach ((int batch, int depth, int latents,
            int k) in new[] { (1, 1, 1, 1), (3, 5, 7, 2), (9, 16, 100, 100), (33, 24, 777, 8), (70, 12, 1500, 64), (5, 40, 48, 1) })
        {
            using var workers = new Workers(2);
            using Matrix x = Normal(rng, batch, depth), w = Normal(rng, latents, depth), bias = Normal(rng, 1, latents);
            float[] pre = PreActivations(kernels, x, w, bias);
            using var encoder = new FusedEncoder(workers, kernels);
            var codes = new SparseCodes(latents);
            encoder.Load(x);
            encoder.TopK(w, bias.Pointer, k, [], codes);
            AssertCodes(r => ReferenceKernels.TopK(pre.AsSpan(r * latents, latents), k), codes, batch);
            encoder.Above(w, bias.Pointer, 0, codes);
            AssertCodes(r => ReferenceKernels.TopK(pre.AsSpan(r * latents, latents), latents), codes, batch);
            encoder.Above(w, bias.Pointer, 0.7f, codes);
            AssertCodes(
                r => [.. ReferenceKernels.TopK(pre.AsSpan(r * latents, latents), latents).Where(entry => entry.Value > 0.7f)], codes,
                batch);

            int[] subset = [.. Enumerable.Range(0, latents).Where(_ => rng.NextDouble() < 0.4)];
            if (subset.Length == 0) continue;
            encoder.TopK(w, bias.Pointer, k, subset, codes);
            AssertCodes(
                r =>
                {
                    float[] only = new float[latents];
                    foreach (int latent in subset) only[latent] = pre[(r * latents) + latent];
                    return ReferenceKernels.TopK(only, k);
                },
                codes,
                batch);
        }
    }

    [Theory]
    [MemberData(nameof(Sets))]
    public unsafe void Rows_of_the_encoder_are_scaled_and_signs_kept_where_asked(string name)
    {
        KernelSet kernels = Named(name);
        var rng = new Rng(15);
        using var workers = new Workers(2);
        using var encoder = new FusedEncoder(workers, kernels);
        const int Latents = 1500, Width = 300, Batch = 70; // several blocks of panels, the last one cut
        using Matrix x = Normal(rng, Batch, Width), w = Normal(rng, Latents, Width), scaled = w.Clone();
        using Matrix bias = Normal(rng, 1, Latents), scales = Normal(rng, 1, Latents);
        for (int i = 0; i < Latents; i++)
            foreach (ref float value in scaled.Row(i)) value *= scales[0, i];
        float[] pre = PreActivations(kernels, x, scaled, bias);
        var codes = new SparseCodes(Latents);
        encoder.Load(x);
        encoder.TopK(w, bias.Pointer, 20, [], codes, scales.Pointer);
        AssertCodes(r => ReferenceKernels.TopK(pre.AsSpan(r * Latents, Latents), 20), codes, Batch);
        encoder.Above(w, bias.Pointer, 0.7f, codes, scales.Pointer);
        AssertCodes(
            r => [.. ReferenceKernels.TopK(pre.AsSpan(r * Latents, Latents), Latents).Where(entry => entry.Value > 0.7f)], codes, Batch);

        // Of sums that are nearly all below 0, the largest are still the largest.
        bias.AsSpan().Fill(-1000);
        float[] low = PreActivations(kernels, x, w, bias);
        encoder.TopK(w, bias.Pointer, 20, [], codes, signed: true);
        for (int r = 0; r < Batch; r++)
        {
            float[] row = low[(r * Latents)..((r + 1) * Latents)];
            int[] largest = [.. Enumerable.Range(0, Latents).OrderByDescending(i => row[i]).Take(20).Order()];
            Assert.Equal(largest, codes.Latents(r).ToArray());
            Assert.Equal(largest.Select(i => row[i]), codes.Values(r).ToArray());
        }

        encoder.Above(w, bias.Pointer, -1001, codes);
        for (int r = 0; r < Batch; r++)
            Assert.Equal(low[(r * Latents)..((r + 1) * Latents)].Count(value => value > -1001), codes.RowCount(r));
    }

    [Theory]
    [MemberData(nameof(Sets))]
    public void A_guess_from_the_last_batch_never_changes_the_result(string name)
    {
        KernelSet kernels = Named(name);
        var rng = new Rng(8);
        using var workers = new Workers(2);
        using var encoder = new FusedEncoder(workers, kernels);
        using Matrix w = Normal(rng, 600, 12), bias = new(1, 600);
        var codes = new SparseCodes(600);
        for (int round = 0; round < 5; round++)
        {
            // Later rounds have ever more rows far below the last round's guess: short ones lifted by nothing, one zero, one of few
            // positives.
            using Matrix x = Normal(rng, 90, 12);
            for (int r = 0; r < 20 * round; r++)
                for (int c = 1; c < 12; c++) x[r, c] = 0;
            x.Row(89).Clear();
            if (round == 3) bias.AsSpan().Fill(-3);
            float[] pre = PreActivations(kernels, x, w, bias);
            encoder.Load(x);
            encoder.TopK(w, bias.Pointer, 16, [], codes);
            AssertCodes(r => ReferenceKernels.TopK(pre.AsSpan(r * 600, 600), 16), codes, 90);
        }
    }

    [Theory]
    [MemberData(nameof(Sets))]
    public void Of_equal_values_the_lower_latents_win(string name)
    {
        using var workers = new Workers(2);
        using var encoder = new FusedEncoder(workers, Named(name));
        using Matrix x = new(2, 3, [1, 1, 1, 2, 2, 2]), w = new(1000, 3), bias = new(1, 1000);
        w.AsSpan().Fill(0.5f);
        var codes = new SparseCodes(1000);
        encoder.Load(x);
        encoder.TopK(w, bias.Pointer, 5, [], codes);
        Assert.Equal([0, 1, 2, 3, 4], codes.Latents(0).ToArray());
        Assert.Equal([0, 1, 2, 3, 4], codes.Latents(1).ToArray());
    }

    [Theory]
    [MemberData(nameof(Sets))]
    public void Dense_products_match_the_reference_in_every_orientation(string name)
    {
        KernelSet kernels = Named(name);
        var rng = new Rng(6);
        using var workers = new Workers(2);
        foreach ((int rows, int depth, int columns) in new[] { (1, 1, 1), (7, 13, 50), (65, 600, 33), (130, 3, 97) })
        {
            using Matrix a = Normal(rng, rows, depth), b = Normal(rng, columns, depth), at = Transpose(a), bt = Transpose(b),
                c = new(rows, columns);
            double[,] expected = ReferenceKernels.Product(a, b);
            foreach (bool left in (bool[])[false, true])
            {
                foreach (bool right in (bool[])[false, true])
                {
                    using var product = new DenseProduct(workers, kernels);
                    product.PackRight(right ? b : bt, transposed: right);
                    c.AsSpan().Fill(float.NaN);
                    product.Multiply(left ? at : a, transposed: left, c);
                    for (int r = 0; r < rows; r++)
                        for (int column = 0; column < columns; column++)
                            Near(expected[r, column], c[r, column], depth, $"{rows}×{depth}×{columns} {left} {right} [{r}, {column}]");
                }
            }
        }
    }

    [Fact]
    public void Kth_largest_matches_a_sort()
    {
        var rng = new Rng(7);
        for (int length = 1; length < 60; length++)
        {
            float[] values = [.. Enumerable.Range(0, length).Select(_ => (float)rng.NextBelow(12))];
            for (int k = 1; k <= length; k++)
                Assert.Equal(values.OrderDescending().ElementAt(k - 1), Selection.KthLargest(values.ToArray(), k));
        }
    }

    private static float[] Interleave(Matrix rows)
    {
        float[] packed = new float[rows.Count];
        for (int r = 0; r < rows.Rows; r++)
            for (int p = 0; p < rows.Columns; p++) packed[(p * rows.Rows) + r] = rows[r, p];
        return packed;
    }

    private static Matrix Transpose(Matrix matrix)
    {
        var transposed = new Matrix(matrix.Columns, matrix.Rows);
        for (int r = 0; r < matrix.Rows; r++)
            for (int c = 0; c < matrix.Columns; c++) transposed[c, r] = matrix[r, c];
        return transposed;
    }

    // The exact values of this set of kernels, so that only the selection is under test; their accuracy is tested above.
    private static float[] PreActivations(KernelSet kernels, Matrix x, Matrix w, Matrix bias)
    {
        int depth = x.Columns, rows = kernels.TileRows, columns = kernels.TileColumns;
        float[] pre = new float[x.Rows * w.Rows], packedX = new float[depth * rows], packedW = new float[depth * columns],
            tile = new float[rows * columns];
        for (int r = 0; r < x.Rows; r++)
        {
            for (int latent = 0; latent < w.Rows; latent++)
            {
                Array.Clear(packedX);
                Array.Clear(packedW);
                for (int p = 0; p < depth; p++) (packedX[p * rows], packedW[p * columns]) = (x[r, p], w[latent, p]);
                fixed (float* px = packedX)
                fixed (float* pw = packedW)
                fixed (float* pt = tile) kernels.Multiply(px, pw, depth, pt);
                pre[(r * w.Rows) + latent] = tile[0] + bias[0, latent];
            }
        }

        return pre;
    }

    private static void AssertCodes(Func<int, List<(int Latent, float Value)>> expected, SparseCodes codes, int batch)
    {
        Assert.Equal(batch, codes.Rows);
        for (int r = 0; r < batch; r++)
        {
            List<(int Latent, float Value)> row = expected(r);
            Assert.Equal([.. row.Select(entry => entry.Latent)], codes.Latents(r).ToArray());
            Assert.Equal([.. row.Select(entry => entry.Value)], codes.Values(r).ToArray());
        }
    }
}
