using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Unweave.Numerics;

namespace Unweave.Benchmarks.Search;

/// <summary>
/// Product quantization (Jégou, Douze and Schmid 2011): a byte for each of several parts of a row, which names the nearest of 256
/// centroids, and scores by tables of the query's products with all centroids.
/// </summary>
/// <param name="parts">How many parts, and bytes a row.</param>
/// <param name="optimized">
/// Whether rows are rotated first so that little is lost (OPQ; Ge, He, Ke and Sun 2013): from principal axes dealt out to parts of like
/// variance, then rotation and centroids fitted in turn.
/// </param>
internal sealed class ProductQuantizer(int parts, bool optimized) : Rival
{
    private const int Centroids = 256, Sample = 16_384, Rounds = 12, Turns = 10;

    private readonly Best best = new();
    private readonly float[] table = new float[parts * Centroids];
    private SearchSet set = null!;
    private Rotation? rotation;
    private byte[] codes = [];
    private float[] rotated = [];
    private int[] starts = [];        // of each part's coordinates, and their end
    private float[][] centroids = []; // of each part: coordinate by coordinate, all centroids
    private float[][] lengths = [];   // of each part: half the squared lengths

    public override string Name => $"{(optimized ? "OPQ" : "PQ")} {parts} × 8 bit";

    public override void Build(SearchSet set)
    {
        this.set = set;
        int width = set.Rows.Columns;
        starts = [.. Enumerable.Range(0, parts + 1).Select(part => (int)((long)part * width / parts))];
        centroids = [.. Enumerable.Range(0, parts).Select(part => new float[Width(part) * Centroids])];
        lengths = [.. Enumerable.Range(0, parts).Select(_ => new float[Centroids])];
        rotated = new float[width];
        codes = new byte[(long)set.Rows.Rows * parts];

        int taken = Math.Min(Sample, set.Rows.Rows);
        using var sample = new Matrix(taken, width);
        for (int i = 0; i < taken; i++) set.Rows.Row((int)((long)i * set.Rows.Rows / taken)).CopyTo(sample.Row(i));
        byte[] coded = new byte[taken * parts];
        if (optimized) Fit(sample, coded);
        else Train(sample, coded, Rounds, anew: true);
        for (int row = 0; row < set.Rows.Rows; row++)
        {
            ReadOnlySpan<float> vector = Turned(set.Rows.Row(row));
            Encode(vector, codes.AsSpan(row * parts, parts));
        }
    }

    public override int Search(int query, int setting, Span<int> found)
    {
        ReadOnlySpan<float> vector = Turned(set.Queries.Row(query));
        for (int part = 0; part < parts; part++)
        {
            Span<float> products = table.AsSpan(part * Centroids, Centroids);
            products.Clear();
            for (int j = 0; j < Width(part); j++)
                Dots.Add(centroids[part].AsSpan(j * Centroids, Centroids), vector[starts[part] + j], products);
        }

        best.Clear(found.Length);
        ref float products0 = ref MemoryMarshal.GetArrayDataReference(table);
        ref byte code = ref MemoryMarshal.GetArrayDataReference(codes);
        for (int row = 0; row < set.Rows.Rows; row++)
        {
            float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
            ref byte here = ref Unsafe.Add(ref code, (nint)row * parts);
            int part = 0;
            for (; part <= parts - 4; part += 4)
            {
                s0 += Unsafe.Add(ref products0, (part * Centroids) + Unsafe.Add(ref here, part));
                s1 += Unsafe.Add(ref products0, ((part + 1) * Centroids) + Unsafe.Add(ref here, part + 1));
                s2 += Unsafe.Add(ref products0, ((part + 2) * Centroids) + Unsafe.Add(ref here, part + 2));
                s3 += Unsafe.Add(ref products0, ((part + 3) * Centroids) + Unsafe.Add(ref here, part + 3));
            }

            for (; part < parts; part++) s0 += Unsafe.Add(ref products0, (part * Centroids) + Unsafe.Add(ref here, part));
            float score = s0 + s1 + (s2 + s3);
            if (score > best.Threshold) best.Offer(score, row);
        }

        return best.Take(found);
    }

    public override double BytesPerRow(int setting) => parts;

    public override void Dispose()
    {
        base.Dispose();
        rotation?.Dispose();
    }

    private int Width(int part) => starts[part + 1] - starts[part];

    private ReadOnlySpan<float> Turned(ReadOnlySpan<float> vector)
    {
        if (rotation is null) return vector;
        rotation.Apply(vector, rotated);
        return rotated;
    }

