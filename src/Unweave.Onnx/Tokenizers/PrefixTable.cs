namespace Unweave.Onnx;

/// <summary>Finds the entries that a text starts with: sorted strings, narrowed down unit by unit.</summary>
internal sealed class PrefixTable
{
    private readonly string[] entries;
    private readonly int[] values;

    /// <summary>Where the entries of each first unit begin; one more for the end.</summary>
    private readonly int[] firsts = new int[char.MaxValue + 2];

    /// <param name="entries">Strings, none of them empty or given twice, each with its value.</param>
    public PrefixTable(IEnumerable<KeyValuePair<string, int>> entries)
    {
        KeyValuePair<string, int>[] sorted = [.. entries];
        Array.Sort(sorted, (a, b) => string.CompareOrdinal(a.Key, b.Key));
        this.entries = [.. sorted.Select(entry => entry.Key)];
        values = [.. sorted.Select(entry => entry.Value)];
        foreach (string entry in this.entries) firsts[entry[0] + 1]++;
        for (int unit = 1; unit < firsts.Length; unit++) firsts[unit] += firsts[unit - 1];
    }

    public int Count => entries.Length;

    /// <summary>The units that entries start with.</summary>
    public IEnumerable<char> FirstUnits => entries.Select(entry => entry[0]).Distinct();

    /// <summary>A search along a text.</summary>
    public Search Start() => new(this);

    /// <summary>The longest entry that a text starts with, or a length of 0.</summary>
    public (int Length, int Value) Longest(ReadOnlySpan<char> text)
    {
        (int Length, int Value) longest = default;
        Search search = Start();
        for (int i = 0; i < text.Length && search.Advance(text[i]); i++)
            if (search.Match is { } value) longest = (i + 1, value);
        return longest;
    }

    /// <summary>The entries that start with the units given so far.</summary>
    internal struct Search(PrefixTable table)
    {
        private int low;
        private int high;
        private int depth;

        /// <summary>The value of the entry that is exactly the units given so far, or null.</summary>
        public readonly int? Match => table.entries[low].Length == depth ? table.values[low] : null;

        /// <summary>Gives one more unit; false when no entry starts like that.</summary>
        public bool Advance(char unit)
        {
            if (depth == 0)
            {
                (low, high) = (table.firsts[unit], table.firsts[unit + 1]);
            }
            else
            {
                // Sorted by ordinal comparison: the entry that ends here comes first, then by the next unit.
                low = FirstNotBelow(unit);
                high = FirstNotBelow((char)(unit + 1), unit == char.MaxValue);
            }

            depth++;
            return low < high;
        }

        private readonly int FirstNotBelow(char unit, bool end = false)
        {
            int first = low, last = high;
            while (first < last && !end)
            {
                int middle = first + ((last - first) / 2);
                string entry = table.entries[middle];
                if (entry.Length <= depth || entry[depth] < unit) first = middle + 1;
                else last = middle;
            }

            return end ? high : first;
        }
    }
}
