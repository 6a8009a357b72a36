namespace Unweave.Retrieval;

/// <summary>
/// BM25: what a term of a query adds to a document's score is <see cref="Idf"/> times <see cref="Saturation"/>, and times how often the
/// query has it.
/// </summary>
/// <remarks>
/// S. Robertson and H. Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", Foundations and Trends in Information Retrieval
/// 3(4), 2009. The factor k1 + 1, which changes no order, is left out, so that a saturation is below 1; 1 is added under the logarithm, so
/// that a term which most documents have counts little and never against them. Lucene's <c>BM25Similarity</c> does both.
/// </remarks>
internal static class Bm25
{
    /// <summary>How soon further occurrences of a term stop counting.</summary>
    public const double DefaultK1 = 1.2;

    /// <summary>How far a document's length counts: 0 not at all, 1 wholly.</summary>
    public const double DefaultB = 0.75;

    /// <summary>
    /// Terms that more than this share of the documents have are left out of a query that has others: from a half on, the logarithm
    /// without 1 under it would count them against a document.
    /// </summary>
    public const double DefaultCommon = 0.5;

    /// <summary>How telling a term is: ln(1 + (N − n + ½) / (n + ½)).</summary>
    /// <param name="documents">How many documents there are, N.</param>
    /// <param name="documentsWith">How many have the term, n.</param>
    public static double Idf(long documents, long documentsWith)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(documentsWith);
        ArgumentOutOfRangeException.ThrowIfLessThan(documents, documentsWith);
        return Math.Log(1 + ((documents - documentsWith + 0.5) / (documentsWith + 0.5)));
    }

    /// <summary>What occurrences in a document count for, from 0 to 1: f / (f + k1 · (1 − b + b · length / average)).</summary>
    /// <param name="frequency">How often the document has the term, f.</param>
    /// <param name="length">How many terms the document has.</param>
    /// <param name="averageLength">How many terms documents have on average.</param>
    /// <param name="k1">Saturation, at least 0.</param>
    /// <param name="b">Normalization by length, from 0 to 1.</param>
    public static double Saturation(double frequency, double length, double averageLength, double k1 = DefaultK1, double b = DefaultB)
    {
        if (frequency <= 0) return 0;
        double relative = averageLength > 0 ? length / averageLength : 1;
        return frequency / (frequency + (k1 * (1 - b + (b * relative))));
    }

    /// <summary>
    /// Which terms of a query count. A term that no document has counts for nothing; one that more than a share of the documents have is a
    /// stop word, unless the query has none that is rarer.
    /// </summary>
    /// <param name="documentsWith">For each term of the query, how many documents have it.</param>
    /// <param name="documents">How many documents there are.</param>
    /// <param name="counts">Set to whether each term counts.</param>
    /// <param name="common">The share of documents above which a term is a stop word; 1 for none.</param>
    public static void Choose(ReadOnlySpan<int> documentsWith, int documents, Span<bool> counts, double common = DefaultCommon)
    {
        bool anyRare = false;
        foreach (int with in documentsWith) anyRare |= with > 0 && with <= common * documents;
        for (int i = 0; i < documentsWith.Length; i++)
            counts[i] = documentsWith[i] > 0 && (!anyRare || documentsWith[i] <= common * documents);
    }
}