    private void Fit(Matrix sample, byte[] coded)
    {
        rotation = Start(sample);
        for (int turn = 0; turn <= Turns; turn++)
        {
            using Matrix turned = rotation.Apply(sample);
            Train(turned, coded, turn == 0 || turn == Turns ? Rounds : 2, anew: turn == 0);
            if (turn == Turns) break;

            // The rotation that brings the sample nearest to what it is coded as: the polar factor of Xᵀ·Y.
            int width = sample.Columns;
            using var product = new Matrix(width, width);
            for (int i = 0; i < sample.Rows; i++)
            {
                Decode(coded.AsSpan(i * parts, parts), rotated);
                for (int j = 0; j < width; j++) Dots.Add(rotated, sample[i, j], product.Row(j));
            }

            rotation.Dispose();
            rotation = Rotation.Nearest(product);
        }
    }

    // Principal axes, strongest first, each to the part of least variance (in logarithm) that has room.
    private Rotation Start(Matrix sample)
    {
        int width = sample.Columns;
        using Matrix axes = PcaScan.Axes(sample, width);
        double[] variances = new double[width];
        for (int i = 0; i < width; i++)
            for (int row = 0; row < sample.Rows; row += 8) variances[i] += Math.Pow(Dots.Float(axes.Row(i), sample.Row(row)), 2);
        double[] logarithms = new double[parts];
        int[] held = new int[parts];
        var matrix = new Matrix(width, width);
        foreach (int axis in Enumerable.Range(0, width).OrderByDescending(i => variances[i]))
        {
            int part = Enumerable.Range(0, parts).Where(each => held[each] < Width(each)).MinBy(each => logarithms[each]);
            logarithms[part] += Math.Log(variances[axis] + 1e-12);
            int column = starts[part] + held[part]++;
            for (int j = 0; j < width; j++) matrix[j, column] = axes[axis, j];
        }

        return new Rotation(matrix);
    }

    // k-means of each part (Lloyd); a centroid without rows takes the place of a row.
    private void Train(Matrix sample, byte[] coded, int rounds, bool anew)
    {
        var rng = new Rng(0, 3);
        if (anew)
        {
            for (int part = 0; part < parts; part++)
                for (int centroid = 0; centroid < Centroids; centroid++) Place(sample, part, centroid, (int)rng.NextBelow(sample.Rows));
        }

        for (int round = 0; round < rounds; round++)
        {
            Measure();
            for (int i = 0; i < sample.Rows; i++) Encode(sample.Row(i), coded.AsSpan(i * parts, parts));
            for (int part = 0; part < parts; part++)
            {
                int width = Width(part);
                float[] sums = new float[width * Centroids];
                int[] counts = new int[Centroids];
                for (int i = 0; i < sample.Rows; i++)
                {
                    int centroid = coded[(i * parts) + part];
                    counts[centroid]++;
                    for (int j = 0; j < width; j++) sums[(j * Centroids) + centroid] += sample[i, starts[part] + j];
                }

                for (int centroid = 0; centroid < Centroids; centroid++)
                {
                    if (counts[centroid] == 0) Place(sample, part, centroid, (int)rng.NextBelow(sample.Rows));
                    else
                        for (int j = 0; j < width; j++)
                            centroids[part][(j * Centroids) + centroid] = sums[(j * Centroids) + centroid] / counts[centroid];
                }
            }
        }

        Measure();
        for (int i = 0; i < sample.Rows; i++) Encode(sample.Row(i), coded.AsSpan(i * parts, parts));
    }

    private void Place(Matrix sample, int part, int centroid, int row)
    {
        for (int j = 0; j < Width(part); j++) centroids[part][(j * Centroids) + centroid] = sample[row, starts[part] + j];
    }

    private void Measure()
    {
        for (int part = 0; part < parts; part++)
        {
            for (int centroid = 0; centroid < Centroids; centroid++)
            {
                float sum = 0;
                for (int j = 0; j < Width(part); j++) sum += MathF.Pow(centroids[part][(j * Centroids) + centroid], 2);
                lengths[part][centroid] = sum / 2;
            }
        }
    }

    // The nearest centroid has the largest x·c − |c|² / 2.
    private void Encode(ReadOnlySpan<float> vector, Span<byte> code)
    {
        Span<float> scores = stackalloc float[Centroids];
        for (int part = 0; part < parts; part++)
        {
            System.Numerics.Tensors.TensorPrimitives.Negate(lengths[part], scores);
            for (int j = 0; j < Width(part); j++)
                Dots.Add(centroids[part].AsSpan(j * Centroids, Centroids), vector[starts[part] + j], scores);
            code[part] = (byte)System.Numerics.Tensors.TensorPrimitives.IndexOfMax(scores);
        }
    }

    private void Decode(ReadOnlySpan<byte> code, Span<float> vector)
    {
        for (int part = 0; part < parts; part++)
            for (int j = 0; j < Width(part); j++) vector[starts[part] + j] = centroids[part][(j * Centroids) + code[part]];
    }
}
