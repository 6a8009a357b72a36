using System.Buffers;
using System.Numerics.Tensors;
using Unweave.Numerics;

namespace Unweave.Autoencoders;

/// <summary>Narrows sparse codes to fewer entries a row.</summary>
internal static class NarrowedCodes
{
    /// <summary>Keeps the k largest entries of each row, of equal ones the lower latent.</summary>
    public static void ByRow(SparseCodes wide, int k, SparseCodes narrow, Workers workers)
    {
        int[] lengths = new int[wide.Rows];
        for (int r = 0; r < lengths.Length; r++) lengths[r] = Math.Min(k, wide.RowCount(r));
        narrow.Layout(lengths);
        workers.Run(RowParts.Count(wide.Rows), part =>
        {
            (int first, int end) = RowParts.Range(part, wide.Rows);
            for (int r = first; r < end; r++)
            {
                int start = (int)narrow.Starts[r];
                NarrowRow(wide.Latents(r), wide.Values(r), k, narrow.LatentsForWriting[start..], narrow.ValuesForWriting[start..]);
            }
        });
    }

    /// <summary>Keeps the entries above a threshold.</summary>
    public static void Above(SparseCodes wide, float threshold, SparseCodes narrow)
    {
        int[] lengths = new int[wide.Rows];
        for (int r = 0; r < lengths.Length; r++)
            foreach (float value in wide.Values(r)) lengths[r] += value > threshold ? 1 : 0;
        narrow.Layout(lengths);
        int kept = 0;
        ReadOnlySpan<int> latents = wide.AllLatents;
        ReadOnlySpan<float> values = wide.AllValues;
        for (int j = 0; j < values.Length; j++)
        {
            if (!(values[j] > threshold)) continue;
            narrow.LatentsForWriting[kept] = latents[j];
            narrow.ValuesForWriting[kept++] = values[j];
        }
    }

    /// <summary>Keeps the largest entries of all rows together, of equal ones those of earlier rows and lower latents.</summary>
    /// <returns>The smallest entry kept; 0 when none is.</returns>
    public static float ByBatch(SparseCodes wide, long budget, SparseCodes narrow)
    {
        ReadOnlySpan<float> values = wide.AllValues;
        (float threshold, int ties) = Cut(values, (int)Math.Min(budget, int.MaxValue));
        int[] lengths = new int[wide.Rows];
        int equal = ties;
        for (int r = 0; r < lengths.Length; r++)
            foreach (float value in wide.Values(r)) lengths[r] += Keeps(value, threshold, ref equal) ? 1 : 0;
        narrow.Layout(lengths);
        Keep(wide.AllLatents, values, threshold, ties, narrow.LatentsForWriting, narrow.ValuesForWriting);
        return narrow.Count == 0 ? 0 : TensorPrimitives.Min(narrow.AllValues);
    }

    /// <summary>Keeps the largest entry of each group of so many consecutive latents, of equal ones the lower latent.</summary>
    public static void ByGroup(SparseCodes wide, int size, SparseCodes narrow)
    {
        var kept = new List<(int Latent, float Value)>[wide.Rows];
        for (int r = 0; r < kept.Length; r++)
        {
            ReadOnlySpan<int> latents = wide.Latents(r);
            ReadOnlySpan<float> values = wide.Values(r);
            List<(int Latent, float Value)> row = kept[r] = [];
            for (int j = 0; j < latents.Length; j++)
            {
                if (row.Count == 0 || row[^1].Latent / size != latents[j] / size) row.Add((latents[j], values[j]));
                else if (values[j] > row[^1].Value) row[^1] = (latents[j], values[j]);
            }
        }

        FromRows(kept, narrow);
    }

    /// <summary>Gives codes their entries, row by row.</summary>
    public static void FromRows(IReadOnlyList<IReadOnlyList<(int Latent, float Value)>> rows, SparseCodes codes)
    {
        codes.Layout([.. rows.Select(row => row.Count)]);
        int at = 0;
        foreach ((int latent, float value) in rows.SelectMany(row => row))
        {
            codes.LatentsForWriting[at] = latent;
            codes.ValuesForWriting[at++] = value;
        }
    }

    /// <summary>Changes every value in place, and drops the entries that become 0.</summary>
    public static void Map(SparseCodes codes, Func<int, float, float> map)
    {
        int[] lengths = new int[codes.Rows];
        Span<int> latents = codes.LatentsForWriting;
        Span<float> values = codes.ValuesForWriting;
        int kept = 0, j = 0;
        for (int r = 0; r < lengths.Length; r++)
        {
            for (int end = j + codes.RowCount(r); j < end; j++)
            {
                float value = map(latents[j], values[j]);
                if (value == 0) continue;
                (latents[kept], values[kept]) = (latents[j], value);
                kept++;
                lengths[r]++;
            }
        }

        codes.Layout(lengths);
    }

    /// <summary>The same entries with other values.</summary>
    public static SparseCodes Mapped(SparseCodes codes, Func<int, float, float> map)
    {
        float[] values = new float[codes.Count];
        for (int j = 0; j < values.Length; j++) values[j] = map(codes.AllLatents[j], codes.AllValues[j]);
        return new SparseCodes(codes.DictionarySize, codes.Starts, codes.AllLatents, values);
    }

    private static void NarrowRow(
        ReadOnlySpan<int> latents, ReadOnlySpan<float> values, int k, Span<int> keptLatents, Span<float> keptValues)
    {
        (float threshold, int ties) = Cut(values, k);
        Keep(latents, values, threshold, ties, keptLatents, keptValues);
    }

    // The k-th largest value, and how many that equal it are among the k largest; everything is kept where there are no more than k.
    private static (float Threshold, int Ties) Cut(ReadOnlySpan<float> values, int k)
    {
        if (values.Length <= k) return (float.NegativeInfinity, 0);
        float[] scratch = ArrayPool<float>.Shared.Rent(values.Length);
        values.CopyTo(scratch);
        float threshold = Selection.KthLargest(scratch.AsSpan(0, values.Length), k);
        ArrayPool<float>.Shared.Return(scratch);
        int ties = k;
        foreach (float value in values)
            if (value > threshold) ties--;
        return (threshold, ties);
    }

    private static bool Keeps(float value, float threshold, ref int ties) => value > threshold || (value == threshold && ties-- > 0);

    private static void Keep(
        ReadOnlySpan<int> latents, ReadOnlySpan<float> values, float threshold, int ties, Span<int> keptLatents, Span<float> keptValues)
    {
        int kept = 0;
        for (int j = 0; j < values.Length; j++)
        {
            if (!Keeps(values[j], threshold, ref ties)) continue;
            keptLatents[kept] = latents[j];
            keptValues[kept++] = values[j];
        }
    }
}
