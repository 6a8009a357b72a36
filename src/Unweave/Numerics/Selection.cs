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

    private static float Median(float a, float b, float c) => MathF.Max(MathF.Min(a, b), MathF.Min(MathF.Max(a, b), c));
}
