namespace Unweave;

/// <summary>Guesses what was meant by a name that is not known.</summary>
internal static class Spelling
{
    /// <summary>
    /// The candidate nearest to a name, or null when none is near: edits (insert, delete, replace, swap) within a third of its length, one
    /// at least, and never all of it.
    /// </summary>
    /// <param name="name">What was written.</param>
    /// <param name="candidates">What could have been meant; of equally near ones, the first.</param>
    public static string? Nearest(string name, IEnumerable<string> candidates)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(candidates);
        string? nearest = null;
        int best = Math.Min(Math.Max(1, name.Length / 3), Math.Max(0, name.Length - 1)) + 1;
        foreach (string candidate in candidates)
        {
            int distance = Distance(name.ToUpperInvariant(), candidate.ToUpperInvariant());
            if (distance < best) (best, nearest) = (distance, candidate);
        }

        return nearest;
    }

    /// <summary>" Did you mean …?" for a name that has a near candidate, otherwise nothing.</summary>
    /// <param name="name">What was written.</param>
    /// <param name="candidates">What could have been meant.</param>
    public static string DidYouMean(string name, IEnumerable<string> candidates) =>
        Nearest(name, candidates) is { } nearest ? $" Did you mean {nearest}?" : "";

    /// <summary>Optimal string alignment distance (Damerau–Levenshtein without repeated edits of one place).</summary>
    internal static int Distance(string a, string b)
    {
        int[,] d = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++) d[i, 0] = i;
        for (int j = 0; j <= b.Length; j++) d[0, j] = j;
        for (int i = 1; i <= a.Length; i++)
        {
            for (int j = 1; j <= b.Length; j++)
            {
                int replace = d[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                d[i, j] = Math.Min(replace, 1 + Math.Min(d[i - 1, j], d[i, j - 1]));
                bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                if (swapped) d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
            }
        }

        return d[a.Length, b.Length];
    }
}
