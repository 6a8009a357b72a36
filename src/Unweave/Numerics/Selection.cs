using System.Buffers;

namespace Unweave.Numerics;

/// <summary>Partial selection of largest values.</summary>
internal static class Selection
{
    /// <summary>
    /// The k-th largest value (k from 1), by quickselect; reorders <paramref name="values"/>. NaN is not allowed.
    /// </summary>
    public static float KthLargest(Span<float> values, int k)
    {
        int low = 0, high = values.Length - 1, target = k - 1;
        while (low < high)
        {
            float pivot = Median(values[low], values[low + ((high - low) / 2)], values[high]);
            int i = low, j = high;
            while (i <= j)
            {
                while (values[i] > pivot) i++;
                while (values[j] < pivot) j--;
                if (i > j) break;
                (values[i], values[j]) = (values[j], values[i]);
                i++;
                j--;
            }

            // values[low..j] ≥ pivot ≥ values[i..high]; between them, equal to the pivot.
            if (target <= j) high = j;
            else if (target >= i) low = i;
            else return values[target];
        }

        return values[target];
    }

    /// <summary>Keeps the k largest entries, in their order; of equal values the first.</summary>
    /// <param name="values">Overwritten with the values kept.</param>
    /// <param name="latents">Overwritten with their latents.</param>
    /// <param name="count">Number of entries.</param>
    /// <param name="k">How many at most, 1 or more.</param>
    /// <param name="least">The smallest value kept where entries were left out, else 0.</param>
    /// <returns>How many are kept.</returns>
    public static unsafe int KeepLargest(float* values, int* latents, int count, int k, out float least)
    {
        least = 0;
        if (count <= k) return count;
        float[] scratch = ArrayPool<float>.Shared.Rent(count);
        Span<float> copy = scratch.AsSpan(0, count);
        new ReadOnlySpan<float>(values, count).CopyTo(copy);
        float threshold = least = KthLargest(copy, k);
        int above = 0;
        foreach (float value in copy[..k])
            if (value > threshold) above++;
        ArrayPool<float>.Shared.Return(scratch);
        int ties = k - above, kept = 0;
        for (int i = 0; i < count; i++)
        {
            float value = values[i];
            if (value < threshold || (value == threshold && ties-- <= 0)) continue;
            values[kept] = value;
            latents[kept++] = latents[i];
        }

        return kept;
    }

    private static float Median(float a, float b, float c) => MathF.Max(MathF.Min(a, b), MathF.Min(MathF.Max(a, b), c));
}
