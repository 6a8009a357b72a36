using System.Buffers;
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

    private static void NarrowRow(
        ReadOnlySpan<int> latents, ReadOnlySpan<float> values, int k, Span<int> keptLatents, Span<float> keptValues)
    {
        float threshold = float.NegativeInfinity;
        int ties = 0;
        if (values.Length > k)
        {
            float[] scratch = ArrayPool<float>.Shared.Rent(values.Length);
            values.CopyTo(scratch);
            threshold = Selection.KthLargest(scratch.AsSpan(0, values.Length), k);
            ArrayPool<float>.Shared.Return(scratch);
            ties = k;
            foreach (float value in values)
                if (value > threshold) ties--;
        }

        int kept = 0;
        for (int j = 0; j < values.Length; j++)
        {
            if (values[j] < threshold || (values[j] == threshold && ties-- <= 0)) continue;
            keptLatents[kept] = latents[j];
            keptValues[kept++] = values[j];
        }
    }
}
