using Unweave.Data;
using Unweave.Numerics;

namespace Unweave.Benchmarks.Search;

/// <summary>A file of vectors, and one with a text for each where there is one.</summary>
/// <param name="Vectors">The file of vectors.</param>
/// <param name="Texts">The file of texts; null for none.</param>
internal sealed record VectorsAndTexts(string Vectors, string? Texts)
{
    /// <summary>Reads both.</summary>
    public (Matrix Vectors, string[]? Texts) Read()
    {
        using var source = ActivationFile.Open(Vectors);
        string[]? texts = Texts is null ? null : [.. TextCorpus.Open(Texts).Texts()];
        if (texts is not null && texts.Length != source.Rows)
            throw new InputException($"{Texts}: has {texts.Length} texts where {Vectors} has {source.Rows} vectors; give a text for each.");
        return (source.Rows(0, checked((int)source.Rows)), texts);
    }
}

/// <summary>Vectors of unit length, others as queries, their texts where there are some, and the exact answers.</summary>
internal sealed class SearchSet : IDisposable
{
    /// <summary>How many exact answers are known of each query.</summary>
    public const int Known = 10;

    private SearchSet(Matrix rows, Matrix queries, string[]? texts, string[]? queryTexts)
    {
        (Rows, Queries, Texts, QueryTexts) = (rows, queries, texts, queryTexts);
        Exact = new int[queries.Rows][];
        Workers.Shared.Run(queries.Rows, query =>
        {
            var best = new Best();
            best.Clear(Known);
            for (int row = 0; row < rows.Rows; row++) best.Offer(Dots.Float(rows.Row(row), queries.Row(query)), row);
            int[] found = new int[Known];
            Exact[query] = found[..best.Take(found)];
        });
    }

    /// <summary>What is searched.</summary>
    public Matrix Rows { get; }

    /// <summary>What is searched for.</summary>
    public Matrix Queries { get; }

    /// <summary>A text for each row; null where there are none.</summary>
    public string[]? Texts { get; }

    /// <summary>A text for each query.</summary>
    public string[]? QueryTexts { get; }

    /// <summary>The nearest rows of each query by cosine, best first.</summary>
    public int[][] Exact { get; }

    /// <summary>Reads vectors, and texts where there are some, and holds queries out.</summary>
    /// <param name="rows">The vectors.</param>
    /// <param name="queries">How many to hold out.</param>
    /// <param name="seed">Which.</param>
    public static SearchSet Read(VectorsAndTexts rows, int queries, ulong seed)
    {
        (Matrix vectors, string[]? texts) = rows.Read();
        using (vectors) return Split(vectors, texts, queries, seed);
    }

    /// <summary>Reads vectors and queries that were held out before.</summary>
    /// <param name="rows">The vectors.</param>
    /// <param name="queries">The queries.</param>
    /// <param name="most">How many of them are used, from the first on.</param>
    public static SearchSet Read(VectorsAndTexts rows, VectorsAndTexts queries, int most)
    {
        (Matrix vectors, string[]? texts) = rows.Read();
        (Matrix held, string[]? heldTexts) = queries.Read();
        using (vectors)
        using (held)
        {
            if (vectors.Columns != held.Columns)
            {
                throw new InputException($"{queries.Vectors}: is {held.Columns} numbers wide and {rows.Vectors} {vectors.Columns}; "
                    + "queries and rows must come from one encoder.");
            }

            bool spoken = texts is not null && heldTexts is not null;
            return new SearchSet(Unit(vectors, [.. Enumerable.Range(0, vectors.Rows)]), Unit(held,
                [.. Enumerable.Range(0, Math.Min(most, held.Rows))]),
                spoken ? texts : null, spoken ? heldTexts : null);
        }
    }

    /// <summary>Makes vectors: noisy mixtures of a few of 1,000 directions, of a spectrum that falls.</summary>
    /// <param name="count">How many, those held out included.</param>
    /// <param name="width">Their width.</param>
    /// <param name="queries">How many to hold out.</param>
    /// <param name="seed">What they are made from.</param>
    public static SearchSet Make(int count, int width, int queries, ulong seed)
    {
        const int Directions = 1000, Mixed = 8;
        var rng = new Rng(seed, 1);
        using var directions = new Matrix(Directions, width);
        rng.FillNormal(directions.AsSpan());
        for (int i = 0; i < Directions; i++)
            for (int j = 0; j < width; j++) directions[i, j] /= MathF.Sqrt(1 + (8f * j / width));
        using var all = new Matrix(count, width);
        for (int row = 0; row < count; row++)
        {
            Span<float> made = all.Row(row);
            rng.FillNormal(made, 0.4);
            for (int i = 0; i < Mixed; i++)
            {
                float weight = (float)Math.Abs(rng.NextNormal());
                Dots.Add(directions.Row((int)rng.NextBelow(Directions)), weight, made);
            }
        }

        return Split(all, null, queries, seed);
    }

    /// <summary>A larger set of the same kind: each vector several times, each time but the first with a little noise.</summary>
    /// <param name="copies">How often.</param>
    /// <param name="seed">What the noise is made from.</param>
    public SearchSet Copied(int copies, ulong seed)
    {
        const double Noise = 0.1; // the length of what is added to a vector of length 1
        if (copies < 1) throw new InputException($"--copies is {copies}; each vector is there at least once.");
        if (copies == 1) return this;
        var all = new Matrix(checked(copies * Rows.Rows), Rows.Columns);
        var rng = new Rng(seed, 2);
        for (int row = 0; row < all.Rows; row++)
        {
            Span<float> made = all.Row(row);
            if (row >= Rows.Rows) rng.FillNormal(made, Noise / Math.Sqrt(made.Length));
            Dots.Add(Rows.Row(row % Rows.Rows), 1, made);
            float length = (float)Norms.L2(made);
            foreach (ref float value in made) value /= length;
        }

        string[]? texts = Texts is null ? null : [.. Enumerable.Range(0, all.Rows).Select(row => Texts[row % Rows.Rows])];
        return new SearchSet(all, Unit(Queries, [.. Enumerable.Range(0, Queries.Rows)]), texts, QueryTexts);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Rows.Dispose();
        Queries.Dispose();
    }

    private static SearchSet Split(Matrix all, string[]? texts, int queries, ulong seed)
    {
        if (queries < 1 || queries >= all.Rows)
            throw new InputException($"{queries} of {all.Rows} vectors cannot be held out as queries; hold out at least 1 and leave some.");
        int[] order = [.. Enumerable.Range(0, all.Rows)];
        var rng = new Rng(seed);
        for (int i = 0; i < queries; i++)
        {
            int other = i + (int)rng.NextBelow(order.Length - i);
            (order[i], order[other]) = (order[other], order[i]);
        }

        int[] held = order[..queries], kept = [.. order[queries..].Order()];
        return new SearchSet(Unit(all, kept), Unit(all, held), texts is null ? null : [.. kept.Select(row => texts[row])],
            texts is null ? null : [.. held.Select(row => texts[row])]);
    }

    private static Matrix Unit(Matrix all, int[] rows)
    {
        var unit = new Matrix(rows.Length, all.Columns);
        for (int i = 0; i < rows.Length; i++)
        {
            ReadOnlySpan<float> row = all.Row(rows[i]);
            double length = Norms.L2(row);
            if (length > 0)
                for (int j = 0; j < row.Length; j++) unit[i, j] = (float)(row[j] / length);
        }

        return unit;
    }
}
