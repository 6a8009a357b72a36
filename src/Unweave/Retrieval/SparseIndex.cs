using Unweave.Numerics;

namespace Unweave.Retrieval;

/// <summary>
/// An inverted index over sparse codes: for each latent, the rows that have it. A search by cosine scores only rows that share a latent
/// with the query, and says what each latent adds to the score. An index does not change, so several threads may search it at once.
/// </summary>
public sealed class SparseIndex
{
    private readonly SparseCodes codes;
    private readonly long[] starts;  // of each latent's postings, and their end
    private readonly int[] rows;     // ascending within a latent
    private readonly float[] values;
    private readonly double[] norms;

    /// <summary>Indexes codes. Entries of value 0 are left out; the others may be of either sign.</summary>
    /// <param name="codes">The codes, a row for each thing to be found; kept, and not to be changed any more.</param>
    /// <exception cref="ArgumentException">A value is not finite.</exception>
    public SparseIndex(SparseCodes codes)
    {
        ArgumentNullException.ThrowIfNull(codes);
        this.codes = codes;
        starts = new long[codes.DictionarySize + 1];
        norms = new double[codes.Rows];
        for (int row = 0; row < codes.Rows; row++)
        {
            norms[row] = Norms.L2(codes.Values(row));
            if (!double.IsFinite(norms[row]))
            {
                throw new ArgumentException(
                    $"Row {row} of the codes has a value that is not finite; it cannot be compared with others.", nameof(codes));
            }

            for (int i = 0; i < codes.RowCount(row); i++)
                if (codes.Values(row)[i] != 0) starts[codes.Latents(row)[i] + 1]++;
        }

        for (int latent = 0; latent < codes.DictionarySize; latent++) starts[latent + 1] += starts[latent];
        long[] next = [.. starts];
        (rows, values) = (new int[starts[^1]], new float[starts[^1]]);
        for (int row = 0; row < codes.Rows; row++)
        {
            ReadOnlySpan<int> latents = codes.Latents(row);
            for (int i = 0; i < latents.Length; i++)
            {
                float value = codes.Values(row)[i];
                if (value == 0) continue;
                long at = next[latents[i]]++;
                (rows[at], values[at]) = (row, value);
            }
        }
    }

    /// <summary>Number of rows.</summary>
    public int Rows => codes.Rows;

    /// <summary>Number of latents n of the dictionary.</summary>
    public int Latents => codes.DictionarySize;

    /// <summary>How many rows have a latent.</summary>
    /// <param name="latent">Number of the latent.</param>
    public int RowsWith(int latent)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)latent, (uint)Latents, nameof(latent));
        return (int)(starts[latent + 1] - starts[latent]);
    }

    /// <summary>The rows in which a latent is largest, largest first; of equal ones, the lower row first.</summary>
    /// <param name="latent">Number of the latent.</param>
    /// <param name="count">How many at most.</param>
    public IReadOnlyList<int> Strongest(int latent, int count)
    {
        int length = RowsWith(latent), first = (int)starts[latent];
        return [.. Enumerable.Range(first, length).OrderByDescending(at => values[at]).ThenBy(at => rows[at]).Take(count)
            .Select(at => rows[at])];
    }

    /// <summary>The rows whose codes are nearest to a row's, by cosine.</summary>
    /// <param name="row">The row; it is not among the hits itself.</param>
    /// <param name="count">How many hits at most.</param>
    /// <param name="without">Latents that the query is to do without; null for none.</param>
    public SearchResult Search(int row, int count, IReadOnlySet<int>? without = null)
    {
        ReadOnlySpan<int> latents = codes.Latents(row);
        var query = new SparseCodes(Latents);
        query.Layout([latents.Length]);
        latents.CopyTo(query.LatentsForWriting);
        codes.Values(row).CopyTo(query.ValuesForWriting);
        for (int i = 0; i < latents.Length; i++)
            if (without?.Contains(latents[i]) == true) query.ValuesForWriting[i] = 0;
        return Search(query, count, row);
    }

    /// <summary>The rows whose codes are nearest to a code, by cosine.</summary>
    /// <param name="query">One row over the same latents.</param>
    /// <param name="count">How many hits at most.</param>
    /// <param name="exclude">A row that is not to be found; −1 for none.</param>
    /// <exception cref="ArgumentException">The query is not one row over as many latents as the index.</exception>
    public SearchResult Search(SparseCodes query, int count, int exclude = -1)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (query.Rows != 1 || query.DictionarySize != Latents)
            throw new ArgumentException($"A query is one row over {Latents} latents; this one has {query.Rows} over "
                + $"{query.DictionarySize}.", nameof(query));
        double length = Norms.L2(query.Values(0));
        double[] dots = new double[Rows];
        bool[] seen = new bool[Rows];
        var candidates = new List<int>();
        for (int i = 0; i < query.RowCount(0); i++)
        {
            (int latent, float value) = (query.Latents(0)[i], query.Values(0)[i]);
            if (value == 0) continue;
            for (long at = starts[latent]; at < starts[latent + 1]; at++)
            {
                int row = rows[at];
                if (!seen[row] && row != exclude) candidates.Add(row);
                seen[row] = true;
                dots[row] += (double)value * values[at];
            }
        }

        var best = candidates.Select(row => (Row: row, Score: dots[row] / (length * norms[row])))
            .OrderByDescending(found => found.Score).ThenBy(found => found.Row).Take(count);
        return new SearchResult(
            [.. best.Select(found => new SearchHit(found.Row, found.Score, Shared(query, found.Row, length)))], candidates.Count);
    }

    // Both rows ascend by latent.
    private List<LatentShare> Shared(SparseCodes query, int row, double length)
    {
        ReadOnlySpan<int> mine = query.Latents(0), theirs = codes.Latents(row);
        var shares = new List<LatentShare>();
        for (int i = 0, j = 0; i < mine.Length && j < theirs.Length;)
        {
            if (mine[i] == theirs[j])
            {
                double share = (double)query.Values(0)[i] * codes.Values(row)[j] / (length * norms[row]);
                if (share != 0) shares.Add(new LatentShare(mine[i], share));
            }

            if (mine[i] <= theirs[j]) i++;
            else j++;
        }

        shares.Sort((a, b) => b.Share.CompareTo(a.Share));
        return shares;
    }
}
